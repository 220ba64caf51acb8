//! What a registry refuses, and what to do about it.

use crate::failure::{Class, Classified};

/// Why a request to a registry failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Placeholder for the real variants.
    #[error("{0}")]
    Other(String),
}

impl Classified for Error {
    fn class(&self) -> Class {
        Class::Network
    }

    fn help(&self) -> Option<String> {
        None
    }
}
