//! The lock on disk: read with a limit, written whole or not at all.

use std::fs::{self, File, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::slice;

use tempfile::NamedTempFile;

use super::Lock;
use crate::config::Diagnostic;
use crate::failure::{Class, Classified};

/// Ten thousand packages take about ten of these mebibytes.
const SIZE_LIMIT: u64 = 128 << 20;

pub(super) const REMEDY: &str = "restore it from version control, or delete it and run `dumbc lock`";

/// The lock can't be used.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Its text is not what a lock's is.
    #[error("line {} of dumbc.lock can't be read", line(.0))]
    Malformed(Box<Diagnostic>),
    /// A merge left its markers.
    #[error("line {} of dumbc.lock is a conflict of a merge", line(.0))]
    Conflict(Box<Diagnostic>),
    /// A later program wrote it.
    #[error("dumbc.lock is newer than this dumbc")]
    Newer(Box<Diagnostic>),
    /// The file is larger than any lock.
    #[error("{} is larger than {} MiB", .0.display(), SIZE_LIMIT >> 20)]
    TooLarge(PathBuf),
    /// The disk failed.
    #[error("{} can't be {deed}", .path.display())]
    Io {
        /// Where the lock lies.
        path: PathBuf,
        /// "read" or "written".
        deed: &'static str,
        /// Why.
        source: io::Error,
    },
}

impl LockError {
    /// The line that is to blame, for drawing.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        match self {
            Self::Malformed(finding) | Self::Conflict(finding) | Self::Newer(finding) => slice::from_ref(finding),
            Self::TooLarge(_) | Self::Io { .. } => &[],
        }
    }
}

fn line(finding: &Diagnostic) -> usize {
    finding.place.as_ref().map_or(1, |place| place.line_column().0)
}

impl Classified for LockError {
    fn class(&self) -> Class {
        match self {
            Self::Io { .. } => Class::Other,
            _ => Class::StaleLock,
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::TooLarge(_) => Some(REMEDY.to_owned()),
            // The others' findings have it.
            Self::Malformed(_) | Self::Conflict(_) | Self::Newer(_) | Self::Io { .. } => None,
        }
    }
}

impl Lock {
    /// Reads the lock at `path`; `None` where there is none.
    pub fn read(path: &Path) -> Result<Option<Self>, LockError> {
        let fault = |source| LockError::Io { path: path.to_owned(), deed: "read", source };
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(fault)?,
        };
        let mut text = String::new();
        file.take(SIZE_LIMIT + 1).read_to_string(&mut text).map_err(fault)?;
        if text.len() as u64 > SIZE_LIMIT {
            return Err(LockError::TooLarge(path.to_owned()));
        }
        Self::parse(&text).map(Some)
    }

    /// Writes the lock to `path`, whole or not at all; a file that says the same already is not touched.
    ///
    /// Answers whether it was written.
    pub fn write(&self, path: &Path) -> Result<bool, LockError> {
        let prepared = self.prepare(path)?;
        prepared.map_or(Ok(false), |prepared| prepared.commit().map(|()| true))
    }

    /// Writes the lock beside `path`, ready to take its place; `None`: a file that says the same is there.
    pub fn prepare(&self, path: &Path) -> Result<Option<PreparedLock>, LockError> {
        let text = self.print();
        if fs::read(path).is_ok_and(|present| present == text.as_bytes()) {
            return Ok(None);
        }
        // The lock may be a link to where it is kept: the link stays.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let file = beside(&path, text.as_bytes());
        let file = file.map_err(|source| LockError::Io { path: path.clone(), deed: "written", source })?;
        Ok(Some(PreparedLock { file, path }))
    }
}

/// A lock on the disk beside its place. Dropped, it is gone.
#[derive(Debug)]
pub struct PreparedLock {
    file: NamedTempFile,
    path: PathBuf,
}

impl PreparedLock {
    /// Takes the place of what is there.
    pub fn commit(self) -> Result<(), LockError> {
        let Self { file, path } = self;
        let taken = file.persist(&path).map(drop);
        taken.map_err(|error| LockError::Io { path, deed: "written", source: error.error })
    }
}

fn beside(path: &Path, contents: &[u8]) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // What the process may create, as for any file of the project; the temporary file's own default is for secrets.
    let permissions = Permissions::from_mode(0o666);
    let mut file = tempfile::Builder::new().prefix(".dumbc.lock.").permissions(permissions).tempfile_in(folder)?;
    file.write_all(contents)?;
    file.as_file().sync_all()?;
    Ok(file)
}
