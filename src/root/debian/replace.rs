//! Who gives way where a path is wanted twice: what packages bring stands over what is generated, what the user declares
//! stands over both, and a few files are nobody's but the machine's.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::Diagnostic;
use crate::deb::USR_ALIASES;
use crate::image::ImagePath;
use crate::image::listing::ListingKind;
use crate::image::tree::{Metadata, Node, Tree};
use crate::root::files::overlay::{Declared, Replaced, agree};

use super::aliases::{ALWAYS, below_usr, canonical, is_alias};
use super::{Merged, Package};

/// Files that say who this machine is, and who is in it: the generated ones stand.
const OURS: [&str; 8] = [
    "etc/group",
    "etc/gshadow",
    "etc/hostname",
    "etc/hosts",
    "etc/machine-id",
    "etc/passwd",
    "etc/resolv.conf",
    "etc/shadow",
];

/// Folders whose mode keeps users apart, whatever a package says.
const SAFE: [&str; 3] = ["root", "tmp", "var/tmp"];

/// Files and links that are to be left out of packages' fragments ([`Adjustments::omit`](crate::image::adjust::Adjustments)):
/// paths in the unchanged fragment, by the package's index.
pub type Omitted = BTreeMap<usize, BTreeSet<ImagePath>>;

/// Moves what is generated below `/bin`, `/lib` and their like to `/usr`, and puts the links there.
pub fn put_aliases(generated: &mut Tree, merged: &Merged) {
    let moved: Vec<ImagePath> = generated.keys().filter(|path| canonical(path) != **path).cloned().collect();
    for path in moved {
        if let Some((metadata, node)) = generated.remove(&path) {
            match node {
                Node::Directory => _ = generated.entry(canonical(&path)).or_insert((metadata, node)),
                _ => _ = generated.insert(canonical(&path), (metadata, node)),
            }
        }
    }
    for (alias, target) in USR_ALIASES {
        let Ok(path) = ImagePath::new(alias.as_bytes()) else { continue };
        let folder = below_usr(&path);
        if ALWAYS.contains(&alias) || merged.contains_key(&folder) {
            let fresh = (Metadata::root(0o755), Node::Directory);
            generated.entry(folder).or_insert(fresh);
            generated.insert(path, (Metadata::root(0o777), Node::Symlink(target.as_bytes().to_vec())));
        }
    }
}

/// Takes out of `generated` what packages bring; what is left has no path in common with `merged` but folders, and these
/// have the same metadata in both.
///
/// The few files that must be generated ones go out of `merged` instead.
#[must_use]
pub fn give_way(generated: &mut Tree, merged: &mut Merged) -> Omitted {
    let mut omitted = Omitted::new();
    let is_one_of = |path: &ImagePath, list: &[&str]| list.iter().any(|one| one.as_bytes() == path.as_bytes());
    let common: Vec<ImagePath> = generated.keys().filter(|path| merged.contains_key(*path)).cloned().collect();
    for path in common {
        let holds_something = has_below(generated, &path);
        let (Some((metadata, node)), Some(placed)) = (generated.get_mut(&path), merged.get_mut(&path)) else {
            continue;
        };
        let folders = (*node == Node::Directory, placed.kind == ListingKind::Directory);
        match folders {
            (true, true) if is_one_of(&path, &SAFE) => placed.metadata = *metadata,
            (true, true) => *metadata = placed.metadata,
            (false, false) if is_one_of(&path, &OURS) => omit(merged, &path, &mut omitted),
            // What can't both be is refused later, where all units meet.
            (true, false) if holds_something => {}
            (false, true) if is_one_of(&path, &OURS) => {}
            _ => _ = generated.remove(&path),
        }
    }
    omitted
}

/// Whether something generated lies in the folder `path`.
fn has_below(generated: &Tree, path: &ImagePath) -> bool {
    generated.range(path.clone()..).nth(1).is_some_and(|(next, _)| next.starts_with(path))
}

/// Moves what is declared below `/bin`, `/lib` and their like to `/usr`, where the packages' files lie.
///
/// # Errors
/// Entries that bring the same path now.
pub fn declared_below_usr(declared: Vec<Declared>) -> Result<Vec<Declared>, Vec<Diagnostic>> {
    let mut wrong = Vec::new();
    let mut moved: Vec<Declared> = declared.into_iter().map(|one| move_declared(one, &mut wrong)).collect();
    moved.sort_by(|one, two| one.target.cmp(&two.target));
    wrong.extend(agree(&mut moved));
    if wrong.is_empty() { Ok(moved) } else { Err(wrong) }
}

fn move_declared(Declared { target, tree }: Declared, wrong: &mut Vec<Diagnostic>) -> Declared {
    let mut moved = Tree::new();
    for (path, (metadata, node)) in tree {
        // A file or link in an alias's place is the user's own will.
        let place = if is_alias(&path) && node != Node::Directory { path.clone() } else { canonical(&path) };
        let is_folder = node == Node::Directory;
        match moved.insert(place.clone(), (metadata, node)) {
            Some((_, Node::Directory)) if is_folder => {}
            Some(_) => {
                let message =
                    format!("[files.\"{target}\"] brings {place} twice: as itself and by the link /{}", first(&path));
                wrong.push(Diagnostic::error(message, None).help("leave one of the two out: `exclude`"));
            }
            None => {}
        }
    }
    let target = if moved.contains_key(&target) { target } else { canonical(&target) };
    Declared { target, tree: moved }
}

fn first(path: &ImagePath) -> String {
    String::from_utf8_lossy(path.as_bytes().split(|&byte| byte == b'/').next().unwrap_or_default()).into_owned()
}

/// Takes out of `merged` what `declared` replaces; what is left has no path in common with it but folders, and these have
/// the same metadata in both: the packages', unless an entry names another owner.
#[must_use]
pub fn replace(merged: &mut Merged, packages: &[Package<'_>], declared: &mut [Declared]) -> (Vec<Replaced>, Omitted) {
    let mut replaced = BTreeMap::new();
    for Declared { target, tree } in declared {
        for (path, (metadata, node)) in tree.iter_mut() {
            match merged.get_mut(path) {
                Some(placed) if *node == Node::Directory && placed.kind == ListingKind::Directory => {
                    let own = metadata.uid != 0 || metadata.gid != 0;
                    *metadata =
                        if own { Metadata { mode: placed.metadata.mode, ..*metadata } } else { placed.metadata };
                    placed.metadata = *metadata;
                }
                Some(_) => gather(merged, path, target, &mut replaced),
                None => {}
            }
        }
        // An entry below a package's link or file needs a folder there.
        for parent in std::iter::successors(target.parent(), ImagePath::parent).filter(|parent| !parent.is_root()) {
            if merged.get(&parent).is_some_and(|placed| placed.kind != ListingKind::Directory) {
                gather(merged, &parent, target, &mut replaced);
            }
        }
    }
    let (mut told, mut omitted) = (Vec::new(), Omitted::new());
    for (path, by) in replaced {
        if merged.get(&path).is_some_and(|placed| placed.kind != ListingKind::Directory) {
            let package = merged.get(&path).and_then(|placed| packages.get(placed.package));
            told.push(Replaced { path: path.clone(), by, package: package.map(|package| package.name.clone()) });
            omit(merged, &path, &mut omitted);
        } else {
            merged.remove(&path);
        }
    }
    (told, omitted)
}

/// Everything at `path` and below.
fn gather(merged: &Merged, path: &ImagePath, by: &ImagePath, replaced: &mut BTreeMap<ImagePath, ImagePath>) {
    let below = merged.range(path.clone()..).map(|(below, _)| below).take_while(|below| below.starts_with(path));
    replaced.extend(below.map(|below| (below.clone(), by.clone())));
}

fn omit(merged: &mut Merged, path: &ImagePath, omitted: &mut Omitted) {
    if let Some(placed) = merged.remove(path) {
        omitted.entry(placed.package).or_default().insert(placed.origin);
    }
}

#[cfg(test)]
mod tests;
