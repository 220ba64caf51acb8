//! Images wherever they lie: in a registry, an archive, an OCI layout. Reading only.
//!
//! Whatever is said there is hostile: sizes, counts and depths are bounded, documents are held against their digests, layers while
//! they are read, and names never become paths.

mod archive;
mod checked;
pub mod documents;
mod error;
mod location;
mod place;
mod walk;

use std::collections::BTreeMap;
use std::io::{BufReader, Read};

use crate::config::System;
use crate::image::check::Peeked;
use crate::nix::Sha256;
use crate::registry::Registry;

use archive::most_unpacked;
use checked::Checked;
use place::Place;

pub use error::Error;
pub use location::Location;

/// One image of an origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginImage {
    /// OCI's `os/architecture[/variant]`, as the configuration says: `linux/amd64`.
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
    pub annotations: BTreeMap<String, String>,
    /// Names by which an archive or layout has it: `app:latest`.
    pub names: Vec<String>,
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
    pub annotations: BTreeMap<String, String>,
}

/// Images of one place, open for reading.
pub struct Origin<'a> {
    place: Place<'a>,
    found: walk::Found,
}

impl OriginImage {
    /// The image ID: the digest of the configuration.
    #[must_use]
    pub fn id(&self) -> Sha256 {
        Sha256::of(&self.config)
    }

    /// Bytes of all layers as they lie there.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.layers.iter().fold(0, |sum, layer| sum.saturating_add(layer.size))
    }

    /// Whether it runs on a system. What needs more than the architecture's first processors does not.
    #[must_use]
    pub fn runs_on(&self, system: System) -> bool {
        let plain = format!("linux/{}", system.architecture());
        self.platform == plain || (system == System::Aarch64Linux && self.platform == format!("{plain}/v8"))
    }
}

impl<'a> Origin<'a> {
    /// Reads the index, manifests and configurations there (bounded), not the layers. `registry` is asked only for references.
    pub fn open(location: &Location, registry: &'a Registry) -> Result<Self, Error> {
        Self::open_for(location, registry, None)
    }

    /// The same, without asking for images of an index that are of no use to `system`.
    pub fn open_for(location: &Location, registry: &'a Registry, system: Option<System>) -> Result<Self, Error> {
        Self::of(Place::open(location, registry)?, system)
    }

    fn of(place: Place<'a>, system: Option<System>) -> Result<Self, Error> {
        let found = walk::walk(&place, system)?;
        Ok(Self { place, found })
    }

    /// Digest of the index or manifest that the location names. Of a layout with several entries, that of its `index.json`; `None` in a
    /// docker-archive that is no layout.
    #[must_use]
    pub fn digest(&self) -> Option<Sha256> {
        self.found.digest
    }

    /// The bytes of the index or manifest that the location names; of a docker-archive its `manifest.json`.
    #[must_use]
    pub fn document(&self) -> &[u8] {
        &self.found.document
    }

    /// Indexes and manifests that lead to the images, the outermost first, each with its digest and its type.
    #[must_use]
    pub fn manifests(&self) -> &[(Sha256, String, Vec<u8>)] {
        &self.found.manifests
    }

    /// Its images; attestations and what else an index holds is left out, and so are entries of a layout that are not there.
    #[must_use]
    pub fn images(&self) -> &[OriginImage] {
        &self.found.images
    }

    /// The one for a system.
    #[must_use]
    pub fn image(&self, system: System) -> Option<&OriginImage> {
        self.found.images.iter().find(|image| image.runs_on(system))
    }

    /// A layer's blob as it lies there; checked against its digest at the end: the last read fails.
    pub fn open_blob(&self, layer: &OriginLayer) -> Result<Box<dyn Read + Send + '_>, Error> {
        let blob = self.raw(layer)?;
        if matches!(self.place, Place::Registry(..)) {
            return Ok(blob);
        }
        let names = (self.place.name(), layer.digest.oci());
        Ok(Box::new(Checked::new(blob, layer.digest, u64::MAX, names)))
    }

    /// A layer's tar, uncompressed, checked against its diff ID at the end: the last read fails.
    pub fn open_tar(&self, layer: &OriginLayer) -> Result<Box<dyn Read + Send + '_>, Error> {
        let failed = |source| Error::Read { place: format!("{} in {}", layer.digest.oci(), self.place.name()), source };
        let peeked = Peeked::new(self.raw(layer)?).map_err(failed)?;
        let tar = peeked.decoded().map_err(failed)?;
        let names = (self.place.name(), format!("layer {}", layer.digest.oci()));
        let checked = Checked::new(tar, layer.diff_id, most_unpacked(layer.size), names);
        Ok(Box::new(BufReader::with_capacity(1 << 18, checked)))
    }

    /// Not checked, but what a registry's client checks.
    fn raw(&self, layer: &OriginLayer) -> Result<Box<dyn Read + Send + '_>, Error> {
        match (&self.place, self.found.files.get(&layer.digest)) {
            (Place::Archive(_, archive), Some(span)) => Ok(Box::new(archive.read(*span))),
            _ => self.place.blob(&layer.digest, layer.size),
        }
    }
}

#[cfg(test)]
mod tests;
