//! Why a home could not be activated.

use std::io;
use std::path::PathBuf;

use crate::failure::{Class, Classified};
use crate::home::activation::PlanError;

/// Why a home could not be activated.
#[derive(Debug, thiserror::Error)]
pub enum ActivationError {
    /// The generation has no manifest that can be read.
    #[error("can't read the home generation's `{}`", .path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A later dumbc made the generation.
    #[error("`{}` has version {version}, which this dumbc does not know", .path.display())]
    Newer {
        /// The manifest.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
    /// The home can't become what the generation says.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The home refused.
    #[error("can't {action} `{}`", .path.display())]
    Home {
        /// "open", "change"
        action: &'static str,
        /// In the home.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Classified for ActivationError {
    fn class(&self) -> Class {
        match self {
            Self::Plan(PlanError::Conflicts(_)) => Class::Differs,
            _ => Class::Other,
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Plan(PlanError::Conflicts(_)) => Some(
                "move them away, or say `force = true` for the file, or `backup-extension = \"backup\"` in home.toml"
                    .to_owned(),
            ),
            Self::Newer { .. } => Some("start the image that made it, or `rebuild --reset`".to_owned()),
            Self::Home { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                Some("make room on the volume".to_owned())
            }
            _ => None,
        }
    }
}
