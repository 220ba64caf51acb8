//! `file` and `xdg.configFile`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::finding::Finding;
use super::super::format::Format;
use super::super::manifest::LIVE;
use crate::config::reading;

/// A file of the home.
#[derive(Debug, Clone, PartialEq)]
pub struct FileSettings {
    /// Below the home: no `.`, `..`, double or trailing slashes.
    pub target: String,
    /// What it holds.
    pub content: FileContent,
    /// Whether it is executable; `None`: as its source is.
    pub executable: Option<bool>,
    /// It takes the place of a file of the user's own.
    pub force: bool,
    /// A source folder's files are linked one by one.
    pub recursive: bool,
    /// Keys that lead to it.
    pub path: Vec<String>,
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq)]
pub enum FileContent {
    /// Its text; data is rendered already.
    Text(String),
    /// What lies at this path, as written: of the project, absolute, or in a package.
    Source(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileTable {
    text: Option<String>,
    source: Option<String>,
    json: Option<toml::Value>,
    toml: Option<toml::Value>,
    yaml: Option<toml::Value>,
    ini: Option<toml::Value>,
    gitconfig: Option<toml::Value>,
    executable: Option<bool>,
    #[serde(default)]
    force: bool,
    #[serde(default)]
    recursive: bool,
}

/// The files of a table at `at`; their targets get `prefix`.
pub(super) fn files(
    at: &[&str],
    prefix: &str,
    tables: BTreeMap<String, toml::Value>,
    findings: &mut Vec<Finding>,
) -> Vec<FileSettings> {
    let mut files = Vec::new();
    for (key, value) in tables {
        let path = [at, &[key.as_str()]].concat();
        match file(&path, prefix, &key, &value) {
            Ok(file) => files.push(file),
            Err(finding) => findings.push(finding),
        }
    }
    files
}

fn file(path: &[&str], prefix: &str, key: &str, value: &toml::Value) -> Result<FileSettings, Finding> {
    let table: FileTable =
        reading::value(value).map_err(|error| Finding::error(path, format!("`{key}`: {error}"), None))?;
    let (executable, force, recursive) = (table.executable, table.force, table.recursive);
    let target = target(&format!("{prefix}{key}")).map_err(|reason| {
        Finding::error(path, format!("the path `{key}` {reason}"), "write a path below the home".to_owned())
    })?;
    let content = content(path, key, table)?;
    let path = path.iter().map(|key| (*key).to_owned()).collect();
    Ok(FileSettings { target, content, executable, force, recursive, path })
}

fn content(path: &[&str], key: &str, table: FileTable) -> Result<FileContent, Finding> {
    let text = table.text.map(|text| Ok(FileContent::Text(text)));
    let source = table.source.map(|source| Ok(FileContent::Source(source)));
    let data = [table.json, table.toml, table.yaml, table.ini, table.gitconfig];
    let data = Format::ALL.into_iter().zip(data).filter_map(|(format, data)| data.map(|data| (format, data)));
    let data = data.map(|(format, data)| {
        let text = format.render(&data).map_err(|error| {
            let inner = error.path.iter().map(String::as_str);
            let path: Vec<&str> = path.iter().copied().chain([format.key()]).chain(inner).collect();
            Finding::error(&path, error.to_string(), None)
        })?;
        Ok(FileContent::Text(text))
    });
    let mut contents = text.into_iter().chain(source).chain(data);
    let names = "`text`, `source`, `json`, `toml`, `yaml`, `ini` or `gitconfig`";
    match (contents.next(), contents.next()) {
        (Some(content), None) => content,
        (None, _) => Err(Finding::error(path, format!("nothing says what `{key}` holds"), format!("add {names}"))),
        (Some(_), Some(_)) => Err(Finding::error(path, "a file has one content", format!("keep one of {names}"))),
    }
}

/// A path below the home in its normal form, or what is wrong with it.
pub(in crate::home) fn target(written: &str) -> Result<String, &'static str> {
    let mut parts = Vec::new();
    for part in written.split('/') {
        match part {
            "" if parts.is_empty() => return Err("is empty or absolute"),
            "" | "." => {}
            ".." => return Err("has a `..`"),
            _ if part.starts_with(".wh.") => return Err("has a name beginning `.wh.`, which container images reserve"),
            _ if part.len() > 255 => return Err("has a name of more than 255 bytes"),
            _ if part.contains(char::is_control) => return Err("has a control character"),
            _ => parts.push(part),
        }
    }
    let target = parts.join("/");
    let own = LIVE.rsplit_once('/').map_or(LIVE, |(folder, _)| folder);
    match target.as_str() {
        "" => Err("is empty"),
        _ if written.len() > 4000 => Err("is longer than 4000 bytes"),
        target if target == own || target.strip_prefix(own).is_some_and(|rest| rest.starts_with('/')) => {
            Err("lies where the home's own state is")
        }
        _ => Ok(target),
    }
}
