//! A bucket of `s3s-fs`, a server of others that checks signatures: written, mirrored and read.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::command::Dumbc;
use crate::support::project::{Project, noise};
use crate::support::skipped;

const KEY: &str = "AKIDEXAMPLE";
const SECRET: &str = "s3cret-example";

/// The server, which ends with this value.
struct Server {
    child: Child,
    folder: TempDir,
    port: u16,
}

impl Server {
    /// With one empty bucket, `ours`. `None`, said aloud, where there is no such program.
    fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("ours")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut program = Command::new("s3s-fs");
        program.args(["--access-key", KEY, "--secret-key", SECRET, "--host", "127.0.0.1", "--port", &port.to_string()]);
        let started =
            program.arg(folder.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let Ok(child) = started else {
            return skipped("s3s-fs is not installed (`cargo install s3s-fs --features binary`)");
        };
        let mut server = Self { child, folder, port };
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline && server.child.try_wait().unwrap().is_none(), "s3s-fs doesn't answer");
            std::thread::yield_now();
        }
        Some(server)
    }

    fn location(&self, below: &str) -> String {
        format!("s3://ours{below}?endpoint=http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn with(dumbc: Dumbc, project: &Project, secret: &str) -> Dumbc {
    let dumbc =
        dumbc.without_prefix("AWS_").env("HOME", project.beside("home")).env("AWS_EC2_METADATA_DISABLED", "true");
    dumbc.env("AWS_ACCESS_KEY_ID", KEY).env("AWS_SECRET_ACCESS_KEY", secret)
}

#[test]
fn a_server_of_others_takes_our_signatures() {
    let Some(server) = Server::start() else { return };
    let project = Project::new();
    let key = project.beside("it-1.key");
    let public = project.dumbc(&["cache", "keygen", "it-1", "--output", key.to_str().unwrap()]).ok().text();
    let place = server.location("/team");
    project.file("one/share/one", "one\n").file("large/share/large", noise(7, 20 << 20));
    for (name, folder) in [("one-1.0", "one"), ("large-1.0", "large")] {
        let folder = project.path(folder);
        let arguments =
            ["cache", "add", folder.to_str().unwrap(), "--name", name, "--to", &place, "--key", key.to_str().unwrap()];
        with(project.dumbc(&arguments), &project, SECRET).ok();
        with(project.dumbc(&arguments), &project, "wr0ng").fails(7).says(&["SignatureDoesNotMatch"]);
    }
    let index = std::fs::read(server.folder.path().join("ours/team/index.jsonl")).unwrap();
    let pin = data_encoding::HEXLOWER.encode(&<sha2::Sha256 as sha2::Digest>::digest(&index));
    project.file("system.toml", format!(
        "packages = [\"one\", \"large\"]\n[channels.ours]\nindex = \"{}\"\nindex-hash = \"sha256:{pin}\"\ncaches = [\"{place}\"]\nkeys = [\"{}\"]\n[image]\nname = \"it\"\n",
        server.location("/team/index.jsonl"),
        public.trim()
    ));
    with(project.dumbc(&["build", "-o", "image.tar"]), &project, SECRET).ok();
    with(project.dumbc(&["cache", "mirror", "--to", &server.location("/mirror")]), &project, SECRET).ok();
}
