//! Images over other images.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use dumbc::nix::Sha256;
use serde_json::{Value, json};

use crate::clients::{has, is_root, output};
use crate::support::image::Archive;
use crate::support::project::{Cache, Project};

/// A tar of lines: `dir/`, `name=content`, `name!=program`, `link->target`.
fn layer(lines: &[&str]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for line in lines {
        let mut header = tar::Header::new_gnu();
        header.set_mtime(7);
        header.set_uid(0);
        header.set_gid(0);
        let (name, content) = if let Some((name, target)) = line.split_once("->") {
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_mode(0o777);
            header.set_link_name(target).unwrap();
            (name, "")
        } else if let Some((name, content)) = line.split_once('=') {
            header.set_mode(if name.ends_with('!') { 0o755 } else { 0o644 });
            (name.trim_end_matches('!'), content)
        } else {
            header.set_entry_type(tar::EntryType::Directory);
            header.set_mode(if *line == "tmp/" { 0o1777 } else { 0o2755 });
            (*line, "")
        };
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, name, content.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    // Two members, as parallel compressors write them.
    let (one, two) = bytes.split_at(bytes.len() / 2);
    let member = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    [member(one), member(two)].concat()
}

/// An OCI layout with an image for two systems; `text` is what is different between its versions.
struct Layout<'a>(&'a Path);

impl Layout<'_> {
    fn blob(&self, bytes: &[u8]) -> (String, usize) {
        let digest = Sha256::of(bytes);
        let folder = self.0.join("blobs/sha256");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(digest.hex()), bytes).unwrap();
        (digest.oci(), bytes.len())
    }

    fn document(&self, document: &Value, media_type: &str) -> Value {
        let (digest, size) = self.blob(document.to_string().as_bytes());
        json!({"mediaType": media_type, "digest": digest, "size": size})
    }

    fn image(&self, architecture: &str, text: &str) -> Value {
        let low = layer(&[
            "usr/",
            "usr/bin/",
            "usr/lib/",
            "bin->usr/bin",
            "lib->usr/lib",
            "etc/",
            "run/",
            "var/",
            "var/run->/run",
            "tmp/",
            "home/",
            "usr/bin/base!=#!/bin/sh\n",
            "usr/bin/sh!=#!/none\n",
            "etc/os-release=ID=base\n",
            "gone/",
            "gone/file=x",
            "etc/passwd=root:x:0:0:root:/root:/bin/sh\napp:x:1234:1234::/srv:/bin/false\n",
            "etc/group=root:x:0:\napp:x:1234:\n",
        ]);
        let high = layer(&[".wh.gone=", &format!("etc/version={text}"), &format!("etc/machine={architecture}")]);
        let plain = layer(&["opt/", "opt/plain=1"]);
        let layers = [
            (&low, gzip(&low), "+gzip"),
            (&high, zstd::encode_all(&high[..], 3).unwrap(), "+zstd"),
            (&plain, plain.clone(), ""),
        ];
        let descriptors = layers.iter().map(|(_, blob, suffix)| {
            let (digest, size) = self.blob(blob);
            let media_type = format!("application/vnd.oci.image.layer.v1.tar{suffix}");
            json!({"mediaType": media_type, "digest": digest, "size": size})
        });
        let descriptors: Vec<Value> = descriptors.collect();
        let diff_ids: Vec<String> = layers.iter().map(|(tar, ..)| Sha256::of(tar).oci()).collect();
        let config = json!({
            "architecture": architecture, "os": "linux",
            "config": {
                "Env": ["PATH=/opt/bin:/usr/bin", "BASE=1", "LANG=xx"], "Cmd": ["base"], "User": "app", "WorkingDir": "/srv",
                "Labels": {"of": "base", "both": "base"}, "ExposedPorts": {"80/tcp": {}},
            },
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            "history": [{"created_by": "a"}, {"created_by": "e", "empty_layer": true}, {"created_by": "b"}, {"created_by": "c"}],
        });
        let config = self.document(&config, "application/vnd.oci.image.config.v1+json");
        let manifest_type = "application/vnd.oci.image.manifest.v1+json";
        let manifest = json!({"schemaVersion": 2, "mediaType": manifest_type, "config": config, "layers": descriptors});
        let mut entry = self.document(&manifest, manifest_type);
        entry["platform"] = json!({"os": "linux", "architecture": architecture});
        entry
    }

    fn write(&self, text: &str) {
        let manifests = [self.image("amd64", text), self.image("arm64", text)];
        let index =
            json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": manifests});
        fs::write(self.0.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        fs::write(self.0.join("index.json"), index.to_string()).unwrap();
    }
}

/// The configuration of an image by the name of its file or folder.
fn configuration(path: &Path, id: &str) -> Value {
    let name = format!("blobs/sha256/{}", id.trim_start_matches("sha256:"));
    serde_json::from_slice(&Archive::read(path).files[&name]).unwrap()
}

const IMAGE: &str = "[image]\nname = \"it\"\nfrom = \"./base.oci\"\n\n[image.labels]\nboth = \"ours\"\n";

fn project(tables: &str) -> (Cache, Project) {
    let (cache, project) = (Cache::sample(), Project::new());
    fs::create_dir(project.path("base.oci")).unwrap();
    Layout(&project.path("base.oci")).write("one");
    let files = "\n[files.\"/bin/ours\"]\ntext = \"#!/bin/sh\\n\"\nmode = \"0755\"\n\n[files.\"/var/run/mark\"]\ntext = \"x\"\n";
    project.system(&cache, "[\"hello\"]", &format!("{IMAGE}{files}{tables}"));
    (cache, project)
}

#[test]
fn our_layers_lie_over_the_bases_and_its_links_stay() {
    let (_cache, project) = project("");
    for (name, format) in [("it.oci", "oci-dir"), ("it.tar.gz", "archive"), ("it.oci.tar", "oci-archive")] {
        let built = project.build(name, &["--format", format]);
        let path = built.path.to_str().unwrap().to_owned();
        let lock = project.path("dumbc.lock");
        project.dumbc(&["verify", &path, "--lock", lock.to_str().unwrap()]).ok();
        let config = configuration(&built.path, &built.image_id());
        let run = &config["config"];
        assert_eq!((&run["Cmd"], &run["User"], &run["WorkingDir"]), (&json!(["base"]), &json!("app"), &json!("/srv")));
        assert_eq!(run["Labels"], json!({"of": "base", "both": "ours"}));
        let env: Vec<&str> = run["Env"].as_array().unwrap().iter().map(|entry| entry.as_str().unwrap()).collect();
        assert!(env.contains(&"BASE=1") && env.contains(&"LANG=C.UTF-8"), "{env:?}");
        let path = env.iter().find(|entry| entry.starts_with("PATH=")).unwrap();
        assert!(path.starts_with("PATH=/usr/local/sbin:") && path.ends_with(":/opt/bin"), "{path}");
        let history = config["history"].as_array().unwrap();
        assert_eq!((history[0]["created_by"].as_str(), history[4]["created_by"].as_str()), (Some("a"), Some("dumbc")));
    }
    // Every layer of the base went into the layout as it came.
    let (ours, theirs) = (Archive::read(&project.path("it.oci")), Archive::read(&project.path("base.oci")));
    let lock = fs::read_to_string(project.path("dumbc.lock")).unwrap();
    let kept = theirs.files.iter().filter(|(name, _)| lock.contains(name.trim_start_matches("blobs/sha256/")));
    let same = kept.filter(|(name, bytes)| ours.files.get(*name) == Some(bytes)).count();
    assert_eq!(same, 3);
}

#[test]
fn the_pin_holds_until_it_is_moved() {
    let (_cache, project) = project("");
    let first = project.build("one.tar.gz", &[]).image_id();
    Layout(&project.path("base.oci")).write("two");
    assert_eq!(project.build("again.tar.gz", &["--locked", "--offline"]).image_id(), first);
    fs::rename(project.path("base.oci"), project.path("away")).unwrap();
    fs::create_dir(project.path("base.oci")).unwrap();
    assert_eq!(project.build("gone.tar.gz", &["--locked"]).image_id(), first, "all of it is in the store");
    fs::remove_dir(project.path("base.oci")).unwrap();
    fs::rename(project.path("away"), project.path("base.oci")).unwrap();
    let told = project.dumbc(&["update", "base"]).ok().text();
    assert!(told.contains("~ base image ./base.oci: sha256:") && told.contains(" -> sha256:"), "{told}");
    assert_ne!(project.build("two.tar.gz", &[]).image_id(), first);
    // What others can write to is proved anew, and what is damaged is fetched again.
    let second = project.build("two.tar.gz", &[]).image_id();
    for blob in fs::read_dir(project.store().join("blobs/sha256")).unwrap() {
        fs::write(blob.unwrap().path(), "x").unwrap();
    }
    assert_eq!(project.build("three.tar.gz", &[]).image_id(), second);
}

#[test]
fn a_base_for_fewer_systems_and_one_without_room_are_refused() {
    let (cache, project) = project("");
    let image = |more: &str| project.system(&cache, "[\"hello\"]", &IMAGE.replace("\n\n", &format!("\n{more}\n\n")));
    image("layers = 5");
    project.dumbc(&["build"]).fails(2).says(&["the base image has 3 layers, which leaves no room for ours among 5"]);
    let index = project.path("base.oci/index.json");
    let only_arm = fs::read_to_string(&index).unwrap();
    let mut document: Value = serde_json::from_str(&only_arm).unwrap();
    document["manifests"].as_array_mut().unwrap().remove(0);
    fs::write(&index, document.to_string()).unwrap();
    image("tag = \"x\"");
    let said = "the base image `./base.oci` is not for x86_64-linux, but for linux/arm64";
    project.dumbc(&["update", "base"]).fails(2).says(&[said]);
    project.system(&cache, "[\"hello\"]", &IMAGE.replace("base.oci", "base.oci/../base.oci"));
    project.dumbc(&["build", "--locked"]).fails(4).says(&["dumbc.lock"]);
}

#[test]
fn umoci_unpacks_one_root_of_both() {
    let Some(()) = has("umoci").and_then(|()| is_root()) else { return };
    let (_cache, project) = project("");
    // Umoci knows gzip and plain layers.
    let built = project.build("it.tar.gz", &["--format", "archive"]);
    let layout = project.beside("unpacked");
    fs::create_dir(&layout).unwrap();
    output(Command::new("tar").args(["-xzf", built.path.to_str().unwrap(), "-C", layout.to_str().unwrap()]));
    let bundle = project.beside("bundle");
    let source = format!("{}:latest", layout.display());
    output(Command::new("umoci").args(["unpack", "--image", &source, bundle.to_str().unwrap()]));
    let root = bundle.join("rootfs");
    let link = |path: &str| fs::read_link(root.join(path)).unwrap().to_str().unwrap().to_owned();
    assert_eq!((link("bin"), link("lib"), link("var/run")), ("usr/bin".into(), "usr/lib".into(), "/run".into()));
    for file in ["usr/bin/base", "usr/bin/ours", "run/mark", "opt/plain", "etc/machine"] {
        assert!(root.join(file).is_file(), "{file}");
    }
    assert!(!root.join("gone").exists());
    let text = |path: &str| fs::read_to_string(root.join(path)).unwrap();
    assert!(text("etc/passwd").contains("app:x:1234:1234::/srv:/bin/false\n"));
    assert_eq!((text("etc/os-release"), text("etc/version")), ("ID=base\n".to_owned(), "one".to_owned()));
    let mode = |path: &str| fs::metadata(root.join(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode("tmp"), mode("usr/bin"), mode("etc")), (0o1777, 0o2755, 0o2755));
}

#[test]
fn an_image_of_ours_is_a_base_too() {
    let (cache, below) = (Cache::sample(), Project::new());
    below.system(&cache, "[\"hello\"]", "[entrypoint]\ncommand = [\"hello\"]\n");
    let base = below.build("base.tar.gz", &[]);
    let project = Project::new();
    let image = format!("[image]\nname = \"over\"\nfrom = \"{}\"\n", base.path.display());
    project.system(&cache, "[\"greet\"]", &image);
    let built = project.build("over.oci", &["--format", "oci-dir"]);
    project.dumbc(&["verify", built.path.to_str().unwrap()]).ok();
    let config = configuration(&built.path, &built.image_id());
    assert_eq!(config["config"]["Cmd"], json!(["hello"]));
    assert!(config["rootfs"]["diff_ids"].as_array().unwrap().len() > 4);
}
