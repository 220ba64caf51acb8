//! File systems in archives, told in a line for each path.

use std::collections::BTreeMap;
use std::io::Read;

use sha2::{Digest as _, Sha256};

/// By path, below a merged `/usr`: type, mode and owner; a file's hash, a link's target.
pub(super) type Tree = BTreeMap<String, String>;

/// Puts what a tar holds over `tree`.
pub(super) fn add(tree: &mut Tree, tar: impl Read) {
    for entry in tar::Archive::new(tar).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = merged(&String::from_utf8_lossy(&entry.path_bytes()), entry.header().entry_type().is_dir());
        let link = entry.link_name_bytes().map(|name| String::from_utf8_lossy(&name).into_owned()).unwrap_or_default();
        let header = entry.header();
        let (mode, kind) = (header.mode().unwrap() & 0o7777, header.entry_type());
        let metadata = format!("{mode:04o} {}:{}", header.uid().unwrap(), header.gid().unwrap());
        let told = match kind {
            tar::EntryType::Directory => format!("folder {metadata}"),
            tar::EntryType::Symlink => format!("link {link}"),
            tar::EntryType::Link => tree[&merged(&link, false)].clone(),
            tar::EntryType::Regular => {
                let mut content = Vec::new();
                entry.read_to_end(&mut content).unwrap();
                format!("file {metadata} {:02x?}", &Sha256::digest(&content)[..])
            }
            other => format!("{other:?} {metadata}"),
        };
        tree.insert(path, told);
    }
}

/// `./lib/x` is `usr/lib/x`, and so is a folder that will be such a link.
fn merged(path: &str, is_folder: bool) -> String {
    let path = path.trim_start_matches("./").trim_matches('/');
    let (first, below) = path.split_once('/').unwrap_or((path, ""));
    let moves = matches!(first, "bin" | "lib" | "lib64" | "sbin") && (is_folder || !below.is_empty());
    if moves { format!("usr/{path}") } else { path.to_owned() }
}
