//! Nix itself, on the root that the image's layers make: its database must hold, and every path be whole.

use std::process::Command;

use super::image::base_image;
use super::{has, is_root, output, run};

#[test]
fn nix_finds_the_image_s_store_whole() {
    let Some(image) = base_image() else { return };
    let Some(()) = has("nix-store").and_then(|()| has("umoci")).and_then(|()| is_root()) else { return };
    let folder = image.build("nix.oci", &["--format", "oci-dir"]);
    let bundle = image.project.beside("nix-bundle");
    run("umoci", ["unpack", "--image", &format!("{}:it", folder.path.display()), bundle.to_str().unwrap()]);
    let root = bundle.join("rootfs");
    let store = format!("local?root={}", root.display());
    let nix = |arguments: &[&str]| {
        let mut command = Command::new("nix-store");
        command.args(["--store", &store]).args(arguments).env("NIX_REMOTE", "");
        output(&mut command)
    };
    nix(&["--verify", "--check-contents"]);
    let features = ["--extra-experimental-features", "nix-command"];
    let all = run("nix", [&features[..], &["path-info", "--all", "--store", &store]].concat());
    let names = std::fs::read_dir(root.join("nix/store")).unwrap().map(|entry| entry.unwrap().file_name());
    // `.links` is what Nix adds.
    let there = names.filter(|name| !name.to_string_lossy().starts_with('.')).count();
    assert_eq!(all.lines().count(), there, "every store path is registered:\n{all}");
    let find = |name: &str| all.lines().find(|path| path.contains(name)).unwrap();
    assert!(nix(&["--query", "--requisites", find("-git-2")]).lines().count() > 20);

    // It would find a changed file.
    let hello = find("-hello-");
    let file = root.join(&hello[1..]).join("bin/hello");
    let file = if file.is_file() { file } else { root.join(&hello[1..]).join("usr/bin/hello") };
    run("chmod", [std::ffi::OsStr::new("u+w"), file.as_os_str()]);
    std::fs::write(&file, "changed").unwrap();
    let mut command = Command::new("nix-store");
    command.args(["--store", &store, "--verify", "--check-contents"]).env("NIX_REMOTE", "");
    assert!(!command.output().unwrap().status.success());
    run("chmod", [std::ffi::OsStr::new("-R"), std::ffi::OsStr::new("u+w"), bundle.as_os_str()]);
}
