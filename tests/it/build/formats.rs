//! What a build writes: four formats, three codecs, one image.

use serde_json::Value;

use super::full_project;
use crate::support::image::{Archive, decompressed};
use crate::support::project::{Cache, Project};

fn media_types(archive: &Archive) -> Vec<String> {
    let manifest = archive.oci_manifest();
    let layers = manifest["layers"].as_array().unwrap();
    layers.iter().map(|layer| layer["mediaType"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_format_and_codec_holds_the_same_image() {
    let cache = Cache::sample();
    let project = full_project(&cache);
    let first = project.build("first.tar.gz", &[]);
    let root = Archive::read(&first.path).root();
    for (format, codecs) in [
        ("archive", &["gzip", "gzip:9", "none"][..]),
        ("docker-archive", &["gzip", "none"]),
        ("oci-archive", &["gzip", "zstd", "none"]),
        ("oci-dir", &["gzip", "zstd", "zstd:9", "none"]),
    ] {
        for codec in codecs {
            let name = format!("{format}-{}", codec.replace(':', "-"));
            let built = project.build(&name, &["--format", format, "--compression", codec]);
            assert_eq!(built.image_id(), first.image_id(), "{name}");
            assert_eq!(built.document["format"], format);
            let archive = Archive::read(&built.path);
            assert!(archive.root() == root, "the root differs in {name}");
            shape(&archive, format, codec);
            project.dumbc(&["verify", built.path.to_str().unwrap(), "--json"]).ok().json();
        }
    }
}

/// Which documents are there, and how layers are compressed.
fn shape(archive: &Archive, format: &str, codec: &str) {
    let has = |name: &str| archive.files.contains_key(name);
    let is_oci = has("oci-layout") && has("index.json");
    assert_eq!(
        (has("manifest.json"), is_oci),
        (format.ends_with("archive") && format != "oci-archive", format != "docker-archive")
    );
    let media = "application/vnd.oci.image.layer.v1.tar";
    let (inside, ending) = match codec.split(':').next().unwrap() {
        _ if !format.starts_with("oci") => (&b""[..], String::new()),
        "gzip" => (&[0x1f, 0x8b][..], "+gzip".to_owned()),
        "zstd" => (&[0x28, 0xb5, 0x2f, 0xfd][..], "+zstd".to_owned()),
        _ => (&b""[..], String::new()),
    };
    if is_oci {
        assert!(media_types(archive).iter().all(|found| *found == format!("{media}{ending}")), "{format} {codec}");
    }
    assert!(archive.layers().iter().all(|layer| layer.starts_with(inside)), "{format} {codec}");
    assert_eq!(archive.configuration()["rootfs"]["diff_ids"].as_array().unwrap().len(), archive.layers().len());
}

#[test]
fn the_digests_that_are_told_are_those_of_the_files() {
    let cache = Cache::sample();
    let project = full_project(&cache);
    let archive = project.build("a.tar.gz", &[]);
    let manifest = |path| Archive::read(path).json("index.json")["manifests"][0]["digest"].clone();
    assert_eq!(manifest(&archive.path), archive.document["images"][0]["manifests"]["archive"]);
    let layout = project.build("o", &["--format", "oci-dir"]);
    assert_eq!(manifest(&layout.path), layout.document["images"][0]["manifests"]["oci"]);
    let configuration = Archive::read(&layout.path).oci_manifest()["config"]["digest"].clone();
    assert_eq!(configuration, layout.document["images"][0]["image_id"]);
    assert_eq!(archive.document["size"], archive.bytes().len());
    let tags = Archive::read(&archive.path).json("manifest.json")[0]["RepoTags"].clone();
    assert_eq!(tags, Value::from(vec!["full:latest"]));
}

#[test]
fn stdout_takes_what_a_file_would() {
    let cache = Cache::sample();
    let project = full_project(&cache);
    for (format, file) in [("archive", "a.tar.gz"), ("oci-archive", "b.tar"), ("docker-archive", "c.tar.gz")] {
        let file = project.build(file, &["--format", format]);
        let outcome = project.dumbc(&["build", "-o", "-", "--format", format]).ok();
        assert!(outcome.stdout == file.bytes(), "{format}");
        outcome.says(&["image ID"]);
    }
}

#[test]
fn the_default_file_is_named_by_the_image() {
    let cache = Cache::sample();
    let project = full_project(&cache);
    let told = project.dumbc(&["build"]).ok().text();
    assert!(told.contains("image ID         sha256:") && told.contains("full.tar.gz"), "{told}");
    let archive = Archive::read(&project.path("full.tar.gz"));
    assert!(archive.files.contains_key("manifest.json"));
    project.dumbc(&["build", "--format", "oci-dir"]).ok();
    // An OCI layout may be written over; another folder may not.
    project.dumbc(&["build", "--format", "oci-dir"]).ok();
    assert!(project.path("full.oci/oci-layout").is_file());
    project.file("other/precious", "text");
    let other = project.path("other");
    project.dumbc(&["build", "--format", "oci-dir", "-o", other.to_str().unwrap()]).fails(2);
    assert_eq!(std::fs::read(project.path("other/precious")).unwrap(), b"text");
}

#[test]
fn what_a_format_can_not_hold_is_refused_early() {
    let cache = Cache::sample();
    let project = Project::new();
    project.system(
        &cache,
        r#"["hello"]"#,
        "[image]\nname = \"two\"\nsystems = [\"x86_64-linux\", \"aarch64-linux\"]\n",
    );
    let zstd = ["build", "--compression", "zstd", "--system", "x86_64-linux"];
    for (arguments, words) in [
        (&zstd[..], &["zstd", "oci-archive"][..]),
        (&["build"], &["one system", "--system"]),
        (&["build", "--format", "docker-archive"], &["one system"]),
        (&["build", "--format", "oci-dir", "-o", "-"], &["oci-dir", "stdout"]),
        (&["build", "--system", "x86_64-linux", "-o", "-", "--json"], &["--json"]),
        (&["build", "--format", "tarball"], &["tarball", "oci-archive"]),
        (&["build", "--compression", "lzma"], &["lzma"]),
    ] {
        project.dumbc(arguments).fails(2).says(words);
    }
    assert!(!project.path("dumbc.lock").exists(), "nothing was asked");
    let document = project.dumbc(&["build", "--system", "i686-linux", "--json"]).fails(2).json();
    assert_eq!(document["error"]["class"], "usage");
}

#[test]
fn several_systems_make_an_index() {
    let cache = Cache::sample();
    let project = Project::new();
    project.system(
        &cache,
        "[]",
        "[image]\nname = \"two\"\nsystems = [\"x86_64-linux\", \"aarch64-linux\"]\n[files.\"/note\"]\ntext = \"x\"\n",
    );
    let built = project.build("two.tar", &["--format", "oci-archive"]);
    assert_eq!(built.digests().len(), 2);
    let index = Archive::read(&built.path).json("index.json");
    let platforms: Vec<_> =
        index["manifests"].as_array().unwrap().iter().map(|one| &one["platform"]["architecture"]).collect();
    assert_eq!(platforms, ["amd64", "arm64"]);
    let one = project.build("one.tar.gz", &["--system", "aarch64-linux"]);
    assert_eq!(Archive::read(&one.path).configuration()["architecture"], "arm64");
}

#[test]
fn archives_are_gzip_all_through() {
    let cache = Cache::sample();
    let bytes = full_project(&cache).build("a.tar.gz", &[]).bytes();
    // Nothing stands behind the last member: what decodes is the whole file.
    assert_eq!(Archive::of(&decompressed(&bytes)).files, Archive::of(&bytes).files);
    assert!(decompressed(&bytes).ends_with(&[0; 1024]));
}
