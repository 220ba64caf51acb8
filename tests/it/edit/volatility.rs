//! Layers chosen by how often packages changed: learnt from git, pinned in the lock.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::project::{Cache, Project, noise};
use crate::support::skipped;

/// `git` as nobody in particular.
pub(super) fn git(folder: &Path, arguments: &[&str]) {
    let mut git = Command::new("git");
    git.arg("-C").arg(folder).args(["-c", "user.name=it", "-c", "user.email=it@example.org"]).args(arguments);
    git.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    assert!(git.stdin(Stdio::null()).output().unwrap().status.success(), "git {arguments:?}");
}

pub(super) fn has_git() -> bool {
    let found = Command::new("git").arg("--version").output().is_ok_and(|output| output.status.success());
    found || skipped::<()>("git is not installed").is_some()
}

pub(super) fn commit(project: &Project) {
    git(&project.directory(), &["add", "system.toml", "dumbc.lock"]);
    git(&project.directory(), &["commit", "-q", "-m", "move"]);
}

const PACKAGES: &str = r#"["busy", "calm", "data", "hello", "quiet"]"#;

/// A machine with a history: `busy` changed with every commit of the lock, and the rest never. Layers are scarce.
fn with_history(cache: &Cache) -> Project {
    let project = Project::new();
    for (name, seed) in [("calm-1", 2), ("quiet-1", 3)] {
        cache.add(name, &[("share/it", &noise(seed, 300_000))]);
    }
    project.system(cache, PACKAGES, "[image]\nname = \"it\"\nlayers = 5\n");
    git(&project.directory(), &["init", "-q"]);
    for version in 1..6_u64 {
        cache.add(&format!("busy-{version}"), &[("share/busy", &noise(9 + version, 290_000))]);
        project.dumbc(&["update"]).ok();
        commit(&project);
    }
    project
}

fn lock(project: &Project) -> toml::Table {
    fs::read_to_string(project.path("dumbc.lock")).unwrap().parse().unwrap()
}

fn layers(project: &Project) -> toml::Value {
    lock(project)["layers"].clone()
}

#[test]
fn weights_come_from_the_history_and_are_pinned() {
    if !has_git() {
        return;
    }
    let cache = Cache::sample();
    let project = with_history(&cache);
    let told = project.dumbc(&["plan", "--explain"]).ok().text();
    assert!(told.contains("weights: learnt from 5 revisions of it"), "{told}");
    assert!(told.contains("2.1  busy") || told.contains("  busy\n"), "{told}");
    let document = project.dumbc(&["plan", "--json"]).ok().json();
    assert_eq!(document["weights"]["source"], "history");
    assert_eq!(document["weights"]["most-volatile"][0]["package"], "busy");

    let first = project.build("1.tar.gz", &[]);
    let pinned = lock(&project)["volatility"].clone();
    assert_eq!(pinned["commits"].as_integer(), Some(5), "{pinned}");
    let weights = pinned["weights"].as_table().unwrap();
    assert!(weights["busy"].as_integer() > Some(1000) && weights["calm"].as_integer() < Some(1000), "{pinned}");
    let told = project.dumbc(&["plan", "--explain"]).ok().text();
    assert!(told.contains("weights: pinned in dumbc.lock, from 5 revisions of it"), "{told}");

    // What changes always does not stand with what never does.
    let text = layers(&project).to_string();
    let groups = layers(&project).as_table().unwrap().values().next().unwrap().as_array().unwrap().clone();
    assert!(
        groups.iter().any(|group| group.as_array().unwrap().len() == 1 && group.to_string().contains("busy")),
        "{text}"
    );

    // As on a machine that has no history of it: the same image, locked or not, and the same lock.
    let committed = fs::read(project.path("dumbc.lock")).unwrap();
    fs::remove_dir_all(project.path(".git")).unwrap();
    for arguments in [&["--locked"][..], &[]] {
        let again = project.build("2.tar.gz", arguments);
        assert_eq!(again.digests(), first.digests(), "{arguments:?}");
        assert_eq!(fs::read(project.path("dumbc.lock")).unwrap(), committed);
    }
}

#[test]
fn a_locked_build_gives_the_same_layers_with_and_without_a_history() {
    if !has_git() {
        return;
    }
    let cache = Cache::sample();
    let project = with_history(&cache);
    // This lock has no groups yet, so that layers are chosen in each of these builds.
    assert!(!lock(&project).contains_key("layers"));
    let with = project.build("1.tar.gz", &["--locked"]);
    fs::rename(project.path(".git"), project.beside("history")).unwrap();
    let without = project.build("2.tar.gz", &["--locked"]);
    assert_eq!(with.digests(), without.digests());
    fs::rename(project.beside("history"), project.path(".git")).unwrap();
    // A build that may choose them by the history chooses others: so the test above says something.
    let learnt = project.build("3.tar.gz", &[]);
    assert_ne!(learnt.digests(), with.digests());
}

#[test]
fn a_hostile_repository_runs_nothing() {
    if !has_git() {
        return;
    }
    let cache = Cache::sample();
    let project = with_history(&cache);
    let trap = project.beside("trap");
    let evil = project.beside("evil");
    fs::write(&evil, format!("#!/bin/sh\ntouch {}\n", trap.display())).unwrap();
    fs::set_permissions(&evil, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let evil = evil.to_str().unwrap();
    for setting in [
        "core.fsmonitor",
        "core.pager",
        "diff.external",
        "filter.x.smudge",
        "filter.x.clean",
        "diff.x.textconv",
        "core.sshCommand",
        "gpg.program",
        "core.alternateRefsCommand",
        "uploadpack.packObjectsHook",
        "credential.helper",
    ] {
        git(&project.directory(), &["config", setting, evil]);
    }
    for (setting, value) in [("log.showSignature", "true"), ("pager.rev-list", "true"), ("alias.rev-list", "!false")] {
        git(&project.directory(), &["config", setting, value]);
    }
    // What is missing is not fetched, either.
    for (setting, value) in [
        ("core.repositoryformatversion", "1"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.url", "ssh://example.invalid/x"),
        ("remote.origin.promisor", "true"),
        ("protocol.ssh.allow", "always"),
    ] {
        git(&project.directory(), &["config", setting, value]);
    }
    fs::write(project.path(".gitattributes"), "dumbc.lock filter=x diff=x\n").unwrap();
    fs::write(project.path(".git/hooks/post-index-change"), format!("#!/bin/sh\ntouch {}\n", trap.display())).unwrap();
    fs::remove_file(&trap).ok();
    let told = project.dumbc(&["plan", "--explain"]).ok().text();
    assert!(told.contains("learnt from 5 revisions"), "{told}");
    // An object that is gone makes the history unreadable from there, and nothing worse.
    remove_a_lock(&project);
    fs::remove_dir_all(project.store()).unwrap();
    project.dumbc(&["plan", "--explain"]).ok();
    assert!(!trap.exists(), "something of the repository was run");
}

/// Takes the content of a committed lock out of the repository.
fn remove_a_lock(project: &Project) {
    let folder = project.directory();
    let output = Command::new("git").arg("-C").arg(&folder).args(["rev-parse", "HEAD~2:dumbc.lock"]).output().unwrap();
    let name = String::from_utf8(output.stdout).unwrap();
    let (first, rest) = name.trim().split_at(2);
    fs::remove_file(folder.join(".git/objects").join(first).join(rest)).unwrap();
}
