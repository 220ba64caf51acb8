//! Programs that go by another name today. Older names of options are each program's own affair.

use super::super::finding::Finding;

/// Older name, and today's.
const RENAMED: [(&str, &str); 1] = [("exa", "eza")];

/// Moves what stands under an older name to today's, with a warning. What stands there already stays.
pub(super) fn rename(table: &mut toml::Table, findings: &mut Vec<Finding>) {
    let Some(toml::Value::Table(programs)) = table.get_mut("programs") else { return };
    for (old, new) in RENAMED {
        let Some(value) = programs.remove(old) else { continue };
        let message = format!("`programs.{old}` is an older name");
        findings.push(Finding::warning(&["programs", old], message, format!("write `programs.{new}`")));
        programs.entry(new).or_insert(value);
    }
}
