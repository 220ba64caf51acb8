//! What is different between two generations, for people.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::home::manifest::Manifest;
use crate::nix::{StorePath, split_version};

/// What is different.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// Packages that are new: `ripgrep 14.1.1`.
    pub added: Vec<String>,
    /// Packages that are gone.
    pub removed: Vec<String>,
    /// Packages of another version or build: `fd 10.1 → 10.2`.
    pub changed: Vec<String>,
    /// Files of the home that are new.
    pub new_files: Vec<String>,
    /// Files of the home that are gone.
    pub gone_files: Vec<String>,
}

impl Changes {
    /// From `before` to `after`.
    #[must_use]
    pub fn between(before: Option<&Manifest>, after: &Manifest) -> Self {
        let old = before.map(packages).unwrap_or_default();
        let new = packages(after);
        let mut changes = Self::default();
        for (request, path) in &new {
            match old.get(request) {
                None => changes.added.push(named(path)),
                Some(other) if other == path => {}
                Some(other) => changes.changed.push(format!("{} → {}", named(other), version(path))),
            }
        }
        changes.removed =
            old.iter().filter(|(name, _)| !new.contains_key(*name)).map(|(_, path)| named(path)).collect();
        let files = |manifest: &Manifest| -> BTreeSet<String> { manifest.files.keys().cloned().collect() };
        let (old, new) = (before.map(files).unwrap_or_default(), files(after));
        changes.new_files = new.difference(&old).cloned().collect();
        changes.gone_files = old.difference(&new).cloned().collect();
        changes
    }

    /// Whether nothing is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// A line for each.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let of = |sign: char, list: &[String]| list.iter().map(|item| format!("{sign} {item}")).collect::<Vec<_>>();
        let file = |list: &[String]| list.iter().map(|path| format!("~/{path}")).collect::<Vec<_>>();
        let parts = [
            of('+', &self.added),
            of('-', &self.removed),
            of('~', &self.changed),
            of('+', &file(&self.new_files)),
            of('-', &file(&self.gone_files)),
        ];
        parts.concat()
    }
}

/// The first path of each request.
fn packages(manifest: &Manifest) -> BTreeMap<String, StorePath> {
    let first = |(request, paths): (&String, &Vec<String>)| Some((request.clone(), paths.first()?.parse().ok()?));
    manifest.packages.iter().filter_map(first).collect()
}

fn named(path: &StorePath) -> String {
    let (name, version) = split_version(path.name());
    version.map_or_else(|| name.to_owned(), |version| format!("{name} {version}"))
}

fn version(path: &StorePath) -> String {
    split_version(path.name()).1.map_or_else(|| path.name().to_owned(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::home::manifest::ManifestFile;

    fn manifest(packages: &[(&str, &str)], files: &[&str]) -> Manifest {
        let path = |name: &str| StorePath::from_parts([7; 20], name).unwrap().to_string();
        Manifest {
            version: Manifest::VERSION,
            user: "alice".to_owned(),
            files: files.iter().map(|file| ((*file).to_owned(), ManifestFile::default())).collect(),
            session_variables: BTreeMap::new(),
            session_path: Vec::new(),
            backup_extension: None,
            daemons: Vec::new(),
            packages: packages.iter().map(|(text, name)| ((*text).to_owned(), vec![path(name)])).collect(),
        }
    }

    #[test]
    fn versions_are_told() {
        let before = manifest(&[("fd", "fd-10.1"), ("jq", "jq-1.7-bin")], &[".bashrc"]);
        let after = manifest(&[("fd", "fd-10.2"), ("ripgrep", "ripgrep-14.1.1")], &[".config/x"]);
        let changes = Changes::between(Some(&before), &after);
        insta::assert_snapshot!(changes.lines().join("\n"), @r"
        + ripgrep 14.1.1
        - jq 1.7-bin
        ~ fd 10.1 → 10.2
        + ~/.config/x
        - ~/.bashrc
        ");
        assert!(Changes::between(Some(&after), &after).is_empty());
        assert_eq!(Changes::between(None, &after).added, ["fd 10.2", "ripgrep 14.1.1"]);
    }
}
