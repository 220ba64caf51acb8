//! Small packages and trees for this room's tests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::{
    Argument, Boot, Home, ImageSettings, LogSettings, Machine, Persist, Restart, RunAs, Stop, System, Template, Unit,
    User,
};
use crate::image::ImagePath;
use crate::image::listing::Listing;
use crate::image::tree::{Metadata, Node, Tree};
use crate::nix::{Sha256, StorePath};

use super::debian::{Merged, Placed};

/// A store path with a made-up hash; always the same for one name.
pub(crate) fn store_path(name: &str) -> StorePath {
    let digest = Sha256::of(name.as_bytes());
    let (digest, _) = digest.as_bytes().split_first_chunk().unwrap();
    StorePath::from_parts(*digest, name).unwrap()
}

/// `text` as a node: `-> target` is a link, `dir` a folder, everything else the content of a file.
fn node(text: &str) -> Node {
    match text.strip_prefix("-> ") {
        Some(target) => Node::Symlink(target.as_bytes().to_vec()),
        None if text == "dir" => Node::Directory,
        None => Node::File(text.as_bytes().to_vec()),
    }
}

/// Paths with what stands there; a file whose content begins `#!` or is `x` is executable. Parents come by themselves.
pub(crate) fn tree(entries: &[(&str, &str)]) -> Tree {
    let mut tree = Tree::new();
    for (path, text) in entries {
        let path = ImagePath::new(path.as_bytes()).unwrap();
        for parent in std::iter::successors(path.parent(), ImagePath::parent) {
            tree.entry(parent).or_insert((Metadata::root(0o755), Node::Directory));
        }
        let mode = match node(text) {
            Node::Symlink(_) => 0o777,
            Node::Directory => 0o755,
            _ if text.starts_with("#!") || *text == "x" || text.starts_with('\u{7f}') => 0o755,
            _ => 0o644,
        };
        tree.insert(path, (Metadata::root(mode), node(text)));
    }
    tree
}

/// Everything below a folder of this machine.
pub(super) fn of_disk(root: &Path) -> Tree {
    let mut tree = Tree::new();
    for entry in walkdir::WalkDir::new(root).min_depth(1) {
        let entry = entry.unwrap();
        let path = entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        let node = if entry.file_type().is_symlink() {
            Node::Symlink(std::fs::read_link(entry.path()).unwrap().into_os_string().into_encoded_bytes())
        } else if entry.file_type().is_dir() {
            Node::Directory
        } else if entry.file_type().is_file() {
            Node::LocalFile { path: entry.path().to_owned(), size: entry.metadata().unwrap().len() }
        } else {
            continue;
        };
        tree.insert(ImagePath::new(path.as_bytes()).unwrap(), (Metadata::root(0o755), node));
    }
    tree
}

/// A package: its path and its listing.
pub(crate) fn package(name: &str, entries: &[(&str, &str)]) -> (StorePath, Listing) {
    let mut tree = tree(entries);
    tree.entry(ImagePath::default()).or_insert((Metadata::root(0o755), Node::Directory));
    (store_path(name), Listing::of_tree(&tree, &ImagePath::default()).unwrap())
}

/// Debian packages' files as one tree, all of the first package.
pub(super) fn merged(entries: &[(&str, &str)]) -> Merged {
    let (_, listing) = package("merged", entries);
    let placed = listing.entries().iter().filter(|entry| !entry.path.is_root()).map(|entry| {
        let (origin, metadata, kind) = (entry.path.clone(), entry.metadata, entry.kind.clone());
        (entry.path.clone(), Placed { package: 0, origin, metadata, kind })
    });
    placed.collect()
}

/// Says that a test did nothing.
pub(crate) fn skipped(why: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}

/// The tree as lines, for snapshots.
pub(super) fn lines(tree: &Tree) -> String {
    let line = |(path, (metadata, node)): (&ImagePath, &(Metadata, Node))| {
        let what = match node {
            Node::Directory => "/".to_owned(),
            Node::File(content) => format!(" {} bytes", content.len()),
            Node::LocalFile { size, .. } => format!(" {size} local bytes"),
            Node::Symlink(target) => format!(" -> {}", String::from_utf8_lossy(target)),
        };
        format!("{:04o} {}:{} {path}{what}\n", metadata.mode, metadata.uid, metadata.gid)
    };
    tree.iter().map(line).collect()
}

/// A machine with one user, as small as it can be.
pub(super) fn machine() -> Machine {
    let user = User {
        uid: 1000,
        gid: 1000,
        shell: Some("bash".to_owned()),
        groups: vec!["wheel".to_owned()],
        authorized_keys: Vec::new(),
        home: Home::default(),
        place: None,
    };
    Machine {
        project: PathBuf::from("/nowhere"),
        default_channel: None,
        packages: Vec::new(),
        channels: BTreeMap::new(),
        image: ImageSettings {
            name: "sample".to_owned(),
            tag: "latest".to_owned(),
            systems: vec![System::X86_64Linux],
            layers: 100,
            from: None,
            registry: None,
            env: BTreeMap::new(),
            labels: BTreeMap::new(),
            sbom: None,
        },
        hostname: "sample".to_owned(),
        timezone: "UTC".to_owned(),
        locale: "C.UTF-8".to_owned(),
        path: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/etc/profiles/system/bin"
            .split(':')
            .map(str::to_owned)
            .collect(),
        entrypoint: None,
        daemons: BTreeMap::new(),
        files: Vec::new(),
        groups: BTreeMap::new(),
        persist: Persist { volume: "/data".to_owned(), paths: Vec::new(), store_limit: None },
        nix: None,
        boot: Boot { enable: false, user_rebuild: false },
        logs: LogSettings::default(),
        users: BTreeMap::from([("alice".to_owned(), user)]),
        home: Home::default(),
    }
}

/// A unit that runs `command` as `user`.
pub(super) fn unit(command: &[&str], user: RunAs) -> Unit {
    Unit {
        command: command.iter().map(|word| Argument::Text(Template::literal(word))).collect(),
        user,
        user_place: None,
        ports: Vec::new(),
        secrets: Vec::new(),
        secret_files: Vec::new(),
        health: None,
        stop: Stop { signal: "SIGTERM".to_owned(), grace: Duration::from_secs(10) },
        oneshot: false,
        after: Vec::new(),
        ready: None,
        restart: Restart::default(),
        place: None,
    }
}
