//! An earlier image, from which layers are taken over whose packages are not at hand.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufReader, Read};

use crate::config::System;
use crate::failure::{Class, Classified};
use crate::image::codec::Codec;
use crate::image::documents::{LAYER_FACTS, LAYER_KEY, LAYER_SIZE};
use crate::image::head::{Parents, head};
use crate::image::untar::{TarError, TarKind, TarReader};
use crate::image::{BlobDigest, DiffId, ImagePath};
use crate::nix::{Sha256, StorePath};
use crate::origin::{self, Location, Origin, OriginImage, OriginLayer};
use crate::plan::Plan;
use crate::registry::{Reference, Registry};
use crate::store::{FragmentKey, KnownLayer, layer_key};

use super::Error;
use super::facts::{Facts, FactsError, LARGEST};
use super::packages::Keys;
use super::stock::Missing;

/// The largest layer, uncompressed, that is read for the facts in it: that of databases and homes.
const LARGEST_LAYER: u64 = 1 << 30;

/// Why nothing can be taken over from an earlier image.
#[derive(Debug, thiserror::Error)]
pub enum PreviousError {
    /// It can't be read.
    #[error(transparent)]
    Origin(#[from] origin::Error),
    /// Its layer of facts can't be read.
    #[error("the layer {layer} of the previous image can't be read")]
    Layer {
        /// Digest of its blob.
        layer: Sha256,
        /// Why.
        source: TarError,
    },
    /// The facts in it are not what dumbc writes.
    #[error("{path} in the previous image: {source}")]
    Facts {
        /// Where they are in the image.
        path: String,
        /// What is wrong.
        source: FactsError,
    },
}

impl Classified for PreviousError {
    fn class(&self) -> Class {
        if let Self::Origin(error) = self { error.class() } else { Class::Other }
    }

    fn help(&self) -> Option<String> {
        if let Self::Origin(error) = self { error.help() } else { None }
    }
}

/// Finds the earlier image of a system; `None` where there is none.
pub type PreviousOf<'a> = dyn Fn(System) -> Result<Option<Previous>, Error> + 'a;

/// Opens a layer's tar, which is held against its digest when it has been read to its end.
type OpenTar<'a> = dyn Fn(&OriginLayer) -> Result<Box<dyn Read + Send + 'a>, origin::Error> + 'a;

/// What an earlier image tells of itself. Who reads it trusts its digest.
#[derive(Debug, Clone, Default)]
pub struct Previous {
    /// By what they are made of.
    layers: BTreeMap<Sha256, KnownLayer>,
    facts: Facts,
}

impl Previous {
    /// Reads the image for `system` of the manifest or index `digest`, in the repository that `reference` names: documents, and the
    /// layer that holds facts. All of it is held against its digest. `None` where the index has no image for the system.
    pub fn read(
        registry: &Registry,
        reference: &Reference,
        digest: Sha256,
        system: System,
    ) -> Result<Option<Self>, PreviousError> {
        let reference = Reference { tag: None, digest: Some(digest), ..reference.clone() };
        let origin = Origin::open(&Location::Registry(reference), registry)?;
        origin.image(system).map(|image| Self::of(image, &|layer| origin.open_tar(layer))).transpose()
    }

    /// The same of an image whose layers `open` opens, as checked tars.
    fn of(image: &OriginImage, open: &OpenTar<'_>) -> Result<Self, PreviousError> {
        let layers = image.layers.iter().filter_map(known).collect();
        let layer = image.layers.iter().find_map(|layer| Some((layer, layer.annotations.get(LAYER_FACTS)?)));
        let facts = layer.map(|(layer, path)| facts(layer, path, open)).transpose()?;
        Ok(Self { layers, facts: facts.flatten().unwrap_or_default() })
    }

    /// The layer of this key.
    pub(super) fn layer(&self, key: &Sha256) -> Option<KnownLayer> {
        self.layers.get(key).copied()
    }

    /// What its packages answered.
    pub(super) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Takes a layer out: its blob is not where it should be.
    pub fn forget(&mut self, key: &Sha256) {
        self.layers.remove(key);
    }

    /// Those of `missing` that are wanted, whatever else is asked: store paths in layers which are not its own, and Debian packages
    /// of which it knows nothing. The former is told from the plan alone, so only of layers that hold nothing but store paths;
    /// [`super::layers`] tells it of all, when heads are known.
    pub(super) fn lacks(&self, plan: &Plan, keys: &Keys, missing: Missing, codec: Codec) -> Missing {
        if self.layers.is_empty() {
            return missing;
        }
        let Missing { packages, mut debs } = missing;
        debs.retain(|_, key| self.facts.deb(*key).is_none());
        Missing { packages: self.lacks_of_layers(plan, keys, &packages, codec), debs }
    }

    fn lacks_of_layers(
        &self,
        plan: &Plan,
        keys: &Keys,
        missing: &BTreeSet<StorePath>,
        codec: Codec,
    ) -> BTreeSet<StorePath> {
        let by_id: BTreeMap<&str, (&StorePath, &FragmentKey)> =
            keys.iter().map(|(path, key)| (path.base_name(), (path, key))).collect();
        let mut lacking = BTreeSet::new();
        for layer in &plan.layers {
            let units: Option<Vec<_>> = layer.units.iter().map(|id| by_id.get(id.as_str()).copied()).collect();
            let Some(units) = units else { continue };
            let roots: Vec<ImagePath> = units.iter().map(|(path, _)| ImagePath::from(*path)).collect();
            let head = head(&roots, &Parents::new());
            if self.layer(&layer_key(&head, units.iter().map(|(_, key)| *key), codec)).is_none() {
                lacking.extend(units.into_iter().map(|(path, _)| path.clone()).filter(|path| missing.contains(path)));
            }
        }
        lacking
    }
}

/// A layer with its key; `None` where it has none, or is not told of as dumbc does.
fn known(layer: &OriginLayer) -> Option<(Sha256, KnownLayer)> {
    let key = layer.annotations.get(LAYER_KEY)?.parse().ok()?;
    let known = KnownLayer {
        diff_id: DiffId(layer.diff_id),
        blob: BlobDigest(layer.digest),
        tar_size: layer.annotations.get(LAYER_SIZE)?.parse().ok()?,
        blob_size: layer.size,
    };
    Some((key, known))
}

/// The facts at `path` of a layer; `None` where they are of another dumbc's kind, or not there.
fn facts(layer: &OriginLayer, path: &str, open: &OpenTar<'_>) -> Result<Option<Facts>, PreviousError> {
    let mut tar = BufReader::new(open(layer)?.take(LARGEST_LAYER));
    let refused = |source| PreviousError::Layer { layer: layer.digest, source };
    let bytes = facts_file(&mut tar, path).map_err(refused)?;
    // Only at its end is it known to be what its digest says.
    io::copy(&mut tar, &mut io::sink()).map_err(|error| refused(error.into()))?;
    match bytes.map(|bytes| Facts::from_bytes(&bytes)).transpose() {
        Err(FactsError::Unknown) => Ok(None),
        outcome => outcome.map_err(|source| PreviousError::Facts { path: path.to_owned(), source }),
    }
}

/// The content of the file at `path`, where it is no larger than facts are.
fn facts_file(tar: &mut impl Read, path: &str) -> Result<Option<Vec<u8>>, TarError> {
    let mut reader = TarReader::new(tar);
    while let Some(entry) = reader.next_entry()? {
        if let TarKind::File(size) = entry.kind
            && entry.path == path.as_bytes()
            && size <= LARGEST
        {
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes)?;
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}
