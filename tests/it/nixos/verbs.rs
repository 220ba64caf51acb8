//! `search`, `info` and `versions`, and what somebody may have meant.

use std::fs;

use serde_json::{Value, json};

use crate::support::debian::{Deb, DebArchive};
use crate::support::nixos::{Nixos, Running};
use crate::support::project::Project;

fn release() -> Nixos {
    let mut release = Nixos::new("nixos-26.05", 1);
    let glibc = release.packages.add("glibc-2.40", &[], &vec![7; 50_000]);
    let about = json!({
        "description": "Command-line JSON processor", "homepage": "https://example.org/jq", "mainProgram": "jq",
        "license": { "spdxId": "MIT" }, "platforms": ["x86_64-linux", "aarch64-linux"], "outputsToInstall": ["bin", "man"],
    });
    release
        .with("jq", "jq-1.8.2", &["bin", "man", "out"], &about)
        .built("git", "git-2.47", &[&glibc])
        .built("python3", "python3-3.13.1", &[])
        .built("python313", "python3-3.13.1", &[])
        .built("python312", "python3-3.12.9", &[])
        .built("python313Packages.requests", "requests-2.32", &[])
        .with("ripgrep", "ripgrep-14.1", &["out"], &json!({ "mainProgram": "rg", "description": "Grep for files" }))
        .listed("jsteam", "jsteam-1.0", &["out"], &json!({ "unfree": true, "description": "JSON games" }))
        .with("cacert", "cacert-3.1", &["out"], &json!({}))
}

/// A project with all kinds of channels.
fn project(running: &Running, archive: &DebArchive) -> Project {
    let project = Project::new();
    let line = json!({ "attr": "jsonnet", "name": "jsonnet-0.20", "system": "x86_64-linux", "outputs": { "out": null },
        "meta": { "description": "Templates for configuration", "homepage": "https://example.org/jsonnet",
                  "license": [{ "spdxId": "Apache-2.0", "free": true }, "MIT"] } });
    project.file("index.jsonl", line.to_string());
    let text = format!(
        "channel = \"nixpkgs\"\npackages = [\"git\"]\n[channels.nixpkgs]\nrelease = \"nixos-26.05\"\nkeys = [\"{}\"]\n\
         [channels.ours]\nindex = \"index.jsonl\"\n{}\n[image]\nname = \"it\"\n",
        running.public_key,
        archive.channel(""),
    );
    project.file("system.toml", text);
    project
}

fn found(document: &Value) -> Vec<String> {
    let packages = document["packages"].as_array().unwrap().iter();
    packages.map(|one| format!("{}#{}", one["channel"].as_str().unwrap(), one["attribute"].as_str().unwrap())).collect()
}

#[test]
fn all_channels_are_searched() {
    let (running, archive) =
        (release().start(), DebArchive::of(&[Deb::new("libjson-perl", "4.10-1"), Deb::new("tool", "1-1")]));
    let project = project(&running, &archive);
    let search = |words: &[&str]| running.hosts(project.dumbc(&[&["search"], words].concat())).ok();
    let all = search(&["JSON", "--json"]).json();
    assert_eq!(found(&all), ["debian#libjson-perl", "ours#jsonnet", "nixpkgs#jq", "nixpkgs#jsteam"]);
    assert_eq!(all["packages"][2]["description"], "Command-line JSON processor");
    assert_eq!(all["packages"][3]["hindrance"], "is unfree");
    assert_eq!(found(&search(&["json", "--channel", "ours", "--json"]).json()), ["ours#jsonnet"]);
    assert_eq!(found(&search(&["json", "--limit", "1", "--json"]).json()), ["debian#libjson-perl"]);
    assert_eq!(found(&search(&["rg", "--json"]).json())[0], "nixpkgs#ripgrep");
    assert_eq!(search(&["nothing", "like", "it"]).says(&["no package of nixpkgs, debian, ours fits"]).text(), "");
    assert!(search(&["git"]).text().starts_with("git  2.47  nixpkgs"), "nothing is locked: no size");
    running.hosts(project.dumbc(&["lock"])).ok();
    assert!(search(&["git", "--json"]).json()["packages"][0]["size"].as_u64().unwrap() > 50_000);
}

#[test]
fn indexes_and_archives_are_searched_by_what_packages_say_of_themselves() {
    let sizes = Deb::new("viewer", "1-1").field("Description", "Shows templates\n of any kind, json too");
    let (running, archive) = (release().start(), DebArchive::of(&[sizes.field("Installed-Size", "12")]));
    let project = project(&running, &archive);
    let search = |words: &[&str]| running.hosts(project.dumbc(&[&["search"], words].concat())).ok();
    let both = search(&["TEMPLATES", "--json"]).json();
    assert_eq!(found(&both), ["debian#viewer", "ours#jsonnet"]);
    assert_eq!(
        (&both["packages"][0]["description"], &both["packages"][0]["size"]),
        (&json!("Shows templates"), &json!(12 * 1024))
    );
    assert_eq!(both["packages"][1]["description"], "Templates for configuration");
    assert!(found(&search(&["any", "kind", "--json"]).json()).is_empty(), "only the first line counts");
    assert_eq!(found(&search(&["templates", "jsonnet", "--json"]).json()), ["ours#jsonnet"]);
}

#[test]
fn a_channel_that_can_not_be_asked_is_left_out() {
    let (running, archive) = (release().start(), DebArchive::of(&[Deb::new("tool", "1-1")]));
    let project = project(&running, &archive);
    fs::remove_file(project.path("index.jsonl")).unwrap();
    let told = running.hosts(project.dumbc(&["search", "json", "--json"])).ok();
    assert_eq!(found(&told.json()), ["nixpkgs#jq", "nixpkgs#jsteam"]);
    told.says(&["channel ours is left out: the index of channel `ours` at index.jsonl can't be opened"]);
    running.hosts(project.dumbc(&["search", "json", "--channel", "ours"])).fails(2);
    running
        .hosts(project.dumbc(&["search", "json", "--channel", "theirs"]))
        .fails(2)
        .says(&["there is no channel `theirs`"]);
}

#[test]
fn info_tells_outputs_closure_and_what_is_locked() {
    let tool = Deb::new("tool", "1-1").field("Homepage", "https://example.org/tool");
    let (running, archive) = (release().start(), DebArchive::of(&[tool.depends("lib"), Deb::new("lib", "2-1")]));
    let project = project(&running, &archive);
    let info = |name: &str| running.hosts(project.dumbc(&["info", name, "--json"])).ok().json()["package"].clone();
    let jq = info("jq");
    assert_eq!((&jq["version"], &jq["licence"], &jq["program"]), (&json!("1.8.2"), &json!("MIT"), &json!("jq")));
    assert_eq!(jq["release"], "nixos-26.05.1.000000000001");
    let outputs: Vec<_> =
        jq["outputs"].as_array().unwrap().iter().map(|one| (one["name"].clone(), one["installed"].clone())).collect();
    assert_eq!(outputs, [("bin", true), ("man", true), ("out", false)].map(|(name, is)| (json!(name), json!(is))));
    assert!(jq["outputs"][0]["path"].as_str().unwrap().ends_with("-jq-1.8.2-bin"));
    assert_eq!(jq["packages"], 2);
    let git = info("git");
    assert_eq!(
        (&git["packages"], git["size"].as_u64().unwrap() > 50_000, &git["locked"]),
        (&json!(2), true, &json!([]))
    );
    running.hosts(project.dumbc(&["lock"])).ok();
    assert_eq!(info("git")["locked"], json!([{ "request": "git", "version": "2.47" }]));
    assert_eq!(info("python3@3.12")["attribute"], "python312");
    assert!(info("jsteam")["hindrance"].as_str().unwrap().contains("is unfree"));
    let tool = info("debian#tool");
    assert_eq!((&tool["version"], &tool["release"], &tool["packages"]), (&json!("1-1"), &json!("bookworm"), &json!(2)));
    assert_eq!(
        (&tool["description"], &tool["homepage"]),
        (&json!("tool for tests"), &json!("https://example.org/tool"))
    );
    let index = info("ours#jsonnet");
    assert_eq!(
        (&index["licence"], &index["homepage"]),
        (&json!("Apache-2.0, MIT"), &json!("https://example.org/jsonnet"))
    );
    assert_eq!((&index["version"], &index["outputs"][0]["path"]), (&json!("0.20"), &Value::Null));
    let text = running.hosts(project.dumbc(&["info", "jq"])).ok().text();
    assert!(text.contains("licence      MIT\n") && text.contains("(by ^ only)"), "{text}");
}

#[test]
fn a_set_is_followed_to_the_version_that_the_release_means() {
    let running = release().start();
    let project = running.project("\"nixos-26.05\"", "[\"python3Packages.requests\"]");
    let locked = running.hosts(project.dumbc(&["lock"])).ok();
    locked.says(&["`python3Packages.requests` is `python313Packages.requests` in nixos-26.05.1.000000000001"]);
    let lock = fs::read_to_string(project.path("dumbc.lock")).unwrap();
    assert!(lock.contains("request = \"python3Packages.requests\"") && lock.contains("-requests-2.32"), "{lock}");
    running.hosts(project.dumbc(&["lock", "--offline"])).ok().says(&["dumbc.lock is up to date"]);
    let info = running.hosts(project.dumbc(&["info", "python3Packages.requests", "--json"])).ok().json();
    assert_eq!(info["package"]["attribute"], "python313Packages.requests");
    assert_eq!(info["package"]["locked"][0]["request"], "python3Packages.requests");
    let versions = running.document("/search/v2/pkg?name=requests", "application/json", "{}");
    let versions = versions.hosts(project.dumbc(&["versions", "python3Packages.requests", "--json"])).ok().json();
    assert_eq!(versions["versions"][0]["attribute"], "python313Packages.requests");
}

#[test]
fn info_says_what_the_cache_lacks() {
    let mut release = release();
    let glibc = crate::support::packages::Packages::path("glibc-2.40");
    release.packages.files.remove(&crate::support::packages::Packages::narinfo(&glibc));
    let running = release.start();
    let project = running.project("\"nixos-26.05\"", "[]");
    let git = running.hosts(project.dumbc(&["info", "git", "--json"])).ok().json()["package"].clone();
    let hindrance = git["hindrance"].as_str().unwrap();
    assert!(hindrance.contains("its closure is not to be had") && hindrance.contains("glibc-2.40"), "{hindrance}");
    assert!(git["outputs"][0]["path"].is_string() && git["size"].is_null());
}

#[test]
fn versions_are_the_familys_and_those_of_other_revisions() {
    let known = json!({ "name": "python", "releases": [
        { "version": "3.13.1", "last_updated": "2026-01-01T00:00:00Z" },
        { "version": "2.7.18", "last_updated": "2020-01-01T00:00:00Z", "platforms": [{ "system": "x86_64-linux",
          "attribute_path": "python27", "commit_hash": "ee09932cedcef15aaf476f9343d1dea2cb77e261", "date": "2020-01-01T00:00:00Z",
          "outputs": [{ "name": "out", "path": "/nix/store/00x3abm7y8j13i6n4sahvbar99irkc7d-python-2.7.18" }] }] }] });
    let running = release().start().document("/search/v2/pkg?name=python3", "application/json", &known.to_string());
    let project = running.project("\"nixos-26.05\"", "[]");
    let versions = running.hosts(project.dumbc(&["versions", "python3", "--json"])).ok().json();
    let told: Vec<_> = versions["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["version"].clone(), one["attribute"].clone(), one["here"].clone()))
        .collect();
    let expected = [
        ("3.13.1", "python3", true),
        ("3.13.1", "python313", true),
        ("3.12.9", "python312", true),
        ("2.7.18", "python27", false),
    ];
    assert_eq!(told, expected.map(|(version, attribute, here)| (json!(version), json!(attribute), json!(here))));
    let text = running.hosts(project.dumbc(&["versions", "python3"])).ok().text();
    assert!(text.contains("nixpkgs ee09932cedcef15aaf476f9343d1dea2cb77e261  2020-01-01"), "{text}");

    // The release's own are told all the same where the API is out of order.
    let running = running.document("/search/v2/pkg?name=jq", "text/html", "<html>");
    let told = running.hosts(project.dumbc(&["versions", "jq"])).ok();
    assert!(told.text().starts_with("*  1.8.2"));
    told.says(&["it answers with a page instead of data"]);
    running.hosts(project.dumbc(&["versions", "ripgerp"])).fails(3).says(&["did you mean `ripgrep`?"]);
}

#[test]
fn who_begins_needs_no_files() {
    let running = Nixos::new("nixos-unstable", 3).with("hello", "hello-2.12", &["out"], &json!({})).start();
    let newer = release();
    let running = Running { services: newer.serve(running.services), ..running };
    let empty = Project::new();
    let found_in = |arguments: &[&str]| found(&running.hosts(empty.dumbc(arguments)).ok().json());
    assert_eq!(found_in(&["search", "hello", "--json"]), ["nixpkgs#hello"]);
    assert_eq!(found_in(&["search", "jq", "--channel", "nixos-26.05", "--json"]), ["nixos-26.05#jq"]);
    let text = running.hosts(empty.dumbc(&["versions", "jq", "--channel", "nixos-26.05"])).ok().text();
    assert!(text.starts_with("*  1.8.2  jq  nixos-26.05.1.000000000001"), "{text}");
    let info = running.hosts(empty.dumbc(&["info", "hello"])).ok().text();
    assert!(info.contains("channel  nixpkgs (nixos-26.11pre3."), "{info}");
    assert!(!empty.path("dumbc.lock").exists());
}

#[test]
fn a_name_that_is_none_is_explained() {
    let running = release().start();
    let requests = running.project("\"nixos-26.05\"", "[\"python312Packages.requests\"]");
    running.hosts(requests.dumbc(&["lock"])).fails(3).says(&["did you mean `python313Packages.requests`?"]);
    let programs = tempfile::tempdir().unwrap();
    let file = programs.path().join("programs.sqlite");
    let database = rusqlite::Connection::open(&file).unwrap();
    let table = "CREATE TABLE Programs (name text, system text, package text); INSERT INTO Programs VALUES ('scalar', 'x86_64-linux', 'git');";
    database.execute_batch(table).unwrap();
    drop(database);
    let scalar = running.project("\"nixos-26.05\"", "[\"scalar\"]");
    running.hosts(scalar.dumbc(&["lock"])).env("DUMBC_PROGRAMS_SQLITE", &file).fails(3).says(&["did you mean `git`?"]);
}
