//! What a registry refuses, and what to do about it.

use crate::failure::{Class, Classified};

use super::CredentialsError;

/// Why a request to a registry failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Credentials can't be had.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// Placeholder for the real variants.
    #[error("{0}")]
    Other(String),
}

impl Classified for Error {
    fn class(&self) -> Class {
        match self {
            Self::Credentials(error) => error.class(),
            Self::Other(_) => Class::Network,
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Credentials(error) => error.help(),
            Self::Other(_) => None,
        }
    }
}
