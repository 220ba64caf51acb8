//! Folders by descriptor: what lies on a volume may be anybody's, so no link on the way is followed.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, Stat};
use rustix::io::Errno;

/// An owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::machine) struct Owner {
    /// User.
    pub(in crate::machine) uid: u32,
    /// Group.
    pub(in crate::machine) gid: u32,
}

impl Owner {
    /// root
    pub(in crate::machine) const ROOT: Self = Self { uid: 0, gid: 0 };

    pub(super) fn of(stat: &Stat) -> Self {
        Self { uid: stat.st_uid, gid: stat.st_gid }
    }

    pub(super) fn user(self) -> rustix::fs::Uid {
        rustix::fs::Uid::from_raw(self.uid)
    }

    pub(super) fn group(self) -> rustix::fs::Gid {
        rustix::fs::Gid::from_raw(self.gid)
    }
}

pub(super) const FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Opens the folder `path`, whose last component must not be a link.
pub(in crate::machine) fn open(path: &Path) -> io::Result<OwnedFd> {
    Ok(rustix::fs::openat(CWD, path, FOLDER, Mode::empty())?)
}

/// Opens the folder `name` in `parent`; a link there is an error.
pub(in crate::machine) fn open_in(parent: impl AsFd, name: &std::ffi::OsStr) -> io::Result<OwnedFd> {
    Ok(rustix::fs::openat(parent, name, FOLDER, Mode::empty())?)
}

/// Opens the folder at `path` below `start`, no component of which may be a link, and makes what is missing of it as root's, 0755.
pub(in crate::machine) fn make_way(start: &Path, path: &Path) -> io::Result<OwnedFd> {
    let mut folder = open(start)?;
    for part in path.components() {
        if let Component::Normal(name) = part {
            make_in(&folder, name, Owner::ROOT, 0o755)?;
            folder = open_in(&folder, name)?;
        }
    }
    Ok(folder)
}

/// Makes the folder `name` unless something is there, and says whether it did. Owner and mode are set before anybody can see it.
pub(in crate::machine) fn make_in(
    parent: impl AsFd,
    name: &std::ffi::OsStr,
    owner: Owner,
    mode: u32,
) -> io::Result<bool> {
    let parent = parent.as_fd();
    match rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(0o700)) {
        Ok(()) => {}
        Err(Errno::EXIST) => return Ok(false),
        Err(error) => return Err(error.into()),
    }
    let folder = open_in(parent, name)?;
    give(&folder, owner)?;
    rustix::fs::fchmod(&folder, Mode::from_raw_mode(mode & 0o7777))?;
    Ok(true)
}

/// Makes `path` and what is missing above it, as root's, 0755; then gives itself `owner` and `mode`, if it is new.
pub(in crate::machine) fn make(path: &Path, owner: Owner, mode: u32) -> io::Result<bool> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(false) };
    if !parent.exists() {
        std::fs::create_dir_all(parent)?;
    }
    make_in(rustix::fs::openat(CWD, parent, FOLDER - OFlags::NOFOLLOW, Mode::empty())?, name, owner, mode)
}

/// Changes an owner, where it is another one: who is no root can't, and need not.
pub(in crate::machine) fn give(file: impl AsFd, owner: Owner) -> io::Result<()> {
    let file = file.as_fd();
    if Owner::of(&rustix::fs::fstat(file)?) == owner || !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    Ok(rustix::fs::fchown(file, Some(owner.user()), Some(owner.group()))?)
}

/// What `name` in `parent` is itself; `None`: nothing.
pub(in crate::machine) fn look(parent: impl AsFd, name: &std::ffi::OsStr) -> io::Result<Option<Stat>> {
    match rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    #[test]
    fn ways_are_made_and_links_refused() {
        let folder = tempfile::tempdir().unwrap();
        make_way(folder.path(), Path::new("state/var/lib")).unwrap();
        assert_eq!(folder.path().join("state/var").metadata().unwrap().permissions().mode() & 0o7777, 0o755);
        symlink("/etc", folder.path().join("state/var/link")).unwrap();
        assert!(make_way(folder.path(), Path::new("state/var/link/below")).is_err());
        assert!(make_way(folder.path(), Path::new("state/../state/var")).is_ok());
    }

    #[test]
    fn modes_hold_whatever_the_umask_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        assert!(make(&path, Owner::ROOT, 0o1777).unwrap());
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o1777);
        assert!(!make(&path, Owner::ROOT, 0o700).unwrap());
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o1777);
    }
}
