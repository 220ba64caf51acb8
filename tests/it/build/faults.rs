//! Exit codes, messages and documents of builds that can't be.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use super::full_project;
use crate::support::project::{Cache, Project};

#[test]
fn an_unknown_name_gets_the_nearest_one() {
    let cache = Cache::sample();
    let project = Project::new();
    project.system(&cache, r#"["helo"]"#, "");
    project.dumbc(&["build"]).fails(3).says(&["helo", "did you mean `hello`?", "system.toml:2:"]);
    let document = project.dumbc(&["build", "--json"]).fails(3).json();
    assert_eq!(document["error"]["class"], "unknown-name");
    assert_eq!(document["error"]["diagnostics"][0]["line"], 2);
}

#[test]
fn wrong_files_are_pointed_at() {
    let project = Project::new();
    project.dumbc(&["build"]).fails(2).says(&["system.toml"]);
    for (text, words) in [
        ("packages = [", &["system.toml:1:"][..]),
        ("packges = []\n[image]\nname = \"x\"\n", &["packges", "packages", "system.toml:1:1"]),
        ("packages = [1]\n[image]\nname = \"x\"\n", &["system.toml:1:13"]),
        ("[image]\nname = \"x\"\n[entrypoint]\ncommand = \"sleep 1\"\n", &["system.toml:4:", "[\"sleep\", \"1\"]"]),
    ] {
        project.file("system.toml", text).dumbc(&["build"]).fails(2).says(words);
        let document = project.dumbc(&["build", "--json"]).fails(2).json();
        assert_eq!(document["error"]["class"], "usage");
    }
    assert!(!project.path("dumbc.lock").exists());
}

#[test]
fn a_host_that_can_not_be_reached_is_said_soon() {
    let cache = Cache::sample();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let project = Project::new();
    project.system_at(&cache, &format!("http://{nobody}"), r#"["hello"]"#, "");
    let start = Instant::now();
    project.dumbc(&["build"]).fails(5).says(&[&nobody.to_string(), "hello"]);
    let document = project.dumbc(&["build", "--json"]).fails(5).json();
    assert_eq!(document["error"]["class"], "network");
    assert!(start.elapsed() < Duration::from_secs(20), "two builds took {:?}", start.elapsed());
}

#[test]
fn a_host_that_went_away_is_said_with_what_is_missing() {
    let cache = Cache::sample();
    let server = crate::support::server::Server::start().folder(&cache.folder());
    let project = Project::new();
    let host = server.url("");
    project.system_at(&cache, &host, r#"["greet"]"#, "");
    project.build("1.tar.gz", &[]);
    drop(server);
    std::fs::remove_dir_all(project.store()).unwrap();
    let start = Instant::now();
    project.dumbc(&["build", "--locked"]).fails(5).says(&["127.0.0.1", "hello-1.0"]);
    assert!(start.elapsed() < Duration::from_secs(10), "it took {:?}", start.elapsed());
}

#[test]
fn every_verb_s_document_has_a_version() {
    let cache = Cache::sample();
    let project = full_project(&cache);
    project.build("1.tar.gz", &[]);
    let archive = project.path("1.tar.gz");
    let archive = archive.to_str().unwrap();
    let lock = project.path("dumbc.lock");
    for arguments in [
        &["plan", "--json"][..],
        &["why", "hello", "--json"],
        &["size", "--json"],
        &["check", "--json"],
        &["lock", "--json"],
        &["update", "--dry-run", "--json"],
        &["verify", archive, "--json"],
        &["verify", archive, "--lock", lock.to_str().unwrap(), "--json"],
        &["gc", "--json"],
    ] {
        let outcome = project.dumbc(arguments).ok();
        assert!(outcome.json().is_object(), "{arguments:?}");
    }
    let document = project.dumbc(&["verify", archive, "--lock", lock.to_str().unwrap(), "--json"]).ok().json();
    assert_eq!(document["store_paths"]["as_locked"], 3, "{document}");
    let usage = project.dumbc(&["bild", "--json"]).fails(2).json();
    assert_eq!(usage["error"]["class"], "usage");
}
