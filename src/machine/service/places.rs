//! Where the service works, and in which of the two ways store paths of the volume come into `/nix/store`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::boot::{Layout, REGISTRATION_PATH, RUN};
use crate::nix::{STORE_DIR, StorePath};

/// How store paths of the volume come into `/nix/store`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// `/nix/store` is an overlay, whose upper the volume has: what is written there is on the volume.
    Overlay,
    /// Each is a link to where it lies on the volume.
    Links,
}

/// Where the service works.
#[derive(Debug, Clone)]
pub struct Places {
    /// On the volume.
    pub layout: Layout,
    /// `/nix/store`
    pub store: PathBuf,
    /// The image's list of its store paths.
    pub registration: PathBuf,
    /// The runtime's own folder.
    pub run: PathBuf,
    /// How the volume's paths come into the store.
    pub way: Way,
}

impl Places {
    /// In this machine, whose volume (or what stands in for it) is at `volume`.
    pub fn of_machine(volume: &Path) -> io::Result<Self> {
        let mounts = fs::read_to_string("/proc/self/mountinfo")?;
        Ok(Self {
            layout: Layout::new(volume),
            store: PathBuf::from(STORE_DIR),
            registration: PathBuf::from(REGISTRATION_PATH),
            run: PathBuf::from(RUN),
            way: if is_overlay(&mounts, STORE_DIR) { Way::Overlay } else { Way::Links },
        })
    }

    /// Where a store path is, for whoever reads it.
    #[must_use]
    pub fn of(&self, path: &StorePath) -> PathBuf {
        self.store.join(path.base_name())
    }

    /// Where a new store path is written.
    #[must_use]
    pub fn written(&self, path: &StorePath) -> PathBuf {
        self.staging().join(path.base_name())
    }

    /// Where it is prepared, so that it is only renamed at the end.
    #[must_use]
    pub fn staging(&self) -> PathBuf {
        match self.way {
            Way::Overlay => self.store.clone(),
            Way::Links => self.layout.store(),
        }
    }

    /// The service's socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.run.join("store.sock")
    }
}

/// Whether the file system at `place` is an overlay; what is mounted last counts.
fn is_overlay(mounts: &str, place: &str) -> bool {
    let at_place = |line: &&str| line.split(' ').nth(4) == Some(place);
    let last = mounts.lines().rev().find(at_place);
    let kind = last.and_then(|line| line.split_once(" - ")).and_then(|(_, rest)| rest.split(' ').next());
    kind == Some("overlay")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlay_is_one_at_the_very_place() {
        let root = "1 0 0:30 / / rw - overlay overlay rw,upperdir=/x\n";
        let store = "36 1 0:33 / /nix/store ro,nodev master:1 - overlay store rw,upperdir=/data/nix/store\n";
        let bind = "37 36 8:1 /x /nix/store rw - ext4 /dev/sda1 rw\n";
        assert!(!is_overlay(root, "/nix/store"));
        assert!(is_overlay(&format!("{root}{store}"), "/nix/store"));
        assert!(!is_overlay(&format!("{root}{store}{bind}"), "/nix/store"));
        assert!(!is_overlay("", "/nix/store"));
    }
}
