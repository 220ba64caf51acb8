//! Older names of git's options, and those that went.

use toml::{Table, Value};

use super::super::OptionError;
use super::super::options::{renamed, wrong};
use super::{NAME, fill, nested};

/// Options whose place is in `settings` now.
const MOVED: [(&str, &[&str]); 3] =
    [("userName", &["user", "name"]), ("userEmail", &["user", "email"]), ("aliases", &["alias"])];

/// Options that are others' now, and what is written instead.
const GONE: [(&str, &str); 8] = [
    (
        "delta",
        "put `delta` into `packages`, and write `settings.core.pager = \"delta\"`, `settings.interactive.diffFilter = \"delta --color-only\"` and delta's options below `settings.delta`",
    ),
    (
        "diff-so-fancy",
        "put `diff-so-fancy` into `packages`, and write `settings.core.pager = \"diff-so-fancy | less --tabs=4 -RFX\"`",
    ),
    ("diff-highlight", "write `settings.core.pager` with git's own diff-highlight"),
    ("difftastic", "put `difftastic` into `packages`, and write `settings.diff.external = \"difft\"`"),
    ("patdiff", "put `patdiff` into `packages`, and write `settings.diff.external = \"patdiff-git-wrapper\"`"),
    (
        "riff",
        "put `riff` into `packages`, and write `settings.core.pager = \"riff\"` and `settings.interactive.diffFilter = \"riff --color=on\"`",
    ),
    (
        "maintenance",
        "there is no systemd: write a daemon that runs `git maintenance run` of the repositories now and then",
    ),
    ("iniContent", "write `settings`"),
];

/// `table` in today's names, with a word on each change.
pub(super) fn current(table: &Table) -> (Table, Vec<OptionError>) {
    let mut table = table.clone();
    let mut findings = Vec::new();
    for (option, help) in GONE {
        if table.remove(option).is_some() {
            let error = wrong(NAME, &[option], "dumbc has no such option of git");
            findings.push(OptionError { help: Some(help.to_owned()), ..error });
        }
    }
    let mut moved = Table::new();
    for (option, keys) in MOVED {
        if let Some(value) = table.remove(option) {
            findings.push(renamed(NAME, &[option], &format!("programs.git.settings.{}", keys.join("."))));
            fill(&mut moved, &nested(keys.iter().copied(), value), 0);
        }
    }
    // Text was once allowed: it stays where it is, and is refused as no table.
    if matches!(table.get("extraConfig"), Some(Value::Table(_)) | None) {
        if let Some(Value::Table(extra)) = table.remove("extraConfig") {
            findings.push(renamed(NAME, &["extraConfig"], "programs.git.settings"));
            fill(&mut moved, &extra, 0);
        }
    } else {
        let error = wrong(NAME, &["extraConfig"], "it has to be a table");
        findings.push(OptionError { help: Some("write its settings below `settings`".to_owned()), ..error });
        table.remove("extraConfig");
    }
    if let Some(Value::Table(settings)) = table.get_mut("settings") {
        fill(settings, &moved, 0);
    } else if !moved.is_empty() && !table.contains_key("settings") {
        table.insert("settings".to_owned(), Value::Table(moved));
    }
    older_signing(&mut table, &mut findings);
    (table, findings)
}

fn older_signing(table: &mut Table, findings: &mut Vec<OptionError>) {
    let Some(Value::Table(signing)) = table.get_mut("signing") else { return };
    if let Some(path) = signing.remove("gpgPath") {
        findings.push(renamed(NAME, &["signing", "gpgPath"], "programs.git.signing.signer"));
        signing.entry("signer").or_insert(path);
    }
}
