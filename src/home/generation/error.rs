//! Why there is no generation.

use crate::config::{Diagnostic, count_errors};
use crate::failure::{Class, Classified};
use crate::root::addressed::AddressError;
use crate::root::environment::EnvironmentError;

/// Why there is no generation.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// The home's files say something that can't be.
    #[error("the home has {}", count_errors(.0))]
    Findings(Vec<Diagnostic>),
    /// The packages have no union.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The generation is no store path.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// A path that an image can't hold.
    #[error(transparent)]
    Path(#[from] crate::image::ParseImagePathError),
    /// The manifest could not be written.
    #[error("can't write the home's manifest")]
    Manifest(#[from] serde_json::Error),
}

impl HomeError {
    /// The findings, with their places.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        match self {
            Self::Findings(diagnostics) => diagnostics,
            _ => &[],
        }
    }
}

impl Classified for HomeError {
    fn class(&self) -> Class {
        match self {
            Self::Findings(_) => Class::Usage,
            Self::Environment(error) => error.class(),
            Self::Address(error) => error.class(),
            Self::Path(_) | Self::Manifest(_) => Class::Other,
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Environment(error) => error.help(),
            _ => None,
        }
    }
}
