//! Other tools' files taken over, and built.

use std::fs;

use crate::support::project::{Cache, Project};

/// A lock of devbox's with `hello` and `greet`, and with what can't be taken over.
fn devbox(hello: &str, greet: &str) -> String {
    let system = |path: &str| serde_json::json!({ "x86_64-linux": { "store_path": path } });
    serde_json::json!({
        "lockfile_version": "1",
        "packages": {
            "hello@latest": { "resolved": "github:NixOS/nixpkgs/4a29#hello", "version": "1.0", "systems": system(hello) },
            "greet@2": { "version": "2.0", "systems": system(greet) },
            "github:NixOS/nixpkgs/nixpkgs-unstable": { "resolved": "github:NixOS/nixpkgs/9f11" },
        },
    })
    .to_string()
}

/// The cache's packages, by name.
fn paths(cache: &Cache) -> [String; 2] {
    let index = fs::read_to_string(cache.folder().join("index.jsonl")).unwrap();
    ["hello-1.0", "greet-2.0"].map(|name| {
        let lines = index.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let line = lines.into_iter().find(|line| line["name"] == name).unwrap();
        line["outputs"]["out"].as_str().unwrap().to_owned()
    })
}

#[test]
fn a_lock_of_devbox_builds_to_its_very_store_paths() {
    let (cache, project) = (Cache::sample(), Project::new());
    let [hello, greet] = paths(&cache);
    let address = cache.folder().display().to_string();
    let import = |more: &[&str]| {
        project.dumbc(&[&["import", "devbox.lock", "--cache", &address, "--key", &cache.public_key], more].concat())
    };
    project.file("devbox.lock", devbox(&hello, &greet));

    let shown = import(&["--dry-run"]).ok();
    assert!(shown.text().contains("+packages = [\"greet\", \"hello\"]"), "{shown}");
    shown.says(&["left out `github:NixOS/nixpkgs/nixpkgs-unstable`"]);
    assert!(!project.path("system.toml").exists() && !project.path("devbox.jsonl").exists());

    let document = import(&["--json"]).ok().json();
    assert_eq!(document["written"], serde_json::json!(["devbox.jsonl", "system.toml", "dumbc.lock"]));
    let lock = fs::read_to_string(project.path("dumbc.lock")).unwrap();
    for path in [&hello, &greet] {
        assert!(lock.contains(path.strip_prefix("/nix/store/").unwrap()), "{path} is missing in\n{lock}");
    }
    let files = ["system.toml", "devbox.jsonl", "dumbc.lock"];
    let before = files.map(|file| fs::read(project.path(file)).unwrap());
    assert_eq!(import(&["--json"]).ok().json()["written"], serde_json::json!([]), "the same again changes nothing");
    project.build("image.tar", &["--locked", "--offline"]);

    project.file("devbox.lock", devbox(&greet, &hello));
    import(&[]).fails(2).says(&["devbox.jsonl is there already", "--force"]);
    assert_eq!(files.map(|file| fs::read(project.path(file)).unwrap()), before);
    import(&["--force"]).ok();
    assert_ne!(fs::read(project.path("dumbc.lock")).unwrap(), before[2]);
}

#[test]
fn nothing_is_written_where_the_caches_have_no_answer() {
    let (cache, project) = (Cache::sample(), Project::new());
    let missing = "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-missing-1";
    let [hello, _] = paths(&cache);
    let address = cache.folder().display().to_string();
    project.file("devbox.lock", devbox(&hello, missing));
    let refused = project.dumbc(&["import", "devbox.lock", "--cache", &address, "--key", &cache.public_key]).run();
    assert!(refused.code != Some(0) && refused.stderr.contains("missing-1"), "{refused}");
    for file in ["system.toml", "devbox.jsonl", "dumbc.lock"] {
        assert!(!project.path(file).exists(), "{file}");
    }
}

#[test]
fn store_paths_on_stdin_join_what_is_there() {
    let (cache, project) = (Cache::sample(), Project::new());
    let [hello, greet] = paths(&cache);
    project.system(&cache, "[\n  \"hello\", # says hello\n]", "");
    let outcome = project.dumbc(&["import", "-"]).input(&format!("{greet}\n{hello}\n/etc\n")).ok();
    outcome.says(&["left out `/etc`"]);
    let text = fs::read_to_string(project.path("system.toml")).unwrap();
    for line in ["  \"hello\", # says hello", &format!("  \"{greet}\","), &format!("  \"{hello}\",")] {
        assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
    }
    assert!(!text.contains("cache.nixos.org"), "there are caches already:\n{text}");
    project.build("image.tar", &["--locked"]);
}

#[test]
fn nix_files_become_toml_and_are_never_written_over() {
    let project = Project::new();
    let nix = "{ pkgs, ... }: {\n  home.packages = [ pkgs.git ];\n  services.x.enable = true;\n  programs.git.nonsense = 1;\n}\n";
    project.file("home.nix", nix);
    let shown = project.dumbc(&["import", "home.nix", "--dry-run"]).ok();
    assert!(shown.text().contains("+packages = [\"git\"]") && !project.path("home.toml").exists(), "{shown}");
    let outcome = project.dumbc(&["import", "home.nix"]).ok();
    outcome.says(&["home.nix, line 3: home.toml has no such option", "nonsense"]);
    let made = fs::read_to_string(project.path("home.toml")).unwrap();
    assert!(made.contains("# line 3: ") && made.contains("#   services.x.enable = true;"), "{made}");
    project.dumbc(&["import", "home.nix"]).fails(2).says(&["there is a home.toml already"]);
    assert_eq!(fs::read_to_string(project.path("home.toml")).unwrap(), made);
    project.file("odd.txt", "what is this");
    project.dumbc(&["import", "odd.txt"]).fails(2).says(&["no kind that can be imported", "--from"]);
    project.dumbc(&["import", "home.nix", "odd.txt", "--from", "nix"]).fails(2).says(&["odd.txt, line 1"]);
}
