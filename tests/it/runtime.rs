//! The program that boots images: chosen, pinned, and made the same everywhere.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::Command;

use crate::support::project::{Cache, Project};
use crate::support::skipped;

/// A static program of nothing but headers, with `content` behind them.
fn program(path: &Path, machine: u8, content: &str) {
    let mut bytes = vec![0; 64];
    bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
    for (at, value) in [(16, 2), (18, machine), (24, 1), (32, 64), (54, 56)] {
        bytes[at] = value;
    }
    bytes.extend(content.bytes());
    fs::write(path, bytes).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(path, mode).unwrap();
}

/// A project without packages, whose image boots.
fn project(systems: &str) -> Project {
    let project = Project::new();
    project.file(
        "system.toml",
        format!("packages = []\n[image]\nname = \"it\"\nsystems = {systems}\n[boot]\nenable = true\n"),
    );
    program(&project.beside("x86"), 62, "one");
    program(&project.beside("arm"), 183, "one");
    project
}

fn pins(project: &Project) -> Vec<String> {
    let lock = fs::read_to_string(project.path("dumbc.lock")).unwrap();
    lock.lines()
        .filter(|line| line.starts_with("[runtime") || line.ends_with("-dumbc-runtime\""))
        .map(str::to_owned)
        .collect()
}

#[test]
fn verify_holds_it_against_the_pin() {
    let project = project("[\"x86_64-linux\"]");
    let built = project.build("image.tar.gz", &[]);
    let (archive, lock) = (built.path.to_str().unwrap(), project.path("dumbc.lock"));
    let verify = || project.dumbc(&["verify", archive, "--lock", lock.to_str().unwrap(), "--json"]);
    assert_eq!(verify().ok().json()["store_paths"]["as_locked"], 1);
    project.dumbc(&["update", "runtime"]).env("DUMBC_RUNTIME_X86_64_LINUX", project.beside("x86")).ok();
    let faults = verify().fails(10).json()["faults"].to_string();
    assert!(faults.contains("-dumbc-runtime is missing"), "{faults}");
}

#[test]
fn the_lock_pins_it_and_an_update_moves_it() {
    let project = project("[\"x86_64-linux\"]");
    let dumbc = |arguments: &[&str]| project.dumbc(arguments).env("DUMBC_RUNTIME_X86_64_LINUX", project.beside("x86"));
    dumbc(&["lock"]).ok();
    let first = pins(&project);
    assert_eq!((first.len(), first[0].as_str()), (2, "[runtime.x86_64-linux]"));
    program(&project.beside("x86"), 62, "two");
    dumbc(&["lock"]).ok().says(&["dumbc.lock is up to date"]);
    let told = dumbc(&["update", "runtime", "--dry-run"]).ok();
    assert!(told.text().contains("=  dumbc-runtime  rebuilt"), "{told}");
    assert_eq!(pins(&project), first, "a dry run changes nothing");
    dumbc(&["update", "runtime"]).ok();
    let second = pins(&project);
    assert_ne!(second, first);
    program(&project.beside("x86"), 62, "three");
    dumbc(&["update"]).ok();
    assert_ne!(pins(&project), second, "an update of everything moves it, too");
    let named = project.beside("named");
    program(&named, 62, "one");
    dumbc(&["update", "runtime", "--runtime", named.to_str().unwrap()]).ok();
    assert_eq!(pins(&project), first, "the same content has the same path, whatever it is called");
}

#[test]
fn what_is_no_runtime_is_refused_by_name() {
    let project = project("[\"x86_64-linux\"]");
    let refused = |file: &Path, code: i32, says: &[&str]| {
        project.dumbc(&["lock", "--runtime", file.to_str().unwrap()]).fails(code).says(says);
    };
    fs::write(project.beside("script"), "#!/bin/sh\n").unwrap();
    refused(&project.beside("script"), 2, &["it is no ELF program", "help: "]);
    refused(&project.beside("arm"), 2, &["is for aarch64-linux, and no image for that is made"]);
    refused(&project.beside("absent"), 2, &["it can't be read"]);
    let by_variable = project.dumbc(&["lock"]).env("DUMBC_RUNTIME_X86_64_LINUX", project.beside("arm"));
    by_variable.fails(2).says(&["arm` (DUMBC_RUNTIME_X86_64_LINUX) can't be the runtime: it is for aarch64-linux"]);
}

#[test]
fn another_systems_runtime_is_asked_for_with_the_remedy() {
    let project = project("[\"x86_64-linux\", \"aarch64-linux\"]");
    let dumbc = |arguments: &[&str]| project.dumbc(arguments).env("DUMBC_RUNTIME_X86_64_LINUX", project.beside("x86"));
    let own = if cfg!(target_arch = "aarch64") { project.beside("arm") } else { "".into() };
    let dumbc = |arguments: &[&str]| dumbc(arguments).env("DUMBC_RUNTIME_AARCH64_LINUX", &own);
    if own.as_os_str().is_empty() {
        let missing = [
            "there is no runtime for aarch64-linux",
            "`--runtime FILE` or DUMBC_RUNTIME_AARCH64_LINUX",
            "`just runtime`",
        ];
        dumbc(&["lock"]).ok().says(&missing);
        assert_eq!(pins(&project).len(), 2, "the other one is pinned");
        dumbc(&["update", "runtime"]).fails(2).says(&missing);
    }
    dumbc(&["update", "runtime", "--runtime", project.beside("arm").to_str().unwrap()]).ok();
    assert_eq!(pins(&project).len(), 4);
}

/// The sources, in a folder of their own, as a checkout has them.
fn checkout(folder: &Path) {
    let root = env!("CARGO_MANIFEST_DIR");
    let arguments = ["-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let listed = Command::new("git").args(arguments).output().unwrap();
    assert!(listed.status.success());
    for name in String::from_utf8(listed.stdout).unwrap().split_terminator('\0') {
        let (from, to) = (Path::new(root).join(name), folder.join(name));
        if from.is_file() {
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(from, to).unwrap();
        }
    }
}

#[test]
fn two_checkouts_make_the_same_bytes() {
    let Some(systems) = std::env::var_os("DUMBC_TEST_RUNTIME").filter(|value| !value.is_empty()) else {
        return skipped::<()>("DUMBC_TEST_RUNTIME names no systems to make runtimes for, which takes minutes")
            .unwrap_or_default();
    };
    let systems = systems.into_string().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let make = |name: &str| {
        let checkout_folder = folder.path().join(name);
        checkout(&checkout_folder);
        let mut script = Command::new(checkout_folder.join(".ci/runtime"));
        script.args(systems.split_whitespace()).env_remove("CARGO_TARGET_DIR");
        let made = script.output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let file = |system: &str| {
            let path = checkout_folder.join("target/runtimes").join(format!("dumbc-runtime-{system}"));
            fs::read(&path).unwrap()
        };
        systems.split_whitespace().map(file).collect::<Vec<_>>()
    };
    let (one, two) = (make("one"), make("a longer name/of another/folder"));
    for (system, (one, two)) in systems.split_whitespace().zip(one.iter().zip(&two)) {
        assert!(one == two, "{system}: two checkouts differ");
        assert!(one.len() < 4_000_000, "{system}: {} bytes", one.len());
        let mentions = |text: &str| one.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(!mentions(folder.path().to_str().unwrap()), "{system}: the checkout's folder stands in it");
    }
}

/// Every path of an uncompressed layer of a docker archive, as often as it is there.
fn members(archive: &[u8]) -> Vec<Vec<String>> {
    let entries = |bytes: &[u8]| -> Vec<(String, Vec<u8>)> {
        let mut archive = tar::Archive::new(bytes);
        let entry = |mut entry: tar::Entry<'_, &[u8]>| {
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            (entry.path().unwrap().display().to_string(), content)
        };
        archive.entries().unwrap().map(|found| entry(found.unwrap())).collect()
    };
    let layers = entries(archive).into_iter().filter(|(_, content)| content.get(257..262) == Some(b"ustar"));
    layers.map(|(_, layer)| entries(&layer).into_iter().map(|(path, _)| path).collect()).collect()
}

#[test]
fn users_with_the_same_packages_share_their_union() {
    let (cache, project) = (Cache::sample(), Project::new());
    project.system(&cache, "[]", "[boot]\nenable = true\n");
    project
        .file("users.toml", "[alice]\nuid = 1001\n[bob]\nuid = 1002\n")
        .file("home.toml", "packages = [\"hello\"]\n");
    let arguments = ["build", "--format", "docker-archive", "--compression", "none", "-o"];
    let archive = project.path("it.tar");
    project.dumbc(&[&arguments[..], &[archive.to_str().unwrap()]].concat()).ok();
    let layers = members(&fs::read(archive).unwrap());
    for mut layer in layers.clone() {
        let count = layer.len();
        layer.sort();
        layer.dedup();
        assert_eq!(layer.len(), count, "docker takes no layer that has a path twice");
    }
    let unions = layers.iter().flatten().filter(|path| path.trim_end_matches('/').ends_with("-home-path"));
    assert_eq!(unions.count(), 1);
}
