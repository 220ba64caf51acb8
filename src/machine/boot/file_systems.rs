//! Step 1: the file systems that programs expect, as far as whoever started the container left them out.

use std::io;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, makedev};

use crate::boot::PlanPath;

use super::folder::{self, Owner};
use super::ground::Ground;
use super::journal::Journal;
use super::mounting::{Mount, is_refusal};

/// Something to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Deed {
    /// A folder of root's.
    Folder(&'static str, u32),
    /// One of the kernel's file systems, on a folder.
    Own(&'static str, &'static str),
    /// Memory, on a folder, with its permission bits.
    Memory(&'static str, u32),
    /// Memory for devices, on a folder.
    Devices(&'static str),
    /// A character device that all may use: major, minor.
    Device(&'static str, u32, u32),
    /// A link and where it leads.
    Link(&'static str, &'static str),
}

const DEVICES: [Deed; 6] = [
    Deed::Device("/dev/null", 1, 3),
    Deed::Device("/dev/zero", 1, 5),
    Deed::Device("/dev/full", 1, 7),
    Deed::Device("/dev/random", 1, 8),
    Deed::Device("/dev/urandom", 1, 9),
    Deed::Device("/dev/tty", 5, 0),
];

const STREAMS: [Deed; 4] = [
    Deed::Link("/dev/fd", "/proc/self/fd"),
    Deed::Link("/dev/stdin", "/proc/self/fd/0"),
    Deed::Link("/dev/stdout", "/proc/self/fd/1"),
    Deed::Link("/dev/stderr", "/proc/self/fd/2"),
];

/// What is missing, in the order in which it is made.
pub(super) fn plan(exists: impl Fn(&str) -> bool) -> Vec<Deed> {
    let mut deeds = Vec::new();
    let mut unless = |path: &str, add: &[Deed]| {
        if !exists(path) {
            deeds.extend_from_slice(add);
        }
    };
    unless("/proc/self", &[Deed::Folder("/proc", 0o555), Deed::Own("proc", "/proc")]);
    unless("/sys/kernel", &[Deed::Folder("/sys", 0o555), Deed::Own("sysfs", "/sys")]);
    unless("/dev/null", &[Deed::Folder("/dev", 0o755), Deed::Devices("/dev")]);
    unless("/dev/null", &DEVICES);
    unless("/dev/fd", &STREAMS);
    unless("/dev/pts/ptmx", &[Deed::Folder("/dev/pts", 0o755), Deed::Own("devpts", "/dev/pts")]);
    unless("/dev/ptmx", &[Deed::Link("/dev/ptmx", "pts/ptmx")]);
    unless("/dev/shm", &[Deed::Folder("/dev/shm", 0o1777), Deed::Memory("/dev/shm", 0o1777)]);
    for (path, mode) in [("/run", 0o755), ("/tmp", 0o1777), ("/var/tmp", 0o1777)] {
        unless(path, &[Deed::Folder(path, mode)]);
    }
    deeds
}

/// Makes what is missing. Where mounting is not permitted, what can't be is told once.
pub(super) fn stand(ground: &Ground, journal: &mut Journal<'_>) {
    let mut refused = Vec::new();
    for deed in plan(|path| ground.at(path).symlink_metadata().is_ok()) {
        match carry_out(ground, &deed) {
            Ok(()) => {}
            Err(error) if is_refusal(&error) => refused.push(deed.place()),
            Err(error) => journal.warn(format!("can't make {}: {error}", deed.place())),
        }
    }
    if !refused.is_empty() {
        journal.advise(
            format!("missing here, and not permitted to be made: {}", refused.join(" ")),
            "container engines make these; a bare chroot needs the right to mount (CAP_SYS_ADMIN)",
        );
    }
}

/// Folders below `/run` and the like: a file system mounted there has hidden the image's.
pub(super) fn folders(ground: &Ground, folders: &[PlanPath], journal: &mut Journal<'_>) {
    for PlanPath { path, uid, gid, mode } in folders {
        let made = folder::make(&ground.at(path), Owner { uid: *uid, gid: *gid }, *mode);
        journal.attempt(format_args!("make {path}"), made);
    }
}

impl Deed {
    fn place(&self) -> &'static str {
        match self {
            Self::Folder(path, _)
            | Self::Own(_, path)
            | Self::Memory(path, _)
            | Self::Devices(path)
            | Self::Device(path, ..)
            | Self::Link(path, _) => path,
        }
    }
}

fn carry_out(ground: &Ground, deed: &Deed) -> io::Result<()> {
    let target = ground.at(deed.place());
    match deed {
        Deed::Folder(_, mode) => folder::make(&target, Owner::ROOT, *mode).map(drop),
        Deed::Own(kind, _) => ground.mounting().mount(&Mount::Own { kind, target }),
        Deed::Memory(_, mode) => ground.mounting().mount(&Mount::Memory { target, mode: *mode }),
        Deed::Devices(_) => ground.mounting().mount(&Mount::Devices { target }),
        Deed::Device(_, major, minor) => device(&target, *major, *minor),
        Deed::Link(_, leads) => std::os::unix::fs::symlink(leads, target),
    }
}

fn device(target: &Path, major: u32, minor: u32) -> io::Result<()> {
    let all = Mode::from_raw_mode(0o666);
    rustix::fs::mknodat(CWD, target, FileType::CharacterDevice, all, makedev(major, minor))?;
    Ok(rustix::fs::chmodat(CWD, target, all, rustix::fs::AtFlags::empty())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::boot::mounting::doubles::{Refusing, Remembering};

    #[test]
    fn a_containers_engine_leaves_nothing_to_make() {
        assert_eq!(plan(|_| true), []);
    }

    #[test]
    fn what_is_missing_is_made_in_order() {
        let deeds = plan(|path| path.starts_with("/dev/") || path.starts_with("/proc"));
        assert_eq!(
            deeds,
            [
                Deed::Folder("/sys", 0o555),
                Deed::Own("sysfs", "/sys"),
                Deed::Folder("/run", 0o755),
                Deed::Folder("/tmp", 0o1777),
                Deed::Folder("/var/tmp", 0o1777)
            ]
        );
    }

    fn told(mounting: impl super::super::mounting::Mounting + 'static, root: &Path) -> Vec<String> {
        let mut told = Vec::new();
        let mut teller = |warning: &crate::machine::prepared::Warning| told.push(warning.message.clone());
        stand(&Ground::new(root, mounting), &mut Journal::new(&mut teller));
        told
    }

    #[test]
    fn without_rights_the_rest_is_made_and_it_is_told_once() {
        let root = tempfile::tempdir().unwrap();
        let told = told(Refusing, root.path());
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("/proc /sys /dev"), "{told:?}");
        assert!(root.path().join("tmp").is_dir() && root.path().join("dev/fd").is_symlink());
    }

    #[test]
    fn a_second_time_nothing_is_left() {
        let root = tempfile::tempdir().unwrap();
        let mounts = Remembering::default();
        told(mounts.clone(), root.path());
        let made = mounts.0.lock().unwrap();
        assert!(made.iter().any(|mount| matches!(mount, Mount::Own { kind: "proc", .. })));
        // In other memory no device can be opened.
        assert!(made.contains(&Mount::Devices { target: root.path().join("dev") }));
        let left = plan(|path| root.path().join(path.trim_start_matches('/')).symlink_metadata().is_ok());
        // What the double didn't mount, and devices where this user can't make them.
        assert!(left.iter().all(|deed| !matches!(deed.place(), "/run" | "/tmp" | "/dev/fd" | "/dev/shm")), "{left:?}");
    }
}
