//! Writing binary caches without Nix: folders that any of Nix's tools reads, signed or content-addressed.
//!
//! Nothing is seen half: files get their names when they are whole, and a narinfo comes after its NAR. Writers of one folder wait for
//! each other.

mod add;
mod check;
mod error;
mod folder;
mod index;
mod keys;
mod mirror;
mod pack;
mod remote;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::NamedTempFile;

pub use add::{Added, Package};
pub use check::{Checked, Finding, check};
pub use error::WriteError;
pub use keys::{read_public_key, read_secret_key, write_key};
pub use mirror::{Mirrored, ToMirror, mirror};
pub use pack::{Packing, ParsePackingError};

use super::Location;
use super::http::Http;
use super::memory::read_limited;
use crate::nix::{NarInfo, STORE_DIR, StorePath};
use folder::Folder;
use remote::RemoteCache;

/// What a new cache says of itself.
fn new_info() -> String {
    format!("StoreDir: {STORE_DIR}\nWantMassQuery: 1\nPriority: 40\n")
}

/// What names of temporary files begin with.
const TEMPORARY: &str = ".dumbc-";

/// A cache that is written to: a folder, held by this writer alone, or a place behind HTTP.
pub struct CacheWriter {
    place: Place,
}

enum Place {
    Folder(Folder),
    Remote(RemoteCache),
}

impl CacheWriter {
    /// Opens the cache in `folder`, or makes one in a folder that is empty or not there. Waits for other writers.
    pub fn open(folder: &Path) -> Result<Self, WriteError> {
        Ok(Self { place: Place::Folder(Folder::open(folder)?) })
    }

    /// Opens the cache at a place of any kind, or makes one. Behind HTTP nobody waits for others: what two writers add at once is the same
    /// or lies side by side, and an index is written again by whoever comes second, where the server can tell.
    pub fn open_at(location: &Location, http: &Arc<Http>) -> Result<Self, WriteError> {
        match location {
            Location::Directory(folder) => Self::open(folder),
            _ => Ok(Self { place: Place::Remote(RemoteCache::open(location, http)?) }),
        }
    }

    /// Where temporary files go.
    fn scratch(&self) -> &Path {
        match &self.place {
            Place::Folder(folder) => folder.path(),
            Place::Remote(remote) => remote.scratch(),
        }
    }

    /// Writes a file of the cache, whole or not at all.
    fn place(&self, name: &str, content: &[u8]) -> Result<(), WriteError> {
        match &self.place {
            Place::Folder(folder) => folder.place(name, content),
            Place::Remote(remote) => remote.put(name, content),
        }
    }

    /// A file that vanishes unless it is published.
    fn temporary(&self) -> Result<NamedTempFile, WriteError> {
        tempfile::Builder::new()
            .prefix(TEMPORARY)
            .tempfile_in(self.scratch())
            .map_err(|source| WriteError::Write { path: self.scratch().to_owned(), source })
    }

    /// Gives a temporary file its name.
    fn publish(&self, file: NamedTempFile, name: &str) -> Result<(), WriteError> {
        match &self.place {
            Place::Folder(folder) => folder.publish(file, name),
            Place::Remote(remote) => remote.put_file(name, file.path()),
        }
    }

    /// What the cache says of a path.
    fn narinfo(&self, path: &StorePath) -> Result<Option<NarInfo>, WriteError> {
        match &self.place {
            Place::Folder(folder) => read_narinfo(&folder.path().join(narinfo_name(path))),
            Place::Remote(remote) => remote.narinfo(path),
        }
    }

    fn publish_narinfo(&self, narinfo: &NarInfo) -> Result<(), WriteError> {
        self.place(&narinfo_name(&narinfo.info.path), narinfo.print().as_bytes())
    }

    /// Replaces a file by what `change` makes of it; of nothing, where it is not there.
    fn rewrite(&self, name: &str, limit: u64, change: &Change<'_>) -> Result<(), WriteError> {
        match &self.place {
            Place::Folder(folder) => {
                let path = folder.path().join(name);
                let old = read_limited(&path, limit).map_err(|source| WriteError::Read { path, source })?;
                folder.place(name, &change(&old.unwrap_or_default())?)
            }
            Place::Remote(remote) => remote.rewrite(name, limit, change),
        }
    }

    /// Every path that the cache has, sorted; behind HTTP, every path that its index names.
    fn paths(&self) -> Result<Vec<StorePath>, WriteError> {
        let mut paths = match &self.place {
            Place::Folder(folder) => folder.paths()?,
            Place::Remote(remote) => {
                let lines =
                    index::parse(&remote.read(index::FILE, index::LIMIT)?.unwrap_or_default(), Path::new(index::FILE))?;
                lines.iter().flat_map(index::Line::paths).filter_map(|path| path.parse().ok()).collect()
            }
        };
        paths.sort_unstable();
        paths.dedup();
        Ok(paths)
    }
}

/// Makes a file's new content of its old one.
type Change<'a> = dyn Fn(&[u8]) -> Result<Vec<u8>, WriteError> + 'a;

fn narinfo_name(path: &StorePath) -> String {
    format!("{}.narinfo", path.hash_part())
}

fn read_narinfo(path: &Path) -> Result<Option<NarInfo>, WriteError> {
    let text = read_limited(path, NarInfo::MAX_SIZE as u64)
        .map_err(|source| WriteError::Read { path: path.to_owned(), source })?;
    let parsed = text.map(|text| NarInfo::parse(&text)).transpose();
    parsed.map_err(|source| WriteError::NarInfo { path: path.to_owned(), source })
}

/// The folder's narinfos, sorted.
fn narinfo_files(folder: &Path) -> Result<Vec<PathBuf>, WriteError> {
    let mut files = entries(folder)?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "narinfo"));
    files.sort_unstable();
    Ok(files)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, WriteError> {
    let read = || fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<PathBuf>>>();
    read().map_err(|source| WriteError::Read { path: folder.to_owned(), source })
}
