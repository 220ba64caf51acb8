//! git's configuration, as nixpkgs' `generators.toGitINI` writes it.

use std::collections::BTreeMap;

use super::ini::values;
use super::{DEEPEST, FormatError, plain, sorted};

/// Keys of a section with their values.
type Section = BTreeMap<String, Vec<String>>;

/// `[section "sub"]` with `key = value` behind tabs; strings in quotes, a list as the key once for each value. Tables in
/// tables are subsections, and so is what follows the first dot in a table's name. Sections without keys vanish.
pub fn gitconfig(table: &toml::Table) -> Result<String, FormatError> {
    let mut sections = BTreeMap::new();
    collect(table, &mut Vec::new(), &mut sections)?;
    let text = |(name, section): (&String, &Section)| {
        let lines = section.iter().flat_map(|(key, values)| values.iter().map(move |value| (key, value)));
        let lines = lines.map(|(key, value)| format!("\t{key} = {value}\n")).collect::<Vec<_>>();
        format!("[{}]\n{}", header(name), lines.concat())
    };
    Ok(sections.iter().map(text).collect::<Vec<_>>().join("\n"))
}

fn collect(
    table: &toml::Table,
    path: &mut Vec<String>,
    sections: &mut BTreeMap<String, Section>,
) -> Result<(), FormatError> {
    for (key, value) in sorted(table) {
        path.push(key.clone());
        match value {
            _ if path.len() > DEEPEST => return Err(refused(path, "it is nested too deeply")),
            toml::Value::Table(inner) => collect(inner, path, sections)?,
            _ if path.len() == 1 => return Err(refused(path, "it has to stand in a section")),
            value => {
                let name = path[..path.len() - 1].join(".");
                check(&name, path)?;
                check(key, path)?;
                let values = values(value).iter().map(|value| quoted(value, path)).collect::<Result<_, _>>()?;
                sections.entry(name).or_default().insert(key.replace(" = ", "\\ = "), values);
            }
        }
        path.pop();
    }
    Ok(())
}

/// A name with a line break would be more than a name.
fn check(name: &str, path: &[String]) -> Result<(), FormatError> {
    if name.contains(['\n', '\0']) { Err(refused(path, "git has no name with a line break")) } else { Ok(()) }
}

/// `branch.main` is `branch "main"`; a name that has its quotes already stays.
fn header(name: &str) -> String {
    match name.split_once('.') {
        Some((section, subsection)) if !name.contains('"') => {
            format!("{section} \"{}\"", subsection.replace('\\', "\\\\"))
        }
        _ => name.to_owned(),
    }
}

fn quoted(value: &toml::Value, path: &[String]) -> Result<String, FormatError> {
    if let toml::Value::String(text) = value {
        let escaped = text.replace('\\', "\\\\").replace('\n', "\\n").replace('\t', "\\t").replace('"', "\\\"");
        return Ok(format!("\"{escaped}\""));
    }
    plain(value).ok_or_else(|| refused(path, "a list holds scalars"))
}

fn refused(path: &[String], reason: &'static str) -> FormatError {
    FormatError { format: "gitconfig", path: path.to_vec(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_and_subsections_are_git_s() {
        let data = toml::toml! {
            [user]
            name = "Alice"
            [url."ssh://git@example.org/"]
            insteadOf = ["https://example.org/", "ex:"]
            [core]
            autocrlf = false
            abbrev = 12
            editor = "nvim -c \"set ft=git\"\t\\x\n"
            [a.b.c]
            d = 1
            [empty]
            ["branch.main"]
            remote = "origin"
        };
        let expected = "[a \"b.c\"]\n\td = 1\n\n\
            [branch \"main\"]\n\tremote = \"origin\"\n\n\
            [core]\n\tabbrev = 12\n\tautocrlf = false\n\teditor = \"nvim -c \\\"set ft=git\\\"\\t\\\\x\\n\"\n\n\
            [url \"ssh://git@example.org/\"]\n\tinsteadOf = \"https://example.org/\"\n\tinsteadOf = \"ex:\"\n\n\
            [user]\n\tname = \"Alice\"\n";
        assert_eq!(gitconfig(&data).unwrap(), expected);
    }

    #[test]
    fn both_ways_to_write_a_subsection_meet() {
        let data = toml::toml! {
            "branch.main" = { remote = "origin" }
            branch = { main = { merge = "refs/heads/main" } }
        };
        let text = gitconfig(&data).unwrap();
        assert_eq!(text, "[branch \"main\"]\n\tmerge = \"refs/heads/main\"\n\tremote = \"origin\"\n");
    }

    #[test]
    fn what_git_can_not_read_is_refused() {
        assert!(gitconfig(&toml::toml! { name = "x" }).is_err());
        assert!(gitconfig(&toml::toml! { a = { b = [[1]] } }).is_err());
        assert!(gitconfig(&toml::toml! { "a\nb" = { c = 1 } }).is_err());
    }
}
