//! A layer's head: the folders that its units stand in.
//!
//! Every layer names all parents of what it holds, with the same metadata in each, so that the order of layers never decides what
//! a folder looks like.

use std::collections::BTreeMap;

use super::ImagePath;
use super::tar::{Kind, write_header};
use super::tree::Metadata;

/// Metadata of every folder that units share, by path.
pub type Parents = BTreeMap<ImagePath, Metadata>;

/// The tar entries of all parents of `roots`, the image's root excepted, in path order. A parent that `parents` does not
/// name is root's, 0755.
#[must_use]
pub fn head<'a>(roots: impl IntoIterator<Item = &'a ImagePath>, parents: &Parents) -> Vec<u8> {
    let mut folders = BTreeMap::new();
    for root in roots {
        let mut path = root.parent();
        while let Some(folder) = path.filter(|folder| !folder.is_root()) {
            path = folder.parent();
            let metadata = parents.get(&folder).copied().unwrap_or(Metadata::root(0o755));
            folders.insert(folder, metadata);
        }
    }
    let mut tar = Vec::new();
    for (folder, metadata) in folders {
        write_header(&mut tar, folder.as_bytes(), Kind::Directory, metadata);
    }
    tar
}
