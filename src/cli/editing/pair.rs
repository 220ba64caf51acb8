//! A project's file and its lock, written together.
//!
//! Both lie beside their places, whole and on the disk, before the first of them takes its place. The file goes first: a
//! lock that is a step behind answers for all that is still asked, and whoever comes next asks for the rest. A lock that was a
//! step ahead would have lost the answers for what the file still asks.

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::channel::{Lock, LockError, PreparedLock};

/// Both, ready.
pub(super) struct Pair {
    file: Option<(NamedTempFile, Place)>,
    lock: Option<PreparedLock>,
}

/// The file is in its place, the lock is not yet.
struct Half {
    written: Option<Place>,
    lock: Option<PreparedLock>,
}

/// Where a file belongs, and what stood there; `None`: nothing did.
struct Place {
    path: PathBuf,
    before: Option<String>,
}

impl Pair {
    /// `text`: the new text of the file at `path`, which says `before`; `None`: it stays as it is.
    pub(super) fn prepare(
        path: PathBuf,
        before: Option<&str>,
        text: Option<&str>,
        lock: (&Lock, &Path),
    ) -> Result<Self, LockError> {
        let file = text.map(|text| prepare(&path, text)).transpose();
        let file = file.map_err(|source| fault(&path, source))?;
        let place = Place { path, before: before.map(str::to_owned) };
        Ok(Self { file: file.map(|file| (file, place)), lock: lock.0.prepare(lock.1)? })
    }

    /// Puts both into their places, or neither; answers whether anything was written.
    pub(super) fn commit(self) -> Result<bool, LockError> {
        let half = self.put_file()?;
        let is_change = half.written.is_some() || half.lock.is_some();
        half.put_lock()?;
        Ok(is_change)
    }

    fn put_file(self) -> Result<Half, LockError> {
        let Some((file, place)) = self.file else { return Ok(Half { written: None, lock: self.lock }) };
        file.persist(&place.path).map_err(|error| fault(&place.path, error.error))?;
        // No power failure may show the lock's new name and not this one. A disk that can't promise that has both all the same.
        let _ = File::open(folder(&place.path)).and_then(|folder| folder.sync_all());
        Ok(Half { written: Some(place), lock: self.lock })
    }
}

impl Half {
    fn put_lock(self) -> Result<(), LockError> {
        let Some(Err(error)) = self.lock.map(PreparedLock::commit) else { return Ok(()) };
        if let Some(Place { path, before }) = self.written {
            let put_back = match before {
                Some(text) => {
                    prepare(&path, &text).and_then(|file| file.persist(&path).map(drop).map_err(|fault| fault.error))
                }
                None => fs::remove_file(&path),
            };
            put_back.map_err(|source| fault(&path, source))?;
        }
        Err(error)
    }
}

fn fault(path: &Path, source: io::Error) -> LockError {
    LockError::Io { path: path.to_owned(), deed: "written", source }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The new text beside the file, ready to take its place.
fn prepare(path: &Path, text: &str) -> io::Result<NamedTempFile> {
    let known = fs::metadata(path).ok().map(|metadata| metadata.permissions());
    let permissions = Permissions::from_mode(0o666);
    let mut file =
        tempfile::Builder::new().prefix(".dumbc.edit.").permissions(permissions).tempfile_in(folder(path))?;
    file.write_all(text.as_bytes())?;
    if let Some(known) = known {
        file.as_file().set_permissions(known)?;
    }
    file.as_file().sync_all()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock() -> Lock {
        let mut lock = Lock::default();
        lock.ids.insert("user somebody".to_owned(), 100);
        lock
    }

    /// A folder with a file, and a pair for it.
    fn pair(before: Option<&str>) -> (tempfile::TempDir, PathBuf, PathBuf, Pair) {
        let folder = tempfile::tempdir().unwrap();
        let (file, lock_path) = (folder.path().join("home.toml"), folder.path().join("dumbc.lock"));
        if let Some(text) = before {
            fs::write(&file, text).unwrap();
        }
        let pair = Pair::prepare(file.clone(), before, Some("new"), (&lock(), &lock_path)).unwrap();
        (folder, file, lock_path, pair)
    }

    #[test]
    fn both_are_written() {
        let (folder, file, lock_path, pair) = pair(Some("old"));
        assert!(pair.commit().unwrap());
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(Lock::read(&lock_path).unwrap(), Some(lock()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left");
        let again = Pair::prepare(file, Some("new"), None, (&lock(), &lock_path)).unwrap();
        assert!(!again.commit().unwrap());
    }

    #[test]
    fn who_is_killed_in_between_leaves_the_lock_a_step_behind() {
        let (_folder, file, lock_path, pair) = pair(Some("old"));
        drop(pair.put_file().unwrap());
        assert_eq!(fs::read_to_string(file).unwrap(), "new");
        assert_eq!(Lock::read(&lock_path).unwrap(), None);
    }

    #[test]
    fn a_lock_that_can_not_take_its_place_takes_the_file_back() {
        for before in [Some("old"), None] {
            let (_folder, file, lock_path, pair) = pair(before);
            let half = pair.put_file().unwrap();
            fs::create_dir_all(lock_path.join("in the way")).unwrap();
            half.put_lock().unwrap_err();
            assert_eq!(fs::read_to_string(file).ok().as_deref(), before);
        }
    }

    #[test]
    fn what_can_not_be_prepared_changes_nothing() {
        let (folder, file, ..) = pair(Some("old"));
        let nowhere = folder.path().join("nowhere/dumbc.lock");
        assert!(Pair::prepare(file.clone(), Some("old"), Some("new"), (&lock(), &nowhere)).is_err());
        assert_eq!(fs::read_to_string(file).unwrap(), "old");
    }
}
