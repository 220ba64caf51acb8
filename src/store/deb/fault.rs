//! What a package must not have.

use std::io;

use crate::deb::{ControlError, REFUSED_HELP};
use crate::failure::{Class, Classified};
use crate::image::ImagePath;

/// A package that is not kept, or a change to one that can't be made.
#[derive(Debug, thiserror::Error)]
pub enum DebFault {
    /// A file, folder or link.
    #[error("`{}`: {reason}", String::from_utf8_lossy(.path).escape_debug())]
    Entry {
        /// As the archive has it.
        path: Vec<u8>,
        /// What is wrong.
        reason: &'static str,
    },
    /// A hard link to something else than a file that stands before it.
    #[error("`{}` is a hard link to `{}`, which is no file that the package has brought before",
        String::from_utf8_lossy(.path).escape_debug(), String::from_utf8_lossy(.target).escape_debug())]
    HardLink {
        /// As the archive has it.
        path: Vec<u8>,
        /// What it should be another name of.
        target: Vec<u8>,
    },
    /// The package is another one than the index says.
    #[error("the index is wrong: it says {field} `{expected}`, and the package says `{found}`")]
    Identity {
        /// A field of the control file.
        field: &'static str,
        /// What the index says.
        expected: String,
        /// What the package says.
        found: String,
    },
    /// The control file can't be read.
    #[error("its control file")]
    Control(#[from] ControlError),
    /// Another member of the control archive.
    #[error("its control archive: `{member}`: {reason}")]
    Member {
        /// The member's name, without control characters.
        member: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// A part is missing.
    #[error("it has no {0}")]
    Missing(&'static str),
    /// More than is unpacked.
    #[error("{what} takes more than {} MiB unpacked", .limit >> 20)]
    TooLarge {
        /// Which archive.
        what: &'static str,
        /// Bytes.
        limit: u64,
    },
    /// More than is remembered.
    #[error("it has more than {most} {what}")]
    TooMany {
        /// What.
        what: &'static str,
        /// How many are granted.
        most: usize,
    },
    /// A change to something that the package doesn't have, or that can't be changed so.
    #[error("{path} can't be changed: {reason}")]
    Adjustment {
        /// In the unchanged package.
        path: ImagePath,
        /// Why.
        reason: &'static str,
    },
}

impl DebFault {
    pub(super) fn entry(path: &[u8], reason: &'static str) -> Self {
        Self::Entry { path: path.to_vec(), reason }
    }

    pub(super) fn member(name: &[u8], reason: &'static str) -> Self {
        Self::Member { member: String::from_utf8_lossy(name).escape_debug().to_string(), reason }
    }
}

impl Classified for DebFault {
    fn class(&self) -> Class {
        Class::Trust
    }

    fn help(&self) -> Option<String> {
        (!matches!(self, Self::Adjustment { .. })).then(|| REFUSED_HELP.to_owned())
    }
}

impl From<DebFault> for io::Error {
    fn from(fault: DebFault) -> Self {
        Self::new(io::ErrorKind::InvalidData, fault)
    }
}
