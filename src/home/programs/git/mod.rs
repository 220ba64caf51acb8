//! git: `.config/git/config` and what lies beside it.

mod older;
mod signing;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::{Table, Value};

use super::findings::{Findings, contribute, executable, one_line, requests};
use super::options::Package;
use super::{Content, Context, Contribution, OptionError, Program};
use crate::home::format::gitconfig;

const NAME: &str = "git";

/// Where git's files are, below the home.
const FOLDER: &str = ".config/git";

/// `programs.git`. It is evaluated with the shells: other programs bring settings ([`Contribution::git`]).
pub(super) const GIT: Program = Program {
    name: NAME,
    package: "git",
    requests: |table| requests(NAME, &older::current(table).0, |git: &TomlGit| git.lfs.requests()),
    contribute: |table, context| evaluate(table, context),
    is_shell: true,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct TomlGit {
    #[serde(rename = "enable")]
    _enable: Option<IgnoredAny>,
    #[serde(rename = "package")]
    _package: Option<Package>,
    #[serde(default)]
    settings: Table,
    #[serde(default)]
    ignores: Vec<String>,
    #[serde(default)]
    attributes: Vec<String>,
    #[serde(default)]
    includes: Vec<TomlInclude>,
    #[serde(default)]
    signing: signing::TomlSigning,
    #[serde(default)]
    lfs: TomlLfs,
    #[serde(default)]
    hooks: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct TomlInclude {
    condition: Option<String>,
    path: Option<String>,
    #[serde(default)]
    contents: Table,
    #[serde(default = "content_suffix")]
    content_suffix: String,
}

fn content_suffix() -> String {
    "gitconfig".to_owned()
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct TomlLfs {
    enable: bool,
    package: Option<Package>,
    skip_smudge: bool,
}

impl TomlLfs {
    fn requests(&self) -> Vec<String> {
        let request = Package::request(self.package.as_ref(), "git-lfs").filter(|_| self.enable);
        request.into_iter().map(str::to_owned).collect()
    }

    fn settings(&self, context: &Context<'_>) -> Table {
        let lfs = executable(context, self.package.as_ref(), "git-lfs", "git-lfs");
        let skip = if self.skip_smudge { " --skip" } else { "" };
        let filter = [
            ("clean", Value::String(format!("{lfs} clean -- %f"))),
            ("process", Value::String(format!("{lfs} filter-process{skip}"))),
            ("required", Value::Boolean(true)),
            ("smudge", Value::String(format!("{lfs} smudge{skip} -- %f"))),
        ];
        let filter = filter.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        nested(["filter", "lfs"], Value::Table(filter))
    }
}

fn evaluate(table: &Table, context: &Context<'_>) -> (Contribution, Vec<OptionError>) {
    let (table, older) = older::current(table);
    contribute(NAME, &table, |git: &TomlGit, findings| {
        findings.extend(older);
        let mut files = BTreeMap::new();
        for (name, lines) in [("ignore", &git.ignores), ("attributes", &git.attributes)] {
            if !lines.is_empty() {
                files.insert(format!("{FOLDER}/{name}"), (Content::Text(lines.join("\n") + "\n"), false));
            }
        }
        hooks(git, &mut files, findings);
        let mut text = rendered(&settings(git, context, findings), &["settings"], findings);
        for (index, include) in git.includes.iter().enumerate() {
            let part = included(include, index, context, &mut files, findings);
            text += if text.is_empty() { "" } else { "\n" };
            text += &part;
        }
        files.insert(format!("{FOLDER}/config"), (Content::Text(text), false));
        Contribution { files, packages: git.lfs.requests(), ..Contribution::default() }
    })
}

/// All settings; those of the table's own go before the others.
fn settings(git: &TomlGit, context: &Context<'_>, findings: &mut Findings) -> Table {
    let mut settings = git.settings.clone();
    fill(&mut settings, &git.signing.settings(context, findings), 0);
    if git.lfs.enable {
        fill(&mut settings, &git.lfs.settings(context), 0);
    }
    if !git.hooks.is_empty() {
        let path = format!("{}/{FOLDER}/hooks", context.home);
        fill(&mut settings, &nested(["core", "hooksPath"], Value::String(path)), 0);
    }
    for (keys, value) in &context.others.git {
        fill(&mut settings, &nested(keys.iter().map(String::as_str), Value::String(value.clone())), 0);
    }
    settings
}

/// A value below tables of these names; no table where there is no name.
fn nested<'a>(keys: impl IntoIterator<Item = &'a str, IntoIter: DoubleEndedIterator>, value: Value) -> Table {
    let wrap = |value, key: &str| Value::Table([(key.to_owned(), value)].into_iter().collect());
    match keys.into_iter().rev().fold(value, wrap) {
        Value::Table(table) => table,
        _ => Table::new(),
    }
}

/// Puts in what `into` has not said. TOML is no deeper than this goes.
fn fill(into: &mut Table, from: &Table, depth: usize) {
    for (key, value) in from {
        match (into.get_mut(key), value) {
            (Some(Value::Table(into)), Value::Table(value)) if depth < 100 => fill(into, value, depth + 1),
            (Some(_), _) => {}
            (None, value) => {
                into.insert(key.clone(), value.clone());
            }
        }
    }
}

fn rendered(settings: &Table, path: &[&str], findings: &mut Findings) -> String {
    gitconfig(settings).unwrap_or_else(|error| {
        let keys = error.path.iter().map(String::as_str);
        let path: Vec<&str> = path.iter().copied().chain(keys).collect();
        findings.error(&path, error.reason, "write settings as `section.name = \"value\"`");
        String::new()
    })
}

/// Each hook is a file of a folder that git is told of.
fn hooks(git: &TomlGit, files: &mut BTreeMap<String, (Content, bool)>, findings: &mut Findings) {
    for (name, hook) in &git.hooks {
        let path = ["hooks", name.as_str()];
        let content = match hook.as_bytes() {
            [b'#', b'!', ..] => Content::Text(hook.clone()),
            [b'/', ..] if one_line(hook) => Content::Link(hook.clone()),
            _ => {
                let help =
                    "write the hook's text, beginning with `#!`, or an absolute path such as `${pkgs.NAME}/bin/hook`";
                findings.error(&path, "it is no script and no path", help);
                continue;
            }
        };
        if name.is_empty() || name.contains(['/', '\0']) || name.starts_with('.') {
            findings.error(&path, "git has no hook of this name", "see githooks(5)");
        }
        let executable = matches!(content, Content::Text(_));
        files.insert(format!("{FOLDER}/hooks/{name}"), (content, executable));
    }
}

/// The section that includes a file, and the file where its contents are given.
fn included(
    include: &TomlInclude,
    index: usize,
    context: &Context<'_>,
    files: &mut BTreeMap<String, (Content, bool)>,
    findings: &mut Findings,
) -> String {
    let place = index.to_string();
    let own = format!("{FOLDER}/include-{index}-{}", include.content_suffix);
    let path = match &include.path {
        Some(path) => path.clone(),
        None if include.contents.is_empty() => {
            findings.error(&["includes", &place], "it has no `path` and no `contents`", "write one of them");
            return String::new();
        }
        None => {
            if include.content_suffix.contains(['/', '\0']) {
                findings.error(
                    &["includes", &place, "contentSuffix"],
                    "it is part of a file's name",
                    "take the `/` out",
                );
            }
            let text = rendered(&include.contents, &["includes", &place, "contents"], findings);
            files.insert(own.clone(), (Content::Text(text), false));
            format!("{}/{own}", context.home)
        }
    };
    let path = Value::String(path);
    let section = match &include.condition {
        // As one name: a condition has dots of its own.
        Some(condition) => nested(["includeIf", condition, "path"], path),
        None => nested(["include", "path"], path),
    };
    rendered(&section, &["includes", &place], findings)
}

#[cfg(test)]
mod tests;
