//! The same input gives the same bytes, wherever, whenever and however it is built.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::{fill, full_project};
use crate::support::command::Dumbc;
use crate::support::image::Archive;
use crate::support::project::{Built, Cache, Project};

/// Builds, and holds the result against an earlier one.
fn assert_same(first: &Built, again: &Built, how: &str) {
    assert_eq!(first.digests(), again.digests(), "{how}");
    assert!(first.bytes() == again.bytes(), "the archive's bytes differ {how}");
}

#[test]
fn threads_and_a_second_build_make_no_difference() {
    let cache = Cache::sample();
    let project = full_project(&cache);
    let first = project.build("1.tar.gz", &[]);
    let warm = project.build("2.tar.gz", &[]);
    assert_same(&first, &warm, "warm");
    let layers = |built: &Built| built.document["images"][0].clone();
    assert_eq!(layers(&first)["layers_reused"], 0);
    assert_eq!(layers(&warm)["layers_reused"], layers(&warm)["layers"]);
    for threads in ["-j1", "-j8"] {
        fs::remove_dir_all(project.store()).unwrap();
        assert_same(&first, &project.build("3.tar.gz", &[threads]), threads);
    }
}

#[test]
fn another_place_and_another_umask_make_no_difference() {
    let cache = Cache::sample();
    let first = full_project(&cache).build("1.tar.gz", &[]).digests();
    let elsewhere = Project::new();
    fill(&elsewhere, &cache);
    for entry in walkdir::WalkDir::new(elsewhere.path("site")) {
        // As a checkout with umask 077 has them.
        let path = entry.unwrap().into_path();
        let mode = path.symlink_metadata().unwrap().permissions().mode();
        if !path.is_symlink() {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode & 0o700)).unwrap();
        }
    }
    let output = elsewhere.path("umask.tar.gz");
    let arguments = ["build", "--json", "-o", output.to_str().unwrap()];
    let outcome = Dumbc::with_umask_077(&elsewhere.directory(), &elsewhere.store(), &arguments).ok();
    let built = Built::of(&outcome, output);
    assert_eq!(first, built.digests());
    assert_same(&built, &elsewhere.build("2.tar.gz", &[]), "with the usual umask");
}

#[test]
fn collection_makes_no_difference() {
    let cache = Cache::sample();
    let project = full_project(&cache);
    let first = project.build("1.tar.gz", &[]);
    let collected = project.dumbc(&["gc", "--max-size", "0B", "--json"]).ok().json();
    assert!(collected["removed"].as_u64().unwrap() >= 5, "{collected}");
    assert_eq!(collected["kept_bytes"], 0, "{collected}");
    assert_same(&first, &project.build("2.tar.gz", &[]), "after gc");
}

#[test]
fn a_source_date_changes_the_creation_time_alone() {
    let cache = Cache::sample();
    let project = full_project(&cache);
    // The SBOM in the image tells the time, too.
    let system = fs::read_to_string(project.path("system.toml")).unwrap();
    project.file("system.toml", system.replace("name = \"full\"", "name = \"full\"\nsbom = false"));
    let first = project.build("1.tar.gz", &[]);
    let output = project.path("2.tar.gz");
    let build = ["build", "--json", "-o", output.to_str().unwrap()];
    let outcome = project.dumbc(&build).env("SOURCE_DATE_EPOCH", "1700000000").ok();
    let second = Built::of(&outcome, output.clone());
    assert_ne!(first.image_id(), second.image_id());
    let (first, second) = (Archive::read(&first.path), Archive::read(&second.path));
    assert!(first.layers() == second.layers(), "the date is in a layer");
    let without_times = |archive: &Archive| {
        let mut configuration = archive.configuration();
        let created = configuration["created"].take();
        for entry in configuration["history"].as_array_mut().unwrap() {
            assert_eq!(entry["created"].take(), created);
        }
        (created, configuration)
    };
    let (fixed, before) = without_times(&first);
    let (dated, after) = without_times(&second);
    assert_eq!(before, after);
    assert_eq!((fixed, dated), ("1970-01-01T00:00:01Z".into(), "2023-11-14T22:13:20Z".into()));
    project.dumbc(&build).env("SOURCE_DATE_EPOCH", "yesterday").fails(2).says(&["SOURCE_DATE_EPOCH", "yesterday"]);
}

#[test]
fn the_order_of_requests_makes_no_difference_to_layers() {
    let cache = Cache::sample();
    let ids = [r#"["hello", "data", "greet"]"#, r#"["greet", "hello", "data"]"#].map(|packages| {
        let project = Project::new();
        project.system(&cache, packages, "");
        let archive = Archive::read(&project.build("it.tar.gz", &[]).path);
        let mut layers: Vec<_> = archive.layers().into_iter().map(<[u8]>::to_vec).collect();
        layers.sort();
        layers
    });
    assert!(ids[0] == ids[1]);
}
