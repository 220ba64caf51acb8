//! Data of the TOML files as other programs' formats: JSON, TOML, YAML, INI, git's configuration.
//!
//! Keys come sorted by their bytes, as in Nix, whatever the order in the file: the same data gives the same text. Text ends
//! with a newline.

mod gitconfig;
mod ini;
mod json;
mod yaml;

pub use gitconfig::gitconfig;
pub use ini::ini;
pub use json::json;
pub use yaml::yaml;

use std::collections::BTreeMap;

/// Deeper data is refused. TOML's own parser stops at 80.
const DEEPEST: usize = 100;

/// Data that a format can't hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{format} can't hold `{}`: {reason}", .path.join("."))]
pub struct FormatError {
    /// `JSON`, `INI`, …
    pub format: &'static str,
    /// Keys that lead to it.
    pub path: Vec<String>,
    /// What is wrong, to follow "it can't be: ".
    pub reason: &'static str,
}

/// A format that data is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `json`
    Json,
    /// `toml`
    Toml,
    /// `yaml`
    Yaml,
    /// `ini`
    Ini,
    /// `gitconfig`
    GitConfig,
}

impl Format {
    /// All of them, in the order in which the manual names them.
    pub const ALL: [Self; 5] = [Self::Json, Self::Toml, Self::Yaml, Self::Ini, Self::GitConfig];

    /// The key of a file that asks for it.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Toml => "toml",
            Self::Yaml => "yaml",
            Self::Ini => "ini",
            Self::GitConfig => "gitconfig",
        }
    }

    /// `data` in this format. TOML, INI and git's configuration hold tables only.
    pub fn render(self, data: &toml::Value) -> Result<String, FormatError> {
        match (self, data) {
            (Self::Json, data) => json(data),
            (Self::Yaml, data) => yaml(data),
            (Self::Toml, toml::Value::Table(table)) => toml(table),
            (Self::Ini, toml::Value::Table(table)) => ini(table),
            (Self::GitConfig, toml::Value::Table(table)) => gitconfig(table),
            _ => Err(FormatError { format: self.key(), path: Vec::new(), reason: "it has to be a table" }),
        }
    }
}

/// TOML: values first, then tables, as the format wants it.
pub fn toml(table: &toml::Table) -> Result<String, FormatError> {
    let reason = "it could not be written";
    toml::to_string(&sorted_deep(table, 0)?).map_err(|_| FormatError { format: "TOML", path: Vec::new(), reason })
}

/// The same with every table's keys in order.
fn sorted_deep(table: &toml::Table, depth: usize) -> Result<toml::Table, FormatError> {
    if depth > DEEPEST {
        return Err(FormatError { format: "TOML", path: Vec::new(), reason: "it is nested too deeply" });
    }
    let inner = |(key, value): (&String, &toml::Value)| match value {
        toml::Value::Table(table) => Ok((key.clone(), toml::Value::Table(sorted_deep(table, depth + 1)?))),
        other => Ok((key.clone(), other.clone())),
    };
    sorted(table).into_iter().map(inner).collect()
}

/// A table's entries in byte order of their keys: a table may keep the order of its file.
fn sorted(table: &toml::Table) -> BTreeMap<&String, &toml::Value> {
    table.iter().collect()
}

/// A scalar as INI files and their kin write it; `None` for lists and tables.
fn plain(value: &toml::Value) -> Option<String> {
    Some(match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Float(number) => number.to_string(),
        toml::Value::Boolean(value) => value.to_string(),
        toml::Value::Datetime(date) => date.to_string(),
        toml::Value::Array(_) | toml::Value::Table(_) => return None,
    })
}

/// The path of a finding, from borrowed keys.
fn path_of(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> toml::Value {
        toml::Value::Table(toml::from_str(text).unwrap())
    }

    #[test]
    fn toml_comes_back_sorted() {
        let data = value("b = 1\na.z = 'x'\na.c = [1, 2]\n");
        let text = Format::Toml.render(&data).unwrap();
        assert_eq!(text, "b = 1\n\n[a]\nc = [1, 2]\nz = \"x\"\n");
        assert_eq!(value(&text), data);
    }

    #[test]
    fn only_a_table_is_a_file_of_sections() {
        for format in [Format::Toml, Format::Ini, Format::GitConfig] {
            assert!(format.render(&toml::Value::Integer(1)).is_err());
        }
        assert_eq!(Format::Json.render(&toml::Value::Integer(1)).unwrap(), "1\n");
        assert_eq!(Format::Yaml.render(&toml::Value::Integer(1)).unwrap(), "1\n");
    }
}
