//! `dumbc.lock` and the network: what is asked when, and what is refused.

use std::fs;

use super::full_project;
use crate::support::project::{Cache, Project};
use crate::support::server::Server;

/// A project whose packages come over HTTP.
fn over_http(cache: &Cache, packages: &str) -> (Project, Server) {
    let server = Server::start().folder(&cache.folder());
    let project = Project::new();
    project.system_at(cache, &server.url(""), packages, "");
    (project, server)
}

#[test]
fn a_stale_or_missing_lock_is_refused_where_it_must_hold() {
    let cache = Cache::sample();
    let project = Project::new();
    project.system(&cache, r#"["hello"]"#, "");
    project.dumbc(&["build", "--locked"]).fails(4).says(&["dumbc.lock"]);
    // Without a lock, CI implies nothing.
    project.dumbc(&["build"]).env("CI", "true").ok();
    let locked = fs::read(project.path("dumbc.lock")).unwrap();
    project.dumbc(&["build"]).env("CI", "true").ok();
    project.system(&cache, r#"["hello", "greet"]"#, "");
    project.dumbc(&["build", "--locked"]).fails(4).says(&["greet"]);
    project.dumbc(&["build"]).env("CI", "true").fails(4).says(&["greet"]);
    let document = project.dumbc(&["build", "--locked", "--json"]).fails(4).json();
    assert_eq!(document["error"]["class"], "stale-lock");
    assert_eq!(fs::read(project.path("dumbc.lock")).unwrap(), locked, "a refused build leaves the lock alone");
    project.dumbc(&["build"]).env("CI", "false").ok().says(&["dumbc.lock"]);
    project.dumbc(&["build", "--locked"]).ok();
}

#[test]
fn a_locked_build_asks_for_nars_only_and_a_warm_one_for_nothing() {
    let cache = Cache::sample();
    let (project, server) = over_http(&cache, r#"["hello", "greet", "data"]"#);
    let first = project.build("1.tar.gz", &[]);
    let asked = server.seen().len();
    assert!(asked >= 6, "three narinfos and three NARs at least: {asked}");

    project.build("2.tar.gz", &[]);
    project.build("3.tar.gz", &["--locked"]);
    assert_eq!(server.seen().len(), asked, "a warm build asks for nothing");

    fs::remove_dir_all(project.store()).unwrap();
    let again = project.build("4.tar.gz", &["--locked"]);
    let seen = server.seen();
    let later: Vec<_> = seen[asked..].iter().map(|seen| seen.path.as_str()).collect();
    assert_eq!(later.len(), 3, "{later:?}");
    assert!(later.iter().all(|path| path.starts_with("/nar/")), "{later:?}");
    assert!(first.bytes() == again.bytes());
}

#[test]
fn offline_builds_use_what_is_at_hand() {
    let cache = Cache::sample();
    let (project, server) = over_http(&cache, r#"["hello"]"#);
    project.dumbc(&["build", "--offline"]).fails(5).says(&["offline"]);
    assert_eq!(server.seen().len(), 0);
    let first = project.build("1.tar.gz", &[]);
    let asked = server.seen().len();
    let again = project.build("2.tar.gz", &["--offline"]);
    assert_eq!(first.digests(), again.digests());
    fs::remove_dir_all(project.store()).unwrap();
    project.dumbc(&["build", "--offline"]).fails(5).says(&["offline", "hello"]);
    assert_eq!(server.seen().len(), asked);
}

#[test]
fn a_build_extends_the_lock_and_says_so() {
    let cache = Cache::sample();
    let project = Project::new();
    project.system(&cache, r#"["greet"]"#, "");
    let document = project.build("1.tar.gz", &[]).document;
    assert_eq!((&document["lock"]["written"], &document["lock"]["added"]["count"]), (&true.into(), &2.into()));
    let lock = fs::read_to_string(project.path("dumbc.lock")).unwrap();
    project.system(&cache, r#"["greet", "data"]"#, "");
    project.dumbc(&["build"]).ok().says(&["dumbc.lock", "1 new package"]);
    project.system(&cache, r#"["greet"]"#, "");
    project.dumbc(&["build"]).ok();
    assert_eq!(fs::read_to_string(project.path("dumbc.lock")).unwrap(), lock, "what nobody asks for goes again");
}

#[test]
fn lock_update_and_build_agree() {
    let cache = Cache::sample();
    let project = full_project(&cache);
    assert_eq!(project.dumbc(&["lock", "--json"]).ok().json()["written"], true);
    assert_eq!(project.dumbc(&["lock", "--json"]).ok().json()["written"], false);
    let old = project.build("1.tar.gz", &["--locked"]);
    cache.add("greet-2.0", &[("bin/greet", b"#!/bin/sh\necho another build\n")]);
    assert_eq!(project.build("2.tar.gz", &[]).digests(), old.digests(), "what is locked stays");
    let before = fs::read(project.path("dumbc.lock")).unwrap();
    let told = project.dumbc(&["update", "--dry-run"]).ok().text();
    assert!(told.contains("greet") && told.contains("2.0"), "{told}");
    assert_eq!(fs::read(project.path("dumbc.lock")).unwrap(), before);
    project.dumbc(&["update", "greet", "--json"]).ok().json();
    assert_ne!(project.build("3.tar.gz", &["--locked"]).digests(), old.digests());
}

#[test]
fn of_several_versions_the_newest_is_taken_unless_another_is_named() {
    let cache = Cache::sample();
    cache.add("greet-10.0", &[("bin/greet", b"#!/bin/sh\necho newer\n")]);
    for (request, version) in [("greet", "10.0"), ("greet@2", "2.0")] {
        let project = Project::new();
        project.system(&cache, &format!("[\"{request}\"]"), "").dumbc(&["lock"]).ok();
        let lock = fs::read_to_string(project.path("dumbc.lock")).unwrap();
        assert!(lock.contains(&format!("-greet-{version}")), "{lock}");
    }
    let project = Project::new();
    project.system(&cache, r#"["greet@4"]"#, "").dumbc(&["lock"]).fails(3).says(&["greet", "2.0", "10.0"]);
}
