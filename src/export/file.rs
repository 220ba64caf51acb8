//! Files that are whole or not there: written under another name beside their own, then renamed.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::nix::Sha256;
use crate::store::{FileOutput, Output, StreamOutput};

use super::Error;

/// Runs that may write one file at a time; more is a mistake.
const WRITERS: usize = 64;

/// Writes `path` whole, or leaves what was there. A run that is killed leaves a hidden file, which the next one uses again.
pub fn replace_file(path: &Path, write: impl FnOnce(&mut dyn Output) -> Result<(), Error>) -> Result<(), Error> {
    let failed = |source| Error::Io { path: path.to_owned(), source };
    // A link stays, and what it leads to is replaced.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        // A device or a pipe takes bytes; it must not become a file.
        let mut special = OpenOptions::new().write(true).open(path).map_err(failed)?;
        return write(&mut StreamOutput(&mut special));
    }
    let temporary = Temporary::beside(path).map_err(failed)?;
    let mut out = FileOutput::new(&temporary.file);
    write(&mut out)?;
    out.flush().map_err(failed)?;
    drop(out);
    temporary.keep(path).map_err(failed)
}

/// A file that goes when it is not kept.
struct Temporary {
    file: File,
    path: PathBuf,
    kept: bool,
}

impl Temporary {
    fn beside(path: &Path) -> io::Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
        let stem = Sha256::of(name.as_encoded_bytes()).hex()[..16].to_owned();
        for number in 0..WRITERS {
            let path = folder.join(format!(".dumbc-{stem}-{number}"));
            if let Some(file) = claim(&path)? {
                return Ok(Self { file, path, kept: false });
            }
        }
        Err(io::Error::new(io::ErrorKind::ResourceBusy, "too many others are writing it"))
    }

    fn keep(mut self, path: &Path) -> io::Result<()> {
        fs::rename(&self.path, path)?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.kept {
            // What can't be removed is used again by the next run.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Opens `path` empty for this process alone; `None` where another one writes it.
fn claim(path: &Path) -> io::Result<Option<File>> {
    // 0666 less the umask, as any other file that a user's program writes.
    let flags = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
    let file =
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o666).custom_flags(flags).open(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    // Whoever had it may have renamed it meanwhile: then it is not ours to write to.
    let (ours, there) = (file.metadata()?, fs::symlink_metadata(path));
    if !there.is_ok_and(|there| (there.dev(), there.ino()) == (ours.dev(), ours.ino())) {
        return Ok(None);
    }
    file.set_len(0)?;
    Ok(Some(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("image.tar");
        replace_file(&path, |out| Ok(out.write_all(b"one")?)).unwrap();
        let outcome = replace_file(&path, |out| {
            out.write_all(b"half of two")?;
            Err(io::Error::other("no more").into())
        });
        assert!(outcome.is_err());
        assert_eq!((fs::read(&path).unwrap(), names(folder.path())), (b"one".to_vec(), vec!["image.tar".to_owned()]));
    }

    #[test]
    fn links_and_devices_stay_what_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let (link, target) = (folder.path().join("link"), folder.path().join("target"));
        fs::write(&target, b"old").unwrap();
        std::os::unix::fs::symlink("target", &link).unwrap();
        replace_file(&link, |out| Ok(out.write_all(b"new")?)).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&target).unwrap(), b"new");
        let null = Path::new("/dev/null");
        replace_file(null, |out| Ok(out.write_all(b"gone")?)).unwrap();
        assert!(!fs::metadata(null).unwrap().is_file());
        assert!(replace_file(folder.path(), |_| Ok(())).is_err());
    }

    #[test]
    fn what_a_killed_run_left_is_used_again_but_not_what_another_run_writes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("image.tar");
        let left = Temporary::beside(&path).unwrap();
        fs::write(&left.path, b"a long leftover").unwrap();
        let other = Temporary::beside(&path).unwrap();
        assert_ne!(other.path, left.path);
        drop(other);
        // The process ends, and with it the lock; the file stays.
        let leftover = left.path.clone();
        let mut left = left;
        left.kept = true;
        drop(left);
        replace_file(&path, |out| Ok(out.write_all(b"new")?)).unwrap();
        assert!(!leftover.exists());
        assert_eq!((fs::read(&path).unwrap(), names(folder.path())), (b"new".to_vec(), vec!["image.tar".to_owned()]));
    }
}
