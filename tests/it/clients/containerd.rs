//! Containerd imports the archive.

use std::process::{Child, Command, Stdio};

use super::docker::{end, is_socket, wait_for};
use super::image::base_image;
use super::{has, is_root, output};
use crate::support::skipped;

/// A daemon that ends with this value.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        end(&mut self.0);
    }
}

#[test]
fn containerd_imports_the_archives() {
    let Some(image) = base_image() else { return };
    let Some(()) = has("containerd").and_then(|()| has("ctr")).and_then(|()| is_root()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let configuration = format!(
        "version = 2\nroot = \"{0}/root\"\nstate = \"{0}/state\"\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n\
         [grpc]\naddress = \"{0}/sock\"\n[ttrpc]\naddress = \"{0}/ttrpc\"\n",
        folder.path().display()
    );
    std::fs::write(place("config.toml"), configuration).unwrap();
    let log = std::fs::File::create(place("log")).unwrap();
    let child = Command::new("containerd")
        .arg("--config")
        .arg(place("config.toml"))
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    let mut daemon = Daemon(child);
    let socket = place("sock");
    let started = wait_for(|| match daemon.0.try_wait().unwrap() {
        Some(_) => Some(false),
        None => is_socket(&socket).then_some(true),
    });
    if !started {
        let log = std::fs::read_to_string(place("log")).unwrap_or_default();
        skipped::<()>(&format!("containerd can't start here: {}", log.lines().last().unwrap_or_default()));
        return;
    }
    let ctr = || {
        let mut command = Command::new("ctr");
        command.arg("--address").arg(&socket);
        command
    };
    // Containerd 1.6 does not unpack a gzipped archive; Docker's and podman's readers do.
    let plain = image.build("ctr.tar", &["--compression", "none"]);
    let gzip = image.build("ctr.gzip.tar", &["--format", "oci-archive"]);
    let zstd = image.build("ctr.zstd.tar", &["--format", "oci-archive", "--compression", "zstd"]);
    for archive in [&plain.path, &gzip.path, &zstd.path] {
        output(ctr().args(["images", "import", "--all-platforms"]).arg(archive));
        let listed = output(ctr().args(["images", "ls"]));
        assert!(listed.contains("docker.io/dumbc-test/base:it"), "{listed}");
        let checked = output(ctr().args(["images", "check"]));
        assert!(checked.contains("complete"), "{checked}");
        output(ctr().args(["images", "rm", "--sync", "docker.io/dumbc-test/base:it"]));
    }
}
