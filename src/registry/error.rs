//! What a registry refuses, and what to do about it.

use std::error::Error as StdError;

use crate::failure::{Class, Classified};

/// Why a request to a registry failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A store of credentials can't be read.
    #[error("cannot get credentials for {registry}")]
    CredentialStore {
        /// Its host.
        registry: String,
        /// Why not.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// Placeholder for the real variants.
    #[error("{0}")]
    Other(String),
}

impl Classified for Error {
    fn class(&self) -> Class {
        match self {
            Self::CredentialStore { .. } => Class::Credentials,
            Self::Other(_) => Class::Network,
        }
    }

    fn help(&self) -> Option<String> {
        None
    }
}
