//! `dumbc add` and `dumbc remove` in a project's folder.

use std::fs;

use crate::support::project::{Cache, Project};

const USERS: &str = "[alice]\nuid = 1000\n\n# The other one.\n[bob]\nuid = 1001\n";

fn text(project: &Project, file: &str) -> String {
    fs::read_to_string(project.path(file)).unwrap_or_default()
}

fn files(project: &Project) -> [String; 4] {
    ["system.toml", "users.toml", "home.toml", "dumbc.lock"].map(|file| text(project, file))
}

fn locked(project: &Project) -> String {
    text(project, "dumbc.lock")
}

/// A machine with homes, whose system has `hello`.
fn project(cache: &Cache) -> Project {
    let project = Project::new();
    project.system(cache, "[\n  # says it\n  \"hello\", # loud\n]", "[boot]\nenable = true\n");
    project.file("users.toml", USERS);
    project
}

#[test]
fn packages_come_with_the_lock_and_go_with_it() {
    let (cache, project) = (Cache::sample(), Project::new());
    project.system(&cache, "[\n  # says it\n  \"hello\", # loud\n]", "");
    project.dumbc(&["lock"]).ok();
    let first = files(&project);
    let added = project.dumbc(&["add", "greet", "data"]).ok();
    added.says(&["system.toml and dumbc.lock are written: 3.1 MB more"]);
    assert!(added.text().contains("+  data   0.1") && added.text().contains("+  greet  2.0"), "{added}");
    let system = text(&project, "system.toml");
    assert!(system.contains("[\n  # says it\n  \"hello\", # loud\n  \"greet\",\n  \"data\",\n]\n"), "{system}");
    assert!(locked(&project).contains("request = \"greet\""));
    project.build("image.tar.gz", &["--locked"]);

    project.dumbc(&["add", "greet"]).ok().says(&["system.toml has them already", "as they were"]);
    let removed = project.dumbc(&["remove", "data", "greet"]).ok();
    removed.says(&["system.toml and dumbc.lock are written: 3.1 MB less"]);
    assert_eq!(text(&project, "system.toml"), first[0], "an addition and its removal leave no trace");
    assert!(!locked(&project).contains("data-0.1"));
}

#[test]
fn who_is_killed_before_the_lock_takes_its_place_loses_nothing() {
    let (cache, project) = (Cache::sample(), Project::new());
    project.system(&cache, "[\"hello\", \"data\"]", "");
    project.dumbc(&["lock"]).ok();
    for step in [&["add", "greet"][..], &["remove", "data"], &["add", "hello@1"], &["add", "data"]] {
        let before = locked(&project);
        project.dumbc(step).ok();
        let after = locked(&project);
        // The file is in its place already, the lock is as it was.
        project.file("dumbc.lock", &before);
        project.dumbc(&["build", "--locked", "-o", "image.tar.gz"]).fails(4).says(&["dumbc.lock"]);
        project.dumbc(&["lock"]).ok();
        assert_eq!(locked(&project), after, "{step:?}");
    }

    // Whatever became of the channel meanwhile: what is still asked keeps its answer.
    let before = locked(&project);
    project.dumbc(&["remove", "data"]).ok();
    let after = locked(&project);
    project.file("dumbc.lock", &before);
    cache.add("greet-3.0", &[("bin/greet", b"#!/bin/sh\necho 3\n")]);
    project.dumbc(&["lock"]).ok();
    assert_eq!(locked(&project), after);
    project.file("dumbc.lock", &before);
    project.dumbc(&["add", "data"]).ok();
    assert!(locked(&project).contains("greet-2.0") && !locked(&project).contains("greet-3.0"));
}

#[test]
fn what_is_not_known_leaves_everything_as_it_was() {
    let (cache, project) = (Cache::sample(), Project::new());
    project.system(&cache, "[\"hello\"]", "");
    let before = files(&project);
    project.dumbc(&["add", "greet", "dtaa"]).fails(3).says(&["did you mean `data`?", "system.toml:2:"]);
    project.dumbc(&["add", "a b"]).fails(2).says(&["`a b` is not a package request"]);
    project.dumbc(&["add", "nowhere#git"]).fails(2).says(&["no channel `nowhere` is declared"]);
    project.dumbc(&["remove", "hello", "helo"]).fails(3).says(&["system.toml has no `helo` (did you mean `hello`?)"]);
    project.dumbc(&["add", "greet", "--dry-run"]).ok().says(&["nothing is written; it would be", "more"]);
    assert_eq!(files(&project), before);
    let empty = Project::new();
    empty.dumbc(&["add", "git"]).fails(2).says(&["there is no system.toml here"]);
}

#[test]
fn another_version_takes_the_place_of_the_one_that_is_there() {
    let cache = Cache::sample();
    cache.add("hello-2.0", &[("bin/hello", b"#!/bin/sh\necho 2\n")]);
    let project = Project::new();
    project.system(&cache, "[\"data\", \"hello@1\"]", "");
    project.dumbc(&["lock"]).ok();
    let document = project.dumbc(&["add", "hello@2", "--json"]).ok().json();
    assert_eq!(document["replaced"][0]["from"], "hello@1");
    assert_eq!((&document["written"], &document["file"]), (&true.into(), &"system.toml".into()));
    assert!(text(&project, "system.toml").contains("packages = [\"data\", \"hello@2\"]"));
    assert!(locked(&project).contains("hello-2.0") && !locked(&project).contains("hello-1.0"));
}

#[test]
fn homes_have_lists_of_their_own() {
    let cache = Cache::sample();
    let project = project(&cache);
    project.dumbc(&["lock"]).ok();
    project.dumbc(&["add", "greet", "--home"]).ok().says(&["home.toml and dumbc.lock are written"]);
    assert_eq!(text(&project, "home.toml"), "packages = [\"greet\"]\n");
    project.dumbc(&["add", "data", "--user", "alice"]).ok().says(&["users.toml and dumbc.lock are written"]);
    let users = text(&project, "users.toml");
    assert_eq!(users, USERS.replace("1000\n", "1000\n\n[alice.home]\npackages = [\"data\"]\n"));
    assert!(locked(&project).contains("request = \"data\"") && locked(&project).contains("request = \"greet\""));

    project.dumbc(&["add", "data", "--user", "alcie"]).fails(2).says(&["no user `alcie`", "did you mean `alice`?"]);
    project.dumbc(&["remove", "data"]).fails(3).says(&["`data` stands in `[alice.home]` of users.toml: --user alice"]);
    project.dumbc(&["remove", "data", "--user", "alice"]).ok();
    assert!(!locked(&project).contains("request = \"data\""));
}

#[test]
fn a_file_that_is_a_link_stays_one_with_its_mode() {
    use std::os::unix::fs::PermissionsExt as _;
    let (cache, project) = (Cache::sample(), Project::new());
    project.system(&cache, "[]", "");
    let target = project.beside("kept.toml");
    fs::rename(project.path("system.toml"), &target).unwrap();
    fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink(&target, project.path("system.toml")).unwrap();
    project.dumbc(&["add", "hello"]).ok();
    assert!(fs::symlink_metadata(project.path("system.toml")).unwrap().is_symlink());
    assert!(fs::read_to_string(&target).unwrap().contains("packages = [\"hello\"]"));
    assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o640);
    let left = fs::read_dir(project.directory()).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with(".dumbc")), "{left:?}");
}
