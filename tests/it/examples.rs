//! Each example as a fresh clone has it: locked, offline, with an empty store. The default machine is checked.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::support::runtime;

/// Folders with a system.toml that can be built without a network.
const PROJECTS: [&str; 2] = ["examples/hello", "examples/service"];

fn dumbc(arguments: &[&str], project: &str, folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dumbc"));
    command.arg("-C").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(project)).args(arguments);
    command.current_dir(folder).env("DUMBC_STORE", folder.join("store")).env_remove("SOURCE_DATE_EPOCH");
    // The same everywhere, and quick to compress.
    command.envs(runtime::idle().iter().map(|(name, path)| (name, path)));
    command.stdin(Stdio::null()).output().unwrap()
}

/// What went to stdout, of a program that must succeed.
fn succeeds(arguments: &[&str], project: &str, folder: &Path) -> String {
    let output = dumbc(arguments, project, folder);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{project}: {arguments:?}: {told}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn build_as_they_are_committed() {
    for project in PROJECTS {
        let folder = tempfile::tempdir().unwrap();
        let checked = succeeds(&["check"], project, folder.path());
        assert!(checked.ends_with("; no errors\n"), "{project}: {checked}");
        succeeds(&["build", "--locked", "--offline", "-o", "image.tar.gz"], project, folder.path());
        let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join(project).join("dumbc.lock");
        let verified = succeeds(&["verify", "image.tar.gz", "--lock", lock.to_str().unwrap()], project, folder.path());
        assert!(verified.contains("store paths as the lock says"), "{project}: {verified}");
    }
}

/// Its packages are those of this machine's archive, and its lock is nobody else's.
#[test]
fn the_default_machine_is_right() {
    let folder = tempfile::tempdir().unwrap();
    let checked = succeeds(&["check"], ".", folder.path());
    assert!(checked.ends_with("; no errors\n"), "{checked}");
    let ignored = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/.gitignore")).unwrap();
    assert!(ignored.lines().any(|line| line == "/dumbc.lock"));
}

#[test]
fn the_cache_is_whole_and_signed_with_the_key_of_the_files() {
    let system = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/hello/system.toml")).unwrap();
    let (_, key) = system.split_once("keys = [\"").unwrap();
    let (key, _) = key.split_once('"').unwrap();
    // Checking locks the cache, which a clone may have read-only: a copy.
    let folder = tempfile::tempdir().unwrap();
    let mut copy = Command::new("cp");
    copy.current_dir(env!("CARGO_MANIFEST_DIR")).args(["-r", "examples/hello/cache"]).arg(folder.path());
    assert!(copy.status().unwrap().success());
    let checked = succeeds(&["cache", "check", "cache", "--key", key], "examples/hello", folder.path());
    assert!(checked.starts_with("3 packages, "), "{checked}");
}

/// Bytes are a promise: where one of these changes, every image of every user changes, and the changelog says why.
#[test]
fn golden_digests_catch_drift() {
    let folder = tempfile::tempdir().unwrap();
    let built = |arguments: &[&str]| {
        let arguments = [&["build", "--json", "--locked", "--offline", "--system", "x86_64-linux"], arguments].concat();
        serde_json::from_str::<serde_json::Value>(&succeeds(&arguments, "examples/hello", folder.path())).unwrap()
    };
    let gzip = built(&["-o", "image.tar.gz"]);
    let zstd = built(&["-o", "image", "--format", "oci-dir", "--compression", "zstd"]);
    let digest = |document: &serde_json::Value, name: &str| {
        let image = &document["images"][0];
        let digest = if name == "image_id" { &image[name] } else { &image["manifests"][name] };
        digest.as_str().unwrap()["sha256:".len()..][..16].to_owned()
    };
    assert_eq!(digest(&gzip, "image_id"), "ea904ccd71a03b65");
    assert_eq!(digest(&zstd, "image_id"), "ea904ccd71a03b65");
    assert_eq!(digest(&gzip, "archive"), "fe41929f222ff28b");
    assert_eq!(digest(&gzip, "docker"), "6d27fc6a31179222");
    assert_eq!(digest(&gzip, "oci"), "d3952479b7cc19ee");
    assert_eq!(digest(&zstd, "oci"), "223218c863368256");
}
