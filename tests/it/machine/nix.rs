//! Nix's own daemon in the machine: one database, and what it installs outlives the image.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use super::container::{Container, MOUNT, Machine};
use crate::clients::output;
use crate::support::project::{Cache, program};
use crate::support::skipped;

/// A wrapper that runs Nix with its own libraries, wherever the package is.
const WRAPPER: &str = r#"#!/bin/sh
here=$(readlink -f "$0")
here=${here%/bin/*}
exec "$here/lib/loader" --argv0 "${0##*/}" --library-path "$here/lib" "$here/libexec/nix" "$@"
"#;

const PROGRAMS: [&str; 4] = ["nix", "nix-store", "nix-daemon", "nix-collect-garbage"];

const USERS: &str = "[alice]\nuid = 1000\n\n[bob]\nuid = 1001\n";

const SYSTEM: &str = "[nix]\ndaemon = true\n";

/// Without any network Nix asks no cache, unless it is told to.
const INSTALL: &str = "nix profile install --option substitute true";

/// Debian's Nix with all its libraries as a package of the cache.
fn add_nix(cache: &Cache) -> Option<String> {
    let nix = Path::new("/usr/bin/nix");
    if !nix.exists() {
        return skipped("nix is not installed");
    }
    let libraries = output(Command::new("ldd").arg(nix));
    let folder = tempfile::tempdir().unwrap();
    for below in ["bin", "lib", "libexec"] {
        fs::create_dir(folder.path().join(below)).unwrap();
    }
    fs::copy(nix, folder.path().join("libexec/nix")).unwrap();
    for library in libraries.split_whitespace().filter(|word| word.starts_with('/')).map(Path::new) {
        let name = library.file_name().unwrap().to_str().unwrap();
        let name = if name.starts_with("ld-linux") { "loader" } else { name };
        fs::copy(library, folder.path().join("lib").join(name)).unwrap();
    }
    for program in PROGRAMS {
        let path = folder.path().join("bin").join(program);
        fs::write(&path, WRAPPER).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    Some(cache.add_tree("nix", folder.path()))
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

/// Waits until Nix's daemon and the store service answer.
fn is_up(container: &Container) -> bool {
    container.soon("test -S /nix/var/nix/daemon-socket/socket && test -S /run/dumbc/store.sock")
}

/// What Nix holds to be valid is there, with the content that it should have.
fn verifies(container: &Container, how: &str) {
    let verified = container.exec("0", &["nix-store", "--verify", how]);
    assert!(verified.status.success() && !said(&verified).contains("error"), "{}", said(&verified));
    let by_alice = container.shell("alice", "nix-store --verify 2>&1");
    assert!(!by_alice.contains("error") && !by_alice.contains("disappeared"), "{by_alice}");
}

#[test]
fn what_nix_installs_outlives_container_and_image() {
    let Some(machine) = Machine::new() else { return };
    if add_nix(&machine.cache).is_none() {
        return;
    }
    let cache = &machine.cache;
    let library = cache.add("library-1.0", &[("bin/hello", program())]);
    let tool = cache.add("tool-1.0", &[("bin/tool", format!("#!{library}/bin/hello\n").as_bytes())]);
    let other = cache.add("other-1.0", &[("bin/other", format!("#!{library}/bin/hello\n").as_bytes())]);
    // Nix makes these folders before it reads, and the machine may not write here.
    for below in ["nar", "realisations", "log", "debuginfo"] {
        fs::create_dir_all(cache.folder().join(below)).unwrap();
    }
    machine.file("users.toml", USERS);
    let first = machine.system(&["nix", "library"], SYSTEM).load();
    let folder = cache.folder();
    let mounted = format!("{0}:{0}:ro", folder.display());
    let volume = format!("nix-{}:/data", std::process::id());
    let kept = [&MOUNT[..], &["-v", &volume]].concat();
    let online = [&kept[..], &["-v", &mounted]].concat();

    let container = first.start(&online);
    assert!(is_up(&container), "{}", container.logs());
    verifies(&container, "--check-contents");
    container.shell("alice", &format!("{INSTALL} {tool}"));
    assert!(container.shell("alice", "tool there").starts_with("hello"));
    container.shell("bob", "dumbc add other");
    assert!(container.shell("bob", "other").starts_with("hello"));
    // One database: Nix knows what the service fetched, and its collector leaves it alone.
    assert!(container.shell("alice", &format!("nix-store -q --references {other}")).contains(&library));
    container.shell("alice", "nix-collect-garbage 2>&1");
    assert!(container.shell("bob", "other").starts_with("hello"));
    let base_name = library.strip_prefix("/nix/store/").unwrap();
    assert!(container.soon(&format!("test -e /data/dumbc/registered/{base_name}")), "{}", container.logs());
    assert_eq!(container.stop(), 0);
    drop(container);

    // An image that has no such library, and no cache within reach.
    let second = machine.system(&["nix"], SYSTEM).load();
    let container = second.start(&kept);
    assert!(is_up(&container), "{}", container.logs());
    assert!(container.shell("alice", "tool").starts_with("hello"));
    assert!(container.shell("bob", "other").starts_with("hello"));
    verifies(&container, "--check-contents");
    container.shell("alice", "nix profile remove 0 && nix profile wipe-history");
    let collected = container.exec("0", &["dumbc", "machine", "gc"]);
    assert!(said(&collected).contains("store paths ("), "{}", said(&collected));
    assert!(container.soon(&format!("test ! -e {tool}")), "{}", said(&collected));
    assert!(container.shell("bob", "other").starts_with("hello"));
    verifies(&container, "--check-contents");
    drop(container);

    // Without the right to mount, the daemon's own paths end with the container; homes' stay.
    let container = first.start(&["-v", &volume, "-v", &mounted]);
    assert!(is_up(&container), "{}", container.logs());
    assert!(container.shell("bob", "other").starts_with("hello"));
    assert!(container.shell("alice", &format!("nix-store -q --references {other}")).contains(&library));
    container.shell("alice", &format!("{INSTALL} {tool} && tool && nix-collect-garbage 2>&1"));
    assert!(container.shell("bob", "other").starts_with("hello"));
    verifies(&container, "-v");
    let collected = container.exec("0", &["dumbc", "machine", "gc"]);
    assert!(collected.status.success(), "{}", said(&collected));
    assert!(container.shell("alice", "tool").starts_with("hello"));
}
