//! Copies trees by descriptor: no link is followed, and nothing that is there already is touched.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};

use super::folder::{self, Owner};

/// Folders deeper than this are an error: nobody means them.
const DEPTH: usize = 128;

/// Whose the copies are.
#[derive(Debug, Clone, Copy)]
pub(super) enum Owners {
    /// As the originals.
    Kept,
    /// One for all, who may write what is his.
    All(Owner),
}

impl Owners {
    fn of(self, stat: &Stat) -> Owner {
        match self {
            Self::Kept => Owner::of(stat),
            Self::All(owner) => owner,
        }
    }

    fn mode(self, stat: &Stat) -> Mode {
        let bits = stat.st_mode & 0o7777;
        // What becomes another's does not keep a right to act as its former owner.
        Mode::from_raw_mode(if matches!(self, Self::Kept) { bits } else { bits & 0o1777 | 0o200 })
    }
}

/// Two folders on the way through a tree, and what is left to do in them.
struct Level {
    from: OwnedFd,
    to: OwnedFd,
    names: Vec<OsString>,
    /// Set when all is copied: a folder may not be writable. Absent where the folder was there before.
    mode: Option<Mode>,
}

/// Copies what `from` holds into the folder `to`, for names that are missing there; folders that are on both sides are gone
/// through. Files, folders and links only.
pub(super) fn missing(from: impl AsFd, to: impl AsFd, owners: Owners) -> io::Result<()> {
    let (from, to) = (from.as_fd().try_clone_to_owned()?, to.as_fd().try_clone_to_owned()?);
    let mut levels = vec![Level { names: names(&from)?, from, to, mode: None }];
    while let Some(level) = levels.last_mut() {
        let Some(name) = level.names.pop() else {
            if let Some(Level { to, mode: Some(mode), .. }) = levels.pop() {
                rustix::fs::fchmod(to, mode)?;
            }
            continue;
        };
        if let Some(next) = one(level, &name, owners)? {
            if levels.len() == DEPTH {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "folders are nested too deep"));
            }
            levels.push(next);
        }
    }
    Ok(())
}

/// Copies the file, folder or link `name` of one folder to another, under the name `as_name`, where nothing may be.
pub(super) fn whole(from: impl AsFd, name: &OsStr, to: impl AsFd, as_name: &OsStr, owners: Owners) -> io::Result<()> {
    let (from, to) = (from.as_fd(), to.as_fd());
    let stat = rustix::fs::statat(from, name, AtFlags::SYMLINK_NOFOLLOW)?;
    if !FileType::from_raw_mode(stat.st_mode).is_dir() {
        return leaf(from, name, &stat, to, as_name, owners);
    }
    folder::make_in(to, as_name, owners.of(&stat), 0o700)?;
    let target = folder::open_in(to, as_name)?;
    missing(folder::open_in(from, name)?, &target, owners)?;
    Ok(rustix::fs::fchmod(target, owners.mode(&stat))?)
}

/// Copies one entry; gives the level below where it is a folder.
fn one(level: &Level, name: &OsStr, owners: Owners) -> io::Result<Option<Level>> {
    let stat = rustix::fs::statat(&level.from, name, AtFlags::SYMLINK_NOFOLLOW)?;
    let there = folder::look(&level.to, name)?;
    if !FileType::from_raw_mode(stat.st_mode).is_dir() {
        if there.is_none() {
            leaf(level.from.as_fd(), name, &stat, level.to.as_fd(), name, owners)?;
        }
        return Ok(None);
    }
    if there.is_some_and(|there| !FileType::from_raw_mode(there.st_mode).is_dir()) {
        return Ok(None);
    }
    let is_new = folder::make_in(&level.to, name, owners.of(&stat), 0o700)?;
    let (from, to) = (folder::open_in(&level.from, name)?, folder::open_in(&level.to, name)?);
    Ok(Some(Level { names: names(&from)?, from, to, mode: is_new.then(|| owners.mode(&stat)) }))
}

fn leaf(from: impl AsFd, name: &OsStr, stat: &Stat, to: impl AsFd, as_name: &OsStr, owners: Owners) -> io::Result<()> {
    let (from, to) = (from.as_fd(), to.as_fd());
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Symlink => {
            rustix::fs::symlinkat(rustix::fs::readlinkat(from, name, Vec::new())?, to, as_name)?;
            let owner = owners.of(stat);
            if rustix::process::geteuid().is_root() {
                rustix::fs::chownat(to, as_name, Some(owner.user()), Some(owner.group()), AtFlags::SYMLINK_NOFOLLOW)?;
            }
        }
        FileType::RegularFile => {
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let mut source = File::from(rustix::fs::openat(from, name, flags, Mode::empty())?);
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let mut target = File::from(rustix::fs::openat(to, as_name, flags, Mode::from_raw_mode(0o600))?);
            io::copy(&mut source, &mut target)?;
            folder::give(&target, owners.of(stat))?;
            rustix::fs::fchmod(&target, owners.mode(stat))?;
        }
        // Sockets, pipes and devices are a running program's, not an image's.
        _ => {}
    }
    Ok(())
}

fn names(folder: &OwnedFd) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name != "." && name != ".." {
            names.push(name.to_owned());
        }
    }
    names.sort_unstable_by(|one, other| other.cmp(one));
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
    use std::path::Path;

    fn fill(folder: &Path) {
        fs::create_dir_all(folder.join("dir/below")).unwrap();
        fs::write(folder.join("dir/below/file"), "new").unwrap();
        fs::write(folder.join("plain"), "new").unwrap();
        fs::set_permissions(folder.join("plain"), fs::Permissions::from_mode(0o4444)).unwrap();
        symlink("/nowhere", folder.join("link")).unwrap();
        fs::set_permissions(folder.join("dir"), fs::Permissions::from_mode(0o555)).unwrap();
    }

    #[test]
    fn trees_are_copied_with_modes() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fill(from.path());
        missing(folder::open(from.path()).unwrap(), folder::open(to.path()).unwrap(), Owners::Kept).unwrap();
        let mode = |name: &str| to.path().join(name).symlink_metadata().unwrap().mode() & 0o7777;
        assert_eq!((mode("plain"), mode("dir")), (0o4444, 0o555));
        assert_eq!(fs::read(to.path().join("dir/below/file")).unwrap(), b"new");
        assert_eq!(fs::read_link(to.path().join("link")).unwrap(), Path::new("/nowhere"));
    }

    #[test]
    fn what_is_there_stays_and_links_lead_nowhere() {
        let (from, to, elsewhere) =
            (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fill(from.path());
        symlink(elsewhere.path(), to.path().join("dir")).unwrap();
        symlink(elsewhere.path().join("made"), to.path().join("plain")).unwrap();
        let owner = Owner { uid: rustix::process::getuid().as_raw(), gid: rustix::process::getgid().as_raw() };
        missing(folder::open(from.path()).unwrap(), folder::open(to.path()).unwrap(), Owners::All(owner)).unwrap();
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
        assert!(to.path().join("link").symlink_metadata().is_ok());
    }

    #[test]
    fn a_new_owner_may_write_and_gets_no_setuid() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fill(from.path());
        let owner = Owner { uid: rustix::process::getuid().as_raw(), gid: rustix::process::getgid().as_raw() };
        missing(folder::open(from.path()).unwrap(), folder::open(to.path()).unwrap(), Owners::All(owner)).unwrap();
        assert_eq!(to.path().join("plain").metadata().unwrap().mode() & 0o7777, 0o644);
    }
}
