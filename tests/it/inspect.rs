//! Images that other programs wrote: told as those programs tell them, and compared.

use std::path::Path;

use serde_json::Value;

use crate::clients::{has, run};
use crate::support::image::decompressed;
use crate::support::project::{Built, Cache, Project};

struct Sample {
    project: Project,
    archive: Built,
}

/// A machine that boots, with a file that the tests change.
fn sample() -> (Cache, Sample) {
    let cache = Cache::sample();
    let project = Project::new();
    system(&project, &cache, "hello");
    let archive = project.build("it.tar.gz", &[]);
    (cache, Sample { project, archive })
}

fn system(project: &Project, cache: &Cache, text: &str) {
    let files = format!("[files.\"/etc/motd\"]\ntext = \"{text}\\n\"\n");
    project.system(cache, "[\"hello\", \"data\"]", &files);
}

impl Sample {
    fn inspect(&self, path: &Path) -> Value {
        self.project.dumbc(&["inspect", path.to_str().unwrap(), "--json"]).ok().json()
    }

    /// Held against our own archive: the same image, however it is kept.
    fn same(&self, path: &Path) {
        let told = self.inspect(path);
        assert_eq!(told["images"][0]["image_id"], self.archive.image_id(), "{told}");
        let archive = self.archive.path.to_str().unwrap();
        let arguments = ["diff", archive, path.to_str().unwrap(), "--exit-code"];
        let told = self.project.dumbc(&arguments).ok().text();
        assert!(told.contains("no difference"), "{told}");
        self.project.dumbc(&["verify", path.to_str().unwrap()]).ok();
    }

    /// An uncompressed copy: skopeo's reader of docker-archives fails on any gzipped one.
    fn plain(&self) -> std::path::PathBuf {
        let path = self.project.beside("plain.tar");
        std::fs::write(&path, decompressed(&self.archive.bytes())).unwrap();
        path
    }
}

#[test]
fn our_own_formats_are_one_image() {
    let (_cache, sample) = sample();
    for (name, arguments) in [
        ("a.oci", &["--format", "oci-dir"][..]),
        ("a.zst.oci", &["--format", "oci-dir", "--compression", "zstd"]),
        ("a.tar", &["--format", "oci-archive"]),
        ("docker.tar.gz", &["--format", "docker-archive"]),
    ] {
        let built = sample.project.build(name, arguments);
        sample.same(&built.path);
        let told = sample.inspect(&built.path);
        let names = told["images"][0]["packages"].as_array().unwrap().iter().map(|package| package["name"].as_str());
        let names = names.flatten().collect::<Vec<_>>();
        assert!(names.contains(&"hello") && names.contains(&"data"), "{told}");
        let digest = built.document["images"][0]["manifests"]["oci"].as_str();
        match name {
            "docker.tar.gz" => assert_eq!(told["digest"], Value::Null),
            _ => assert_eq!(told["digest"].as_str(), digest, "{name}"),
        }
    }
    let zstd = zstd::encode_all(&decompressed(&sample.archive.bytes())[..], 1).unwrap();
    let path = sample.project.beside("it.tar.zst");
    std::fs::write(&path, zstd).unwrap();
    sample.same(&path);
}

#[test]
fn a_changed_file_is_told_with_its_mode() {
    let (cache, sample) = sample();
    system(&sample.project, &cache, "goodbye");
    let changed = sample.project.build("changed.oci", &["--format", "oci-dir"]);
    let (before, after) = (sample.archive.path.to_str().unwrap(), changed.path.to_str().unwrap());
    let told = sample.project.dumbc(&["diff", before, after, "--json"]).ok().json();
    let files = told["systems"][0]["files"].as_array().unwrap();
    assert_eq!(files.len(), 1, "{told}");
    assert_eq!((&files[0]["path"], &files[0]["kind"]), (&"etc/motd".into(), &"updated".into()));
    assert_eq!(told["systems"][0]["packages"], Value::Array(Vec::new()));
    let text = sample.project.dumbc(&["diff", before, after]).ok().text();
    assert!(text.contains("~  etc/motd  6 B -> 8 B"), "{text}");
    sample.project.dumbc(&["diff", before, after, "--exit-code"]).fails(10);
    let lock = sample.project.path("dumbc.lock");
    let text = sample.project.dumbc(&["diff", lock.to_str().unwrap(), lock.to_str().unwrap()]).ok().text();
    assert_eq!(text, "no difference\n");
    let told = sample.project.dumbc(&["diff", lock.to_str().unwrap(), after, "--json"]).ok().json();
    let added = told["systems"][0]["packages"].as_array().unwrap();
    assert!(added.iter().all(|change| change["name"] != "hello" && change["name"] != "data"), "{told}");
}

#[test]
fn what_skopeo_and_umoci_write_is_the_same_image() {
    let (_cache, sample) = sample();
    let Some(()) = has("skopeo") else { return };
    let from = format!("oci-archive:{}", sample.plain().display());
    for (transport, name) in [("oci", "sk.oci"), ("oci-archive", "sk.oci.tar"), ("docker-archive", "sk.docker.tar")] {
        let path = sample.project.beside(name);
        let to = format!("{transport}:{}:it:1", path.display());
        run("skopeo", ["--insecure-policy", "copy", "--quiet", &from, &to]);
        let told = sample.inspect(&path);
        if transport == "docker-archive" {
            // Its writer drops what Docker's configuration has no place for.
            let digest =
                run("skopeo", ["inspect", "--format", "{{.Digest}}", &format!("{transport}:{}", path.display())]);
            assert!(digest.starts_with("sha256:"));
            assert_eq!(told["images"][0]["layers"].as_array().unwrap().len(), layers(&sample));
        } else {
            sample.same(&path);
            let digest = run("skopeo", ["inspect", "--format", "{{.Digest}}", &to]);
            assert_eq!(told["digest"].as_str().unwrap(), digest.trim(), "{transport}");
        }
    }
    let Some(()) = has("umoci") else { return };
    let layout = sample.project.beside("sk.oci");
    let image = format!("{}:it:1", layout.display());
    run("umoci", ["config", "--image", &image, "--tag", "other", "--config.user", "7"]);
    let told = sample.inspect(&layout);
    let users = told["images"].as_array().unwrap().iter().map(|image| image["user"].as_str().unwrap().to_owned());
    assert!(users.collect::<Vec<_>>().contains(&"7".to_owned()), "{told}");
}

fn layers(sample: &Sample) -> usize {
    sample.inspect(&sample.archive.path)["images"][0]["layers"].as_array().unwrap().len()
}

#[test]
fn what_podman_saves_is_the_same_machine() {
    let (_cache, sample) = sample();
    let Some(()) = has("podman") else { return };
    let root = sample.project.beside("podman");
    let root = root.to_str().unwrap();
    let podman = |arguments: &[&str]| {
        let runroot = format!("{root}/run");
        let store = ["--root", root, "--runroot", &runroot, "--storage-driver", "vfs"];
        run("podman", store.iter().chain(arguments).copied())
    };
    podman(&["load", "--quiet", "--input", sample.plain().to_str().unwrap()]);
    for format in ["docker-archive", "oci-archive"] {
        let path = sample.project.beside(format);
        podman(&[
            "save",
            "--quiet",
            "--format",
            format,
            "--output",
            path.to_str().unwrap(),
            "docker.io/library/it:latest",
        ]);
        let told = sample.inspect(&path);
        assert_eq!(told["images"][0]["layers"].as_array().unwrap().len(), layers(&sample));
        let names = told["images"][0]["packages"].as_array().unwrap().iter();
        assert!(names.clone().any(|package| package["name"] == "hello"), "{told}");
        let arguments = ["diff", sample.archive.path.to_str().unwrap(), path.to_str().unwrap(), "--json"];
        let told = sample.project.dumbc(&arguments).ok().json();
        assert_eq!(told["systems"][0]["packages"], Value::Array(Vec::new()), "{told}");
        assert_eq!(told["systems"][0]["layers"]["push_size"], 0, "{told}");
    }
}
