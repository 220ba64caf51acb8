//! What can be wrong with a narinfo.

use super::NarInfo;
use crate::failure::{Class, Classified};

/// What is wrong with a narinfo. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NarInfoError {
    /// Too long to be looked at.
    #[error("the narinfo has {size} bytes, the limit is {}", NarInfo::MAX_SIZE)]
    TooLarge {
        /// Its bytes.
        size: usize,
    },
    /// A line is not UTF-8, or holds control characters.
    #[error("line {line} of the narinfo is not text")]
    NotText {
        /// Where.
        line: usize,
    },
    /// The last line has no end.
    #[error("the narinfo ends in the middle of line {line}")]
    Truncated {
        /// Where.
        line: usize,
    },
    /// A line is not `Field: value`.
    #[error("line {line} of the narinfo is not of the form `Field: value`")]
    NoField {
        /// Where.
        line: usize,
    },
    /// A field that may stand once stands again.
    #[error("line {line} of the narinfo: `{field}` stands a second time")]
    Duplicate {
        /// Where.
        line: usize,
        /// Which.
        field: &'static str,
    },
    /// A field's value is not what it should be.
    #[error("line {line} of the narinfo: `{field}`: {reason}")]
    Malformed {
        /// Where.
        line: usize,
        /// Which.
        field: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A field that must be there is not.
    #[error("the narinfo has no `{0}`")]
    Missing(&'static str),
}

impl Classified for NarInfoError {
    fn class(&self) -> Class {
        Class::Trust
    }
}
