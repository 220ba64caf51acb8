//! Every finding: its message, line, column and remedy.

mod contents;
mod names;
mod project;
mod shape;

use crate::config::{Loaded, Severity, Sources, parse};

/// Checks texts; system.toml gets an `[image]` where it has none.
pub(super) fn load(system: &str, users: &str, home: &str) -> Loaded {
    let image = if system.contains("[image") { "" } else { "\n[image]\nname = \"box\"\n" };
    let own = |text: &str| text.strip_prefix('\n').unwrap_or(text).to_owned();
    parse(&Sources { system: Some(own(system) + image), users: Some(own(users)), home: Some(own(home)) })
}

/// A line for each finding: `file:line:column severity: message; remedy`.
pub(super) fn findings(system: &str, users: &str, home: &str) -> String {
    let loaded = load(system, users, home);
    let wrong = loaded.diagnostics.iter().any(|finding| finding.severity == Severity::Error);
    assert_eq!(loaded.machine.is_none(), wrong, "a machine comes of files without errors, and of no others");
    let lines = loaded.diagnostics.iter().map(|finding| {
        let severity = match finding.severity {
            Severity::Error => "",
            Severity::Warning => "warning: ",
            Severity::Note => "note: ",
        };
        let place = finding.place.as_ref().map_or_else(String::new, |place| {
            let (line, column) = place.line_column();
            format!("{}:{line}:{column} ", place.file.display())
        });
        let help = finding.help.as_ref().map_or_else(String::new, |help| format!("\n    {help}"));
        format!("{place}{severity}{}{help}\n", finding.message)
    });
    lines.collect()
}
