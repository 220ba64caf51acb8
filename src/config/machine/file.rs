//! Files of the image, whose they are, and what is kept on the volume.

use super::Template;
use crate::config::Place;

/// A file or tree that goes to a target of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// Absolute, normalised: no `.`, `..`, double or trailing slash.
    pub target: String,
    /// Its content.
    pub content: FileContent,
    /// Permission bits; `None`: 0644, or 0755 by the executable bit. Applies to files, not to folders.
    pub mode: Option<u32>,
    /// A declared user, `root`, a number, or whom a Debian package brings.
    pub owner: FileOwner,
    /// Globs, relative to the source, of what stays out.
    pub exclude: Vec<String>,
    /// Where the table stands.
    pub place: Option<Place>,
}

/// What a `[files]` entry holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileContent {
    /// Text, with packages in it.
    Text(Template),
    /// A path of the project, or an absolute one.
    Source(String),
}

/// To whom a file belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Owner {
    /// User ID.
    pub uid: u32,
    /// Group ID.
    pub gid: u32,
}

/// To whom a file belongs, as the files say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileOwner {
    /// Numbers that the files tell.
    Known(Owner),
    /// Names that Debian's packages bring, or may bring: their numbers are known when the image is made.
    Named {
        /// Login name.
        user: String,
        /// A group's name; `None`: the user's own.
        group: Option<String>,
        /// Where it is said.
        place: Option<Place>,
    },
}

impl FileOwner {
    /// The numbers, where the files tell them.
    #[must_use]
    pub const fn known(&self) -> Option<Owner> {
        match self {
            Self::Known(owner) => Some(*owner),
            Self::Named { .. } => None,
        }
    }
}

impl From<Owner> for FileOwner {
    fn from(owner: Owner) -> Self {
        Self::Known(owner)
    }
}

impl Default for FileOwner {
    fn default() -> Self {
        Self::Known(Owner::default())
    }
}

/// `[persist]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Persist {
    /// Where the volume is mounted: `/data`.
    pub volume: String,
    /// Paths kept on it.
    pub paths: Vec<PersistPath>,
    /// Most bytes that users' store paths may take.
    pub store_limit: Option<u64>,
}

/// A path kept on the volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersistPath {
    /// Absolute.
    pub path: String,
    /// To whom it belongs.
    pub owner: FileOwner,
    /// Permission bits.
    pub mode: u32,
}
