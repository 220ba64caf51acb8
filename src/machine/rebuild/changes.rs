//! What is different between two generations, for people.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::Serialize;

use crate::home::manifest::{FILES, Manifest};
use crate::machine::activation::{ActivationError, read_manifest};
use crate::nix::{Hasher, Sha256, StorePath, split_version};

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
    /// Files of the home that hold something else.
    pub changed_files: Vec<String>,
    /// What else is different: `session variables`, `daemons`.
    pub settings: Vec<&'static str>,
}

/// What a generation says of itself, and what its files hold.
pub(super) struct Snapshot {
    pub(super) manifest: Manifest,
    contents: BTreeMap<String, Content>,
}

/// What a file holds; told apart, not kept.
#[derive(PartialEq, Eq)]
enum Content {
    Link(PathBuf),
    File {
        digest: Sha256,
        executable: bool,
    },
    /// No file: a folder, or nothing that can be read.
    Other,
}

impl Snapshot {
    /// Of the generation in this folder.
    pub(super) fn read(generation: &Path) -> Result<Self, ActivationError> {
        let manifest = read_manifest(generation)?;
        let files = generation.join(FILES);
        let contents = manifest.files.keys().map(|path| (path.clone(), Content::of(&files.join(path)))).collect();
        Ok(Self { manifest, contents })
    }
}

impl Content {
    fn of(path: &Path) -> Self {
        if let Ok(target) = fs::read_link(path) {
            return Self::Link(target);
        }
        let Ok(found) = fs::symlink_metadata(path) else { return Self::Other };
        let digest = if found.is_file() { digest(path) } else { return Self::Other };
        let executable = found.permissions().mode() & 0o111 != 0;
        digest.map_or(Self::Other, |digest| Self::File { digest, executable })
    }
}

fn digest(path: &Path) -> io::Result<Sha256> {
    let mut hasher = Hasher::new();
    io::copy(&mut fs::File::open(path)?, &mut hasher)?;
    Ok(hasher.finish())
}

impl Changes {
    /// From `before` to `after`.
    #[must_use]
    pub(super) fn between(before: Option<&Snapshot>, after: &Snapshot) -> Self {
        let old = before.map(|before| packages(&before.manifest)).unwrap_or_default();
        let new = packages(&after.manifest);
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
        let none = BTreeMap::new();
        let (old, new) = (before.map_or(&none, |before| &before.contents), &after.contents);
        let missing = |from: &BTreeMap<String, Content>, all: &BTreeMap<String, Content>| -> Vec<String> {
            all.keys().filter(|path| !from.contains_key(*path)).cloned().collect()
        };
        (changes.new_files, changes.gone_files) = (missing(old, new), missing(new, old));
        let differs = |(path, content): &(&String, &Content)| old.get(*path).is_some_and(|other| other != *content);
        changes.changed_files = new.iter().filter(differs).map(|(path, _)| path.clone()).collect();
        changes.settings = before.map(|before| settings(&before.manifest, &after.manifest)).unwrap_or_default();
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
            of('~', &file(&self.changed_files)),
            self.settings.iter().map(|what| format!("~ {what}")).collect(),
        ];
        parts.concat()
    }
}

/// The first path of each request.
fn packages(manifest: &Manifest) -> BTreeMap<String, StorePath> {
    let first = |(request, paths): (&String, &Vec<String>)| Some((request.clone(), paths.first()?.parse().ok()?));
    manifest.packages.iter().filter_map(first).collect()
}

fn settings(before: &Manifest, after: &Manifest) -> Vec<&'static str> {
    let differs = [
        ("session variables", before.session_variables != after.session_variables),
        ("session path", before.session_path != after.session_path),
        ("backup extension", before.backup_extension != after.backup_extension),
        ("daemons", before.daemons != after.daemons),
    ];
    differs.into_iter().filter(|(_, differs)| *differs).map(|(what, _)| what).collect()
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

    fn snapshot(packages: &[(&str, &str)], files: &[(&str, &str)], variable: &str) -> Snapshot {
        let path = |name: &str| StorePath::from_parts([7; 20], name).unwrap().to_string();
        let content = |text: &str| Content::File { digest: Sha256::of(text.as_bytes()), executable: false };
        let manifest = Manifest {
            version: Manifest::VERSION,
            user: "alice".to_owned(),
            files: files.iter().map(|(file, _)| ((*file).to_owned(), ManifestFile::default())).collect(),
            session_variables: BTreeMap::from([("EDITOR".to_owned(), variable.to_owned())]),
            session_path: Vec::new(),
            backup_extension: None,
            daemons: Vec::new(),
            packages: packages.iter().map(|(text, name)| ((*text).to_owned(), vec![path(name)])).collect(),
        };
        let contents = files.iter().map(|(file, text)| ((*file).to_owned(), content(text))).collect();
        Snapshot { manifest, contents }
    }

    #[test]
    fn versions_are_told() {
        let files = [(".bashrc", "a"), (".profile", "a"), (".same", "a")];
        let before = snapshot(&[("fd", "fd-10.1"), ("jq", "jq-1.7-bin")], &files, "vi");
        let files = [(".config/x", "a"), (".profile", "b"), (".same", "a")];
        let after = snapshot(&[("fd", "fd-10.2"), ("ripgrep", "ripgrep-14.1.1")], &files, "nano");
        let changes = Changes::between(Some(&before), &after);
        insta::assert_snapshot!(changes.lines().join("\n"), @r"
        + ripgrep 14.1.1
        - jq 1.7-bin
        ~ fd 10.1 → 10.2
        + ~/.config/x
        - ~/.bashrc
        ~ ~/.profile
        ~ session variables
        ");
        assert!(Changes::between(Some(&after), &after).is_empty());
        assert_eq!(Changes::between(None, &after).added, ["fd 10.2", "ripgrep 14.1.1"]);
    }
}
