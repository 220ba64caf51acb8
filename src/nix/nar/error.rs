//! What can be wrong with an archive.

use std::fmt::Write as _;
use std::io;

use crate::failure::{Class, Classified};

/// An archive that is not one, or that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum NarError {
    /// The bytes are no NAR.
    #[error("the NAR is malformed at byte {offset}{}: {fault}", located(.path))]
    Malformed {
        /// Where, counted from the archive's beginning.
        offset: u64,
        /// The entry that it was about; empty for the root, or where none is known.
        path: Vec<u8>,
        /// What was wrong.
        fault: NarFault,
    },
    /// The input failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What was wrong with an archive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NarFault {
    /// The input ended inside the archive.
    #[error("it ends in the middle")]
    Truncated,
    /// Another word than the grammar allows here.
    #[error("expected {expected}, found {}", found.as_deref().map_or("something else".to_owned(), quoted))]
    Unexpected {
        /// The words allowed.
        expected: String,
        /// The word that stood there; none where it was too long to be one.
        found: Option<Vec<u8>>,
    },
    /// Padding holds something.
    #[error("padding is not zero")]
    Padding,
    /// A string is longer than its limit.
    #[error("{what} of {length} bytes, the limit is {limit}")]
    TooLong {
        /// What the string is: "a name", "a link target".
        what: &'static str,
        /// The length that the archive claims.
        length: u64,
        /// The longest that is allowed.
        limit: usize,
    },
    /// Entries nest too deeply.
    #[error("entries nest deeper than {} levels", super::MAX_DEPTH)]
    TooDeep,
    /// A name that can't be a file's.
    #[error("{} can't be the name of a file", quoted(.0))]
    Name(Vec<u8>),
    /// A name that stands twice in one directory.
    #[error("the name {} stands twice in one directory", quoted(.0))]
    Duplicate(Vec<u8>),
    /// A name that is the same text as another in one directory, spelt with other characters.
    #[error("the name {} is the same text as another in its directory, spelt with other characters", quoted(.0))]
    SameText(Vec<u8>),
    /// More names beyond ASCII than are remembered.
    #[error("more than {} names beyond ASCII in directories around each other", super::spelling::MAX_SPELLINGS)]
    TooManySpellings,
    /// Names out of order.
    #[error("the name {} comes after {}, which is not byte order", quoted(.name), quoted(.previous))]
    Unsorted {
        /// The name before.
        previous: Vec<u8>,
        /// The name that should have come earlier.
        name: Vec<u8>,
    },
    /// A link target that can't be one.
    #[error("{} can't be the target of a link", quoted(.0))]
    Target(Vec<u8>),
    /// An entry was to be written into something that is no directory, or a directory that has ended.
    #[error("{} is no directory that entries can be added to", if .0.is_empty() {"the root".to_owned()} else {quoted(.0)})]
    NoDirectory(Vec<u8>),
    /// Contents to be written are not as long as was said.
    #[error("contents {} than the {size} bytes announced", if *longer { "are longer" } else { "are shorter" })]
    Contents {
        /// What was said.
        size: u64,
        /// Whether there is more rather than less.
        longer: bool,
    },
    /// Something follows the archive.
    #[error("something follows the archive's end")]
    TrailingData,
    /// The reader or writer failed before, so there is nothing to go on from.
    #[error("an earlier error left it unfinished")]
    Poisoned,
}

impl NarFault {
    pub(super) fn at(self, offset: u64) -> NarError {
        NarError::Malformed { offset, path: Vec::new(), fault: self }
    }
}

impl NarError {
    /// Adds the entry that a fault is about, where it has none yet.
    pub(super) fn within(mut self, entry: &[u8]) -> Self {
        if let Self::Malformed { path, .. } = &mut self
            && path.is_empty()
        {
            entry.clone_into(path);
        }
        self
    }

    /// What was wrong; `None` where the input itself failed.
    #[must_use]
    pub fn fault(&self) -> Option<&NarFault> {
        match self {
            Self::Malformed { fault, .. } => Some(fault),
            Self::Io(_) => None,
        }
    }
}

impl From<NarError> for io::Error {
    fn from(error: NarError) -> Self {
        match error {
            NarError::Io(error) => error,
            NarError::Malformed { fault: NarFault::Truncated, .. } => Self::new(io::ErrorKind::UnexpectedEof, error),
            NarError::Malformed { .. } => Self::new(io::ErrorKind::InvalidData, error),
        }
    }
}

impl Classified for NarError {
    fn class(&self) -> Class {
        match self {
            Self::Malformed { .. } => Class::Trust,
            Self::Io(_) => Class::Other,
        }
    }
}

fn located(path: &[u8]) -> String {
    if path.is_empty() { String::new() } else { format!(", in {}", quoted(path)) }
}

/// `bytes` for a message: escaped, and of bounded length.
fn quoted(bytes: &[u8]) -> String {
    let mut text = String::from("`");
    for character in String::from_utf8_lossy(&bytes[..bytes.len().min(300)]).escape_debug() {
        text.push(character);
    }
    if bytes.len() > 300 {
        let _ = write!(text, "… ({} bytes)", bytes.len());
    }
    text + "`"
}
