//! What is wrong with an image that somebody else made, and what to do about it.

use std::io;
use std::path::PathBuf;

use crate::failure::{Class, Classified};
use crate::nix::Sha256;
use crate::registry::{ParseReferenceError, Reference};

/// Why an image can't be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The registry.
    #[error(transparent)]
    Registry(#[from] crate::registry::Error),
    /// The text names neither a file nor an image of a registry.
    #[error(transparent)]
    Reference(#[from] ParseReferenceError),
    /// There is no such file or folder.
    #[error("there is no file or folder {}", .0.display())]
    Missing(PathBuf),
    /// The registry has no such image.
    #[error("{0} is not in its registry")]
    Absent(Box<Reference>),
    /// The disk, or the stream of an archive.
    #[error("can't read {place}")]
    Read {
        /// Which image.
        place: String,
        /// What the system says.
        source: io::Error,
    },
    /// It is no image.
    #[error("{place} is no image: {reason}")]
    NoImage {
        /// Which.
        place: String,
        /// Why it is none.
        reason: String,
    },
    /// A blob that the image needs is not there.
    #[error("{place} lacks {name}")]
    Incomplete {
        /// Which image.
        place: String,
        /// What is missing.
        name: String,
    },
    /// A document that says something else than it should.
    #[error("{name} in {place} can't be read: {reason}")]
    Document {
        /// Which image.
        place: String,
        /// Which document.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// More of something than any image has.
    #[error("{place} has {what}: no image does")]
    TooMuch {
        /// Which image.
        place: String,
        /// `more than 512 layers`
        what: String,
    },
    /// Bytes with another digest than they should have.
    #[error("{name} in {place} holds other bytes: their digest is {}, not {}", .found.oci(), .expected.oci())]
    Digest {
        /// Which image.
        place: String,
        /// Which blob.
        name: String,
        /// As the documents say.
        expected: Sha256,
        /// As derived.
        found: Sha256,
    },
    /// A blob with another size than it should have.
    #[error("{name} in {place} has {found} bytes, not {expected}")]
    Size {
        /// Which image.
        place: String,
        /// Which blob.
        name: String,
        /// As the documents say.
        expected: u64,
        /// As it lies there.
        found: u64,
    },
}

impl Classified for Error {
    fn class(&self) -> Class {
        match self {
            Self::Registry(error) => error.class(),
            Self::Reference(_) | Self::Missing(_) | Self::Absent(_) | Self::NoImage { .. } => Class::Usage,
            Self::Read { source, .. } if source.kind() == io::ErrorKind::InvalidData => Class::Usage,
            Self::Read { .. } => Class::Other,
            Self::Incomplete { .. } | Self::Document { .. } | Self::TooMuch { .. } => Class::Trust,
            Self::Digest { .. } | Self::Size { .. } => Class::Trust,
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Registry(error) => error.help(),
            Self::Missing(_) => Some("files and folders are named from the folder that `-C` names".to_owned()),
            Self::Absent(_) => Some("correct the tag or digest, or push it first".to_owned()),
            Self::Read { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                Some("a compressed archive is unpacked for reading: let TMPDIR name a folder with room".to_owned())
            }
            Self::Incomplete { .. } | Self::Digest { .. } | Self::Size { .. } => {
                Some("fetch it again, or let its maker write it anew".to_owned())
            }
            _ => None,
        }
    }
}

impl From<Error> for io::Error {
    /// For readers in the middle of a stream; [`crate::failure::carried`] finds it again.
    fn from(error: Error) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}
