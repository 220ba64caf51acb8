//! Step 1: paths that are kept on the volume, and hold what the image has there at first.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;

use rustix::fs::{FileType, Mode, RenameFlags};

use crate::boot::PlanPath;

use super::copy::{self, Owners};
use super::folder::{self, Owner};
use super::ground::Ground;
use super::journal::Journal;
use super::mount_table::MountTable;
use super::place::{self, Shown};
use super::volume::Volume;

/// Puts every kept path in its place.
pub(super) fn stand(
    ground: &Ground,
    table: &MountTable,
    volume: &Volume,
    paths: &[PlanPath],
    journal: &mut Journal<'_>,
) {
    for path in paths {
        one(ground, table, volume, path, journal);
    }
}

fn one(ground: &Ground, table: &MountTable, volume: &Volume, path: &PlanPath, journal: &mut Journal<'_>) {
    let what = &path.path;
    if Path::new(what).starts_with(volume.layout.volume()) || volume.layout.volume().starts_with(what) {
        return journal.warn(format!("{what} is not kept: it and the volume hold one another"));
    }
    match keep(ground, volume, path) {
        Ok(found) => tell(path, found, journal),
        Err(error) => return journal.warn(format!("{what} is not kept: {error}")),
    }
    let kept = volume.layout.kept(what);
    let shown = place::bind(ground, table, &kept, Path::new(what)).and_then(|shown| match shown {
        Shown::LinkNeeded => place::link(ground, &kept, Path::new(what)).map(|()| Shown::Yes),
        shown => Ok(shown),
    });
    match shown {
        Ok(Shown::OthersBelow) => journal.warn(format!("{what} is not kept: something else is mounted below it")),
        Ok(_) => {}
        Err(error) => journal.warn(format!("{what} is not kept: {error}")),
    }
}

/// Whose it is on the volume, where it was there before.
fn tell(path: &PlanPath, found: Option<Owner>, journal: &mut Journal<'_>) {
    let declared = Owner { uid: path.uid, gid: path.gid };
    if let Some(found) = found.filter(|found| *found != declared) {
        journal.advise(
            format!("{} belongs to {}:{}, and should to {}:{}", path.path, found.uid, found.gid, path.uid, path.gid),
            format!("`chown -R {}:{} {}`", path.uid, path.gid, path.path),
        );
    }
}

/// Sees to it that the volume has the path; gives its owner where it was there before.
fn keep(ground: &Ground, volume: &Volume, path: &PlanPath) -> io::Result<Option<Owner>> {
    let below = Path::new("state").join(path.path.trim_start_matches('/'));
    let (Some(parent), Some(name)) = (below.parent(), below.file_name()) else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no path"));
    };
    let root = ground.at(volume.layout.volume());
    let parent = if volume.writable { folder::make_way(&root, parent) } else { folder::open(&root.join(parent)) };
    let parent = parent.map_err(|error| volume.explained(error))?;
    if let Some(stat) = folder::look(&parent, name)? {
        return match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory | FileType::RegularFile => Ok(Some(Owner::of(&stat))),
            _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "on the volume it is neither folder nor file")),
        };
    }
    if !volume.writable {
        return Err(io::ErrorKind::ReadOnlyFilesystem.into());
    }
    seed(&ground.at(&path.path), &parent, name, path)?;
    Ok(None)
}

/// Copies what the image has, beside; then renames it: a killed run leaves nothing half-done that counts.
fn seed(image: &Path, parent: &std::os::fd::OwnedFd, name: &OsStr, path: &PlanPath) -> io::Result<()> {
    let mut fresh = OsString::from(".dumbc-new-");
    fresh.push(name);
    remove(parent, &fresh)?;
    let owner = Owner { uid: path.uid, gid: path.gid };
    let is_content = image.symlink_metadata().is_ok_and(|there| there.is_dir() || there.is_file());
    match (image.parent(), image.file_name()) {
        (Some(above), Some(last)) if is_content => {
            copy::whole(folder::open(above)?, last, parent, &fresh, Owners::Kept)?;
        }
        _ => {
            folder::make_in(parent, &fresh, owner, path.mode)?;
        }
    }
    let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::CLOEXEC;
    let made = rustix::fs::openat(parent, &fresh, flags, Mode::empty())?;
    folder::give(&made, owner)?;
    rustix::fs::fchmod(&made, Mode::from_raw_mode(path.mode & 0o7777))?;
    rustix::fs::fsync(&made)?;
    Ok(rustix::fs::renameat_with(parent, &fresh, parent, name, RenameFlags::NOREPLACE)?)
}

fn remove(parent: &std::os::fd::OwnedFd, name: &OsStr) -> io::Result<()> {
    match folder::look(parent, name)? {
        None => Ok(()),
        Some(stat) if FileType::from_raw_mode(stat.st_mode).is_dir() => {
            use std::os::fd::AsRawFd as _;
            std::fs::remove_dir_all(Path::new("/proc/self/fd").join(parent.as_raw_fd().to_string()).join(name))
        }
        Some(_) => Ok(rustix::fs::unlinkat(parent, name, rustix::fs::AtFlags::empty())?),
    }
}

#[cfg(test)]
mod tests;
