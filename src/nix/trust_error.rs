//! Why a claim about a store path is not believed.

use super::StorePath;
use crate::failure::{Class, Classified};

/// Why a claim about a store path is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// The answer is about another path.
    #[error("asked for {expected}, the answer is about {found}")]
    OtherPath {
        /// What was asked for.
        expected: String,
        /// What came.
        found: StorePath,
    },
    /// There is no signature.
    #[error("{path} is not signed")]
    Unsigned {
        /// The path.
        path: StorePath,
    },
    /// All signatures are by keys that are not trusted.
    #[error("{path} is signed by {}, which is no trusted key", names.join(", "))]
    UnknownKeys {
        /// The path.
        path: StorePath,
        /// The keys that claim to have signed it.
        names: Vec<String>,
    },
    /// A signature names a trusted key, and is not that key's signature of this.
    #[error("the signature of {path} by `{key}` is wrong: what it was made for has been changed")]
    BadSignature {
        /// The path.
        path: StorePath,
        /// The trusted key's name.
        key: String,
    },
    /// The path does not follow from its content address.
    #[error("{path} does not follow from its content address `{address}`: {reason}")]
    ContentAddress {
        /// The path.
        path: StorePath,
        /// The address claimed.
        address: String,
        /// What does not fit.
        reason: String,
    },
}

impl Classified for TrustError {
    fn class(&self) -> Class {
        Class::Trust
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::UnknownKeys { .. } => {
                Some("if you trust that cache, add its public key to the `keys` of the channel".to_owned())
            }
            Self::Unsigned { .. } => Some("sign it where it was built, or copy it from a cache that signs".to_owned()),
            Self::OtherPath { .. } | Self::BadSignature { .. } | Self::ContentAddress { .. } => None,
        }
    }
}
