//! What can go wrong with writing a cache.

use std::io;
use std::path::PathBuf;

use super::super::error::Error;
use super::super::http::HttpError;
use super::super::info::ParseCacheInfoError;
use crate::failure::{Class, Classified};
use crate::image::nar::TreeNarError;
use crate::image::walk::WalkError;
use crate::nix::{NarInfoError, ParseSignatureError, TrustError};

/// Why a cache was not written, or a key not read.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The disk says no.
    #[error("cannot write {}", .path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The disk says no.
    #[error("cannot read {}", .path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A place behind HTTP that is no cache, or lets nobody write.
    #[error("cannot write to {place}")]
    Remote {
        /// Where.
        place: String,
        /// What went wrong.
        source: HttpError,
    },
    /// The same where not even its nix-cache-info is understood.
    #[error("{place} is no cache that can be written to: {fault}")]
    Place {
        /// Where.
        place: String,
        /// What is wrong with it.
        fault: String,
    },
    /// Others change a file at the same time, again and again.
    #[error("{file} of {place} keeps changing while it is written")]
    Contended {
        /// Where.
        place: String,
        /// The file.
        file: String,
    },
    /// A folder with other things in it.
    #[error("{} holds other files and no nix-cache-info, so it is no cache", .0.display())]
    NoCache(
        /// The folder.
        PathBuf,
    ),
    /// A cache for another place.
    #[error("{} is no cache that can be written to", .folder.display())]
    Info {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        source: ParseCacheInfoError,
    },
    /// A narinfo that is none.
    #[error("{} is malformed", .path.display())]
    NarInfo {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: NarInfoError,
    },
    /// A line of the index that is none.
    #[error("{}:{line} is no index line: {reason}", .path.display())]
    Index {
        /// The file.
        path: PathBuf,
        /// Counted from one.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A key file that holds no key. The file's text is not repeated.
    #[error("{} holds no key", .path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ParseSignatureError,
    },
    /// A name that no key can have.
    #[error("`{name}` can't name a key")]
    KeyName {
        /// The name.
        name: String,
        /// What is wrong with it.
        source: ParseSignatureError,
    },
    /// A key that would be overwritten.
    #[error("{} exists already, and a key that is overwritten is lost", .0.display())]
    KeyExists(
        /// The file.
        PathBuf,
    ),
    /// No random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(
        /// What the system says.
        String,
    ),
    /// A name that no store path can have.
    #[error("`{name}` can't name a package: it {reason}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it, to follow "it".
        reason: &'static str,
    },
    /// The folder on disk.
    #[error(transparent)]
    Walk(#[from] WalkError),
    /// The folder on disk, while it was packed.
    #[error(transparent)]
    Tree(#[from] TreeNarError),
    /// Nobody who is trusted vouches for a path of the lock.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// A source cache.
    #[error(transparent)]
    Fetch(#[from] Error),
}

impl Classified for WriteError {
    fn class(&self) -> Class {
        match self {
            Self::Write { .. } | Self::Read { .. } | Self::Random(_) | Self::Tree(_) => Class::Other,
            Self::NarInfo { .. } => Class::Trust,
            Self::Trust(fault) => fault.class(),
            Self::Walk(fault) => fault.class(),
            Self::Fetch(fault) => fault.class(),
            Self::Remote { source, .. } => source.class(),
            Self::Contended { .. } => Class::Network,
            _ => Class::Usage,
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::NoCache(_) => Some("name a new folder, or an empty one".to_owned()),
            Self::KeyExists(_) => Some("choose another file with `--output`".to_owned()),
            Self::Name { .. } => Some("names are like `hello-1.0`: letters, digits and `+-._?=`".to_owned()),
            Self::NarInfo { .. } => Some("`dumbc cache check` lists all that is wrong with a cache".to_owned()),
            Self::Trust(fault) => fault.help(),
            Self::Walk(fault) => fault.help(),
            Self::Fetch(fault) => fault.help(),
            Self::Remote {
                source: HttpError::Absent { .. } | HttpError::Status { status: 405 | 409 | 501, .. },
                ..
            } => Some("the server must take PUT there (nginx: `dav_methods PUT`), and let you".to_owned()),
            Self::Remote { source, .. } => source.help(),
            Self::Contended { .. } => Some("run it again when the others are done".to_owned()),
            _ => None,
        }
    }
}
