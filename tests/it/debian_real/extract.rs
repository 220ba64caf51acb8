//! What packages bring, as dpkg-deb unpacks it: `mmdebstrap --variant=extract` of the same packages.

use std::fs::File;
use std::path::PathBuf;
use std::process::Command;

use crate::clients::{has, is_root};
use crate::support::image::{Archive, decompressed};
use crate::support::skipped;

use super::tree::{Tree, add};
use super::{Default, default_machine};

/// What mmdebstrap makes beyond the packages, for the machine that it runs on.
const TOOLS: [&str; 7] =
    ["dev", "etc/apt", "etc/fstab", "var/cache/apt", "var/lib/apt/lists", "var/lib/dpkg/arch", "var/log/apt"];

/// Paths that look different, each with its reason.
const EXPLAINED: [&str; 6] = [
    // system.toml's; and the container's, not the building machine's.
    "etc/hostname",
    "etc/resolv.conf",
    // openssh-client's script gives it to the group _ssh.
    "usr/bin/ssh-agent",
    // Here they are installed, there only unpacked.
    "var/lib/dpkg/status",
    // Links to /run, made by base-files' script.
    "var/lock",
    "var/run",
];

#[test]
fn the_packages_files_are_as_dpkg_unpacks_them() {
    let Some(machine) = default_machine() else { return };
    let Some(theirs) = extracted(&machine) else { return };
    let mut ours = Tree::new();
    for layer in Archive::read(&machine.archive.path).layers() {
        add(&mut ours, &decompressed(layer)[..]);
    }
    assert!(theirs.len() > 10_000, "{} paths", theirs.len());

    let is_tools = |path: &str| {
        TOOLS.iter().any(|tool| path.strip_prefix(tool).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    };
    let missing: Vec<_> =
        theirs.keys().filter(|path| !path.is_empty() && !is_tools(path) && !ours.contains_key(*path)).collect();
    assert!(missing.is_empty(), "not in the image: {missing:?}");

    let common = theirs.iter().filter_map(|(path, theirs)| Some((path.as_str(), theirs, ours.get(path)?)));
    let different: Vec<_> = common.filter(|(_, theirs, ours)| theirs != ours).collect();
    let paths: Vec<_> = different.iter().map(|(path, ..)| *path).filter(|path| !is_tools(path)).collect();
    assert_eq!(paths, EXPLAINED, "{different:#?}");

    let added: Vec<_> =
        ours.keys().filter(|path| !theirs.contains_key(*path) && !is_made(path, &ours[*path])).collect();
    assert!(added.is_empty(), "nobody explains: {added:?}");
}

/// Whether a path is one of those that scripts make, or dumbc from the three files.
fn is_made(path: &str, told: &str) -> bool {
    const BELOW: [&str; 19] = [
        "etc/alternatives/",
        "etc/pam.d/common-",
        "etc/profiles",
        "etc/python3",
        "etc/ssl/certs/",
        "home/",
        "nix",
        "root/.",
        "run/",
        "srv",
        "usr/local",
        "usr/share/dumbc",
        "usr/share/sbom",
        "var/lib/dpkg/",
        "var/lib/pam/",
        "var/lib/python",
        "var/log/",
        "var/mail",
        "var/spool/mail",
    ];
    const EXACT: [&str; 43] = [
        "bin",
        "data",
        "lib",
        "lib64",
        "media",
        "mnt",
        "opt",
        "sbin",
        "etc/ca-certificates.conf",
        "etc/default/locale",
        "etc/dpkg/origins/default",
        "etc/environment",
        "etc/group",
        "etc/gshadow",
        "etc/hosts",
        "etc/hosts.allow",
        "etc/hosts.deny",
        "etc/inputrc",
        "etc/ld.so.cache",
        "etc/locale.conf",
        "etc/localtime",
        "etc/machine-id",
        "etc/motd",
        "etc/nsswitch.conf",
        "etc/opt",
        "etc/passwd",
        "etc/profile",
        "etc/security/opasswd",
        "etc/shadow",
        "etc/shells",
        "etc/ssh/sshd_config",
        "etc/timezone",
        "usr/bin/sh",
        "usr/share/info/dir",
        "var/empty",
        "var/lib/apt/extended_states",
        "var/opt",
        "etc/ssl/certs",
        "etc/alternatives",
        "run",
        "var/lib/pam",
        "var/lib/dpkg",
        "etc/pam.d",
    ];
    BELOW.iter().any(|folder| path.starts_with(folder))
        || EXACT.contains(&path)
        || told.starts_with("link /etc/alternatives/")
}

/// The same packages, unpacked by mmdebstrap from the same archive.
fn extracted(machine: &Default) -> Option<Tree> {
    has("mmdebstrap").and_then(|()| is_root())?;
    let sources = sources();
    if sources.is_empty() {
        return skipped("apt's sources are not where they used to be");
    }
    let lock: toml::Table = std::fs::read_to_string(machine.project.path("dumbc.lock")).unwrap().parse().unwrap();
    let packages = lock["deb"]
        .as_array()
        .unwrap()
        .iter()
        .map(|deb| format!("{}={}", deb["name"].as_str().unwrap(), deb["version"].as_str().unwrap()));
    let include = format!("--include={}", packages.collect::<Vec<_>>().join(","));
    let tar = machine.project.beside("extract.tar");
    let mut command = Command::new("mmdebstrap");
    command.args(["--quiet", "--mode=root", "--variant=extract", &include, "bookworm"]).arg(&tar).args(sources);
    let ran = command.output().unwrap();
    if !ran.status.success() {
        return skipped(&format!("mmdebstrap can't work here: {}", String::from_utf8_lossy(&ran.stderr)));
    }
    let mut tree = Tree::new();
    add(&mut tree, File::open(&tar).unwrap());
    Some(tree)
}

/// The files in which apt is told about Debian's archive.
fn sources() -> Vec<PathBuf> {
    let known = ["/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"].map(PathBuf::from);
    known.into_iter().filter(|path| std::fs::metadata(path).is_ok_and(|file| file.len() > 0)).take(1).collect()
}
