//! What can go wrong between a name and a locked closure.

use std::io;

use crate::cache::{self, http::HttpError};
use crate::config::{Diagnostic, count_errors};
use crate::failure::{Class, Classified};
use crate::nix::Sha256;

use super::debian::ArchiveError;
use super::hosts::HostError;
use super::hydra::HydraError;
use super::index::ReadError;
use super::lock::LockError;
use super::trust::Distrust;

/// Names could not be resolved, or the lock does not hold.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Requests without an answer: all of them.
    #[error("{} in the requests for packages", count_errors(.diagnostics))]
    Names {
        /// One for each.
        diagnostics: Vec<Diagnostic>,
        /// [`Class::UnknownName`] where a channel was asked and has no answer.
        class: Class,
    },
    /// There must be a lock and there is none.
    #[error("there is no dumbc.lock, and it may not be made here")]
    NoLock,
    /// The lock must fit the files as it is and does not.
    #[error("dumbc.lock does not fit the files: {}", difference(.missing, .unneeded))]
    Stale {
        /// Requests that it has no whole answer to, with their system.
        missing: Vec<String>,
        /// Requests that nothing asks, with their system, and packages that no request leads to.
        unneeded: Vec<String>,
    },
    /// A locked package that nothing vouches for any more.
    #[error("a locked package is not trusted{}", and_more(*.others))]
    Untrusted {
        /// Why.
        #[source]
        distrust: Box<Distrust>,
        /// How many more there are.
        others: usize,
    },
    /// A name to update that nothing requests.
    #[error("no request is called `{name}`")]
    NoSuchRequest {
        /// As given.
        name: String,
        /// Requests written much like it.
        nearest: Vec<String>,
    },
    /// An index over plain http without `index-hash`.
    #[error("the index of channel `{channel}` comes over plain http, where anybody on the way can change it")]
    UnpinnedIndex {
        /// The channel.
        channel: String,
        /// The hash of what came just now.
        found: Sha256,
    },
    /// An index with another hash than the files say.
    #[error(
        "the index of channel `{channel}` is not the one that `index-hash` pins: expected {expected}, found {found}"
    )]
    IndexHash {
        /// The channel.
        channel: String,
        /// `index-hash`
        expected: Sha256,
        /// What came.
        found: Sha256,
    },
    /// An index that can't be read.
    #[error("the index of channel `{channel}` at {location} can't be used")]
    Index {
        /// The channel.
        channel: String,
        /// Where it lies.
        location: String,
        /// Why.
        #[source]
        source: ReadError,
    },
    /// An index that can't be fetched.
    #[error("the index of channel `{channel}` can't be fetched")]
    FetchIndex {
        /// The channel.
        channel: String,
        /// Why.
        #[source]
        source: Box<HttpError>,
    },
    /// An index that can't be opened.
    #[error("the index of channel `{channel}` at {location} can't be opened")]
    OpenIndex {
        /// The channel.
        channel: String,
        /// Where it lies.
        location: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The binary caches.
    #[error(transparent)]
    Cache(Box<cache::Error>),
    /// A channel that can't be used as it is written.
    #[error("channel `{channel}`: {reason}")]
    Channel {
        /// The channel.
        channel: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A variable of the environment that names a service.
    #[error(transparent)]
    Host(#[from] HostError),
    /// Hydra.
    #[error(transparent)]
    Hydra(Box<HydraError>),
    /// A NixOS channel.
    #[cfg(feature = "build")]
    #[error(transparent)]
    Nixos(Box<super::nixos::NixosError>),
    /// A Debian archive.
    #[error(transparent)]
    Archive(Box<ArchiveError>),
    /// The lock's file.
    #[error(transparent)]
    Lock(#[from] LockError),
}

impl From<HydraError> for Error {
    fn from(error: HydraError) -> Self {
        Self::Hydra(Box::new(error))
    }
}

#[cfg(feature = "build")]
impl From<super::nixos::NixosError> for Error {
    fn from(error: super::nixos::NixosError) -> Self {
        Self::Nixos(Box::new(error))
    }
}

impl From<ArchiveError> for Error {
    fn from(error: ArchiveError) -> Self {
        Self::Archive(Box::new(error))
    }
}

impl From<cache::Error> for Error {
    fn from(error: cache::Error) -> Self {
        Self::Cache(Box::new(error))
    }
}

impl Error {
    /// Findings in the user's files, for drawing.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        match self {
            Self::Names { diagnostics, .. } => diagnostics,
            Self::Lock(error) => error.diagnostics(),
            _ => &[],
        }
    }
}

impl Classified for Error {
    fn class(&self) -> Class {
        match self {
            Self::Names { class, .. } => *class,
            Self::NoLock | Self::Stale { .. } => Class::StaleLock,
            Self::Untrusted { .. } | Self::UnpinnedIndex { .. } | Self::IndexHash { .. } => Class::Trust,
            Self::NoSuchRequest { .. } => Class::UnknownName,
            Self::Index { .. } => Class::Other,
            Self::FetchIndex { source, .. } => source.class(),
            Self::OpenIndex { .. } | Self::Channel { .. } | Self::Host(_) => Class::Usage,
            Self::Hydra(error) => error.class(),
            Self::Cache(error) => error.class(),
            #[cfg(feature = "build")]
            Self::Nixos(error) => error.class(),
            Self::Archive(error) => error.class(),
            Self::Lock(error) => error.class(),
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::NoLock => Some("run `dumbc lock` and commit dumbc.lock".to_owned()),
            Self::Stale { .. } => {
                Some("run `dumbc lock` (or a build without `--locked`) and commit dumbc.lock".to_owned())
            }
            Self::NoSuchRequest { nearest, .. } => did_you_mean(nearest),
            Self::UnpinnedIndex { channel, found } => Some(format!(
                "take it over https, or compare this hash with its publisher's and write it below [channels.{channel}]: \
                 index-hash = \"{found}\""
            )),
            Self::IndexHash { channel, found, .. } => Some(format!(
                "if its publisher says that it changed, write below [channels.{channel}]: index-hash = \"{found}\""
            )),
            Self::Host(_) => Some("give an https:// address, or unset it".to_owned()),
            Self::Hydra(error) => error.help(),
            #[cfg(feature = "build")]
            Self::Nixos(error) => error.help(),
            Self::Archive(error) => error.help(),
            Self::Lock(error) => error.help(),
            Self::Untrusted { distrust, .. } => distrust.help(),
            Self::FetchIndex { source, .. } => source.help(),
            Self::OpenIndex { channel, .. } => Some(format!(
                "`index` of [channels.{channel}] is an https:// address, or a path relative to the project's folder"
            )),
            Self::Cache(error) => error.help(),
            Self::Names { .. } | Self::Index { .. } | Self::Channel { .. } => None,
        }
    }
}

/// "did you mean `a`, `b` or `c`?"; `None` without candidates.
pub(super) fn did_you_mean(candidates: &[String]) -> Option<String> {
    let quoted: Vec<String> = candidates.iter().map(|candidate| format!("`{candidate}`")).collect();
    match quoted.split_last()? {
        (last, []) => Some(format!("did you mean {last}?")),
        (last, others) => Some(format!("did you mean {} or {last}?", others.join(", "))),
    }
}

fn difference(missing: &[String], unneeded: &[String]) -> String {
    let part = |what: &str, names: &[String]| match names.len() {
        0 => None,
        more @ 11.. => Some(format!("{what} {} and {} more", names[..10].join(", "), more - 10)),
        _ => Some(format!("{what} {}", names.join(", "))),
    };
    let parts: Vec<_> = [part("it lacks", missing), part("nothing needs", unneeded)].into_iter().flatten().collect();
    parts.join("; ")
}

fn and_more(count: usize) -> String {
    if count == 0 { String::new() } else { format!(", and {count} more are not") }
}
