//! Versions that a release does not have.

use std::fs;

use serde_json::{Value, json};

use dumbc::nix::StorePath;

use crate::support::nixos::{Nixos, Running};
use crate::support::packages::Packages;
use crate::support::project::Project;
use crate::support::server::Fault;

const REVISION: &str = "ee09932cedcef15aaf476f9343d1dea2cb77e261";
const PYTHON: &str = "/search/v2/resolve?name=python&version=3.9";

/// A release with two programs of one glibc, whose cache also has an old one with another.
fn release() -> (Nixos, StorePath) {
    let mut release = Nixos::new("nixos-26.05", 1);
    let (new, old) = (release.packages.add("glibc-2.40", &[], b"new"), release.packages.add("glibc-2.35", &[], b"old"));
    let python = release.packages.add("python3-3.9.18", &[&old], b"print");
    release.packages.add("python3-3.9.18-debug", &[], b"debug");
    let release = release.built("git", "git-2.47", &[&new]).built("python3", "python3-3.13.1", &[&new]);
    (release.with("cacert", "cacert-3.1", &["out"], &json!({})), python)
}

fn answer(outputs: Option<Value>) -> String {
    let mut system = json!({
        "flake_installable": { "ref": { "type": "github", "rev": REVISION }, "attr_path": "python39" },
        "last_updated": "2023-05-01T10:00:00Z",
    });
    if let Some(outputs) = outputs {
        system["outputs"] = outputs;
    }
    json!({ "name": "python", "version": "3.9.18", "systems": { "x86_64-linux": system } }).to_string()
}

fn paths(python: &StorePath) -> Value {
    let debug = Packages::path("python3-3.9.18-debug").to_string();
    json!([{ "name": "out", "path": python.to_string(), "default": true }, { "name": "debug", "path": debug }])
}

fn lock_of(project: &Project) -> String {
    fs::read_to_string(project.path("dumbc.lock")).unwrap()
}

fn project(running: &Running) -> Project {
    running.project("\"nixos-26.05\"", "[\"git\", \"python3@3.9\"]")
}

#[test]
fn another_revision_answers_and_says_what_that_costs() {
    let (release, python) = release();
    let running = release.start().document(PYTHON, "application/json", &answer(Some(paths(&python))));
    let project = project(&running);
    let told = running.hosts(project.dumbc(&["lock"])).ok();
    told.says(&["python3@3.9 comes from another revision of nixpkgs (2023-05-01): it brings a second glibc", "MB"]);
    let lock = lock_of(&project);
    let pinned = format!("version = \"3.9.18\"\nrevision = \"{REVISION}\"\nattribute = \"python39\"\n");
    assert!(lock.contains(&pinned) && !lock.contains("3.9.18-debug"), "{lock}");
    assert!(lock.contains("glibc-2.35") && lock.contains("glibc-2.40"), "{lock}");
    running.hosts(project.dumbc(&["build", "--locked", "-o", project.path("image.tar.gz").to_str().unwrap()])).ok();
    assert_eq!(running.services.count(PYTHON), 1);

    // What is locked is not asked again, whatever became of the answer that was kept.
    fs::remove_dir_all(project.store().join("cache/search")).unwrap();
    running.hosts(project.dumbc(&["lock"])).ok();
    assert_eq!((running.services.count(PYTHON), lock_of(&project)), (1, lock.clone()));
    running.hosts(project.dumbc(&["update", "python3"])).ok();
    assert_eq!((running.services.count(PYTHON), lock_of(&project)), (2, lock.clone()));
    // An answer counts for a day.
    running.hosts(project.dumbc(&["update"])).ok();
    assert_eq!((running.services.count(PYTHON), lock_of(&project)), (2, lock));
}

#[test]
fn without_paths_the_release_of_that_revision_is_asked() {
    let (release, python) = release();
    let other = Nixos::new("nixpkgs-unstable", 7).at("python39", "python3-3.9.18", &python.to_string());
    let (series, name, revision) = (other.series(), other.release().to_owned(), other.revision());
    let text = answer(None).replace(REVISION, &revision);
    let running = release.start().document(PYTHON, "application/json", &text);
    let running = Running { services: other.serve(running.services), ..running };
    let first = "nixpkgs-26.11pre1.0000000000ff";
    let running = running.listing(&series, "", &[first], true);
    let running = running.listing(&series, &format!("{series}/{first}/"), &[&name], false);
    let project = project(&running);
    running.hosts(project.dumbc(&["lock"])).ok();
    assert!(lock_of(&project).contains(&format!("revision = \"{revision}\"")), "{}", lock_of(&project));
    assert_eq!(running.services.count("/hydra/eval/1800007/job/python39.x86_64-linux"), 1);
}

#[test]
fn a_host_of_the_first_generation_is_understood() {
    let (release, python) = release();
    let other = Nixos::new("nixpkgs-unstable", 7).at("python39", "python3-3.9.18", &python.to_string());
    let (series, name, revision) = (other.series(), other.release().to_owned(), other.revision());
    let system = json!({ "system": "x86_64-linux", "version": "3.9.18", "commit_hash": revision, "last_updated": 1_682_935_200,
        "attr_paths": ["python39"], "store_hash": "85py0qgpd9llilbkgjpcwc4svrx056ld", "store_name": "python3" });
    let text = json!({ "name": "python", "version": "3.11.1", "systems": { "x86_64-linux": system } }).to_string();
    let first = PYTHON.replace("v2", "v1");
    let running = release.start().document(&first, "application/json", &text);
    let running = Running { services: other.serve(running.services), ..running };
    let running = running.listing(&series, "", &[&name], false);
    let project = project(&running);
    running.hosts(project.dumbc(&["lock"])).ok().says(&["comes from another revision of nixpkgs (2023-05-01)"]);
    let lock = lock_of(&project);
    let pinned = format!("version = \"3.9.18\"\nrevision = \"{revision}\"\nattribute = \"python39\"\n");
    assert!(lock.contains(&pinned) && lock.contains(python.base_name()), "{lock}");
    assert!(!lock.contains("85py0qgpd9llilbkgjpcwc4svrx056ld"), "nobody says of which output that hash is");
    assert_eq!(running.services.count(&first), 1);
}

#[test]
fn a_revision_without_a_release_has_no_paths() {
    let (release, _) = release();
    let running = release.start().document(PYTHON, "application/json", &answer(None));
    running.hosts(project(&running).dumbc(&["lock"])).fails(3).says(&[
        "`python3@3.9` is `python39` 3.9.18 of nixpkgs ee09932cedcef15aaf476f9343d1dea2cb77e261",
        "nobody tells its store path",
        "nix eval --raw github:NixOS/nixpkgs/ee09932cedcef15aaf476f9343d1dea2cb77e261#legacyPackages.x86_64-linux.python39",
        "system.toml:1:",
    ]);
}

#[test]
fn odd_answers_are_told_as_such() {
    let (release, python) = release();
    let whole = answer(Some(paths(&python)));
    let cases = [
        ("text/html", "<!DOCTYPE html>", 5, "it answers with a page instead of data"),
        ("application/json", "<html>", 5, "it answers with a page instead of data"),
        ("application/json", "", 5, "its answer is empty"),
        ("application/json", "[]", 5, "its answer can't be used"),
        ("application/json", &whole.replace(REVISION, "main"), 5, "it names no revision"),
        ("application/json", &whole.replace("/nix/store/", "/etc/"), 5, "its answer can't be used: output out"),
        // About another version, or not for this system: as good as nothing.
        ("application/json", &whole.replace("\"version\":\"3.9.18\"", "\"version\":\"3.10.1\""), 3, "there is 3.13.1"),
        ("application/json", &whole.replace("\"x86_64-linux\"", "\"x86_64-darwin\""), 3, "there is 3.13.1"),
    ];
    let mut running = release.start();
    for (kind, text, code, expected) in cases {
        running = Running { services: running.services.without(PYTHON), ..running }.document(PYTHON, kind, text);
        let told = running.hosts(project(&running).dumbc(&["lock"])).fails(code);
        assert!(told.stderr.contains(expected) && told.stderr.contains("3.9"), "{text}: {told}");
    }
}

#[test]
fn a_refusal_is_waited_for_and_then_told() {
    let (release, python) = release();
    let running = release.start().document(PYTHON, "application/json", &answer(Some(paths(&python))));
    let refuse = |running: Running, times| {
        let status = || Fault::Status(429, vec![("retry-after", "0".into())]);
        let services = (0..times).fold(running.services, |services, _| services.fault(PYTHON, status()));
        Running { services, ..running }
    };
    let running = refuse(running, 5);
    running.hosts(project(&running).dumbc(&["lock"])).fails(5).says(&[
        "python3@3.9 is not in nixos-26.05.1.000000000001",
        "HTTP 429",
        "DUMBC_NIX_SEARCH names another search API",
    ]);
    let running = refuse(running, 2);
    running.hosts(project(&running).dumbc(&["lock"])).ok();
}

#[test]
fn a_forged_path_is_not_trusted() {
    let (mut release, python) = release();
    let narinfo = Packages::narinfo(&python);
    release.packages.edit(&narinfo, |text| {
        text.lines().filter(|line| !line.starts_with("Sig:")).collect::<Vec<_>>().join("\n") + "\n"
    });
    let running = release.start().document(PYTHON, "application/json", &answer(Some(paths(&python))));
    running.hosts(project(&running).dumbc(&["lock"])).fails(6);
}
