//! Why a name of nixpkgs has no store path.

use std::io;
use std::path::PathBuf;

use crate::cache::http::HttpError;
use crate::failure::{Class, Classified};

use super::super::hosts::HostError;
use super::super::hydra::HydraError;

/// What went wrong between a channel's name and store paths.
#[derive(Debug, thiserror::Error)]
pub enum NixosError {
    /// A variable of the environment.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The network.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// No channel has that name.
    #[error("there is no channel `{name}`")]
    NoChannel {
        /// As given.
        name: String,
    },
    /// There is no such release.
    #[error("there is no release `{name}` at {place}")]
    NoRelease {
        /// As given, or as the channel's address says.
        name: String,
        /// Where it was looked for.
        place: String,
    },
    /// No release of the channel was made of that revision.
    #[error("channel `{channel}` has no release of revision {revision}")]
    NoRevision {
        /// The channel.
        channel: String,
        /// As given.
        revision: String,
    },
    /// A release's own files are not what they should be.
    #[error("the release at {place} can't be used: {what}")]
    Odd {
        /// Where it lies.
        place: String,
        /// What is wrong.
        what: &'static str,
    },
    /// The list of packages can't be read.
    #[error("the list of packages of {release} can't be read")]
    Packages {
        /// Of which release.
        release: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Hydra.
    #[error(transparent)]
    Hydra(#[from] HydraError),
    /// The release does not have that version, and who knows of others could not tell.
    #[error("{asked} is not in {release}, and {host} could not tell where it is: {reason}")]
    Search {
        /// `python3@3.9`
        asked: String,
        /// The release, or the channel.
        release: String,
        /// Who was asked.
        host: String,
        /// Why.
        reason: Box<SearchFault>,
    },
    /// The catalog on the disk.
    #[error("the catalog {path} can't be used")]
    Catalog {
        /// Where it lies.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The disk.
    #[error("can't write {path}")]
    Write {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Why the search API has no answer that counts.
#[derive(Debug, thiserror::Error)]
pub enum SearchFault {
    /// The network, or a status such as 429.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// A page for people, of whatever status.
    #[error("it answers with a page instead of data")]
    Page,
    /// Nothing at all.
    #[error("its answer is empty")]
    Empty,
    /// Something else than is documented.
    #[error("its answer can't be used: {0}")]
    Odd(String),
}

impl SearchFault {
    fn class(&self) -> Class {
        match self {
            Self::Http(error) => error.class(),
            Self::Page | Self::Empty | Self::Odd(_) => Class::Network,
        }
    }
}

impl Classified for NixosError {
    fn class(&self) -> Class {
        match self {
            Self::Host(_) | Self::NoChannel { .. } | Self::NoRelease { .. } | Self::NoRevision { .. } => Class::Usage,
            Self::Http(error) => error.class(),
            Self::Search { reason, .. } => reason.class(),
            Self::Hydra(error) => error.class(),
            Self::Odd { .. } | Self::Packages { .. } => Class::Network,
            Self::Catalog { .. } | Self::Write { .. } => Class::Other,
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Host(_) => Some("give an https:// address, or unset it".to_owned()),
            Self::Http(error) => error.help(),
            Self::Search { .. } => Some(
                "`dumbc versions NAME` lists the release's own; DUMBC_NIX_SEARCH names another search API, and a store \
                 path needs none"
                    .to_owned(),
            ),
            Self::NoChannel { .. } => {
                Some("channels are called nixos-26.05, nixos-unstable, nixpkgs-unstable, nixos-26.05-small".to_owned())
            }
            Self::NoRelease { .. } => {
                Some("an exact release is called as its folder: nixos-26.05.1234.0123456789ab".to_owned())
            }
            Self::NoRevision { .. } => Some(
                "only revisions that became a release have packages in the cache; name the release, or another revision"
                    .to_owned(),
            ),
            Self::Hydra(error) => error.help(),
            Self::Catalog { path, .. } => Some(format!("delete {}: it is made anew", path.display())),
            _ => None,
        }
    }
}
