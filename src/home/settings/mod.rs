//! Reads a merged home: `${pkgs.NAME}` put in, older names made today's, values of the types that they have to have.

mod daemon;
mod file;
mod packages;
mod renamed;

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::config::reading;
use crate::nix::StorePath;

use super::finding::Finding;
use super::merge::Merged;

pub use daemon::DaemonSettings;
pub(super) use file::target;
pub use file::{FileContent, FileSettings};
pub use packages::{Requests, requests};
pub(super) use packages::{is_enabled, requests_of};

/// A home as it was meant.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settings {
    /// Requests, in the order written.
    pub packages: Vec<String>,
    /// Variables of sessions; `$HOME` is the shell's to expand.
    pub session_variables: BTreeMap<String, String>,
    /// Folders that go before PATH.
    pub session_path: Vec<String>,
    /// Aliases of all shells.
    pub aliases: BTreeMap<String, String>,
    /// Files, in the order of their keys.
    pub files: Vec<FileSettings>,
    /// Programs' tables by name.
    pub programs: BTreeMap<String, toml::Table>,
    /// Daemons of the user's own.
    pub daemons: BTreeMap<String, DaemonSettings>,
    /// A file in the way is kept under its name with this extension.
    pub backup_extension: Option<String>,
}

/// The path that `${pkgs.NAME}` stands for. Where nothing requests the package, or it has no path: the name that may have been
/// meant.
pub type Lookup<'a> = dyn Fn(&str) -> Result<StorePath, Option<String>> + 'a;

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Table {
    packages: Vec<String>,
    session_variables: BTreeMap<String, toml::Value>,
    session_path: Vec<String>,
    shell_aliases: BTreeMap<String, String>,
    file: BTreeMap<String, toml::Value>,
    xdg: Xdg,
    programs: BTreeMap<String, toml::Table>,
    daemons: BTreeMap<String, toml::Value>,
    #[serde(rename = "backup-extension")]
    backup_extension: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Xdg {
    config_file: BTreeMap<String, toml::Value>,
}

/// Reads `merged`. What is wrong is in `findings`, and left out.
pub(super) fn settings(merged: &Merged, lookup: &Lookup<'_>, findings: &mut Vec<Finding>) -> Settings {
    let mut table = merged.table.clone();
    renamed::rename(&mut table, findings);
    packages::put_in(&mut table, lookup, findings);
    let mut home = Table::default();
    for (key, value) in table {
        // A key at a time, so that a mistake in one leaves the others.
        let one = toml::Table::from_iter([(key.clone(), value)]);
        match reading::table::<Table>(&one) {
            Ok(read) => home.take(&key, read),
            Err(error) => {
                findings.push(Finding::error(&[&key], format!("`{key}` can't be read: {error}"), None));
            }
        }
    }
    let session_variables = variables(home.session_variables, findings);
    let mut files = file::files(&["file"], "", home.file, findings);
    files.extend(file::files(&["xdg", "configFile"], ".config/", home.xdg.config_file, findings));
    Settings {
        packages: home.packages,
        session_variables,
        session_path: home.session_path,
        aliases: home.shell_aliases,
        files,
        programs: home.programs,
        daemons: daemon::daemons(home.daemons, findings),
        backup_extension: home.backup_extension,
    }
}

impl Table {
    /// Takes the key over from a table that has nothing else.
    fn take(&mut self, key: &str, read: Self) {
        match key {
            "packages" => self.packages = read.packages,
            "sessionVariables" => self.session_variables = read.session_variables,
            "sessionPath" => self.session_path = read.session_path,
            "shellAliases" => self.shell_aliases = read.shell_aliases,
            "file" => self.file = read.file,
            "xdg" => self.xdg = read.xdg,
            "programs" => self.programs = read.programs,
            "daemons" => self.daemons = read.daemons,
            "backup-extension" => self.backup_extension = read.backup_extension,
            // Unknown keys were reported where the file was read.
            _ => {}
        }
    }
}

/// Numbers and truth as text, as shells have nothing else.
fn variables(values: BTreeMap<String, toml::Value>, findings: &mut Vec<Finding>) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    for (name, value) in values {
        let text = match value {
            toml::Value::String(text) => text,
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Float(number) => number.to_string(),
            toml::Value::Boolean(value) => value.to_string(),
            _ => {
                let message = format!("the variable `{name}` has to be a string, a number, true or false");
                findings.push(Finding::error(&["sessionVariables", &name], message, None));
                continue;
            }
        };
        if !is_variable(&name) {
            let help = "use letters, digits and `_`, and no digit first".to_owned();
            let message = format!("`{name}` can't be a variable of a shell's");
            findings.push(Finding::error(&["sessionVariables", &name], message, help));
            continue;
        }
        variables.insert(name, text);
    }
    variables
}

/// Whether shells can export it.
fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests;
