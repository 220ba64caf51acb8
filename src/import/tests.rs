//! What other tools' files become.

use proptest::prelude::*;

use super::*;
use crate::channel::{Attribute, Index, Limits};
use crate::config::{Outputs, Request, System};

const HASH: &str = "0123456789abcdfghijklmnpqrsvwxyz";

/// A store path whose hash begins with `mark`.
fn path(mark: char, name: &str) -> String {
    let digits = HASH.chars().filter(|digit| *digit != mark);
    format!("/nix/store/{mark}{}-{name}", digits.collect::<String>())
}

fn told(imported: &Imported) -> Vec<String> {
    imported.skipped.iter().map(|skipped| format!("{}: {}", skipped.what, skipped.why)).collect()
}

fn devbox() -> String {
    let [git, doc, jq, bin, arm] = [
        path('a', "git-2.54.0"),
        path('b', "git-2.54.0-doc"),
        path('c', "jq-1.7"),
        path('d', "jq-1.7-bin"),
        path('f', "git-2.54.0"),
    ];
    format!(
        r#"{{"lockfile_version": "1", "packages": {{
        "git@latest": {{"resolved": "github:NixOS/nixpkgs/4a29#git", "version": "2.54.0", "plugin_version": "0.0.2", "systems": {{
            "x86_64-linux": {{"outputs": [{{"name": "out", "path": "{git}", "default": true}}, {{"name": "doc", "path": "{doc}"}}]}},
            "aarch64-linux": {{"store_path": "{arm}"}},
            "aarch64-darwin": {{"store_path": "/nix/store/whatever"}}}}}},
        "jq@1.7": {{"version": "1.7", "systems": {{"x86_64-linux": {{"outputs": [
            {{"name": "bin", "path": "{bin}", "default": true}}, {{"name": "out", "path": "{jq}"}}]}}}}}},
        "github:NixOS/nixpkgs/nixpkgs-unstable": {{"resolved": "github:NixOS/nixpkgs/9f"}},
        "old@1": {{"resolved": "x#old"}},
        "mac@1": {{"systems": {{"x86_64-darwin": {{"store_path": "/nix/store/x"}}}}}},
        "broken@1": {{"systems": {{"x86_64-linux": {{"store_path": "/etc/passwd"}}}}}}}}}}"#
    )
}

#[test]
fn a_lock_of_devbox() {
    let imported = read(Kind::Devbox, &devbox(), "devbox.lock").unwrap();
    assert_eq!(imported.requests().into_iter().map(|(name, _)| name).collect::<Vec<_>>(), ["git", "jq"]);
    insta::assert_snapshot!(imported.index().replace(HASH, "H"), @r#"
    {"attr":"git","meta":{"outputsToInstall":["out"]},"name":"git-2.54.0","outputs":{"doc":"/nix/store/b0123456789acdfghijklmnpqrsvwxyz-git-2.54.0-doc","out":"/nix/store/a0123456789bcdfghijklmnpqrsvwxyz-git-2.54.0"},"system":"x86_64-linux","version":"2.54.0"}
    {"attr":"git","name":"git-2.54.0","outputs":{"out":"/nix/store/f0123456789abcdghijklmnpqrsvwxyz-git-2.54.0"},"system":"aarch64-linux","version":"2.54.0"}
    {"attr":"jq","meta":{"outputsToInstall":["bin"]},"name":"jq-1.7","outputs":{"bin":"/nix/store/d0123456789abcfghijklmnpqrsvwxyz-jq-1.7-bin","out":"/nix/store/c0123456789abdfghijklmnpqrsvwxyz-jq-1.7"},"system":"x86_64-linux","version":"1.7"}
    "#);
    insta::assert_snapshot!(told(&imported).join("\n"), @r#"
    broken@1: it has no store path for x86_64-linux
    github:NixOS/nixpkgs/nixpkgs-unstable: it is devbox's own source of packages
    mac@1: it is for no Linux
    old@1: the lock has no store paths of it: `devbox update` may put them in
    "#);
    let both = imported.for_systems(&System::ALL);
    assert_eq!(both.requests().len(), 1);
    assert_eq!(told(&both).last().unwrap(), "jq@1.7: it is not there for aarch64-linux");
}

#[test]
fn the_index_answers_with_what_was_imported() {
    let imported = read(Kind::Devbox, &devbox(), "devbox.lock").unwrap();
    let index = Index::read(imported.index().as_bytes(), Limits::default()).unwrap();
    for (name, package) in imported.requests() {
        for (system, build) in &package.builds {
            let found = index.find(&Attribute::parse(&name), None, *system).unwrap();
            let chosen = found.choose(&Outputs::Default).unwrap();
            assert!(chosen.iter().all(|(output, path)| build.outputs[output] == *path), "{name}");
        }
    }
}

#[test]
fn a_lock_of_flox() {
    let element = |id: &str, attribute: &str, version: &str, path: &str| {
        format!(
            r#"{{"attr_path": {attribute}, "install_id": "{id}", "version": "{version}", "system": "x86_64-linux",
            "outputs_to_install": ["out"], "outputs": {{"out": "{path}"}}, "group": "toplevel", "priority": 5}}"#
        )
    };
    let elements = [
        element("py", "\"python3\"", "3.11.9", &path('a', "python3-3.11.9")),
        element("py2", "\"python3\"", "3.12.1", &path('b', "python3-3.12.1")),
        element("flake", "null", "1", &path('c', "flake-1")),
        element("none", "\"none\"", "1", "not a path"),
        format!(r#"{{"install_id": "bare", "system": "x86_64-linux", "store_path": "{}"}}"#, path('d', "bare-1")),
        r#"{"install_id": "odd", "system": 3}"#.to_owned(),
        r#"{"install_id": "mac", "system": "aarch64-darwin"}"#.to_owned(),
    ];
    let text = format!(r#"{{"lockfile-version": 1, "manifest": {{}}, "packages": [{}]}}"#, elements.join(","));
    let imported = read(Kind::Flox, &text, "manifest.lock").unwrap();
    let requests: Vec<_> = imported.requests().into_iter().map(|(name, _)| name).collect();
    assert_eq!(requests, ["bare", "flake", "python3@3.11.9", "python3@3.12.1"]);
    assert_eq!(told(&imported).len(), 2, "{:?}", told(&imported));
}

#[test]
fn evaluations_and_paths() {
    let ripgrep = path('a', "ripgrep-14.1.1");
    let text = format!(
        "{{\"attr\":\"x86_64-linux.ripgrep\",\"attrPath\":[\"x86_64-linux\",\"ripgrep\"],\"name\":\"ripgrep-14.1.1\",\
         \"outputs\":{{\"out\":\"{ripgrep}\"}},\"system\":\"x86_64-linux\"}}\n\n\
         {{\"attr\":\"bad\",\"error\":\"it\\nfails\"}}\nnonsense\n{{\"attr\":\"mac\",\"system\":\"x86_64-darwin\"}}\n"
    );
    let imported = read(Kind::EvalJobs, &text, "stdin").unwrap();
    assert_eq!(imported.requests()[0].0, "ripgrep");
    assert_eq!(told(&imported)[0], "bad: its evaluation failed: it fails");
    assert_eq!(imported.skipped.len(), 3);

    let drv = path('b', "x.drv");
    let imported = read(Kind::Paths, &format!("{ripgrep} {ripgrep}\n# no\n{drv}\n/etc # x\n"), "stdin").unwrap();
    assert_eq!(imported.paths.iter().map(ToString::to_string).collect::<Vec<_>>(), [ripgrep]);
    assert_eq!(imported.skipped.len(), 2);
}

#[test]
fn other_formats_are_refused() {
    for text in ["", "[]", "{\"packages\": {}}", "{\"lockfile_version\": \"2\", \"packages\": {}}"] {
        assert!(read(Kind::Devbox, text, "devbox.lock").is_err(), "{text}");
    }
    for text in [
        "{\"lockfile-version\": 0, \"packages\": {\"x86_64-linux\": {}}}",
        "{\"lockfile-version\": 1, \"packages\": 3}",
    ] {
        assert!(read(Kind::Flox, text, "manifest.lock").is_err(), "{text}");
    }
}

#[test]
fn real_locks_of_devbox() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors/names");
    let Ok(files) = std::fs::read_dir(&folder) else { return };
    for file in files.map(|file| file.unwrap().path()).filter(|path| path.to_string_lossy().ends_with("devbox.lock")) {
        let imported = read(Kind::Devbox, &std::fs::read_to_string(&file).unwrap(), "devbox.lock").unwrap();
        assert!(imported.packages.len() > 3, "{file:?}: {imported:?}");
        let index = Index::read(imported.index().as_bytes(), Limits::default()).unwrap();
        assert_eq!(index.len(), imported.packages.len());
    }
}

proptest! {
    #[test]
    fn whatever_the_text_reading_ends(text in any::<String>(), json in "[{\"a-z:@#,\\[\\]}0-9 /\n]{0,200}") {
        for text in [text, json] {
            for kind in Kind::ALL {
                if let Ok(imported) = read(kind, &text, "x") {
                    for (request, _) in imported.requests() {
                        prop_assert!(Request::parse(&request, None).is_ok());
                    }
                }
            }
            let _ = nix::convert(&text, "home.nix", "nixos-unstable");
        }
    }
}
