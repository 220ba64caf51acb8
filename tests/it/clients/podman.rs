//! Podman, with storage of its own.

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

#[test]
fn podman_loads_and_runs_the_image() {
    let Some(image) = base_image() else { return };
    let Some(()) = has("podman").and_then(|()| is_root()) else { return };
    let (root, state) = (image.folder("podman-root"), image.folder("podman-run"));
    let temporary = image.folder("podman-tmp");
    let driver = driver();
    let podman = || {
        let mut command = Command::new("podman");
        command.arg("--root").arg(&root).arg("--runroot").arg(&state).arg("--tmpdir").arg(&temporary);
        command.args(["--storage-driver", driver, "--runtime", "runc", "--cgroup-manager", "cgroupfs"]);
        command.args(["--events-backend", "file"]).env("TMPDIR", &temporary);
        command
    };
    let told = output(podman().arg("load").arg("-i").arg(&image.archive.path));
    assert!(told.contains("dumbc-test/base:it"), "{told}");
    let id = output(podman().args(["image", "inspect", "--format", "{{.Id}}", "dumbc-test/base:it"]));
    assert_eq!(format!("sha256:{}", id.trim()), image.archive.image_id());
    let run = ["run", "--rm", "--network=none", "--ulimit=host", "dumbc-test/base:it"];
    let trial = podman().args(run).arg("true").output().unwrap();
    if trial.status.success() {
        for (command, expected) in COMMANDS {
            let printed = output(podman().args(run).args(command));
            assert!(printed.contains(expected), "{command:?} printed {printed}");
        }
    } else {
        let told = String::from_utf8_lossy(&trial.stderr).into_owned();
        skipped::<()>(&format!("podman loads, but can't run here: {told}"));
    }
    output(podman().args(["rmi", "--all", "--force"]));
}
