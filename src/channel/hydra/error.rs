//! Why Hydra has no answer.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::cache::http::HttpError;
use crate::failure::{Class, Classified};

/// What went wrong between the name of a job and the store paths that it made.
#[derive(Debug, thiserror::Error)]
pub enum HydraError {
    /// The network.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// Hydra answered with a page for people.
    #[error("Hydra answers {asked} with a page instead of data: it refuses us for now")]
    Blocked {
        /// The job that was asked for.
        asked: String,
        /// How long we waited already.
        waited: Duration,
    },
    /// Hydra's answer is not about what was asked.
    #[error("Hydra's answer about {job} can't be used: {reason}")]
    Answer {
        /// The job that was asked for.
        job: String,
        /// What is wrong with it.
        reason: String,
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

impl Classified for HydraError {
    fn class(&self) -> Class {
        match self {
            Self::Http(error) => error.class(),
            Self::Blocked { .. } | Self::Answer { .. } => Class::Network,
            Self::Write { .. } => Class::Other,
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Http(error) => error.help(),
            Self::Blocked { .. } => Some("wait some minutes; what was answered is kept and not asked again".to_owned()),
            Self::Answer { .. } | Self::Write { .. } => None,
        }
    }
}
