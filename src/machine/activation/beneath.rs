//! A home's folder, below which everything is done.
//!
//! Paths are opened with `openat2` and `RESOLVE_BENEATH`: no link leads out, whoever changes what while it is looked at. A kernel
//! or a sandbox without that call gets every component opened by itself, following no link at all.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

/// Where folders and files are looked for, and made.
pub(super) struct Beneath {
    folder: OwnedFd,
    path: PathBuf,
}

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::RDONLY).union(OFlags::CLOEXEC);

impl Beneath {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { folder: rustix::fs::open(path, FOLDER, Mode::empty())?, path: path.to_owned() })
    }

    /// The folder's path, as it was given.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A folder of the home; the home itself where `path` is empty.
    pub(super) fn folder(&self, path: &str) -> io::Result<OwnedFd> {
        if path.is_empty() {
            return self.folder.try_clone();
        }
        self.resolve(path, FOLDER)
    }

    /// Opens a regular file for reading. A FIFO does not stop it.
    pub(super) fn file(&self, path: &str) -> io::Result<std::fs::File> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = std::fs::File::from(self.resolve(path, flags)?);
        if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::InvalidInput.into()) }
    }

    fn resolve(&self, path: &str, flags: OFlags) -> io::Result<OwnedFd> {
        let how = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        loop {
            match rustix::fs::openat2(&self.folder, path, flags, Mode::empty(), how) {
                // Something was renamed meanwhile.
                Err(Errno::AGAIN) => {}
                Err(Errno::NOSYS | Errno::PERM) => return self.walk(path, flags),
                opened => return Ok(opened?),
            }
        }
    }

    fn walk(&self, path: &str, flags: OFlags) -> io::Result<OwnedFd> {
        let (parents, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut folder = self.folder.try_clone()?;
        for component in parents.split('/').filter(|component| !component.is_empty()) {
            folder = rustix::fs::openat(&folder, component, FOLDER | OFlags::NOFOLLOW, Mode::empty())?;
        }
        Ok(rustix::fs::openat(&folder, name, flags | OFlags::NOFOLLOW, Mode::empty())?)
    }

    /// The folder that holds `path`, and the name in it.
    fn place<'a>(&self, path: &'a str) -> io::Result<(OwnedFd, &'a str)> {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        Ok((self.folder(parent)?, name))
    }

    /// What stands at `path` itself; `None` where nothing does.
    pub(super) fn stat(&self, path: &str) -> io::Result<Option<Stat>> {
        let found = self
            .place(path)
            .and_then(|(folder, name)| Ok(rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW)?));
        match found {
            Ok(stat) => Ok(Some(stat)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Where the link at `path` leads; `None` where no link stands.
    pub(super) fn target(&self, path: &str) -> Option<PathBuf> {
        let (folder, name) = self.place(path).ok()?;
        let target = rustix::fs::readlinkat(&folder, name, Vec::new()).ok()?;
        Some(PathBuf::from(OsString::from_vec(target.into_bytes())))
    }

    pub(super) fn names(&self, path: &str) -> io::Result<Vec<String>> {
        let folder = self.folder(path)?;
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&folder)? {
            let name = entry?.file_name().to_bytes().to_vec();
            if name != b"." && name != b".." {
                // A name that is no text is nobody's link: it is seen as one that stands in the way.
                names.push(String::from_utf8(name).unwrap_or_else(|_| "\u{fffd}".to_owned()));
            }
        }
        Ok(names)
    }

    /// Makes a folder; one that is there already is fine.
    pub(super) fn make_folder(&self, path: &str) -> io::Result<()> {
        let (folder, name) = self.place(path)?;
        match rustix::fs::mkdirat(&folder, name, Mode::from_raw_mode(0o755)) {
            Err(Errno::EXIST) => Ok(()),
            made => Ok(made?),
        }
    }

    /// Makes a folder with all that it lies in.
    pub(super) fn make_folders(&self, path: &str) -> io::Result<()> {
        for (slash, _) in path.match_indices('/') {
            self.make_folder(&path[..slash])?;
        }
        self.make_folder(path)
    }

    /// Puts a link at `path`, in the place of whatever file or link stands there.
    pub(super) fn link(&self, path: &str, target: &Path) -> io::Result<()> {
        let (folder, name) = self.place(path)?;
        let temporary = temporary_name();
        rustix::fs::symlinkat(target, &folder, &temporary)?;
        let renamed = rustix::fs::renameat(&folder, &temporary, &folder, name);
        if renamed.is_err() {
            let _ = rustix::fs::unlinkat(&folder, &temporary, AtFlags::empty());
        }
        Ok(renamed?)
    }

    /// Makes a link where nothing may stand.
    pub(super) fn link_new(&self, path: &str, target: &Path) -> io::Result<()> {
        let (folder, name) = self.place(path)?;
        Ok(rustix::fs::symlinkat(target, &folder, name)?)
    }

    /// Renames, unless something stands there.
    pub(super) fn rename_new(&self, from: &str, to: &str) -> io::Result<()> {
        let ((folder, name), (to_folder, to_name)) = (self.place(from)?, self.place(to)?);
        match rustix::fs::renameat_with(&folder, name, &to_folder, to_name, rustix::fs::RenameFlags::NOREPLACE) {
            // Some file systems don't know the flag.
            Err(Errno::INVAL | Errno::NOSYS) if self.stat(to)?.is_none() => {
                Ok(rustix::fs::renameat(&folder, name, &to_folder, to_name)?)
            }
            renamed => Ok(renamed?),
        }
    }

    pub(super) fn remove_file(&self, path: &str) -> io::Result<()> {
        let (folder, name) = self.place(path)?;
        match rustix::fs::unlinkat(&folder, name, AtFlags::empty()) {
            Err(Errno::NOENT) => Ok(()),
            removed => Ok(removed?),
        }
    }

    /// Removes a folder if it is there and empty.
    pub(super) fn remove_folder(&self, path: &str) -> io::Result<()> {
        let (folder, name) = self.place(path)?;
        match rustix::fs::unlinkat(&folder, name, AtFlags::REMOVEDIR) {
            Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOENT | Errno::NOTDIR) => Ok(()),
            removed => Ok(removed?),
        }
    }

    /// Writes a file, whole or not at all.
    pub(super) fn write(&self, path: &str, content: &[u8]) -> io::Result<()> {
        use std::io::Write as _;
        let (folder, name) = self.place(path)?;
        let temporary = temporary_name();
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let mode = Mode::from_raw_mode(0o644);
        let mut file = std::fs::File::from(rustix::fs::openat(&folder, &temporary, flags, mode)?);
        let written = file.write_all(content).and_then(|()| file.sync_data());
        let renamed = written.and_then(|()| Ok(rustix::fs::renameat(&folder, &temporary, &folder, name)?));
        if renamed.is_err() {
            let _ = rustix::fs::unlinkat(&folder, &temporary, AtFlags::empty());
        }
        renamed
    }

    /// Makes what was done in a folder lasting.
    pub(super) fn sync(&self, path: &str) -> io::Result<()> {
        Ok(rustix::fs::fsync(self.folder(path)?.as_fd())?)
    }
}

/// A name that nobody else uses: an interrupted activation's leftovers are never taken for a file of the home.
fn temporary_name() -> String {
    let mut random = [0; 8];
    // Without random numbers the process's number has to do; who has that name already makes the deed fail, and nothing else.
    if getrandom::fill(&mut random).is_err() {
        random = u64::from(std::process::id()).to_ne_bytes();
    }
    format!(".dumbc-{}", data_encoding::HEXLOWER.encode(&random))
}

/// What kind of file a [`Stat`] is of.
pub(super) fn kind(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

/// A link's target as bytes.
pub(super) fn is(target: &Path, other: &Path) -> bool {
    target.as_os_str().as_bytes() == other.as_os_str().as_bytes()
}
