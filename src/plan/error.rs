//! What can be wrong with a plan's inputs.

use crate::failure::{Class, Classified};

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// Not even one layer is allowed.
    #[error("no layer is left for packages")]
    NoBudget,
    /// Two units have the same id.
    #[error("`{id}` is to go into the image twice")]
    DuplicateUnit {
        /// Their id.
        id: String,
    },
    /// A weight is not a number in the allowed range.
    #[error("the weight {weight} of `{cause}` is not between 0 and 65536")]
    Weight {
        /// Whose weight it is.
        cause: String,
        /// As it was given.
        weight: f64,
    },
    /// Nothing in the closure is meant by a text.
    #[error("no package in the closure is called `{text}`")]
    UnknownUnit {
        /// As the user gave it.
        text: String,
        /// The key that looks most like it.
        nearest: Option<String>,
    },
    /// The closure is so large that planning it would take all memory.
    #[error("{units} packages with {causes} things that can change them are too many to plan")]
    TooLarge {
        /// Number of units.
        units: usize,
        /// Number of distinct causes.
        causes: usize,
    },
}

impl Classified for Error {
    fn class(&self) -> Class {
        match self {
            Self::NoBudget | Self::Weight { .. } | Self::TooLarge { .. } => Class::Usage,
            Self::DuplicateUnit { .. } => Class::Other,
            Self::UnknownUnit { .. } => Class::UnknownName,
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::NoBudget => Some("raise `layers` in `[image]`; 100 is the default".to_owned()),
            Self::TooLarge { .. } => Some("split the packages over several images".to_owned()),
            Self::UnknownUnit { nearest: Some(nearest), .. } => Some(format!("did you mean `{nearest}`?")),
            Self::UnknownUnit { nearest: None, .. } => {
                Some("give a store path, its base name, the first characters of its hash, or a name".to_owned())
            }
            Self::Weight { .. } | Self::DuplicateUnit { .. } => None,
        }
    }
}
