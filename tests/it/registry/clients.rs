//! What we pushed in the hands of docker, podman and containerd, and what they pushed in ours.

use std::fs;
use std::process::Command;

use super::{Served, Small, nobody};
use crate::clients::containerd::Containerd;
use crate::clients::docker::Daemon;
use crate::clients::podman::{Podman, RUN};
use crate::clients::{has, output};
use crate::support::command::{Dumbc, Outcome};
use crate::support::project::{Cache, Project};
use crate::support::skipped;

/// A project whose program greets, and a registry for it.
struct World {
    registry: Served,
    project: Project,
    _cache: Cache,
}

impl World {
    fn start() -> Option<Self> {
        let registry = Served::start()?;
        let (cache, project) = (Cache::sample(), Project::new());
        project.system(&cache, r#"["hello"]"#, "[image]\nname = \"it\"\n[entrypoint]\ncommand = [\"hello\"]\n");
        fs::create_dir(project.beside("home")).unwrap();
        Some(Self { registry, project, _cache: cache })
    }

    fn dumbc(&self, arguments: &[&str]) -> Dumbc {
        nobody(self.project.dumbc(arguments), &self.project.beside("home"))
    }

    /// Pushes in this format; reference, manifest digest, image ID.
    fn push(&self, format: &str) -> [String; 3] {
        let reference = self.registry.reference(&format!("ours:{format}"));
        let told = self.dumbc(&["push", &reference, "--format", format, "--json"]).ok().json();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        [reference, text(&told["digest"]), text(&told["images"][0]["image_id"])]
    }

    /// What somebody else pushed must be our image: told, the same but for how it is packed, and whole by the lock.
    fn recognises(&self, ours: &str, theirs: &str, id: &str) {
        let told = self.dumbc(&["inspect", theirs, "--json"]).ok().json();
        assert_eq!(told["images"][0]["image_id"], id, "{theirs}");
        let names = told["images"][0]["packages"].as_array().unwrap().iter().map(|package| &package["name"]);
        assert!(names.clone().any(|name| name == "hello"), "{told}");
        let difference = self.dumbc(&["diff", ours, theirs, "--exit-code", "--json"]).ok().json();
        assert_eq!(difference["systems"][0]["packages"], serde_json::json!([]), "{difference}");
        let lock = self.project.path("dumbc.lock");
        let verified = self.dumbc(&["verify", theirs, "--lock", lock.to_str().unwrap(), "--json"]).ok().json();
        assert_eq!(verified["store_paths"]["as_locked"], 1, "{verified}");
    }
}

/// Whether it greeted. Where there is no compiler, the program is another one.
fn greets(told: &str) -> bool {
    told == "hello there\n" || has("cc").is_none()
}

#[test]
fn docker_pulls_runs_and_pushes() {
    let Some(world) = World::start() else { return };
    let Some(daemon) = Daemon::start() else { return };
    let docker = |arguments: &[&str]| output(daemon.docker().args(arguments));
    for format in ["docker", "oci"] {
        let [reference, digest, id] = world.push(format);
        let told = docker(&["pull", &reference]);
        assert!(told.contains(&format!("Digest: {digest}")), "{told}");
        assert_eq!(docker(&["image", "inspect", "--format", "{{.Id}}", &reference]).trim(), id);
        let pinned = docker(&["image", "inspect", "--format", "{{index .RepoDigests 0}}", &reference]);
        assert!(pinned.trim().ends_with(&digest), "{pinned}");
        assert!(greets(&docker(&["run", "--rm", "--network=none", &reference, "hello", "there"])));

        let theirs = world.registry.reference(&format!("docker/theirs:{format}"));
        docker(&["tag", &reference, &theirs]);
        docker(&["push", "--quiet", &theirs]);
        world.recognises(&reference, &theirs, &id);
        docker(&["image", "rm", "--force", &id]);
    }
    // From an archive, docker compresses the layers itself.
    let [reference, _, id] = world.push("docker");
    let archive = world.project.build("it.tar.gz", &["--locked"]);
    daemon.load_as(&archive.path, &world.registry.reference("docker/loaded:1"));
    docker(&["push", "--quiet", &world.registry.reference("docker/loaded:1")]);
    world.recognises(&reference, &world.registry.reference("docker/loaded:1"), &id);
}

#[test]
fn podman_pulls_runs_and_pushes() {
    let Some(world) = World::start() else { return };
    let Some(podman) = Podman::new(world.project.beside("podman")) else { return };
    let told = |arguments: &[&str]| output(podman.command().args(arguments));
    for format in ["docker", "oci"] {
        let [reference, digest, id] = world.push(format);
        told(&["pull", "--quiet", "--tls-verify=false", &reference]);
        let found = told(&["image", "inspect", "--format", "sha256:{{.Id}} {{.Digest}}", &reference]);
        assert_eq!(found.trim(), format!("{id} {digest}"));
        let ran = podman.command().args(RUN).args([&reference, "hello", "there"]).output().unwrap();
        let words = String::from_utf8_lossy(&ran.stdout);
        if ran.status.success() {
            assert!(greets(&words), "{words}");
        } else {
            skipped::<()>(&format!("podman can't run here: {}", String::from_utf8_lossy(&ran.stderr)));
        }
        let theirs = world.registry.reference(&format!("podman/theirs:{format}"));
        told(&["push", "--quiet", "--tls-verify=false", &reference, &theirs]);
        world.recognises(&reference, &theirs, &id);
        told(&["rmi", "--force", &reference]);
    }
}

#[test]
fn containerd_pulls_and_runs() {
    let Some(world) = World::start() else { return };
    let Some(daemon) = Containerd::start() else { return };
    let ctr = |arguments: &[&str]| output(daemon.ctr().args(arguments));
    for format in ["docker", "oci"] {
        let [reference, digest, _] = world.push(format);
        ctr(&["images", "pull", "--plain-http", "--snapshotter", "native", &reference]);
        let listed = ctr(&["images", "ls", &format!("name=={reference}")]);
        assert!(listed.contains(&digest), "{listed}");
        let checked = ctr(&["images", "check", "--snapshotter", "native", &format!("name=={reference}")]);
        assert!(checked.contains("complete"), "{checked}");
        let run = ["run", "--rm", "--snapshotter", "native", &reference, format, "hello", "there"];
        let ran = daemon.ctr().args(run).output().unwrap();
        let words = String::from_utf8_lossy(&ran.stdout);
        if ran.status.success() {
            assert!(greets(&words), "{words}");
        } else {
            skipped::<()>(&format!("containerd can't run here: {}", String::from_utf8_lossy(&ran.stderr)));
        }
    }
}

#[test]
fn everybody_gets_the_right_system_of_an_index() {
    let Some(registry) = Served::start() else { return };
    let small = Small::bare("systems = [\"x86_64-linux\", \"aarch64-linux\"]");
    let reference = registry.reference("both:1");
    let told = small.push(&[&reference, "--json"]).ok().json();
    let id = |number: usize| told["images"][number]["image_id"].as_str().unwrap().to_owned();
    let wanted = [("amd64", id(0)), ("arm64", id(1))];
    if has("skopeo").is_some() {
        for (architecture, id) in &wanted {
            let to = small.project.beside(architecture);
            let (arch, from) = (format!("--override-arch={architecture}"), format!("docker://{reference}"));
            let copy = ["--insecure-policy", "copy", "--quiet", "--src-tls-verify=false", &from];
            let to_layout = format!("oci:{}", to.display());
            output(Command::new("skopeo").arg(&arch).args(copy).arg(&to_layout));
            let inspected: Outcome = small.project.dumbc(&["inspect", to.to_str().unwrap(), "--json"]).ok();
            assert_eq!(inspected.json()["images"][0]["image_id"], id.as_str());
        }
    }
    if let Some(podman) = Podman::new(small.project.beside("podman")) {
        for (architecture, id) in &wanted {
            let pull = ["pull", "--quiet", "--tls-verify=false", "--arch", architecture, &reference];
            assert_eq!(format!("sha256:{}", output(podman.command().args(pull)).trim()), *id, "podman");
        }
    }
    if let Some(daemon) = Daemon::start() {
        for (architecture, id) in &wanted {
            let platform = format!("linux/{architecture}");
            output(daemon.docker().args(["pull", "--quiet", "--platform", &platform, &reference]));
            let found = output(daemon.docker().args(["image", "inspect", "--format", "{{.Id}}", &reference]));
            assert_eq!(found.trim(), id, "docker");
        }
    }
    // One's own, where nobody says which.
    let raw = small.project.dumbc(&["inspect", &reference, "--json"]).ok().json();
    assert_eq!(raw["images"].as_array().unwrap().len(), 2);
}
