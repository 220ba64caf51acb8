//! Why the store service refuses.

use std::io;
use std::path::PathBuf;

use crate::failure::{Class, Classified};
use crate::machine::activation::ActivationError;
use crate::nix::StorePath;
use crate::nix::nar::NarError;
use crate::{cache, channel};

/// Why the store service refuses.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The disk.
    #[error("can't {action} `{}`", .path.display())]
    Io {
        /// "read", "write", …
        action: &'static str,
        /// What it was about.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The image's list of store paths, or a file of the volume, says nothing that makes sense.
    #[error("`{}` is damaged: {reason}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Caches.
    #[error(transparent)]
    Cache(#[from] cache::Error),
    /// Channels.
    #[error(transparent)]
    Channel(#[from] channel::Error),
    /// The caller is no user of the machine.
    #[error("user {0} is none of this machine's")]
    Stranger(u32),
    /// Only root may ask for this.
    #[error("only root may do this for others")]
    NotRoot,
    /// No such user.
    #[error("this machine has no user `{0}`")]
    NoUser(String),
    /// `[boot] user-rebuild = false`
    #[error("users may not change their homes in this machine")]
    TurnedOff,
    /// A request that makes no sense.
    #[error("{0}")]
    Request(String),
    /// What was sent is no NAR, or one that no generation is.
    #[error("what was sent can't be a part of a home: {0}")]
    Content(String),
    /// The archive that was sent is malformed.
    #[error("what was sent is no archive")]
    Nar(#[source] NarError),
    /// A path is not there.
    #[error("{0} is not in the store")]
    Invalid(StorePath),
    /// A generation that is not the caller's, or not one at all.
    #[error("{path} can't be the home of `{user}`: {reason}")]
    Generation {
        /// What was to become the home.
        path: StorePath,
        /// Whose.
        user: String,
        /// Why not.
        reason: String,
    },
    /// Its manifest.
    #[error(transparent)]
    Manifest(#[from] ActivationError),
    /// No generation of that number, or none at all.
    #[error("`{user}` has no generation {what}")]
    NoGeneration {
        /// Whose.
        user: String,
        /// "3", "before this one"
        what: String,
    },
    /// More than the user may have.
    #[error(
        "the store paths of `{user}` would take {} MiB; `store-limit` is {} MiB", .wanted.div_ceil(1 << 20), .limit >> 20
    )]
    Quota {
        /// Whose.
        user: String,
        /// Bytes that it would be.
        wanted: u64,
        /// Bytes that there may be.
        limit: u64,
    },
    /// Collecting waits for nobody for ever.
    #[error("the store is in use: somebody fetches packages")]
    Busy,
    /// Nix's own programs.
    #[error("`{program}` failed: {reason}")]
    Nix {
        /// `nix-store --gc`
        program: String,
        /// The end of what it said.
        reason: String,
    },
}

impl ServiceError {
    /// For `map_err` on what the disk answers.
    pub(super) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}

impl Classified for ServiceError {
    fn class(&self) -> Class {
        match self {
            Self::Cache(error) => error.class(),
            Self::Channel(error) => error.class(),
            Self::Stranger(_) | Self::NotRoot | Self::TurnedOff => Class::Credentials,
            Self::NoUser(_) | Self::Request(_) | Self::NoGeneration { .. } => Class::Usage,
            Self::Content(_) | Self::Nar(_) | Self::Generation { .. } => Class::Trust,
            _ => Class::Other,
        }
    }

    fn help(&self) -> Option<String> {
        let full = |source: &io::Error| {
            matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
                .then(|| "the volume is full: `dumbc machine gc` as root, or a larger volume, makes room".to_owned())
        };
        match self {
            Self::Io { source, .. } | Self::Cache(cache::Error::Consumer { source, .. }) => full(source),
            Self::Cache(error) => error.help(),
            Self::Channel(error) => error.help(),
            Self::Quota { .. } => {
                Some("drop old generations with `dumbc machine gc`, or packages of your home.toml".to_owned())
            }
            Self::TurnedOff => Some("`[boot] user-rebuild` in the image's system.toml decides that".to_owned()),
            Self::Busy => Some("try again later".to_owned()),
            Self::NoGeneration { .. } => Some("`rebuild --list` shows what there is".to_owned()),
            _ => None,
        }
    }
}
