//! Without an overlay: a link in the store for each of the volume's paths.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType};

use crate::machine::boot::folder;

/// What is done to a name of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Deed {
    /// A link to the volume's path of this name.
    Link(String),
    /// A link to a path that the volume doesn't have any more.
    Unlink(String),
}

/// Names of the volume's valid paths.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// All that may have a link.
    pub(super) registered: BTreeSet<String>,
    /// Those that must.
    pub(super) needed: BTreeSet<String>,
}

/// What is done. `store`: what is there, links to anywhere with where they lead. A path that the image has itself stays its own.
pub(super) fn plan(store: &BTreeMap<String, Option<PathBuf>>, wanted: &Wanted, volume_store: &Path) -> Vec<Deed> {
    // Bytes: taking ten thousand paths apart costs more than reading them.
    let prefix = [volume_store.as_os_str().as_bytes(), b"/"].concat();
    let is_below = |to: &PathBuf| to.as_os_str().as_bytes().starts_with(&prefix);
    let is_ours = |target: &Option<PathBuf>| target.as_ref().is_some_and(is_below);
    let stale = store.iter().filter(|(name, target)| is_ours(target) && !wanted.registered.contains(*name));
    let missing = wanted.needed.iter().filter(|name| !store.contains_key(*name));
    stale.map(|(name, _)| Deed::Unlink(name.clone())).chain(missing.cloned().map(Deed::Link)).collect()
}

/// Links paths that lie in `place` into `store`. Links name `volume_store`: what `place` is called in the machine.
pub(super) fn link(store: &Path, place: &Path, volume_store: &Path, wanted: &Wanted) -> io::Result<()> {
    if wanted.registered.is_empty() && !store.is_dir() {
        return Ok(());
    }
    let folder = folder::open(store)?;
    let on_volume = match folder::open(place) {
        Ok(place) => names(place)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeSet::new(),
        Err(error) => return Err(error),
    };
    let there = |names: &BTreeSet<String>| names.intersection(&on_volume).cloned().collect();
    let wanted = Wanted { registered: there(&wanted.registered), needed: there(&wanted.needed) };
    for deed in plan(&listing(&folder)?, &wanted, volume_store) {
        match deed {
            Deed::Unlink(name) => rustix::fs::unlinkat(&folder, name, AtFlags::empty())?,
            Deed::Link(name) => rustix::fs::symlinkat(volume_store.join(&name), &folder, name)?,
        }
    }
    Ok(())
}

fn names(folder: OwnedFd) -> io::Result<BTreeSet<String>> {
    Ok(Dir::read_from(folder)?.filter_map(Result::ok).filter_map(|entry| name(entry.file_name())).collect())
}

fn listing(store: &OwnedFd) -> io::Result<BTreeMap<String, Option<PathBuf>>> {
    let mut names = BTreeMap::new();
    for entry in Dir::read_from(store)? {
        let entry = entry?;
        let Some(name) = name(entry.file_name()) else { continue };
        let target = match entry.file_type() {
            FileType::Symlink | FileType::Unknown => rustix::fs::readlinkat(store, entry.file_name(), Vec::new()).ok(),
            _ => None,
        };
        names.insert(name, target.map(|target| PathBuf::from(OsStr::from_bytes(target.to_bytes()))));
    }
    Ok(names)
}

fn name(name: &std::ffi::CStr) -> Option<String> {
    name.to_str().ok().filter(|name| !matches!(*name, "." | "..")).map(str::to_owned)
}
