//! Folders of libraries: which there are, and what is in each.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::System;
use crate::image::ImagePath;
use crate::root::view::{Kind, ReadContent, View};

use super::format::Entry;
use super::library::{self, Library};
use super::order::by_version;
use super::{LdCacheError, Link};

/// Real machines have a few thousand.
pub(super) const MAX_LIBRARIES: usize = 100_000;
const HWCAPS: &[u8] = b"glibc-hwcaps";

/// A folder that the dynamic linker searches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Folder {
    /// As it is written: what the cache's paths begin with.
    written: Vec<u8>,
    /// Where it is, all links followed.
    place: ImagePath,
    /// Its name, where it is one for certain processors.
    pub(super) hwcaps: Option<Vec<u8>>,
}

/// What was found so far.
#[derive(Default)]
pub(super) struct Found {
    pub(super) entries: Vec<Entry>,
    pub(super) links: Vec<Link>,
    /// What the files are: several names may lead to one.
    libraries: BTreeMap<ImagePath, Option<Library>>,
}

/// A library of one folder, by the name that the linker will ask for.
struct Candidate<'a> {
    /// The file's name.
    file: Vec<u8>,
    /// Where the file is, links followed.
    place: ImagePath,
    is_link: bool,
    library: &'a Library,
}

/// The folders that the configuration names, then those that Debian's `ldconfig` knows; each once, by where it is; behind
/// each, the ones below its `glibc-hwcaps`.
pub(super) fn folders(view: View<'_>, system: System, configured: &[Vec<u8>]) -> Vec<Folder> {
    let triplet = match system {
        System::X86_64Linux => "x86_64-linux-gnu",
        System::Aarch64Linux => "aarch64-linux-gnu",
    };
    let known = [format!("/lib/{triplet}"), format!("/usr/lib/{triplet}"), "/lib".to_owned(), "/usr/lib".to_owned()];
    let mut folders = Vec::new();
    let mut seen = BTreeSet::new();
    for written in configured.iter().cloned().chain(known.map(String::into_bytes)) {
        let Some((place, Kind::Directory)) = view.follow(&written) else { continue };
        if seen.insert(place.clone()) {
            let below = hwcaps(view, &written, &place);
            folders.push(Folder { written, place, hwcaps: None });
            folders.extend(below.into_iter().filter(|folder| seen.insert(folder.place.clone())));
        }
    }
    folders
}

/// Folders for certain processors below one at `place`.
fn hwcaps(view: View<'_>, written: &[u8], place: &ImagePath) -> Vec<Folder> {
    let Some((place, Kind::Directory)) = place.join(HWCAPS).ok().and_then(|place| view.resolve(&place)) else {
        return Vec::new();
    };
    let folder = |name: Vec<u8>| {
        let (place, kind) = view.resolve(&place.join(&name).ok()?)?;
        let written = [written, b"/", HWCAPS, b"/", &name].concat();
        let usable = kind == Kind::Directory && !name.starts_with(b".") && !name.contains(&b':');
        usable.then_some(Folder { written, place, hwcaps: Some(name) })
    };
    view.names(&place).into_iter().filter_map(folder).collect()
}

/// Adds what is in a folder: of files with one name, the newest version.
pub(super) fn search(
    view: View<'_>,
    system: System,
    folder: &Folder,
    read: &ReadContent<'_>,
    found: &mut Found,
) -> Result<(), LdCacheError> {
    let files = files(view, folder);
    for (_, place, _) in &files {
        if !found.libraries.contains_key(place) {
            found.libraries.insert(place.clone(), open(view, system, place, read)?);
        }
    }
    let mut candidates: BTreeMap<Vec<u8>, Candidate<'_>> = BTreeMap::new();
    for (file, place, is_link) in files {
        let Some(library) = found.libraries.get(&place).and_then(Option::as_ref) else { continue };
        let soname = library.soname.clone().unwrap_or_else(|| file.clone());
        let is_link = is_link && is_mere_link(&file, &soname);
        let name = if is_link { file.clone() } else { soname };
        let candidate = Candidate { file, place, is_link, library };
        match candidates.get_mut(&name) {
            Some(other) if candidate.is_better(other) => *other = candidate,
            Some(_) => {}
            None => {
                candidates.insert(name, candidate);
            }
        }
    }
    if found.entries.len() + candidates.len() > MAX_LIBRARIES {
        return Err(LdCacheError::TooManyLibraries { limit: MAX_LIBRARIES });
    }
    for (name, candidate) in candidates {
        found.links.extend(candidate.link(view, folder, &name));
        found.entries.push(candidate.entry(folder, name));
    }
    Ok(())
}

impl Candidate<'_> {
    /// Files before links, then the newest.
    fn is_better(&self, other: &Self) -> bool {
        match (self.is_link, other.is_link) {
            (false, true) => true,
            (true, false) => false,
            _ => by_version(&other.file, &self.file).is_lt(),
        }
    }

    /// The link by its own name that is missing beside it.
    fn link(&self, view: View<'_>, folder: &Folder, name: &[u8]) -> Option<Link> {
        let path = folder.place.join(name).ok().filter(|_| folder.hwcaps.is_none() && !self.is_link)?;
        let stands = view.get(&path);
        let replaces = match (stands, view.resolve(&path)) {
            (None, _) => false,
            (_, Some((place, _))) if place == self.place => return None,
            (Some(Kind::Symlink(_)), _) => true,
            _ => return None,
        };
        Some(Link { path, target: self.file.clone(), replaces })
    }

    fn entry(&self, folder: &Folder, name: Vec<u8>) -> Entry {
        let file = if folder.hwcaps.is_none() { &name } else { &self.file };
        let path = [&folder.written, &b"/"[..], file].concat();
        let Library { flags, isa_level, .. } = *self.library;
        Entry { name, path, flags, isa_level, hwcaps: folder.hwcaps.clone() }
    }
}

/// A folder's files that may be libraries: name, place with links followed, and whether the name is a link.
fn files(view: View<'_>, folder: &Folder) -> Vec<(Vec<u8>, ImagePath, bool)> {
    let file = |name: Vec<u8>| {
        let path = folder.place.join(&name).ok()?;
        let is_link = matches!(view.get(&path)?, Kind::Symlink(_));
        // In folders for certain processors, `ldconfig` follows links of any name.
        let counts = is_library_name(&name) || (is_link && folder.hwcaps.is_some());
        let (place, kind) = if counts { view.resolve(&path)? } else { return None };
        matches!(kind, Kind::File { .. }).then_some((name, place, is_link))
    };
    view.names(&folder.place).into_iter().filter_map(file).collect()
}

fn is_library_name(name: &[u8]) -> bool {
    let has_so = name.windows(3).any(|window| window == b".so");
    has_so && [&b"lib"[..], b"ld-", b"ld.so.", b"ld64.so."].iter().any(|start| name.starts_with(start))
}

/// Whether a link is only a name for the library `soname`: that very name, or the one that compilers use (`libz.so`).
/// Any other is treated as a library itself.
fn is_mere_link(file: &[u8], soname: &[u8]) -> bool {
    file == soname || (file.ends_with(b".so") && soname.starts_with(file))
}

fn open(
    view: View<'_>,
    system: System,
    place: &ImagePath,
    read: &ReadContent<'_>,
) -> Result<Option<Library>, LdCacheError> {
    let Some(Kind::File { size, .. }) = view.get(place) else { return Ok(None) };
    let part = |offset: u64, length: usize| {
        let rest = usize::try_from(size.saturating_sub(offset)).unwrap_or(usize::MAX);
        match length.min(rest) {
            0 => Ok(Vec::new()),
            length => Ok(view.read(place, offset, length, read)?.unwrap_or_default()),
        }
    };
    library::parse(system, part).map_err(|source| LdCacheError::Read { path: place.clone(), source })
}
