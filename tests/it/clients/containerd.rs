//! Containerd imports the archive.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::docker::{end, is_socket, wait_for};
use super::image::base_image;
use super::{has, is_root, output};
use crate::support::skipped;

/// A daemon that keeps to its folder and ends with this value.
pub(crate) struct Containerd {
    child: Child,
    folder: TempDir,
}

impl Drop for Containerd {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

impl Containerd {
    /// `None`, said aloud, where one can't start here.
    pub(crate) fn start() -> Option<Self> {
        has("containerd").and_then(|()| has("ctr")).and_then(|()| is_root())?;
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
        let mut daemon = Self { child, folder };
        let socket = daemon.socket();
        let started = wait_for(|| match daemon.child.try_wait().unwrap() {
            Some(_) => Some(false),
            None => is_socket(&socket).then_some(true),
        });
        if started {
            return Some(daemon);
        }
        let log = std::fs::read_to_string(daemon.folder.path().join("log")).unwrap_or_default();
        skipped(&format!("containerd can't start here: {}", log.lines().last().unwrap_or_default()))
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("sock")
    }

    pub(crate) fn ctr(&self) -> Command {
        let mut command = Command::new("ctr");
        command.arg("--address").arg(self.socket());
        command
    }
}

#[test]
fn containerd_imports_the_archives() {
    let Some(image) = base_image() else { return };
    let Some(daemon) = Containerd::start() else { return };
    let ctr = || daemon.ctr();
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
