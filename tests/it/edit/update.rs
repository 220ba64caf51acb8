//! `dumbc update` and `dumbc outdated`: what moves, and why.

use std::fs;

use serde_json::json;

use crate::support::nixos::{Nixos, Running};
use crate::support::project::{Cache, Project};

fn release(number: u32) -> Nixos {
    Nixos::new("nixos-26.05", number)
        .with("ripgrep", &format!("ripgrep-14.{number}"), &["out"], &json!({}))
        .with("jq", "jq-1.8", &["out"], &json!({}))
        .with("cacert", "cacert-3.1", &["out"], &json!({}))
}

fn project(running: &Running) -> Project {
    let project = Project::new();
    let channel = format!("[channels.nixpkgs]\nrelease = \"nixos-26.05\"\nkeys = [\"{}\"]\n", running.public_key);
    project.file("system.toml", format!("packages = [\"ripgrep\", \"jq\"]\n{channel}[image]\nname = \"it\"\n"));
    project
}

/// A machine that is locked at release 1, and services that have release 2.
fn behind() -> (Running, Project) {
    let running = release(1).start();
    let project = project(&running);
    running.hosts(project.dumbc(&["lock"])).ok();
    let newer = release(2);
    let cache = newer.packages.serve();
    (Running { services: newer.serve(running.services), cache, ..running }, project)
}

#[test]
fn what_is_outdated_is_told_and_nothing_is_written() {
    let (running, project) = behind();
    let before = fs::read_to_string(project.path("dumbc.lock")).unwrap();
    let told = running.hosts(project.dumbc(&["outdated"])).ok();
    let text = told.text();
    assert!(text.contains("~ channel nixpkgs: nixos-26.05.1.000000000001 -> nixos-26.05.2.000000000002"), "{told}");
    assert!(text.contains("ripgrep  14.1 -> 14.2") && !text.contains("jq"), "{told}");
    running.hosts(project.dumbc(&["outdated", "--exit-code"])).fails(10);
    let document = running.hosts(project.dumbc(&["outdated", "--json"])).ok().json();
    assert_eq!((&document["written"], &document["changes"]["requests"][0]["name"]), (&json!(false), &json!("ripgrep")));
    assert_eq!(document["changes"]["channels"][0]["to"], "nixos-26.05.2.000000000002");
    let markdown = running.hosts(project.dumbc(&["outdated", "--markdown"])).ok().text();
    assert!(markdown.contains("| `~` | `ripgrep` | 14.1 -> 14.2 |"), "{markdown}");
    assert_eq!(fs::read_to_string(project.path("dumbc.lock")).unwrap(), before);

    running.hosts(project.dumbc(&["update"])).ok();
    running.hosts(project.dumbc(&["outdated", "--exit-code"])).ok().says(&["dumbc.lock is up to date"]);
}

#[test]
fn a_name_moves_its_channel_and_that_is_said() {
    let (running, project) = behind();
    let told = running.hosts(project.dumbc(&["update", "jq"])).ok();
    told.says(&["channel `nixpkgs` moves as a whole: its packages are of one release", "dumbc.lock is written"]);
    assert!(told.text().contains("ripgrep  14.1 -> 14.2"), "{told}");
    let lock = fs::read_to_string(project.path("dumbc.lock")).unwrap();
    assert!(lock.contains("name = \"nixos-26.05.2."), "{lock}");
    let unknown = running.hosts(project.dumbc(&["update", "ripgerp"])).fails(3);
    unknown.says(&["did you mean `ripgrep`?"]);
}

#[test]
fn what_is_rebuilt_tells_what_it_uses_anew() {
    let (cache, project) = (Cache::sample(), Project::new());
    project.system(&cache, "[\"greet\"]", "");
    project.dumbc(&["lock"]).ok();
    // A fix in what it uses: the same greet, somewhere else.
    let hello = cache.add("hello-1.1", &[("bin/hello", b"#!/bin/sh\necho fixed\n")]);
    cache.add("greet-2.0", &[("bin/greet", format!("#!{hello}/bin/hello\n").as_bytes())]);
    let told = project.dumbc(&["update", "--dry-run"]).ok();
    let text = told.text();
    assert!(text.contains("=  greet  2.0, rebuilt") && text.contains("with another hello"), "{told}");
    assert!(text.contains("~  hello  1.0 -> 1.1") && text.contains("as after a security fix"), "{told}");
    let document = project.dumbc(&["outdated", "--json"]).ok().json();
    assert_eq!(document["changes"]["requests"][0]["because"], json!(["hello"]));
    let markdown = project.dumbc(&["update", "--markdown"]).ok().text();
    assert!(markdown.contains("2.0, rebuilt, with another hello"), "{markdown}");
}
