//! An index of one's own: names to store paths, in lines as `nix-eval-jobs` prints them.
//!
//! Read streaming and with limits, whatever the lines hold; questions are answered from memory.

mod line;
mod lookup;
mod read;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::config::System;
use crate::nix::{ParseStorePathError, Sha256, StorePath};

#[cfg(feature = "build")]
use super::meta::About;
use super::name::Attribute;

#[cfg(feature = "build")]
pub(crate) use line::Line;
pub(super) use lookup::nearest;
pub use read::{Limits, ReadError};

/// Everything that an index says.
#[derive(Debug, Clone)]
pub struct Index {
    entries: BTreeMap<Attribute, Vec<Entry>>,
    hash: Sha256,
}

/// What one line says of one attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The system it is for; `None`: every one, as for an attribute that failed to evaluate.
    system: Option<System>,
    evaluated: Result<Package, String>,
}

/// A package as an index has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Name without version: `git`.
    pub name: String,
    /// Version, where known.
    pub version: Option<String>,
    /// Outputs with the store path's text, where the index has it.
    outputs: Vec<(String, Option<String>)>,
    /// `meta.outputsToInstall`
    to_install: Vec<String>,
    /// What else `meta` tells, where the index was made with it.
    #[cfg(feature = "build")]
    about: Option<Box<About>>,
}

/// Why an index has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookupError {
    /// No such attribute.
    Unknown {
        /// Up to three that are written alike.
        nearest: Vec<String>,
    },
    /// It is there, but not for this system.
    OtherSystem {
        /// Systems that it is there for.
        systems: BTreeSet<System>,
    },
    /// Its evaluation failed.
    NotEvaluated {
        /// What the evaluator said.
        message: String,
    },
    /// It is there in other versions only.
    OtherVersion {
        /// Versions of this attribute.
        versions: BTreeSet<String>,
        /// Up to three attributes of the same package that have the version asked for.
        attributes: Vec<String>,
    },
    /// The same version is there several times, with different store paths.
    Repeated {
        /// The version.
        version: String,
    },
    /// It has no such output.
    NoOutput {
        /// What was asked for.
        output: String,
        /// What there is.
        outputs: Vec<String>,
    },
    /// The index does not say where this output lies.
    NoPath {
        /// The output.
        output: String,
    },
    /// What it says is no store path.
    BadPath {
        /// The output.
        output: String,
        /// Why.
        error: ParseStorePathError,
    },
}

/// Chosen outputs, in order, with their store paths.
pub type Chosen = Vec<(String, StorePath)>;

impl Index {
    /// Digest of the index's bytes.
    #[must_use]
    pub const fn hash(&self) -> Sha256 {
        self.hash
    }

    /// Number of attributes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it has no attribute.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
