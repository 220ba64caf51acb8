//! Images wherever they lie: in a registry, an archive, an OCI layout. Reading only.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::config::System;
use crate::failure::{Class, Classified};
use crate::nix::Sha256;
use crate::registry::{Reference, Registry};

/// Where an image lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// In a registry.
    Registry(Reference),
    /// A file: docker-archive, OCI archive or both, gzipped, zstd or plain.
    Archive(PathBuf),
    /// The folder of an OCI layout.
    Layout(PathBuf),
}

/// Why an image can't be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The registry.
    #[error(transparent)]
    Registry(#[from] crate::registry::Error),
    /// Placeholder for the real variants.
    #[error("{0}")]
    Other(String),
}

impl Classified for Error {
    fn class(&self) -> Class {
        Class::Other
    }

    fn help(&self) -> Option<String> {
        None
    }
}

/// One image of an origin.
#[derive(Debug, Clone)]
pub struct OriginImage {
    /// OCI's `os/architecture[/variant]`: `linux/amd64`.
    pub platform: String,
    /// Digest of the manifest; `None` in a docker-archive that is no layout.
    pub manifest: Option<Sha256>,
    /// The manifest's type.
    pub media_type: Option<String>,
    /// The configuration's bytes; their digest is the image ID.
    pub config: Vec<u8>,
    /// The lowest first.
    pub layers: Vec<OriginLayer>,
    /// Of the manifest.
    pub annotations: std::collections::BTreeMap<String, String>,
}

/// One layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginLayer {
    /// Its type: tells how it is compressed.
    pub media_type: String,
    /// Digest of the blob as it lies there.
    pub digest: Sha256,
    /// Bytes of the blob as it lies there.
    pub size: u64,
    /// Digest of the uncompressed tar, as the configuration says.
    pub diff_id: Sha256,
    /// Of its descriptor.
    pub annotations: std::collections::BTreeMap<String, String>,
}

/// Images of one place, open for reading.
pub struct Origin<'a> {
    registry: Option<&'a Registry>,
}

impl Location {
    /// What `text` names: an existing file or folder (relative to `directory`), or what begins with `.`, `/` or `~`, is that; else a reference.
    pub fn parse(_text: &str, _directory: &Path) -> Result<Self, Error> {
        unimplemented!()
    }
}

impl<'a> Origin<'a> {
    /// Reads the index, manifests and configurations there (bounded), not the layers. `registry` is asked only for references.
    pub fn open(_location: &Location, registry: &'a Registry) -> Result<Self, Error> {
        Ok(Self { registry: Some(registry) })
    }

    /// Digest of the index or manifest that the location names; `None` in a docker-archive.
    #[must_use]
    pub fn digest(&self) -> Option<Sha256> {
        let _ = self.registry;
        unimplemented!()
    }

    /// Its images; attestations and what else an index holds is left out.
    #[must_use]
    pub fn images(&self) -> &[OriginImage] {
        unimplemented!()
    }

    /// The one for a system.
    #[must_use]
    pub fn image(&self, _system: System) -> Option<&OriginImage> {
        unimplemented!()
    }

    /// A layer's blob as it lies there; checked against its digest at the end.
    pub fn open_blob(&self, _layer: &OriginLayer) -> Result<Box<dyn Read + Send + '_>, Error> {
        unimplemented!()
    }

    /// A layer's tar, uncompressed, checked against its diff ID at the end.
    pub fn open_tar(&self, _layer: &OriginLayer) -> Result<Box<dyn Read + Send + '_>, Error> {
        unimplemented!()
    }
}
