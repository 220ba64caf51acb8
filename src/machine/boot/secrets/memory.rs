//! Where secrets lie: in memory, since a container's layer lies on a disk, and is exported, committed and pushed.
//!
//! Where `/run` is no memory and nothing may be mounted, a memory that the container has anyway is used, and `/run/secrets` leads there.
//! Others may write in some of those places, so what is found there is believed only if root made it.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, Mode};
use rustix::io::Errno;

use super::super::folder::{self, Owner};
use super::super::ground::Ground;
use super::super::journal::Journal;
use super::super::mount_table::MountTable;
use super::super::mounting::Mount;

/// Where secrets are found as files.
pub(super) const FOLDER: &str = "/run/secrets";

/// Memory of a container that nobody has mounted for secrets. `/dev` first: only root writes there, and no other container has it.
const PLACES: [&str; 2] = ["/dev", "/dev/shm"];

/// What folders there are called, before something that can't be guessed.
const PREFIX: &str = "dumbc-secrets-";

/// Root writes, everybody who knows a name may try it.
const MODE: u32 = 0o711;

/// A folder for secrets.
pub(super) struct Place {
    /// Where they are written.
    pub(super) folder: OwnedFd,
    /// `/run/secrets` where it holds more than ours, and the folder's path: then each secret is a link.
    links: Option<(OwnedFd, PathBuf)>,
}

/// Opens the folder for the secrets `names`, of which an earlier start has left nothing behind.
pub(super) fn open(
    ground: &Ground,
    table: &MountTable,
    names: &[&str],
    journal: &mut Journal<'_>,
) -> io::Result<Place> {
    let target = ground.at(FOLDER);
    forget(ground, &target, names)?;
    folder::make(&target, Owner::ROOT, MODE)?;
    // Compose and its like mount secrets of their own below: those are not to be hidden.
    let is_free = table.at(&target).is_none() && !table.has_below(&target);
    let memory = || Mount::Memory { target: target.clone(), mode: MODE };
    if is_memory(table, &target) || is_free && ground.mounting().mount(&memory()).is_ok() {
        return Place::at(&target);
    }
    if let Some((folder, way)) = elsewhere(ground, table) {
        return Place::linked(folder, way, &target);
    }
    journal.advise(
        format!("{FOLDER} lies in the container's layer: whoever exports or commits it has the secrets"),
        "give it memory: `docker run --tmpfs /run …`",
    );
    Place::at(&target)
}

impl Place {
    fn at(target: &Path) -> io::Result<Self> {
        let folder = folder::open(target)?;
        rustix::fs::fchmod(&folder, Mode::from_raw_mode(MODE))?;
        Ok(Self { folder, links: None })
    }

    /// `folder`, which is the machine's `way`, in the place of `target`, or of each secret in it.
    fn linked(folder: OwnedFd, way: PathBuf, target: &Path) -> io::Result<Self> {
        if rustix::fs::unlinkat(CWD, target, AtFlags::REMOVEDIR).is_ok() {
            std::os::unix::fs::symlink(way, target)?;
            return Ok(Self { folder, links: None });
        }
        Ok(Self { folder, links: Some((folder::open(target)?, way)) })
    }

    /// Makes the secret `name`, which is written, be found.
    pub(super) fn show(&self, name: &str) -> io::Result<()> {
        let Some((shown, way)) = &self.links else { return Ok(()) };
        Ok(rustix::fs::symlinkat(way.join(name), shown, name)?)
    }
}

/// Whether `place` is no disk's. The kernel calls what an initramfs is unpacked to `rootfs`.
fn is_memory(table: &MountTable, place: &Path) -> bool {
    table.below(place).is_some_and(|mount| ["tmpfs", "ramfs", "rootfs"].contains(&mount.kind.as_str()))
}

/// A fresh folder in a memory that is there, and what the machine calls it.
fn elsewhere(ground: &Ground, table: &MountTable) -> Option<(OwnedFd, PathBuf)> {
    PLACES.iter().filter(|place| is_memory(table, &ground.at(place))).find_map(|place| {
        let parent = folder::open(&ground.at(place)).ok().filter(is_guarded)?;
        let (folder, name) = fresh(&parent, std::iter::repeat_with(unguessable)).ok()?;
        Some((folder, Path::new(place).join(name)))
    })
}

/// Whether nobody but root can replace what root makes in the folder: others don't write, or only on their own.
fn is_guarded(folder: &OwnedFd) -> bool {
    let others = Mode::WGRP | Mode::WOTH;
    rustix::fs::fstat(folder).is_ok_and(|stat| {
        let mode = Mode::from_raw_mode(stat.st_mode);
        is_ours(&stat) && (!mode.intersects(others) || mode.contains(Mode::SVTX))
    })
}

fn is_ours(stat: &rustix::fs::Stat) -> bool {
    stat.st_uid == rustix::process::geteuid().as_raw()
}

/// A folder that was not there, under the first of `names` that is free.
fn fresh(parent: &OwnedFd, names: impl Iterator<Item = io::Result<String>>) -> io::Result<(OwnedFd, String)> {
    for name in names.take(16) {
        let name = name?;
        if folder::make_in(parent, OsStr::new(&name), Owner::ROOT, MODE)? {
            let made = folder::open_in(parent, OsStr::new(&name))?;
            if is_ours(&rustix::fs::fstat(&made)?) {
                return Ok((made, name));
            }
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

fn unguessable() -> io::Result<String> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    Ok(format!("{PREFIX}{}", data_encoding::HEXLOWER.encode(&random)))
}

/// Takes away what an earlier start of this container left: in memory that outlived it, and in its layer.
fn forget(ground: &Ground, target: &Path, names: &[&str]) -> io::Result<()> {
    if let Ok(way) = target.read_link() {
        forget_elsewhere(ground, &way)?;
        return std::fs::remove_file(target);
    }
    let Ok(folder) = folder::open(target) else { return Ok(()) };
    let links = names.iter().filter_map(|name| target.join(name).read_link().ok());
    let ways: BTreeSet<PathBuf> = links.filter_map(|link| link.parent().map(Path::to_owned)).collect();
    ways.iter().try_for_each(|way| forget_elsewhere(ground, way))?;
    names.iter().try_for_each(|name| remove(&folder, *name))
}

/// Removes the folder that is the machine's `way`, if it is one that root made for this.
fn forget_elsewhere(ground: &Ground, way: &Path) -> io::Result<()> {
    let (Some(place), Some(name)) = (way.parent(), way.file_name()) else { return Ok(()) };
    let is_named_so = name.to_str().is_some_and(|name| name.starts_with(PREFIX));
    if !is_named_so || !PLACES.iter().any(|known| Path::new(known) == place) {
        return Ok(());
    }
    let Ok(parent) = folder::open(&ground.at(place)) else { return Ok(()) };
    let Ok(folder) = folder::open_in(&parent, name) else { return Ok(()) };
    if !is_ours(&rustix::fs::fstat(&folder)?) {
        return Ok(());
    }
    for entry in Dir::read_from(&folder)? {
        let entry = entry?;
        if ![c".", c".."].contains(&entry.file_name()) {
            remove(&folder, entry.file_name())?;
        }
    }
    Ok(rustix::fs::unlinkat(&parent, name, AtFlags::REMOVEDIR)?)
}

/// Removes a file or link; what is not there is gone, and what is a mount of somebody else's stays.
fn remove(folder: &OwnedFd, name: impl rustix::path::Arg) -> io::Result<()> {
    match rustix::fs::unlinkat(folder, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT | Errno::BUSY) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests;
