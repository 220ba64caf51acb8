//! Fragments and layer records on disk.
//!
//! A fragment is a unit as a piece of a layer: tar entries, compressed in members. It is written once per package ever; layers
//! and archives are fragments one after the other. Everything is written to a temporary name and renamed, so that a killed build
//! leaves nothing half-done; what is read is checked against its digest.

mod adjusted;
mod blob;
mod collect;
mod deb;
mod foreign;
mod fragment;
mod key;
mod layer;
mod listing;
mod lock;
mod output;
mod pins;
mod pool;
mod proof;
mod read;
mod tree;
mod write;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::failure::{Class, Classified};
use crate::image::BlobDigest;
use crate::image::codec::CodecError;
use crate::image::layered::LayeredError;
use crate::nix::StorePath;

pub use blob::LayerReader;
pub use collect::{Collected, Policy};
pub use deb::{DebFault, DebIdentity, DebWriter};
pub use foreign::{BlobFault, ForeignBlob};
pub use fragment::{Alone, Fragment};
pub use key::FragmentKey;
pub use layer::{KnownLayer, Layer, layer_key};
pub use listing::Extent;
pub use output::{FileOutput, Output, StreamOutput};
pub use pool::{Pool, in_parallel};
pub use read::{FragmentReader, LastMember};
pub use tree::TreeUnit;
pub use write::FragmentWriter;

/// The store: a folder that builds share, collection has to itself, and anybody may delete.
pub struct Store {
    root: PathBuf,
    untrusted: bool,
    _lock: fs::File,
}

/// What can go wrong in the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk refuses.
    #[error("store: {action} {path}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// No folder for the store is known.
    #[error("no folder for the store: neither DUMBC_STORE, XDG_CACHE_HOME nor HOME is set")]
    NoFolder,
    /// A fragment is not what its record says. It has been removed.
    #[error("store: fragment {0} was damaged and has been removed")]
    Damaged(FragmentKey),
    /// A blob of a base image is not what its name says, or is gone. It has been removed.
    #[error("store: the base image's layer {0} was damaged or is gone")]
    DamagedBlob(BlobDigest),
    /// A blob is not what its image says of it.
    #[error(transparent)]
    Blob(#[from] BlobFault),
    /// The layers of a base image make no root.
    #[error("the base image can't be built on: {digest} can't be unpacked")]
    Root {
        /// The layer to blame.
        digest: BlobDigest,
        /// Why.
        source: LayeredError,
    },
    /// A fragment of an untrusted store does not hold what the lock says. It has been removed.
    #[error("store: a fragment claims to be {path} but does not hold it; it has been removed")]
    Forged {
        /// The package.
        path: StorePath,
    },
    /// A layer was taken over from an earlier image, and its bytes are wanted.
    #[error("the layer {0} is not here, but only in the registry that it was taken over from")]
    Elsewhere(BlobDigest),
    /// A package is not kept, or can't be changed as it should.
    #[error("the package is refused")]
    Deb(#[from] DebFault),
    /// A unit's content changed between two looks.
    #[error("{0} changed while it was being read")]
    Changed(PathBuf),
    /// From a compressor.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// Reading what goes into a fragment failed.
    #[error(transparent)]
    Source(#[from] io::Error),
}

impl Classified for Error {
    fn class(&self) -> Class {
        match self {
            Self::Forged { .. } | Self::Blob(_) => Class::Trust,
            Self::Deb(fault) => fault.class(),
            _ => Class::Other,
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Deb(fault) => fault.help(),
            Self::NoFolder => Some("set DUMBC_STORE to a folder".to_owned()),
            Self::Damaged(_) | Self::DamagedBlob(_) => {
                Some("run the command again: what is missing is fetched anew".to_owned())
            }
            Self::Changed(_) => Some("run the command again when nothing writes to it".to_owned()),
            Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                Some("`dumbc gc --max-size 5GB` makes room in the store".to_owned())
            }
            _ => None,
        }
    }
}

/// Attaches what was tried to an I/O error.
trait Context<T> {
    fn context(self, action: &'static str, path: &Path) -> Result<T, Error>;
}

impl<T> Context<T> for io::Result<T> {
    fn context(self, action: &'static str, path: &Path) -> Result<T, Error> {
        self.map_err(|source| Error::Io { action, path: path.to_owned(), source })
    }
}

impl Store {
    /// The folder that the environment names: `DUMBC_STORE`, else `dumbc` below `XDG_CACHE_HOME` or `~/.cache`.
    pub fn default_root() -> Result<PathBuf, Error> {
        let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        folder("DUMBC_STORE")
            .or_else(|| folder("XDG_CACHE_HOME").filter(|path| path.is_absolute()).map(|path| path.join("dumbc")))
            .or_else(|| folder("HOME").map(|home| home.join(".cache/dumbc")))
            .ok_or(Error::NoFolder)
    }

    /// Opens the store for a build, making it where it is missing. Waits while a collection runs.
    ///
    /// With `untrusted`, what others may have put there is derived anew before it is used.
    pub fn open(root: &Path, untrusted: bool) -> Result<Self, Error> {
        let lock = lock::shared(root)?;
        Ok(Self { root: root.to_owned(), untrusted, _lock: lock })
    }

    /// Where caches of names and answers lie.
    #[must_use]
    pub fn state_dir(&self) -> PathBuf {
        Self::state_dir_of(&self.root)
    }

    /// The same for the store at `root`, which need not be open.
    #[must_use]
    pub fn state_dir_of(root: &Path) -> PathBuf {
        root.join("cache")
    }

    /// Whether others can write to this store.
    #[must_use]
    pub fn is_untrusted(&self) -> bool {
        self.untrusted
    }

    fn temporary(&self) -> Result<tempfile::NamedTempFile, Error> {
        let folder = self.root.join("tmp");
        fs::create_dir_all(&folder).context("make", &folder)?;
        tempfile::NamedTempFile::new_in(&folder).context("make a file in", &folder)
    }

    /// Renames a finished temporary file to where it belongs.
    fn keep(file: tempfile::NamedTempFile, path: &Path) -> Result<(), Error> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).context("make", folder)?;
        }
        file.persist(path).map(drop).map_err(|error| error.error).context("write", path)
    }
}

#[cfg(test)]
mod tests;
