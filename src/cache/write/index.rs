//! The cache's own index of names, `index.jsonl`: lines as `nix-eval-jobs` prints them.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{CacheWriter, WriteError};
use crate::config::System;
use crate::nix::{StorePath, split_version};

/// The name of the file.
pub(super) const FILE: &str = "index.jsonl";

/// More than the largest package set takes.
pub(super) const LIMIT: u64 = 1 << 30;

/// A line. What `nix-eval-jobs` says beyond this is kept as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Line {
    attr: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attr_path: Vec<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    outputs: BTreeMap<String, Option<String>>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    system: String,
    #[serde(flatten)]
    rest: serde_json::Map<String, serde_json::Value>,
}

impl Line {
    /// The line for a package of one output.
    pub(super) fn new(path: &StorePath, system: System) -> Self {
        let attribute = split_version(path.name()).0.to_owned();
        Self {
            attr_path: vec![attribute.clone()],
            attr: attribute,
            name: path.name().to_owned(),
            outputs: BTreeMap::from([("out".to_owned(), Some(path.to_string()))]),
            system: system.name().to_owned(),
            rest: serde_json::Map::new(),
        }
    }

    pub(super) fn attribute(&self) -> &str {
        &self.attr
    }

    /// Its outputs' store paths, as written.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.outputs.values().flatten().map(String::as_str)
    }

    /// Lines are sorted by this, and of two lines with the same only the newer one is kept.
    fn key(&self) -> (&str, &str, &str) {
        (&self.attr, &self.system, &self.name)
    }
}

impl CacheWriter {
    /// Adds a line in the place of an earlier one for the same name and system.
    pub(super) fn add_to_index(&self, line: &Line) -> Result<(), WriteError> {
        self.rewrite(FILE, LIMIT, &|old| {
            let mut lines = parse(old, Path::new(FILE))?;
            lines.retain(|known| known.key() != line.key());
            lines.push(line.clone());
            lines.sort_by(|one, other| one.key().cmp(&other.key()));
            let mut text = Vec::new();
            for line in &lines {
                serde_json::to_writer(&mut text, line).expect("strings and maps of strings always serialise");
                text.push(b'\n');
            }
            Ok(text)
        })
    }
}

/// The lines of the index in a cache's folder; none where there is no index.
pub(super) fn of_folder(folder: &Path) -> Result<Vec<Line>, WriteError> {
    read(&folder.join(FILE))
}

fn read(path: &Path) -> Result<Vec<Line>, WriteError> {
    let wrong = |source| WriteError::Read { path: path.to_owned(), source };
    parse(&super::read_limited(path, LIMIT).map_err(wrong)?.unwrap_or_default(), path)
}

/// The lines of an index that was read from `path`.
pub(super) fn parse(text: &[u8], path: &Path) -> Result<Vec<Line>, WriteError> {
    let lines = text.split(|&byte| byte == b'\n').enumerate().filter(|(_, line)| !line.trim_ascii().is_empty());
    lines
        .map(|(index, line)| {
            serde_json::from_slice(line).map_err(|fault| WriteError::Index {
                path: path.to_owned(),
                line: index + 1,
                reason: fault.to_string(),
            })
        })
        .collect()
}
