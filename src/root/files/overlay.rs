//! `[files]`: what the user puts into the root, and what it replaces there.

use std::collections::BTreeMap;

use crate::config::{Diagnostic, FileContent, FileEntry, FileOwner, Machine, Severity};
use crate::deb::PackageName;
use crate::failure::Classified as _;
use crate::image::tree::{Metadata, Node, Tree, below};
use crate::image::walk::{Exclude, WalkError, WalkOptions, locate, walk};
use crate::image::{ImagePath, ParseImagePathError};
use crate::nix::StorePath;

use super::unknown_package;

/// One `[files]` entry: a unit of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// Where it goes.
    pub target: ImagePath,
    /// What it is, from the image's root.
    pub tree: Tree,
    /// To whom it belongs. Names are not in the tree's metadata before [`resolve_owners`](super::owners::resolve_owners).
    pub owner: FileOwner,
}

/// Something that gave way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// What the image would have had.
    pub path: ImagePath,
    /// The `[files]` entry that stands there now.
    pub by: ImagePath,
    /// The package that brings it; `None`: it is generated.
    pub package: Option<PackageName>,
}

impl std::fmt::Display for Replaced {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { path, by, package } = self;
        match package {
            Some(package) => write!(formatter, "[files.\"{by}\"] replaces {path} of the package {package}"),
            None => write!(formatter, "[files.\"{by}\"] replaces the generated {path}"),
        }
    }
}

/// Reads all `[files]`, in order of their targets; `lookup` answers the store paths of `${pkgs.NAME}`. Collects
/// everything that is wrong.
pub fn declared_files(
    machine: &Machine,
    lookup: &dyn Fn(&str) -> Option<StorePath>,
) -> Result<Vec<Declared>, Vec<Diagnostic>> {
    let (mut declared, mut wrong) = (Vec::new(), Vec::new());
    for entry in &machine.files {
        match read(machine, entry, lookup) {
            Ok(file) => declared.push(file),
            Err(diagnostics) => wrong.extend(diagnostics),
        }
    }
    declared.sort_by(|one, two| one.target.cmp(&two.target));
    wrong.extend(agree(&mut declared));
    if wrong.is_empty() { Ok(declared) } else { Err(wrong) }
}

fn read(
    machine: &Machine,
    entry: &FileEntry,
    lookup: &dyn Fn(&str) -> Option<StorePath>,
) -> Result<Declared, Vec<Diagnostic>> {
    let bad_target = |error: ParseImagePathError| wrong(entry, error.to_string(), None);
    let target = ImagePath::new(entry.target.as_bytes()).map_err(bad_target)?;
    let tree = match &entry.content {
        FileContent::Text(template) => {
            let place = || template.place.clone().or_else(|| entry.place.clone());
            let text = template.render(lookup).map_err(|package| vec![unknown_package(&package, place())])?;
            let owner = entry.owner.known().unwrap_or_default();
            let metadata = Metadata { mode: entry.mode.unwrap_or(0o644), uid: owner.uid, gid: owner.gid };
            Tree::from([(target.clone(), (metadata, Node::File(text.into_bytes())))])
        }
        FileContent::Source(source) => {
            let tree = read_source(machine, entry, source, &target);
            tree.map_err(|error| wrong(entry, with_cause(&error), error.help()))?
        }
    };
    Ok(Declared { target, tree, owner: entry.owner.clone() })
}

fn read_source(machine: &Machine, entry: &FileEntry, source: &str, target: &ImagePath) -> Result<Tree, WalkError> {
    let owner = entry.owner.known().unwrap_or_default();
    let (uid, gid) = (owner.uid, owner.gid);
    let options = WalkOptions { mode: entry.mode, uid, gid, exclude: Exclude::new(&entry.exclude)? };
    walk(&locate(&machine.project, source)?, target, &options)
}

fn with_cause(error: &WalkError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

fn wrong(entry: &FileEntry, message: String, help: Option<String>) -> Vec<Diagnostic> {
    let place = entry.place.clone();
    vec![Diagnostic { severity: Severity::Error, message, place, label: String::new(), help }]
}

/// Makes entries that meet agree: folders take the metadata of the entry that reaches deepest, as it is about them;
/// files that two entries bring are refused.
pub(crate) fn agree(declared: &mut [Declared]) -> Vec<Diagnostic> {
    let mut wrong = Vec::new();
    for deeper in 1..declared.len() {
        let (before, rest) = declared.split_at_mut(deeper);
        let deeper = &rest[0];
        for outer in before.iter_mut().filter(|outer| deeper.target.starts_with(&outer.target)) {
            for (path, (metadata, node)) in &deeper.tree {
                match outer.tree.get_mut(path) {
                    Some((outer_metadata, Node::Directory)) if *node == Node::Directory => *outer_metadata = *metadata,
                    Some(_) => wrong.push(twice(path, &outer.target, &deeper.target)),
                    None => {}
                }
            }
        }
    }
    wrong
}

fn twice(path: &ImagePath, one: &ImagePath, two: &ImagePath) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        message: format!("[files.\"{one}\"] and [files.\"{two}\"] both bring {path}"),
        place: None,
        label: String::new(),
        help: Some(format!("leave it out of one: `exclude` below [files.\"{one}\"]")),
    }
}

/// Takes out of `generated` what `declared` replaces; what is left has no path in common with it but folders.
///
/// A generated folder that an entry brings too keeps its mode (`/tmp` stays open to all, a home closed to others) and
/// its owner, unless the entry names another one.
pub fn overlay(generated: &mut Tree, declared: &mut [Declared]) -> Vec<Replaced> {
    let mut replaced = BTreeMap::new();
    for Declared { target, tree, .. } in declared {
        for (path, (metadata, node)) in tree.iter_mut() {
            if *node == Node::Directory {
                match generated.get(path) {
                    Some((ours, Node::Directory)) => {
                        let own = metadata.uid != 0 || metadata.gid != 0;
                        *metadata = if own { Metadata { mode: ours.mode, ..*metadata } } else { *ours };
                        generated.remove(path);
                    }
                    Some(_) => drop_at(generated, path, target, &mut replaced),
                    None => {}
                }
            } else {
                drop_at(generated, path, target, &mut replaced);
            }
        }
        // An entry below a generated link or file (`/var/run/app`) needs a folder there.
        let above = std::iter::successors(target.parent(), ImagePath::parent);
        for parent in above.filter(|parent| !parent.is_root()) {
            if generated.get(&parent).is_some_and(|(_, node)| *node != Node::Directory) {
                drop_at(generated, &parent, target, &mut replaced);
            }
        }
    }
    replaced.into_iter().map(|(path, by)| Replaced { path, by, package: None }).collect()
}

/// Takes everything at `path` and below out; folders go without a word.
fn drop_at(generated: &mut Tree, path: &ImagePath, by: &ImagePath, replaced: &mut BTreeMap<ImagePath, ImagePath>) {
    let gone: Vec<ImagePath> = below(generated, path).map(|(relative, _)| path.append(&relative)).collect();
    for path in gone {
        if generated.remove(&path).is_some_and(|(_, node)| node != Node::Directory) {
            replaced.insert(path, by.clone());
        }
    }
}
