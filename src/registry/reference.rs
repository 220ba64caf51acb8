//! `registry/repository:tag@digest`, as people write it.

use std::fmt;
use std::str::FromStr;

use crate::nix::Sha256;

/// Where an image is in a registry. Docker's short forms are written out: `alpine` is `docker.io/library/alpine:latest`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Host, with a port where it is not the usual one: `registry.example.org:5000`.
    pub registry: String,
    /// `team/app`
    pub repository: String,
    /// `latest`
    pub tag: Option<String>,
    /// Of the manifest or index.
    pub digest: Option<Sha256>,
}

/// The text names no image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` names no image: {reason}")]
pub struct ParseReferenceError {
    /// What was given.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl FromStr for Reference {
    type Err = ParseReferenceError;

    fn from_str(_text: &str) -> Result<Self, Self::Err> {
        unimplemented!()
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, _formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        unimplemented!()
    }
}
