//! Folders of this machine: files are written under a temporary name and renamed.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::super::info::{self, CacheInfo};
use super::super::memory::read_limited;
use super::{TEMPORARY, WriteError, entries, narinfo_files, new_info, read_narinfo};
use crate::nix::StorePath;

/// A writer's lock.
const LOCK: &str = ".lock";

/// A folder that is a cache, held by this writer alone.
pub(super) struct Folder {
    folder: PathBuf,
    /// Unlocks when it is closed.
    _lock: File,
}

impl Folder {
    /// Opens the cache in `folder`, or makes one in a folder that is empty or not there. Waits for other writers.
    pub(super) fn open(folder: &Path) -> Result<Self, WriteError> {
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
    pub(super) fn path(&self) -> &Path {
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
            None => self.place(info::FILE, new_info().as_bytes()),
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
    pub(super) fn place(&self, name: &str, content: &[u8]) -> Result<(), WriteError> {
        let wrong = |source| WriteError::Write { path: self.folder.join(name), source };
        let mut file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(&self.folder).map_err(wrong)?;
        file.write_all(content).map_err(wrong)?;
        self.publish(file, name)
    }

    /// Gives a temporary file its name; readable by all, whatever the umask: who serves it is often another user.
    pub(super) fn publish(&self, file: NamedTempFile, name: &str) -> Result<(), WriteError> {
        let path = self.folder.join(name);
        let wrong = |source| WriteError::Write { path: path.clone(), source };
        file.as_file().set_permissions(fs::Permissions::from_mode(0o644)).map_err(wrong)?;
        file.as_file().sync_data().map_err(wrong)?;
        file.persist(&path).map_err(|fault| wrong(fault.error))?;
        Ok(())
    }

    /// Every path that the cache has.
    pub(super) fn paths(&self) -> Result<Vec<StorePath>, WriteError> {
        let mut paths = Vec::new();
        for file in narinfo_files(&self.folder)? {
            paths.extend(read_narinfo(&file)?.map(|narinfo| narinfo.info.path));
        }
        Ok(paths)
    }
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
