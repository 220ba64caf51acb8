//! Packages that a home asks for, and `${pkgs.NAME}` in its texts.

use crate::config::Template;

use super::super::finding::Finding;
use super::super::merge::Merged;
use super::super::programs::{self, Program};
use super::{Lookup, renamed};

/// TOML's parser stops earlier.
const DEEPEST: usize = 128;

/// What a home asks for, each once, in the order of the home.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Requests {
    /// What the home's union holds: `packages`, then those of programs.
    pub installed: Vec<String>,
    /// What programs lean on beside it: plugins.
    pub others: Vec<String>,
}

impl Requests {
    /// All of them, each once.
    #[must_use]
    pub fn all(&self) -> Vec<String> {
        let others = self.others.iter().filter(|other| !self.installed.contains(other));
        self.installed.iter().chain(others).cloned().collect()
    }
}

/// The requests of a home. With `debian_default` plain names are a Debian archive's, whose packages are the system's: a
/// program that says nothing of its package has none of the home's then.
#[must_use]
pub fn requests(merged: &Merged, debian_default: bool) -> Requests {
    requests_of(programs::known(), merged, debian_default)
}

pub(in crate::home) fn requests_of(known: &[&Program], merged: &Merged, debian_default: bool) -> Requests {
    let mut table = merged.table.clone();
    renamed::rename(&mut table, &mut Vec::new());
    let mut requests = Requests::default();
    let packages = table.get("packages").and_then(toml::Value::as_array);
    let mut installed: Vec<String> =
        packages.into_iter().flatten().filter_map(toml::Value::as_str).map(str::to_owned).collect();
    let tables = table.get("programs").and_then(toml::Value::as_table);
    for program in known {
        let table = tables.and_then(|tables| tables.get(program.name)).and_then(toml::Value::as_table);
        let Some(table) = table.filter(|table| is_enabled(table)) else { continue };
        installed.extend(package_of(program, table, debian_default));
        requests.others.extend((program.requests)(table));
    }
    for text in installed {
        if !requests.installed.contains(&text) {
            requests.installed.push(text);
        }
    }
    let mut seen = Vec::new();
    requests.others.retain(|text| {
        !seen.contains(text) && {
            seen.push(text.clone());
            true
        }
    });
    requests
}

pub(in crate::home) fn is_enabled(table: &toml::Table) -> bool {
    table.get("enable").and_then(toml::Value::as_bool) == Some(true)
}

/// The request for a program's own package.
fn package_of(program: &Program, table: &toml::Table, debian_default: bool) -> Option<String> {
    match table.get("package") {
        Some(toml::Value::String(text)) => Some(text.clone()),
        Some(toml::Value::Boolean(false)) => None,
        _ => (!debian_default && !program.package.is_empty()).then(|| program.package.to_owned()),
    }
}

/// Puts store paths in every string but requests. Where something is wrong, the text stays as it is.
pub(super) fn put_in(table: &mut toml::Table, lookup: &Lookup<'_>, findings: &mut Vec<Finding>) {
    for (key, value) in table.iter_mut().filter(|(key, _)| *key != "packages") {
        render(value, lookup, &mut vec![key.clone()], findings);
    }
}

fn render(value: &mut toml::Value, lookup: &Lookup<'_>, path: &mut Vec<String>, findings: &mut Vec<Finding>) {
    if path.len() > DEEPEST {
        return;
    }
    match value {
        toml::Value::String(text) if text.contains("${pkgs.") => match rendered(text, lookup) {
            Ok(rendered) => *text = rendered,
            Err((message, help)) => {
                let path: Vec<&str> = path.iter().map(String::as_str).collect();
                findings.push(Finding::error(&path, message, help));
            }
        },
        toml::Value::Array(values) => {
            for (index, value) in values.iter_mut().enumerate() {
                path.push(index.to_string());
                render(value, lookup, path, findings);
                path.pop();
            }
        }
        toml::Value::Table(table) => {
            for (key, value) in table.iter_mut() {
                path.push(key.clone());
                render(value, lookup, path, findings);
                path.pop();
            }
        }
        _ => {}
    }
}

/// The text, or what is wrong and what to do.
fn rendered(text: &str, lookup: &Lookup<'_>) -> Result<String, (String, String)> {
    let template = Template::parse(text, None).map_err(|error| {
        (error.reason.to_owned(), "write `${pkgs.NAME}`, or `$${pkgs.` for these very characters".to_owned())
    })?;
    template.render(|name| lookup(name).ok()).map_err(|name| {
        let help = match lookup(&name) {
            Err(Some(meant)) => format!("did you mean `{meant}`?"),
            _ => format!("add \"{name}\" to `packages`; a Debian package has no folder of its own: write its path"),
        };
        (format!("no package `{name}` is requested"), help)
    })
}
