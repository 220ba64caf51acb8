//! Skopeo reads and copies every format.

use std::path::Path;

use super::image::{BaseImage, base_image};
use super::{has, run};
use crate::support::image::{Archive, decompressed};

fn inspect(from: &str) -> serde_json::Value {
    let text = run("skopeo", ["inspect", "--config", from]);
    serde_json::from_str(&text).unwrap()
}

/// Copies into a folder that only skopeo writes; it checks every digest on the way.
fn copy(image: &BaseImage, from: &str, name: &str) {
    let to = image.project.beside(name);
    run("skopeo", ["--insecure-policy", "copy", "--quiet", from, &format!("dir:{}", to.display())]);
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(to.join("manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["config"]["digest"], image.archive.image_id(), "{from}");
}

fn display(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn skopeo_reads_every_format() {
    let Some(image) = base_image() else { return };
    let Some(()) = has("skopeo") else { return };
    let configuration = Archive::read(&image.archive.path).configuration();
    // Its reader of docker-archives fails on any gzipped one.
    let plain = image.project.path("plain.tar");
    std::fs::write(&plain, decompressed(&image.archive.bytes())).unwrap();
    let unpacked = image.build("sk-none.tar", &["--compression", "none"]);
    let mut sources = vec![
        ("docker-archive", display(&plain)),
        ("docker-archive", display(&unpacked.path)),
        ("oci-archive", display(&plain)),
        ("oci-archive", display(&image.archive.path)),
    ];
    for codec in ["gzip", "zstd", "none"] {
        let arguments = ["--compression", codec, "--format"];
        let archive = image.build(&format!("sk-{codec}.oci.tar"), &[&arguments[..], &["oci-archive"]].concat());
        let folder = image.build(&format!("sk-{codec}.oci"), &[&arguments[..], &["oci-dir"]].concat());
        sources.extend([("oci-archive", display(&archive.path)), ("oci", display(&folder.path))]);
    }
    for (number, (transport, path)) in sources.iter().enumerate() {
        let from = format!("{transport}:{path}");
        assert_eq!(inspect(&from), configuration, "{from}");
        copy(&image, &from, &format!("skopeo-{number}"));
    }
}

#[test]
fn skopeo_finds_the_digest_that_the_build_told() {
    let Some(image) = base_image() else { return };
    let Some(()) = has("skopeo") else { return };
    let folder = image.build("sk-digest.oci", &["--format", "oci-dir"]);
    let digest = run("skopeo", ["inspect", "--format", "{{.Digest}}", &format!("oci:{}:it", folder.path.display())]);
    assert_eq!(digest.trim(), image.oci_digest());
}
