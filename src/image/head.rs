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

/// The tar entries of all parents of `roots`, the image's root excepted, in path order. A root that `parents` names is a shared
/// folder itself and stands here, too. A parent that `parents` does not name is root's, 0755.
#[must_use]
pub fn head<'a>(roots: impl IntoIterator<Item = &'a ImagePath>, parents: &Parents) -> Vec<u8> {
    let mut folders = BTreeMap::new();
    for root in roots {
        let first = if parents.contains_key(root) { Some(root.clone()) } else { root.parent() };
        for folder in std::iter::successors(first, ImagePath::parent).filter(|folder| !folder.is_root()) {
            let metadata = parents.get(&folder).copied().unwrap_or(Metadata::root(0o755));
            if folders.insert(folder, metadata).is_some() {
                break;
            }
        }
    }
    let mut tar = Vec::new();
    for (folder, metadata) in folders {
        write_header(&mut tar, folder.as_bytes(), Kind::Directory, metadata);
    }
    tar
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::untar::{TarKind, TarReader};

    #[test]
    fn all_parents_stand_once_in_order_with_their_metadata() {
        let path = |text: &str| ImagePath::new(text.as_bytes()).unwrap();
        let parents = Parents::from([
            (path("home"), Metadata::root(0o755)),
            (path("home/a"), Metadata { mode: 0o700, uid: 1, gid: 1 }),
            (path("srv"), Metadata::root(0o1777)),
        ]);
        let roots = [path("srv"), path("home/a/x"), path("home/a/y"), path("top"), path("etc/z")];
        let mut tar = head(&roots, &parents);
        tar.extend_from_slice(&crate::image::tar::TAIL);
        let mut reader = TarReader::new(&tar[..]);
        let mut seen = Vec::new();
        while let Some(entry) = reader.next_entry().unwrap() {
            assert_eq!((entry.kind, entry.mtime), (TarKind::Directory, 1));
            seen.push((String::from_utf8(entry.path).unwrap(), entry.metadata.mode));
        }
        let expected = [("etc", 0o755), ("home", 0o755), ("home/a", 0o700), ("srv", 0o1777)];
        assert_eq!(seen, expected.map(|(path, mode)| (path.to_owned(), mode)));
    }
}
