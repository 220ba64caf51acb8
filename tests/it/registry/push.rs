//! What a push moves, and what others find there.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::faulty::{Fault, Faulty};
use super::{PASSWORD, Served, Small, USER, layers, nobody};
use crate::clients::{has, output};
use crate::support::command::Outcome;
use crate::support::image::Archive;
use crate::support::project::Project;

fn pushed(small: &Small, arguments: &[&str]) -> serde_json::Value {
    small.push(&[arguments, &["--json"]].concat()).ok().json()
}

fn skopeo(arguments: &[&str]) -> String {
    output(Command::new("skopeo").args(arguments))
}

/// `sha256:…` of what skopeo fetches as it is.
fn raw_digest(reference: &str) -> String {
    let raw = Command::new("skopeo")
        .args(["inspect", "--raw", "--tls-verify=false", &format!("docker://{reference}")])
        .output()
        .unwrap();
    assert!(raw.status.success(), "{}", String::from_utf8_lossy(&raw.stderr));
    dumbc::nix::Sha256::of(&raw.stdout).oci()
}

#[test]
fn what_was_pushed_is_there_whole_and_moves_no_second_time() {
    let Some(registry) = Served::start() else { return };
    let small = Small::new("");
    let reference = registry.reference("team/it:1.0");
    let first = pushed(&small, &[&reference]);
    let count = first["layers"]["uploaded"].as_u64().unwrap();
    assert!(count >= 5, "four packages and what is generated: {first}");
    assert_eq!(layers(&first), [count, 0, 0]);
    assert!(registry.is_whole("team/it", "1.0"));
    let build = small.project.build("again.oci", &["--format", "oci-dir"]);
    assert_eq!(first["digest"], build.document["images"][0]["manifests"]["oci"]);
    assert_eq!(first["images"][0]["image_id"], build.image_id().as_str());
    let pinned = format!("{}@{}", registry.reference("team/it"), first["digest"].as_str().unwrap());
    assert_eq!((&first["pinned"], &first["reference"]), (&pinned.into(), &reference.clone().into()));

    let (before, heads) = (registry.requests("POST") + registry.requests("PUT"), registry.requests("HEAD"));
    let second = pushed(&small, &[&reference]);
    assert_eq!((&second["unchanged"], &second["sent"], &second["digest"]), (&true.into(), &0.into(), &first["digest"]));
    assert_eq!(registry.requests("POST") + registry.requests("PUT"), before);
    assert_eq!(registry.requests("HEAD"), heads + 1, "one look at the tag");
    let told = small.push(&[&reference]).ok().text();
    assert!(told.contains("nothing to do"), "{told}");

    let forced = pushed(&small, &[&reference, "--force"]);
    assert_eq!((layers(&forced), &forced["unchanged"]), ([0, 0, count], &false.into()));
    // A blob that went missing behind the tag comes back.
    let document = registry.manifest("team/it", "1.0").unwrap().0;
    let gone = document["layers"][0]["digest"].as_str().unwrap();
    registry.delete_blob("team/it", gone);
    assert!(!registry.has_blob("team/it", gone));
    assert_eq!(layers(&pushed(&small, &[&reference, "--force"])), [1, 0, count - 1]);
    assert!(registry.is_whole("team/it", "1.0"));
}

#[test]
fn skopeo_finds_what_we_pushed() {
    let Some(registry) = Served::start() else { return };
    let Some(()) = has("skopeo") else { return };
    let small = Small::new("");
    for (format, media_type) in [
        ("oci", "application/vnd.oci.image.manifest.v1+json"),
        ("docker", "application/vnd.docker.distribution.manifest.v2+json"),
    ] {
        let reference = registry.reference(&format!("forms:{format}"));
        let document = pushed(&small, &[&reference, "--format", format]);
        assert_eq!(raw_digest(&reference), document["digest"].as_str().unwrap());
        assert_eq!(registry.manifest("forms", format).unwrap().1, media_type);
        assert_eq!((&document["media_type"], &document["format"]), (&media_type.into(), &format.into()));
    }
    let zstd = registry.reference("forms:zstd");
    let document = pushed(&small, &[&zstd, "--compression", "zstd"]);
    assert_eq!(raw_digest(&zstd), document["digest"].as_str().unwrap());

    let copy = small.project.beside("copy");
    let from = format!("docker://{}", registry.reference("forms:oci"));
    let to = format!("oci:{}:it", copy.display());
    skopeo(&["--insecure-policy", "copy", "--quiet", "--src-tls-verify=false", &from, &to]);
    let (copied, ours) = (Archive::read(&copy), Archive::read(&small.project.path("first.oci")));
    assert_eq!(copied.oci_manifest(), ours.oci_manifest());
    assert!(copied.layers() == ours.layers());
    assert_eq!(copied.configuration(), ours.configuration());
}

#[test]
fn a_changed_package_moves_its_layer_and_what_is_generated() {
    let Some(registry) = Served::start() else { return };
    let small = Small::new("");
    let reference = registry.reference("it");
    let first = pushed(&small, &[&reference]);
    small.change(2);
    small.write("[\"part0\", \"part1\", \"part2@1.1\", \"part3\"]", "");
    let second = pushed(&small, &[&reference]);
    let moved = second["blobs"].as_array().unwrap().iter().filter(|blob| blob["outcome"] == "uploaded");
    let names = moved.clone().map(|blob| blob["name"].as_str().unwrap()).collect::<Vec<_>>();
    assert!(names.iter().any(|name| name.contains("part2-1.1")), "{names:?}");
    assert!(!names.iter().any(|name| ["part0", "part1", "part3"].iter().any(|part| name.contains(part))), "{names:?}");
    let sent = second["sent"].as_u64().unwrap();
    assert!((40_000..80_000).contains(&sent), "{sent} bytes of {names:?}");
    assert_eq!(second["previous"]["latest"], first["digest"]);
    assert!(registry.is_whole("it", "latest"));
    assert!(registry.is_whole("it", first["digest"].as_str().unwrap()), "what was there stays");
}

#[test]
fn layers_are_mounted_from_where_this_store_pushed_them() {
    let Some(registry) = Served::start() else { return };
    let small = Small::new("");
    let first = pushed(&small, &[&registry.reference("one/it")]);
    let second = pushed(&small, &[&registry.reference("two/it")]);
    let count = first["layers"]["uploaded"].as_u64().unwrap();
    assert_eq!((layers(&second), &second["sent"]), ([0, count, 0], &0.into()));
    assert_eq!(second["blobs"][0]["mounted_from"], "one/it");
    assert!(registry.is_whole("two/it", "latest"));
    // What is remembered is a hint: a repository that lost its blobs, or never had them.
    for blob in second["blobs"].as_array().unwrap() {
        let digest = blob["digest"].as_str().unwrap();
        registry.delete_blob("one/it", digest);
        registry.delete_blob("two/it", digest);
    }
    let third = pushed(&small, &[&registry.reference("three/it")]);
    assert_eq!(layers(&third), [count, 0, 0]);
    assert!(registry.is_whole("three/it", "latest"));
}

#[test]
fn several_systems_are_an_index_of_which_each_finds_its_own() {
    let Some(registry) = Served::start() else { return };
    let small = Small::bare("systems = [\"x86_64-linux\", \"aarch64-linux\"]");
    let reference = registry.reference("both:1");
    let document = pushed(&small, &[&reference]);
    assert_eq!(document["media_type"], "application/vnd.oci.image.index.v1+json");
    assert!(registry.is_whole("both", "1"));
    let refused = small.push(&[&registry.reference("both:2"), "--format", "docker"]).fails(2);
    refused.says(&["one system, and there are 2", "--system"]);
    let Some(()) = has("skopeo") else { return };
    assert_eq!(raw_digest(&reference), document["digest"].as_str().unwrap());
    for (number, architecture) in ["amd64", "arm64"].into_iter().enumerate() {
        let from = format!("docker://{reference}");
        let arch = format!("--override-arch={architecture}");
        let config =
            skopeo(&[&arch, "--override-os=linux", "inspect", "--config", "--raw", "--tls-verify=false", &from]);
        let id = dumbc::nix::Sha256::of(config.as_bytes()).oci();
        assert_eq!(document["images"][number]["image_id"], id, "{architecture}");
        let config: serde_json::Value = serde_json::from_str(&config).unwrap();
        assert_eq!(config["architecture"], architecture);
    }
    let one = pushed(&small, &[&registry.reference("both:arm"), "--system", "aarch64-linux"]);
    assert_eq!(one["digest"], document["images"][1]["manifest"]);
}

#[test]
fn tags_where_they_are_wanted() {
    let Some(registry) = Served::start() else { return };
    let small = Small::new("tag = \"files\"");
    let document = pushed(&small, &[&registry.reference("it:1"), "--tag", "latest", "--tag", "1"]);
    assert_eq!(document["tags"], serde_json::json!(["1", "latest"]));
    assert!(registry.is_whole("it", "1") && registry.is_whole("it", "latest") && !registry.is_whole("it", "files"));
    // One more name for what is there costs one manifest.
    let posts = registry.requests("POST");
    let more = pushed(&small, &[&registry.reference("it"), "--tag", "latest", "--tag", "2"]);
    assert_eq!((registry.requests("POST"), &more["sent"], &more["unchanged"]), (posts, &0.into(), &false.into()));
    assert!(registry.is_whole("it", "2"));

    small.write("[\"part0\"]", &format!("registry = \"{}\"\ntag = \"files\"", registry.reference("team")));
    pushed(&small, &[]);
    assert!(registry.is_whole("team/it", "files"));
    let digest = format!("{}@{}", registry.reference("it"), document["digest"].as_str().unwrap());
    small.push(&[&digest]).fails(2).says(&["follows from the image"]);
    small.push(&[&registry.reference("it"), "--tag", "no tag"]).fails(2);
}

#[test]
fn where_to_is_said_somewhere() {
    let small = Small::new("");
    let refused = small.push(&[]).fails(2);
    refused.says(&["nothing says where to push", "dumbc push ", "[image]", "fly.toml"]);
    for (arguments, says) in [
        (&["r.example.org/a", "--format", "docker", "--compression", "zstd"][..], "--compression gzip"),
        (&["r.example.org/a", "--format", "tar"], "docker or oci"),
        (&["registry.fly.io/a", "--system", "aarch64-linux"], "no system aarch64-linux"),
    ] {
        small.push(arguments).fails(2).says(&[says]);
    }
    small.project.file("fly.toml", "app = 7\n");
    small.push(&[]).fails(2).says(&["fly.toml"]);
}

#[test]
fn flys_app_gets_one_manifest_of_dockers_kind() {
    let Some(registry) = Served::start() else { return };
    let small = Small::bare("systems = [\"aarch64-linux\", \"x86_64-linux\"]");
    small.project.file("fly.toml", "# ours\napp = \"an-app\"\n");
    let outcome = small.push(&["--json"]).env("FLY_REGISTRY_HOST", registry.host()).ok();
    outcome.says(&["only the image for x86_64-linux"]);
    let document = outcome.json();
    assert_eq!(document["reference"], registry.reference("an-app:latest"));
    assert_eq!(document["media_type"], "application/vnd.docker.distribution.manifest.v2+json");
    assert_eq!(document["images"].as_array().unwrap().len(), 1);
    assert!(registry.is_whole("an-app", "latest"));
}

#[test]
fn a_password_that_is_right_wrong_or_missing() {
    let Some(registry) = Served::with_password() else { return };
    let small = Small::new("");
    let reference = registry.reference("it");
    let silent = |outcome: Outcome| assert!(!outcome.to_string().contains(PASSWORD), "{outcome}");
    let nobody_known = small.push(&[&reference]).fails(7);
    nobody_known.says(&["wants credentials"]);
    let wrong = small.push(&[&reference]).env("DUMBC_REGISTRY_CREDS", format!("{USER}:{PASSWORD}!")).fails(7);
    wrong.says(&["refuses the credentials"]);
    silent(wrong);
    let right = small.push(&[&reference, "--json"]).env("DUMBC_LOG", "trace");
    let right = right.env("DUMBC_REGISTRY_CREDS", format!("{USER}:{PASSWORD}")).ok();
    assert_eq!(layers(&right.json())[1..], [0, 0]);
    silent(right);
    // As docker's login leaves it.
    let home = small.project.beside("home");
    let auth = data_encoding::BASE64.encode(format!("{USER}:{PASSWORD}").as_bytes());
    let config = serde_json::json!({ "auths": { registry.host(): { "auth": auth } } });
    fs::write(home.join("config.json"), config.to_string()).unwrap();
    let told = small.push(&[&reference]).ok();
    assert!(told.text().contains("nothing to do"), "{told}");
    silent(told);
}

/// Something bad that happens to a store.
type Harm = Box<dyn Fn() + Send + Sync>;

#[test]
fn a_layer_that_is_damaged_while_it_is_sent_is_made_anew() {
    let Some(registry) = Served::start() else { return };
    let small = Small::new("");
    let whole = pushed(&small, &[&registry.reference("whole")]);
    let fragments = small.project.store().join("fragments");
    let (flip, cut) = (fragments.clone(), fragments);
    let harms: [(&str, Harm); 2] =
        [("flip", Box::new(move || harm(&flip, true))), ("cut", Box::new(move || harm(&cut, false)))];
    for (name, harm) in harms {
        // Nothing is to be mounted, even if this port was the last one's.
        fs::remove_dir_all(small.project.store().join("cache/pushed")).unwrap();
        // The first connection is to look at the tag: all has been found whole by then, and nothing has been read to be sent.
        let proxy = Faulty::start(registry.port(), move |number| {
            if number == 0 {
                harm();
            }
            Fault::Pass
        });
        let outcome = small.push(&[&proxy.reference(name), "--json"]).ok();
        outcome.says(&["was damaged"]);
        assert_eq!(outcome.json()["digest"], whole["digest"]);
        assert!(registry.is_whole(name, "latest"));
    }
}

/// Changes a byte of the largest fragment, or cuts it off there.
fn harm(fragments: &Path, is_changed: bool) {
    let files = walkdir::WalkDir::new(fragments).into_iter().map(Result::unwrap);
    let files = files.filter(|entry| entry.file_type().is_file());
    let path = files.max_by_key(|entry| entry.metadata().unwrap().len()).unwrap().into_path();
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    if is_changed {
        bytes[middle] ^= 1;
    } else {
        bytes.truncate(middle);
    }
    fs::write(&path, bytes).unwrap();
}

#[test]
fn a_push_needs_a_project() {
    let project = Project::new();
    let command = nobody(project.dumbc(&["push", "r.example.org/a"]), &project.beside("home"));
    command.fails(2).says(&["system.toml"]);
}
