//! Why there is no image.

use std::error::Error as _;
use std::io;
use std::path::PathBuf;

use oci_spec::OciSpecError;

use crate::config::{Diagnostic, System, count_errors};
use crate::failure::{Class, Classified, carried};
use crate::home::generation::HomeError;
use crate::nix::{Sha256, StorePath};
use crate::root::addressed::AddressError;
use crate::root::base::BaseConflict;
use crate::root::debian::certificates::CertificatesError;
use crate::root::debian::dpkg::DpkgError;
use crate::root::debian::ld_cache::LdCacheError;
use crate::root::debian::merge::MergeError;
use crate::root::environment::EnvironmentError;
use crate::root::local::LocalError;
use crate::root::parents::ConflictError;
use crate::root::runtime::{RuntimeError, variable};
use crate::store::FragmentKey;
use crate::{cache, channel, export, plan, store};

use super::BaseError;
use super::previous::PreviousError;

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Names, the lock, trust.
    #[error(transparent)]
    Channel(#[from] channel::Error),
    /// The lock can't be read.
    #[error(transparent)]
    Lock(#[from] channel::LockError),
    /// A binary cache.
    #[error(transparent)]
    Cache(#[from] cache::Error),
    /// The store.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// No plan for the layers.
    #[error(transparent)]
    Plan(#[from] plan::Error),
    /// Findings in the files that show only when packages are known.
    #[error("{}", count_errors(.0))]
    Files(Vec<Diagnostic>),
    /// Packages that don't go together.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// Homes.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// Units that don't go together.
    #[error(transparent)]
    Conflict(#[from] ConflictError),
    /// The base image.
    #[error(transparent)]
    Base(#[from] BaseError),
    /// What has no place in the base image.
    #[error(transparent)]
    BaseConflict(#[from] BaseConflict),
    /// A generated tree that is no store path.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// A local tree that is no store path.
    #[error(transparent)]
    Local(#[from] LocalError),
    /// A local tree refers to a package that the lock has no closure of.
    #[error("{path} is referred to, but the lock does not hold it")]
    OutsideLock {
        /// The package.
        path: StorePath,
    },
    /// Debian packages that don't go together.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// dpkg's database.
    #[error(transparent)]
    Dpkg(#[from] DpkgError),
    /// The cache of libraries.
    #[error(transparent)]
    LdCache(#[from] LdCacheError),
    /// Certificate authorities.
    #[error(transparent)]
    Certificates(#[from] CertificatesError),
    /// A unit that the plan has in no layer: it would be missing from the image.
    #[error("`{unit}` is in no layer, which is a mistake of dumbc's")]
    Unplanned {
        /// Its id.
        unit: String,
    },
    /// No program that could boot the image.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The runtime is not the one that the lock pins, and the lock may not change.
    #[error("the runtime for {system} is {found}, and dumbc.lock pins {pinned}")]
    OtherRuntime {
        /// For which.
        system: System,
        /// The digest of the one that would go in.
        found: Sha256,
        /// The digest of the one that is locked.
        pinned: Sha256,
    },
    /// The previous image, from which layers were to be taken over.
    #[error(transparent)]
    Previous(#[from] PreviousError),
    /// The Nix database.
    #[error(transparent)]
    Database(#[from] crate::root::database::DatabaseError),
    /// A document that can't be.
    #[error(transparent)]
    Document(#[from] OciSpecError),
    /// The image can't be written.
    #[error(transparent)]
    Export(#[from] export::Error),
    /// The environment's `SOURCE_DATE_EPOCH` is no date.
    #[error("SOURCE_DATE_EPOCH is `{0}`, which is no number of seconds since 1970")]
    SourceDateEpoch(String),
    /// The disk refuses.
    #[error("can't write {path}")]
    Write {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Anything without a name.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Error {
    fn classified(&self) -> Option<&dyn Classified> {
        Some(match self {
            Self::Channel(error) => error,
            Self::Lock(error) => error,
            Self::Cache(error) => error,
            Self::Store(error) => error,
            Self::Plan(error) => error,
            Self::Environment(error) => error,
            Self::Home(error) => error,
            Self::Conflict(error) => error,
            Self::Base(error) => error,
            Self::BaseConflict(error) => error,
            Self::Address(error) => error,
            Self::Local(error) => error,
            Self::Export(error) => error,
            Self::Merge(error) => error,
            Self::Dpkg(error) => error,
            Self::LdCache(error) => error,
            Self::Certificates(error) => error,
            Self::Runtime(error) => error,
            Self::Database(error) => error,
            Self::Previous(error) => error,
            _ => return None,
        })
    }

    /// Findings in the user's files that the error carries.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        match self {
            Self::Files(diagnostics) => diagnostics,
            Self::Channel(error) => error.diagnostics(),
            Self::Lock(error) => error.diagnostics(),
            Self::Home(error) => error.diagnostics(),
            _ => &[],
        }
    }

    /// The piece of the store that was damaged, and is not there any more: trying again helps.
    #[must_use]
    pub fn damage(&self) -> Option<FragmentKey> {
        let store = match self {
            Self::Store(error) | Self::Export(export::Error::Store(error)) => Some(error),
            // Generators read through what knows nothing of stores.
            Self::Io(error) => carried(error).downcast_ref(),
            _ => {
                let causes = std::iter::successors(self.source(), |&cause| cause.source());
                causes.into_iter().find_map(|cause| carried(cause).downcast_ref())
            }
        };
        match store {
            Some(store::Error::Damaged(key)) => Some(*key),
            Some(store::Error::DamagedBlob(digest)) => Some(FragmentKey::tree(&digest.0)),
            _ => None,
        }
    }
}

impl Classified for Error {
    fn class(&self) -> Class {
        match self {
            Self::Files(_) | Self::SourceDateEpoch(_) => Class::Usage,
            Self::OutsideLock { .. } | Self::OtherRuntime { .. } => Class::StaleLock,
            _ => self.classified().map_or(Class::Other, Classified::class),
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::OutsideLock { .. } => Some("request the package in `packages`".to_owned()),
            Self::OtherRuntime { system, .. } => Some(format!(
                "run `dumbc update runtime` and commit dumbc.lock, or take the runtime that is pinned: name it with \
                 `--runtime FILE` or {}",
                variable(*system)
            )),
            _ => self.classified().and_then(Classified::help),
        }
    }
}
