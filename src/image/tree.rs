//! Trees of files as data: what generated and local units consist of.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::ImagePath;

/// Permission bits and ownership.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metadata {
    /// Permission bits with setuid, setgid and sticky: 0o755.
    pub mode: u32,
    /// User ID.
    pub uid: u32,
    /// Group ID.
    pub gid: u32,
}

impl Metadata {
    /// Root's, with `mode`.
    #[must_use]
    pub const fn root(mode: u32) -> Self {
        Self { mode, uid: 0, gid: 0 }
    }
}

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A folder.
    Directory,
    /// A file whose content is at hand.
    File(Vec<u8>),
    /// A file whose content is read when it is needed, from the disk of the machine that builds.
    LocalFile {
        /// Where it lies.
        path: PathBuf,
        /// Its size in bytes when the tree was walked; another size at reading is an error.
        size: u64,
    },
    /// A symbolic link.
    Symlink(Vec<u8>),
}

/// Paths with what stands there, in NAR order.
///
/// Holds what the unit owns: parents that it shares with others (`/etc`, `/nix/store`) may be missing, or be there with
/// the metadata that they should have.
pub type Tree = BTreeMap<ImagePath, (Metadata, Node)>;

/// What stands in `tree` at `root` and below, with paths relative to `root`, in NAR order.
pub fn below<'a>(tree: &'a Tree, root: &ImagePath) -> impl Iterator<Item = (ImagePath, &'a (Metadata, Node))> {
    let root = root.clone();
    tree.range(root.clone()..)
        .map_while(move |(path, entry)| path.strip_prefix(&root).map(|relative| (relative, entry)))
}

/// `tree` with `root` put before every path.
#[must_use]
pub fn rooted(tree: Tree, root: &ImagePath) -> Tree {
    tree.into_iter().map(|(path, entry)| (root.append(&path), entry)).collect()
}
