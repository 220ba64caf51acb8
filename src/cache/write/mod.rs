//! Writing binary caches without Nix: folders that any of Nix's tools reads, signed or content-addressed.
//!
//! Everything is written under a temporary name and renamed: a reader never sees half of it. Writers of one folder wait
//! for each other.

mod add;
mod check;
mod error;
mod index;
mod keys;
mod mirror;
mod pack;

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

pub use add::{Added, Package};
pub use check::{Checked, Finding, check};
pub use error::WriteError;
pub use keys::{read_public_key, read_secret_key, write_key};
pub use mirror::{Mirrored, ToMirror, mirror};
pub use pack::{Packing, ParsePackingError};

use super::info::{self, CacheInfo};
use super::memory::read_limited;
use crate::nix::{NarInfo, STORE_DIR, StorePath};

/// What a new cache says of itself.
const INFO: &str = "WantMassQuery: 1\nPriority: 40\n";

/// What names of temporary files begin with.
const TEMPORARY: &str = ".dumbc-";

/// A writer's lock.
const LOCK: &str = ".lock";

/// A folder that is a cache, held by this writer alone.
pub struct CacheWriter {
    folder: PathBuf,
    /// Unlocks when it is closed.
    _lock: File,
}

impl CacheWriter {
    /// Opens the cache in `folder`, or makes one in a folder that is empty or not there. Waits for other writers.
    pub fn open(folder: &Path) -> Result<Self, WriteError> {
        let wrong = |source| WriteError::Write { path: folder.to_owned(), source };
        refuse_other_folders(folder)?;
        fs::create_dir_all(folder.join("nar")).map_err(wrong)?;
        let lock = File::options().create(true).append(true).open(folder.join(LOCK)).map_err(wrong)?;
        lock.lock().map_err(wrong)?;
        let writer = Self { folder: folder.to_owned(), _lock: lock };
        writer.begin()?;
        Ok(writer)
    }

    /// The cache's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn begin(&self) -> Result<(), WriteError> {
        self.sweep()?;
        let path = self.folder.join(info::FILE);
        match read_limited(&path, info::LIMIT).map_err(|source| WriteError::Read { path: path.clone(), source })? {
            Some(text) => {
                let wrong = |source| WriteError::Info { folder: self.folder.clone(), source };
                CacheInfo::parse(&text).map(drop).map_err(wrong)
            }
            None => self.place(info::FILE, format!("StoreDir: {STORE_DIR}\n{INFO}").as_bytes()),
        }
    }

    /// Removes what a writer that was killed left behind; nobody else writes now.
    fn sweep(&self) -> Result<(), WriteError> {
        for path in entries(&self.folder)? {
            if is_temporary(&path) {
                fs::remove_file(&path).map_err(|source| WriteError::Write { path, source })?;
            }
        }
        Ok(())
    }

    /// Writes a file of the cache, whole or not at all.
    fn place(&self, name: &str, content: &[u8]) -> Result<(), WriteError> {
        let wrong = |source| WriteError::Write { path: self.folder.join(name), source };
        let mut file = self.temporary()?;
        file.write_all(content).map_err(wrong)?;
        self.publish(file, name)
    }

    /// A file that vanishes unless it is published.
    fn temporary(&self) -> Result<NamedTempFile, WriteError> {
        tempfile::Builder::new()
            .prefix(TEMPORARY)
            .tempfile_in(&self.folder)
            .map_err(|source| WriteError::Write { path: self.folder.clone(), source })
    }

    /// Gives a temporary file its name; readable by all, whatever the umask: who serves it is often another user.
    fn publish(&self, file: NamedTempFile, name: &str) -> Result<(), WriteError> {
        let path = self.folder.join(name);
        let wrong = |source| WriteError::Write { path: path.clone(), source };
        file.as_file().set_permissions(fs::Permissions::from_mode(0o644)).map_err(wrong)?;
        file.as_file().sync_data().map_err(wrong)?;
        file.persist(&path).map_err(|fault| wrong(fault.error))?;
        Ok(())
    }

    /// What the cache says of a path.
    fn narinfo(&self, path: &StorePath) -> Result<Option<NarInfo>, WriteError> {
        read_narinfo(&self.folder.join(narinfo_name(path)))
    }

    fn publish_narinfo(&self, narinfo: &NarInfo) -> Result<(), WriteError> {
        self.place(&narinfo_name(&narinfo.info.path), narinfo.print().as_bytes())
    }

    /// Every path that the cache has, sorted.
    fn paths(&self) -> Result<Vec<StorePath>, WriteError> {
        let mut paths = Vec::new();
        for file in narinfo_files(&self.folder)? {
            paths.extend(read_narinfo(&file)?.map(|narinfo| narinfo.info.path));
        }
        paths.sort_unstable();
        Ok(paths)
    }
}

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

/// Refuses a folder that holds something and is no cache: a slip of the hand should not fill it with files.
fn refuse_other_folders(folder: &Path) -> Result<(), WriteError> {
    if !folder.exists() || folder.join(info::FILE).exists() {
        return Ok(());
    }
    // Another writer may be making the cache just now.
    let ours = |path: &PathBuf| is_temporary(path) || path.ends_with(LOCK) || path.ends_with("nar");
    match entries(folder)?.into_iter().find(|path| !ours(path)) {
        Some(_) if folder.join(info::FILE).exists() => Ok(()),
        Some(_) => Err(WriteError::NoCache(folder.to_owned())),
        None => Ok(()),
    }
}

fn is_temporary(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(TEMPORARY.as_bytes()))
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, WriteError> {
    let read = || fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<PathBuf>>>();
    read().map_err(|source| WriteError::Read { path: folder.to_owned(), source })
}
