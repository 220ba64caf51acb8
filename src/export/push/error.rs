//! Why images can't be pushed.

use crate::config::System;
use crate::failure::{Class, Classified};
use crate::image::codec::Codec;
use crate::nix::Sha256;
use crate::registry::{self, ParseReferenceError};

/// Why images can't be pushed.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// The registry.
    #[error(transparent)]
    Registry(#[from] registry::Error),
    /// Nothing says where to.
    #[error("nothing says where to push")]
    Nowhere,
    /// What was given names no repository.
    #[error(transparent)]
    Reference(#[from] ParseReferenceError),
    /// A digest follows from the image and can't be chosen.
    #[error("`{0}` has a digest, which nobody can push to: it follows from the image")]
    Digest(String),
    /// Docker's manifest holds one system, and an index of several is OCI's.
    #[error("`--format docker` pushes an image of one system, and there are {0}")]
    SeveralSystems(usize),
    /// Docker's manifest has no name for it.
    #[error("`--format docker` holds layers compressed with gzip only, and these are {0}")]
    Compression(Codec),
    /// Fly's machines are of one kind.
    #[error("Fly's machines are {}, and the image would be for {}", System::X86_64Linux, names(.0))]
    FlySystems(Vec<System>),
    /// The registry keeps a manifest under another digest than its bytes have.
    #[error("the registry says that {what} is {found}, and it is {expected}")]
    OtherDigest {
        /// `the manifest for x86_64-linux`
        what: String,
        /// What the registry says.
        found: String,
        /// What it is.
        expected: String,
    },
}

fn names(systems: &[System]) -> String {
    systems.iter().map(|system| system.name()).collect::<Vec<_>>().join(" and ")
}

impl PushError {
    pub(super) fn other_digest(what: impl Into<String>, found: Sha256, expected: Sha256) -> Self {
        Self::OtherDigest { what: what.into(), found: found.oci(), expected: expected.oci() }
    }
}

impl Classified for PushError {
    fn class(&self) -> Class {
        match self {
            Self::Registry(error) => error.class(),
            Self::OtherDigest { .. } => Class::Trust,
            _ => Class::Usage,
        }
    }

    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Registry(error) => return error.help(),
            Self::Nowhere => {
                "name it: `dumbc push registry.example.org/team/app`; or write `registry = \"registry.example.org/team\"` \
                 into [image] of system.toml; or have a fly.toml with an `app` beside it"
            }
            Self::Reference(error) => return error.help(),
            Self::Digest(_) => "name a repository, and a tag if you like",
            Self::SeveralSystems(_) => "choose one with `--system`, or push all as an index with `--format oci`",
            Self::Compression(_) => "push them with `--format oci`, or with `--compression gzip`",
            Self::FlySystems(_) => {
                "build for it: `systems = [\"x86_64-linux\"]` in [image], or `--system x86_64-linux`"
            }
            Self::OtherDigest { .. } => {
                "something between here and the registry changes what is sent: a proxy, perhaps"
            }
        };
        Some(help.to_owned())
    }
}
