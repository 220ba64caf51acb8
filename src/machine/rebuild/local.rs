//! Local paths of a user's own file: relative to it, absolute from there on, so that none is taken for one of the image's.
//!
//! Packages and words of commands become store paths of their own, so that a generation keeps them as they were.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::error::RebuildError;
use crate::config::{Home, Request, RequestKind, is_local_path};
use crate::image::ImagePath;
use crate::image::walk::{WalkOptions, locate_content, walk};
use crate::machine::service::LOCAL_NAME;
use crate::nix::StorePath;
use crate::root::addressed::Addressed;

/// Store paths of what lies beside a user's file, by its absolute path.
#[derive(Debug, Default)]
pub(super) struct Locals {
    units: BTreeMap<String, (PathBuf, Addressed)>,
}

/// Makes relative paths of a checked home absolute. Gives those that packages and commands name.
pub(super) fn absolute(home: &mut Home, folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut make = |written: &mut String| {
        if is_local_path(written) {
            *written = joined(folder, written);
            found.insert(written.clone());
        }
    };
    for Request { text, kind, .. } in &mut home.packages {
        make(text);
        if let RequestKind::Local(path) = kind {
            path.clone_from(text);
        }
    }
    for program in tables(&mut home.settings, &["programs"]) {
        program.iter_mut().filter(|(key, _)| is_request(key)).for_each(|(_, value)| strings(value, &mut make));
    }
    words(&mut home.settings, &mut make);
    found.extend(home.packages.iter().filter(|request| is_local(request)).map(|request| request.text.clone()));
    for place in [&["file"][..], &["xdg", "configFile"]] {
        for file in tables(&mut home.settings, place) {
            if let Some(Value::String(source)) = file.get_mut("source").filter(|source| is_relative(source)) {
                *source = joined(folder, source);
            }
        }
    }
    found
}

fn is_local(request: &Request) -> bool {
    matches!(request.kind, RequestKind::Local(_))
}

fn is_request(key: &str) -> bool {
    matches!(key, "package" | "plugins")
}

fn is_relative(value: &Value) -> bool {
    value.as_str().is_some_and(is_local_path)
}

fn joined(folder: &Path, written: &str) -> String {
    let below = written.strip_prefix("./").unwrap_or(if written == "." { "" } else { written });
    folder.join(below).to_string_lossy().trim_end_matches('/').to_owned()
}

/// The tables of the table at `place`.
fn tables<'a>(settings: &'a mut Table, place: &[&str]) -> impl Iterator<Item = &'a mut Table> {
    let at = place.iter().try_fold(settings, |table, key| table.get_mut(*key).and_then(Value::as_table_mut));
    at.into_iter().flat_map(Table::iter_mut).filter_map(|(_, value)| value.as_table_mut())
}

/// All strings in a value, a list, or a list of tables.
fn strings(value: &mut Value, make: &mut dyn FnMut(&mut String)) {
    match value {
        Value::String(text) => make(text),
        Value::Array(items) => {
            for item in items {
                match item {
                    Value::String(text) => make(text),
                    Value::Table(table) => table.iter_mut().for_each(|(_, value)| {
                        if let Value::String(text) = value {
                            make(text);
                        }
                    }),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

/// All words of commands of daemons.
fn words(settings: &mut Table, make: &mut dyn FnMut(&mut String)) {
    for daemon in tables(settings, &["daemons"]) {
        for inner in ["health", "ready"] {
            let inner = daemon.get_mut(inner).and_then(Value::as_table_mut);
            inner.and_then(|inner| inner.get_mut("command")).into_iter().for_each(|value| strings(value, make));
        }
        daemon.get_mut("command").into_iter().for_each(|value| strings(value, make));
    }
}

impl Locals {
    /// Reads what lies at `paths`, as the calling user may. `candidates`: what it may refer to.
    pub(super) fn read(paths: &BTreeSet<String>, candidates: &[StorePath]) -> Result<Self, RebuildError> {
        let mut units = BTreeMap::new();
        for path in paths {
            let make = |error: Box<dyn std::error::Error + Send + Sync>| RebuildError::Make(error);
            let place = locate_content(Path::new("/"), path).map_err(|error| make(error.into()))?;
            let tree = walk(&place, &ImagePath::default(), &WalkOptions::default());
            let tree = tree.map_err(|error| make(error.into()))?;
            let unit = Addressed::of(LOCAL_NAME, tree, candidates).map_err(|error| make(error.into()))?;
            units.insert(path.clone(), (place, unit));
        }
        Ok(Self { units })
    }

    /// The store path of what lies at `path`.
    pub(super) fn get(&self, path: &str) -> Option<&StorePath> {
        self.units.get(path).map(|(_, unit)| &unit.path)
    }

    /// Where a store path lies that is in no store yet.
    pub(super) fn place(&self, path: &StorePath) -> Option<&Path> {
        self.units.values().find(|(_, unit)| unit.path == *path).map(|(place, _)| place.as_path())
    }

    /// All of them.
    pub(super) fn units(&self) -> impl Iterator<Item = (&String, &Addressed)> {
        self.units.iter().map(|(path, (_, unit))| (path, unit))
    }

    /// Puts store paths into the commands of daemons.
    pub(super) fn put_in(&self, settings: &mut Table) {
        words(settings, &mut |word| {
            if let Some(path) = self.get(word) {
                *word = path.to_string();
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_relative_to_the_file_becomes_absolute() {
        let text = "[daemons.n]\ncommand = [\"./bin/n\", \"x\", \"../y\"]\nready.command = [\"./ready\"]\n\
            [file.a]\nsource = \"./a\"\n[file.b]\nsource = \"/etc/b\"\n[xdg.configFile.c]\nsource = \"./c\"\n\
            [programs.git]\npackage = \"./git\"\nplugins = [\"./p\", \"q\", { plugin = \"./r\" }]\nextraConfig = \"./no\"\n";
        let packages = ["./tool", "fd", "/opt/x"].map(|text| Request::parse(text, None).unwrap()).to_vec();
        let mut home = Home { packages, settings: text.parse().unwrap(), ..Home::default() };
        let found = absolute(&mut home, Path::new("/h/.config/dumbc"));
        let found: Vec<&str> =
            found.iter().map(|path| path.rsplit_once("dumbc/").map_or(&**path, |(_, name)| name)).collect();
        assert_eq!(found, ["../y", "bin/n", "git", "p", "r", "ready", "tool", "/opt/x"]);
        assert_eq!(home.packages[0].kind, RequestKind::Local("/h/.config/dumbc/tool".to_owned()));
        let at = |text: &str| text.replace("\"./", "\"/h/.config/dumbc/").replace("\"../", "\"/h/.config/dumbc/../");
        let expected = at(text).replace("/h/.config/dumbc/no", "./no");
        assert_eq!(home.settings, expected.parse().unwrap());
    }
}
