//! Podman, with storage of its own.

use std::path::PathBuf;
use std::process::Command;

use super::image::base_image;
use super::{COMMANDS, has, is_root, output};
use crate::support::skipped;

/// Overlays where the kernel lets us; else copies, which take their time.
fn driver() -> &'static str {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).display().to_string();
    for name in ["lower", "upper", "work", "merged"] {
        std::fs::create_dir(place(name)).unwrap();
    }
    let options = format!("lowerdir={},upperdir={},workdir={}", place("lower"), place("upper"), place("work"));
    let mount = ["-t", "overlay", "overlay", "-o", &options, &place("merged")];
    let mounted = Command::new("mount").args(mount).output().is_ok_and(|output| output.status.success());
    if !mounted {
        return "vfs";
    }
    output(Command::new("umount").arg(place("merged")));
    "overlay"
}

/// Podman with storage of its own in a folder.
pub(crate) struct Podman {
    folder: PathBuf,
    driver: &'static str,
}

impl Podman {
    /// `None`, said aloud, where it can't be used.
    pub(crate) fn new(folder: PathBuf) -> Option<Self> {
        has("podman").and_then(|()| is_root())?;
        std::fs::create_dir_all(folder.join("tmp")).unwrap();
        Some(Self { folder, driver: driver() })
    }

    pub(crate) fn command(&self) -> Command {
        let place = |name: &str| self.folder.join(name);
        let mut command = Command::new("podman");
        command.arg("--root").arg(place("root")).arg("--runroot").arg(place("run")).arg("--tmpdir").arg(place("tmp"));
        command.args(["--storage-driver", self.driver, "--runtime", "runc", "--cgroup-manager", "cgroupfs"]);
        command.args(["--events-backend", "file"]).env("TMPDIR", place("tmp"));
        command
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        let _ = self.command().args(["rmi", "--all", "--force"]).output();
    }
}

/// What a container needs to run without a network.
pub(crate) const RUN: [&str; 4] = ["run", "--rm", "--network=none", "--ulimit=host"];

#[test]
fn podman_loads_and_runs_the_image() {
    let Some(image) = base_image() else { return };
    let Some(podman) = Podman::new(image.folder("podman")) else { return };
    let podman = || podman.command();
    let told = output(podman().arg("load").arg("-i").arg(&image.archive.path));
    assert!(told.contains("dumbc-test/base:it"), "{told}");
    let id = output(podman().args(["image", "inspect", "--format", "{{.Id}}", "dumbc-test/base:it"]));
    assert_eq!(format!("sha256:{}", id.trim()), image.archive.image_id());
    let run = || {
        let mut command = podman();
        command.args(RUN).arg("dumbc-test/base:it");
        command
    };
    let trial = run().arg("true").output().unwrap();
    if trial.status.success() {
        for (command, expected) in COMMANDS {
            let printed = output(run().args(command));
            assert!(printed.contains(expected), "{command:?} printed {printed}");
        }
    } else {
        let told = String::from_utf8_lossy(&trial.stderr).into_owned();
        skipped::<()>(&format!("podman loads, but can't run here: {told}"));
    }
}
