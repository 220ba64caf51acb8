//! `dumbc load`: into a docker and a podman of our own, through their sockets.

use std::process::{Child, Command, Stdio};

use super::docker::{Daemon, end, is_socket, wait_for};
use super::{has, is_root, output};
use crate::support::command::Outcome;
use crate::support::project::{Cache, Project};
use crate::support::skipped;

/// A project with a large package below, and a small one above.
struct Small {
    cache: Cache,
    project: Project,
}

impl Small {
    fn new(name: &str) -> Self {
        let (cache, project) = (Cache::sample(), Project::new());
        let small = Self { cache, project };
        small.file("one");
        let tables = format!("[image]\nname = \"dumbc-test/{name}\"\n[files.\"/etc/note\"]\nsource = \"./note\"\n");
        small.project.system(&small.cache, r#"["hello", "data"]"#, &tables);
        small
    }

    fn file(&self, text: &str) {
        self.project.file("note", text);
    }

    fn load(&self, host: (&str, &str), arguments: &[&str]) -> Outcome {
        let elsewhere = self.project.beside("nowhere");
        let dumbc = self.project.dumbc(&[&["load"], arguments].concat());
        dumbc.env("HOME", &elsewhere).env("DOCKER_CONFIG", &elsewhere).env(host.0, host.1).run()
    }

    fn loaded(&self, host: (&str, &str), arguments: &[&str]) -> serde_json::Value {
        let outcome = self.load(host, &[arguments, &["--json"]].concat());
        assert_eq!(outcome.code, Some(0), "{outcome}");
        outcome.json()
    }
}

#[test]
fn docker_is_sent_what_it_lacks() {
    let Some(daemon) = Daemon::shared() else { return };
    let small = Small::new("load");
    let host = daemon.host();
    let load = |arguments: &[&str]| small.loaded(("DOCKER_HOST", &host), arguments);
    let id = |name: &str| output(daemon.docker().args(["image", "inspect", "--format", "{{.Id}}", name]));

    let first = load(&[]);
    assert_eq!((&first["engine"], &first["layers"]["left_out"]), (&"docker".into(), &0.into()), "{first}");
    assert!(first["sent"].as_u64().unwrap() > 3 << 20, "{first}");
    assert_eq!(id("dumbc-test/load:latest").trim(), first["image_id"].as_str().unwrap());
    assert_eq!(first["image_id"], small.project.build("same.tar.gz", &[]).image_id().as_str());

    let again = load(&["--to", "docker"]);
    assert_eq!(
        (&again["unchanged"], &again["sent"], &again["image_id"]),
        (&true.into(), &0.into(), &first["image_id"])
    );

    // A file changes, which lies above the packages: they stay where they are.
    small.file("two");
    let changed = load(&["--tag", "a", "--tag", "b"]);
    assert_ne!(changed["image_id"], first["image_id"]);
    assert!(changed["layers"]["left_out"].as_u64().unwrap() > 0, "{changed}");
    assert!(changed["sent"].as_u64().unwrap() < 1 << 20, "{changed}");
    for name in ["dumbc-test/load:a", "dumbc-test/load:b"] {
        assert_eq!(id(name).trim(), changed["image_id"].as_str().unwrap());
    }
    let run = ["run", "--rm", "--network=none", "dumbc-test/load:b", "hello", "there"];
    let printed = output(daemon.docker().args(run));
    assert!(printed == "hello there\n" || has("cc").is_none(), "{printed}");

    let told = small.load(("DOCKER_HOST", &host), &[]);
    assert!(told.text().contains("there already"), "{told}");
    output(daemon.docker().args(["image", "rm", "dumbc-test/load:a", "dumbc-test/load:b", "dumbc-test/load:latest"]));
}

#[test]
fn where_no_daemon_is_the_error_names_the_places() {
    let small = Small::new("nowhere");
    let socket = small.project.beside("sock").display().to_string();
    let host = format!("unix://{socket}");
    small.load(("DOCKER_HOST", &host), &[]).says(&["no daemon answers", &socket, "No such file"]);
    let over_ssh = small.load(("DOCKER_HOST", "ssh://somebody@somewhere"), &[]);
    assert_eq!(over_ssh.code, Some(2), "{over_ssh}");
    over_ssh.says(&["dumbc build -o - | docker -H ssh://somebody@somewhere load"]);
    let odd = small.load(("DOCKER_HOST", &host), &["--tag", "no tag"]);
    assert_eq!(odd.code, Some(2), "{odd}");
    // It looks for a daemon before it builds.
    assert!(!small.project.path("dumbc.lock").exists());
}

/// Podman's service, which ends with this value.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        end(&mut self.0);
    }
}

#[test]
fn podman_s_service_takes_the_image_whole() {
    let Some(()) = has("podman").and_then(|()| is_root()) else { return };
    let small = Small::new("podman");
    let place = |name: &str| small.project.beside(name).display().to_string();
    let host = format!("unix://{}", place("podman.sock"));
    let mut command = Command::new("podman");
    command.args(["--root", &place("root"), "--runroot", &place("run"), "--tmpdir", &place("tmp")]);
    command.args(["--storage-driver", "vfs", "--runtime", "runc", "--cgroup-manager", "cgroupfs"]);
    command.args(["--events-backend", "file", "system", "service", "--time=0", &host]).stdin(Stdio::null());
    let mut service = Service(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let up = wait_for(|| {
        let ended = service.0.try_wait().unwrap().is_some();
        if ended { Some(false) } else { is_socket(small.project.beside("podman.sock").as_path()).then_some(true) }
    });
    if !up {
        skipped::<()>("podman's service can't run here");
        return;
    }
    let load = |variable, arguments: &[&str]| small.loaded((variable, host.as_str()), arguments);
    let first = load("CONTAINER_HOST", &["--to", "podman"]);
    assert_eq!((&first["engine"], &first["layers"]["left_out"]), (&"podman".into(), &0.into()), "{first}");
    let mut inspect = Command::new("podman");
    inspect.args(["--url", &host, "image", "inspect", "--format", "{{.Id}}", "localhost/dumbc-test/podman:latest"]);
    assert_eq!(format!("sha256:{}", output(&mut inspect).trim()), first["image_id"].as_str().unwrap());
    // It listens where docker should be, on many machines.
    let again = load("DOCKER_HOST", &[]);
    assert_eq!((&again["unchanged"], &again["engine"]), (&true.into(), &"podman".into()));
}
