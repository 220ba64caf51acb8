//! The volume: what is there, what that means, and the lock that keeps other machines off.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use rustix::fs::{CWD, FlockOperation, Mode, OFlags, StatVfs, StatVfsMountFlags};

use crate::boot::Layout;

use super::error::Error;
use super::folder::{self, Owner};
use super::ground::Ground;
use super::journal::Journal;
use super::mount_table::MountTable;
use super::mounting::Mount;
use super::small;

/// How often the lock is asked for again, and how long apart: two seconds in all.
const ATTEMPTS: u32 = 40;
const PAUSE: std::time::Duration = std::time::Duration::from_millis(50);

/// What is found where the volume should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that was seen")]
pub(super) struct Look {
    /// Something is mounted there.
    pub(super) is_mounted: bool,
    /// Nothing can be written there.
    pub(super) is_read_only: bool,
    /// No room is left for anybody but root.
    pub(super) is_full: bool,
    /// The root file system can't be written.
    pub(super) is_root_read_only: bool,
}

/// What stands behind the layout's paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A mounted volume.
    Mounted,
    /// A folder in the container's own layer.
    Folder,
    /// Memory: the root file system can't be written.
    Memory,
}

/// What a look means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct VolumePlan {
    /// What is taken.
    pub(super) kind: Kind,
    /// Where it is.
    pub(super) place: String,
    /// State is written.
    pub(super) writable: bool,
    /// What to tell, with the remedy.
    pub(super) warnings: Vec<(String, String)>,
}

/// A volume in use.
#[derive(Debug)]
pub(super) struct Volume {
    /// Where things lie on it.
    pub(super) layout: Layout,
    /// What it is.
    pub(super) kind: Kind,
    /// State is written.
    pub(super) writable: bool,
    /// Held while the machine runs.
    pub(super) lock: Option<VolumeLock>,
}

impl Volume {
    /// Why something can't be had: what is missing on a volume that can't be written is missing because nobody could make it.
    pub(super) fn explained(&self, error: io::Error) -> io::Error {
        if error.kind() == io::ErrorKind::NotFound && !self.writable {
            return io::ErrorKind::ReadOnlyFilesystem.into();
        }
        error
    }
}

/// Keeps other machines off a volume as long as it lives.
#[derive(Debug)]
pub struct VolumeLock {
    _file: File,
}

/// Decides. `would_keep`: somebody expects something to be there the next time.
#[must_use]
pub(super) fn plan(look: Look, volume: &str, would_keep: bool) -> VolumePlan {
    let mut warnings = Vec::new();
    let mut warn = |message: String, help: &str| warnings.push((message, help.to_owned()));
    let (kind, place, writable) = match look {
        Look { is_mounted: true, .. } => (Kind::Mounted, volume.to_owned(), !look.is_read_only),
        Look { is_root_read_only: false, .. } => (Kind::Folder, volume.to_owned(), true),
        _ => (Kind::Memory, Layout::IN_MEMORY.to_owned(), true),
    };
    if !writable {
        let message = format!("the volume {volume} is read-only: homes can be read, nothing is kept");
        warn(message, "mount it without `:ro`");
    } else if kind == Kind::Mounted && look.is_full {
        let message = format!("the volume {volume} is full: what is written now may be lost");
        warn(message, "make room with `dumbc machine gc`, or extend it");
    } else if kind != Kind::Mounted && would_keep {
        let message = format!("no volume at {volume}: homes and state end with this container");
        warn(message, &format!("`docker run -v NAME:{volume} …`"));
    }
    VolumePlan { kind, place, writable, warnings }
}

/// Looks at the place `volume`.
#[must_use]
pub(super) fn look(ground: &Ground, table: &MountTable, volume: &str) -> Look {
    let (place, root) = (ground.at(volume), ground.at("/"));
    let vfs = rustix::fs::statvfs(&place).ok();
    let is_read_only = |vfs: &StatVfs| vfs.f_flag.contains(StatVfsMountFlags::RDONLY);
    Look {
        is_mounted: table.at(&place).is_some() || is_other_device(&place),
        is_read_only: vfs.as_ref().is_some_and(is_read_only),
        // File systems that don't count files have no files left either.
        is_full: vfs.is_some_and(|vfs| vfs.f_bavail == 0 || (vfs.f_files > 0 && vfs.f_favail == 0)),
        is_root_read_only: rustix::fs::statvfs(root).is_ok_and(|vfs| is_read_only(&vfs)),
    }
}

fn is_other_device(place: &Path) -> bool {
    let device = |path: &Path| rustix::fs::stat(path).ok().map(|stat| stat.st_dev);
    matches!((device(place), place.parent().and_then(device)), (Some(here), Some(above)) if here != above)
}

/// Takes the volume, or what stands in for it.
pub(super) fn take(
    ground: &Ground,
    plan: VolumePlan,
    volume: &str,
    journal: &mut Journal<'_>,
) -> Result<Volume, Error> {
    let VolumePlan { kind, place, writable, warnings } = plan;
    for (message, help) in warnings {
        journal.advise(message, help);
    }
    let root = ground.at(&place);
    if kind != Kind::Mounted {
        let no_place = |source| Error::NoPlace { volume: volume.to_owned(), place: place.clone(), source };
        folder::make(&root, Owner::ROOT, 0o755).map_err(no_place)?;
    }
    if kind == Kind::Memory {
        // Refused: then it's what lies below /run already, and that was writable.
        let _ = ground.mounting().mount(&Mount::Memory { target: root.clone(), mode: 0o755 });
    }
    let layout = Layout::new(&place);
    let lock = lock(ground, &layout, writable, journal)?;
    if writable {
        for part in ["nix/store", "nix/work", "homes", "state", "dumbc/registered", "dumbc/users"] {
            let made = folder::make_way(&root, Path::new(part));
            journal.attempt(format_args!("make {place}/{part}"), made);
        }
    }
    version(ground, &layout, writable, journal);
    Ok(Volume { layout, kind, writable, lock })
}

/// Takes the lock. Who can't even make its file goes on without: a full or strange volume is no reason to stop.
fn lock(
    ground: &Ground,
    layout: &Layout,
    writable: bool,
    journal: &mut Journal<'_>,
) -> Result<Option<VolumeLock>, Error> {
    let locked = || Error::Locked { volume: layout.volume().display().to_string() };
    let opened = open_lock(&ground.at(layout.volume()), writable);
    let Some(file) = opened.unwrap_or_else(|error| {
        journal.warn(format!("can't lock the volume: {error}"));
        None
    }) else {
        return Ok(None);
    };
    match patiently(|| rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)) {
        Ok(()) => Ok(Some(VolumeLock { _file: file })),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(locked()),
        Err(error) => {
            journal.warn(format!("can't lock the volume: {error}"));
            Ok(None)
        }
    }
}

/// Asks again for a while: the processes of a machine that was killed a moment ago may still be going.
fn patiently(mut ask: impl FnMut() -> rustix::io::Result<()>) -> rustix::io::Result<()> {
    for _ in 0..ATTEMPTS {
        match ask() {
            Err(rustix::io::Errno::WOULDBLOCK) => std::thread::sleep(PAUSE),
            answer => return answer,
        }
    }
    ask()
}

fn open_lock(root: &Path, writable: bool) -> io::Result<Option<File>> {
    let path = root.join("dumbc/lock");
    if writable {
        folder::make_way(root, Path::new("dumbc"))?;
    }
    let create = if writable { OFlags::RDWR | OFlags::CREATE } else { OFlags::RDONLY };
    let flags = create | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::openat(CWD, path, flags, Mode::from_raw_mode(0o600)) {
        Ok(file) => Ok(Some(File::from(file))),
        Err(rustix::io::Errno::NOENT) if !writable => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What is to be done about the number that a volume has.
#[derive(Debug, PartialEq, Eq)]
enum Numbered {
    Right,
    Raise,
    Newer(u64),
}

fn numbered(text: Option<&str>) -> Numbered {
    match text.map(|text| text.trim().parse::<u64>()) {
        Some(Ok(number)) if number > u64::from(Layout::VERSION) => Numbered::Newer(number),
        Some(Ok(number)) if number == u64::from(Layout::VERSION) => Numbered::Right,
        _ => Numbered::Raise,
    }
}

fn version(ground: &Ground, layout: &Layout, writable: bool, journal: &mut Journal<'_>) {
    let path = ground.at(layout.state().join("version"));
    let mut text = String::new();
    let read = File::open(&path).and_then(|file| file.take(32).read_to_string(&mut text));
    match numbered(read.is_ok().then_some(&text)) {
        Numbered::Newer(number) => journal.advise(
            format!(
                "the volume was written by a newer dumbc (layout {number}): what this one doesn't know stays as it is"
            ),
            "build the image with the newer dumbc",
        ),
        Numbered::Raise if writable => {
            let written = small::write(&path, &format!("{}\n", Layout::VERSION));
            journal.attempt("write the volume's version", written);
        }
        Numbered::Right | Numbered::Raise => {}
    }
}

#[cfg(test)]
mod tests;
