//! Signatures and SBOMs beside images: put by `push`, found by us and by others.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::fly::World;
use super::{Served, Small, nobody};
use crate::clients::{has, output};
use crate::support::command::Dumbc;
use crate::support::skipped;

/// A key pair of openssl's, in a folder beside the project.
fn keys(small: &Small, name: &str) -> Option<(String, String)> {
    has("openssl")?;
    let path = |end: &str| small.project.beside(&format!("{name}.{end}")).display().to_string();
    let (secret, public) = (path("key"), path("pub"));
    let curve = ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", &secret];
    output(Command::new("openssl").args(curve));
    output(Command::new("openssl").args(["pkey", "-in", &secret, "-pubout", "-out", &public]));
    Some((secret, public))
}

fn verify(small: &Small, key: &str, reference: &str) -> Dumbc {
    nobody(small.project.dumbc(&["verify", "--key", key, reference]), &small.project.beside("home"))
}

/// `sha256-…`, which tags beside an image begin with.
fn beside(digest: &str) -> String {
    digest.replace(':', "-")
}

#[test]
fn what_is_signed_is_believed_and_nothing_else() {
    let Some(registry) = Served::start() else { return };
    let small = Small::new("");
    let Some((secret, public)) = keys(&small, "ours") else { return };
    let Some((_, other)) = keys(&small, "other") else { return };
    let reference = registry.reference("team/it:1");
    small.push(&[&reference]).ok();
    verify(&small, &public, &reference).fails(6).says(&["has no signature", "--sign"]);
    let signed = small.push(&[&reference, "--sign", &secret, "--json"]).ok().json();
    let digest = signed["digest"].as_str().unwrap();
    assert_eq!(signed["signature"], format!("{}.sig", beside(digest)), "{signed}");
    assert_eq!(signed["newly_signed"], true);
    verify(&small, &public, &reference).ok().says(&["signed", digest, &registry.reference("team/it")]);
    verify(&small, &other, &reference).fails(6).says(&["none of the 1 signatures", "give the key"]);
    let again = small.push(&[&reference, "--sign", &secret, "--json"]).ok().json();
    assert_eq!((&again["newly_signed"], &again["unchanged"]), (&false.into(), &true.into()));
    // The key may come in a variable; a missing one is told before anything is built.
    let text = fs::read_to_string(&secret).unwrap();
    small.push(&[&registry.reference("team/it:2"), "--sign", "env://KEY"]).env("KEY", text).ok();
    small.push(&[&registry.reference("team/it:3"), "--sign", "env://NO_KEY"]).fails(2).says(&["NO_KEY"]);
    assert!(registry.manifest("team/it", "3").is_none());
    // Another image under the tag is not what was signed.
    small.change(1);
    small.write("[\"part0\", \"part1@1.1\"]", "");
    small.push(&[&reference]).ok();
    verify(&small, &public, &reference).fails(6).says(&["has no signature"]);

    let Some(()) = has("skopeo") else { return };
    let pinned = registry.reference(&format!("team/it@{digest}"));
    let taken = |key: &str, reference: &str| skopeo_takes(&small, key, &registry.host(), reference);
    let Some(is_taken) = taken(&public, &pinned) else { return };
    assert!(is_taken);
    assert_eq!((taken(&other, &pinned), taken(&public, &reference)), (Some(false), Some(false)));
}

/// Whether skopeo copies what must be signed by this key; `None`, said aloud, where it was built without that.
fn skopeo_takes(small: &Small, key: &str, host: &str, reference: &str) -> Option<bool> {
    let folder = tempfile::tempdir_in(small.project.beside("home")).unwrap();
    let place = |name: &str| folder.path().join(name);
    let rule = serde_json::json!({ "type": "sigstoreSigned", "keyPath": key, "signedIdentity": { "type": "matchRepository" } });
    let policy = serde_json::json!({ "default": [{ "type": "reject" }], "transports": { "docker": { host: [rule] } } });
    fs::write(place("policy.json"), policy.to_string()).unwrap();
    fs::create_dir(place("registries.d")).unwrap();
    let attachments = format!("docker:\n  {host}:\n    use-sigstore-attachments: true\n");
    fs::write(place("registries.d/it.yaml"), attachments).unwrap();
    let mut skopeo = Command::new("skopeo");
    skopeo.arg("--policy").arg(place("policy.json")).arg("--registries.d").arg(place("registries.d"));
    skopeo.args(["copy", "--quiet", "--src-tls-verify=false", &format!("docker://{reference}")]);
    let told = skopeo.arg(format!("dir:{}", place("copy").display())).output().unwrap();
    let words = String::from_utf8_lossy(&told.stderr);
    if words.contains("sigstore disabled") {
        return skipped("this skopeo checks no signatures of cosign's kind");
    }
    assert!(told.status.success() || words.contains("ignature"), "{words}");
    Some(told.status.success())
}

#[test]
fn an_sbom_is_found_from_its_image() {
    let Some(registry) = Served::start() else { return };
    let small = Small::new("");
    for (format, artifact) in [("spdx", "application/spdx+json"), ("cyclonedx", "application/vnd.cyclonedx+json")] {
        let reference = registry.reference(&format!("{format}:1"));
        let told = small.push(&[&reference, "--sbom", format, "--json"]).ok().json();
        let digest = told["digest"].as_str().unwrap();
        assert!(registry.is_whole(format, "1"));
        // docker-registry has no API of referrers: they are listed under a tag.
        let (index, _) = registry.manifest(format, &beside(digest)).unwrap();
        let entry = &index["manifests"][0];
        assert_eq!((&entry["artifactType"], &entry["digest"]), (&artifact.into(), &told["sboms"][0]), "{index}");
        let (manifest, _) = registry.manifest(format, entry["digest"].as_str().unwrap()).unwrap();
        assert_eq!(manifest["subject"]["digest"], digest);
        assert!(registry.has_blob(format, manifest["layers"][0]["digest"].as_str().unwrap()));
        // It is the document that is told of the lock.
        let document: PathBuf = small.project.beside(&format!("{format}.json"));
        small.project.dumbc(&["sbom", "--format", format, "-o", document.to_str().unwrap()]).ok();
        let wanted = dumbc::nix::Sha256::of(&fs::read(&document).unwrap()).oci();
        assert_eq!(manifest["layers"][0]["digest"], wanted);
        // Again: nothing is listed twice.
        small.push(&[&reference, "--sbom", format]).ok();
        let (index, _) = registry.manifest(format, &beside(digest)).unwrap();
        assert_eq!(index["manifests"].as_array().unwrap().len(), 1, "{index}");
    }
}

#[test]
fn each_image_of_an_index_has_an_sbom_and_the_index_a_signature() {
    let Some(registry) = Served::start() else { return };
    let small = Small::bare("systems = [\"x86_64-linux\", \"aarch64-linux\"]");
    let Some((secret, public)) = keys(&small, "ours") else { return };
    let reference = registry.reference("both:1");
    let told = small.push(&[&reference, "--sign", &secret, "--sbom", "spdx", "--json"]).ok().json();
    for number in [0, 1] {
        let manifest = told["images"][number]["manifest"].as_str().unwrap();
        let (index, _) = registry.manifest("both", &beside(manifest)).unwrap();
        assert_eq!(index["manifests"][0]["digest"], told["sboms"][number]);
    }
    assert_eq!(told["signature"], format!("{}.sig", beside(told["digest"].as_str().unwrap())));
    verify(&small, &public, &reference).ok();
    assert!(registry.is_whole("both", "1"));
}

#[test]
fn fly_takes_no_sbom() {
    let world = World::open();
    world.dumbc(&["push", "--sbom", "spdx"]).fails(2).says(&["takes a single manifest", "dumbc sbom"]);
    assert!(world.registry.requests().is_empty(), "it is told before anything is asked");
}
