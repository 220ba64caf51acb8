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
