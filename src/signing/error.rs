//! Why there is no key, or no signature.

use crate::failure::{Class, Classified};

/// Why there is no key, or no signature. Never holds anything of a key.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text is no key at all.
    #[error("there is no PEM block of a key in it")]
    NoPem,
    /// Another kind of PEM block.
    #[error("it is `{0}`, which is no key that signs images")]
    OtherPem(String),
    /// Not what its block says.
    #[error("its PEM block does not hold what it says")]
    Malformed,
    /// A key of another kind.
    #[error("it is no key of ECDSA over P-256")]
    OtherKind,
    /// Encrypted in a way that is not known.
    #[error("it is encrypted with {0}, and only scrypt and nacl/secretbox are known")]
    OtherCipher(String),
    /// It would take too much memory or time to open.
    #[error("opening it would take scrypt with N={n}, r={r}, p={p}, which is too much")]
    TooExpensive {
        /// Rounds.
        n: u64,
        /// Size of a block.
        r: u32,
        /// Passes.
        p: u32,
    },
    /// The password doesn't open it.
    #[error("the password does not open it")]
    Password,
    /// What lies where signatures lie is none of them.
    #[error("what lies under `{tag}` is no manifest of signatures: {reason}")]
    NoSignatures {
        /// The tag.
        tag: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A document that can't be.
    #[error("can't write the signature's manifest")]
    Document(#[from] serde_json::Error),
}

impl Classified for Error {
    fn class(&self) -> Class {
        match self {
            Self::NoSignatures { .. } => Class::Trust,
            Self::Document(_) => Class::Other,
            _ => Class::Usage,
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Password => Some("set COSIGN_PASSWORD to the key's password".to_owned()),
            Self::NoSignatures { .. } => Some("look at the tag with `dumbc inspect`, and remove it".to_owned()),
            Self::Document(_) => None,
            _ => Some(
                "give what `cosign generate-key-pair` writes, or a PEM file as \
                 `openssl ecparam -name prime256v1 -genkey -noout` makes it"
                    .to_owned(),
            ),
        }
    }
}
