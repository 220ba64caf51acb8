//! The image that ours stands on: pinned in the lock, kept in the store, put under our layers.

use std::collections::BTreeMap;

use crate::channel::{BASE, LOCK_FILE, Lock, LockedBase, LockedBaseImage, LockedBaseLayer, Mode, kept_base};
use crate::config::{BaseReference, Machine, System};
use crate::failure::{Class, Classified};
use crate::image::base::{BaseConfiguration, BaseConfigurationError, Said, joined_path};
use crate::image::codec::Packing;
use crate::image::documents::LayerDescription;
use crate::image::layered::Layered;
use crate::image::{BlobDigest, DiffId};
use crate::nix::Sha256;
use crate::origin::{self, Location, Origin, OriginImage, OriginLayer};
use crate::progress::Progress;
use crate::registry::Registry;
use crate::root::base::{has_dpkg, merged};
use crate::root::debian::Merged;
use crate::store::{ForeignBlob, Layer};

use super::{Error, Project};

/// A configuration beyond this is none.
const LARGEST_CONFIGURATION: u64 = 8 << 20;

/// What `docker history` has for a layer of ours, and not of a base.
const COMMENT: &str = "the base image";

/// Makes a registry's client when the first image is looked for in one.
pub type Registries<'a> = dyn Fn() -> Result<Registry, crate::registry::Error> + Send + Sync + 'a;

/// Why nothing can be built on an image.
#[derive(Debug, thiserror::Error)]
pub enum BaseError {
    /// It can't be read.
    #[error("the base image `{reference}` can't be had")]
    Origin {
        /// As the files have it.
        reference: String,
        /// Why.
        source: Box<origin::Error>,
    },
    /// It has no image for a system.
    #[error("the base image `{reference}` is not for {system}, but for {}", found.join(", "))]
    NoSystem {
        /// As the files have it.
        reference: String,
        /// Which is missing.
        system: System,
        /// What it is for.
        found: Vec<String>,
    },
    /// What was pinned is not what is there now.
    #[error("the base image `{reference}` is not what dumbc.lock pins: {what} is not there any more")]
    Moved {
        /// As the files have it.
        reference: String,
        /// What is missing.
        what: String,
    },
    /// A layer of a type that is not known.
    #[error("the base image has a layer of the type `{}`, which can't be built on", media_type.escape_debug())]
    MediaType {
        /// The type.
        media_type: String,
    },
    /// A lock that does not fit itself.
    #[error("{LOCK_FILE} names other layers of the base image than the image's configuration does")]
    Layers,
    /// No room for layers of ours.
    #[error("the base image has {found} layers, which leaves no room for ours among {most}")]
    TooManyLayers {
        /// The base's.
        found: usize,
        /// What `[image] layers` says.
        most: usize,
    },
    /// Its configuration.
    #[error(transparent)]
    Configuration(#[from] BaseConfigurationError),
}

impl Classified for BaseError {
    fn class(&self) -> Class {
        match self {
            Self::Origin { source, .. } => source.class(),
            Self::Moved { .. } | Self::Layers => Class::StaleLock,
            _ => Class::Usage,
        }
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::Origin { source, .. } => return source.help(),
            Self::NoSystem { .. } => {
                "take another base image, or leave the system out of `systems` of [image]".to_owned()
            }
            Self::Moved { .. } | Self::Layers => "`dumbc update base` pins what is there now".to_owned(),
            Self::MediaType { .. } => {
                "take an image whose layers are tars, plain or compressed with gzip or zstd".to_owned()
            }
            Self::TooManyLayers { .. } => {
                "raise `layers` of [image], to 125 at most, or take another base image".to_owned()
            }
            Self::Configuration(_) => "take another base image".to_owned(),
        })
    }
}

/// A base image, ready to be built on.
#[derive(Debug)]
pub(super) struct BaseImage {
    pub(super) configuration: BaseConfiguration,
    /// What it holds.
    pub(super) root: Layered,
    /// The same for whoever looks at the whole image.
    pub(super) merged: Merged,
    layers: Vec<Layer>,
}

/// Pins the base image: what is pinned stays, unless `mode` moves it.
pub fn pin_base(
    lock: &mut Lock,
    machine: &Machine,
    mode: &Mode,
    registries: &Registries<'_>,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let Some(from) = &machine.image.from else {
        lock.base = None;
        return Ok(());
    };
    if kept_base(lock, machine).is_some() && !mode.moves(BASE) {
        return Ok(());
    }
    progress.begin("looking at the base image", None);
    let failed = |source| BaseError::Origin { reference: from.written.clone(), source: Box::new(source) };
    let location = Location::parse(&from.written, &machine.project).map_err(failed)?;
    let registry = registries().map_err(origin::Error::from).map_err(failed)?;
    let origin = Origin::open(&location, &registry).map_err(failed)?;
    lock.base = Some(locked(&origin, from, &machine.image.systems)?);
    Ok(())
}

fn locked(origin: &Origin<'_>, from: &BaseReference, systems: &[System]) -> Result<LockedBase, BaseError> {
    let mut images = BTreeMap::new();
    for &system in systems {
        let image = origin.image(system).ok_or_else(|| no_system(origin, from, system))?;
        let configuration = BaseConfiguration::parse(&image.config)?;
        configuration.check(system)?;
        if let Some(layer) = image.layers.iter().find(|layer| Packing::of_media_type(&layer.media_type).is_none()) {
            return Err(BaseError::MediaType { media_type: layer.media_type.clone() });
        }
        images.insert(system, locked_image(image));
    }
    let first = images.values().next().map(|image: &LockedBaseImage| image.config);
    let digest = origin.digest().or(first).unwrap_or_else(|| Sha256::of(b""));
    Ok(LockedBase { reference: from.written.clone(), digest, images })
}

fn locked_image(image: &OriginImage) -> LockedBaseImage {
    let layer = |OriginLayer { media_type, digest, size, diff_id, .. }: &OriginLayer| LockedBaseLayer {
        digest: *digest,
        diff_id: *diff_id,
        media_type: media_type.clone(),
        size: *size,
    };
    LockedBaseImage { manifest: image.manifest, config: image.id(), layers: image.layers.iter().map(layer).collect() }
}

fn no_system(origin: &Origin<'_>, from: &BaseReference, system: System) -> BaseError {
    let found = origin.images().iter().map(|image| image.platform.escape_debug().to_string());
    let found: Vec<String> = found.take(8).collect();
    let found = if found.is_empty() { vec!["nothing that is known".to_owned()] } else { found };
    BaseError::NoSystem { reference: from.written.clone(), system, found }
}

/// Layers of the base image of a system, by the lock alone; `own` more are needed at least, and `most` may be.
pub(super) fn base_layers(lock: &Lock, system: System, most: usize, own: usize) -> Result<usize, BaseError> {
    let base = lock.base.as_ref().and_then(|base| base.images.get(&system));
    let found = base.map_or(0, |base| base.layers.len());
    if found > 0 && found + own >= most { Err(BaseError::TooManyLayers { found, most }) } else { Ok(found) }
}

impl Project<'_> {
    /// The base image of a system; what is not in the store is fetched.
    pub(super) fn base(&self, lock: &Lock, system: System) -> Result<Option<BaseImage>, Error> {
        let Some(from) = &self.machine.image.from else { return Ok(None) };
        let Some(locked) = lock.base.as_ref().and_then(|base| base.images.get(&system)) else {
            return Err(BaseError::Layers.into());
        };
        let blobs = locked.layers.iter().map(blob).collect::<Result<Vec<_>, _>>()?;
        self.fetch_base(from, locked, &blobs)?;
        let config = self.store.document(&locked.config, LARGEST_CONFIGURATION)?;
        let lost = || BaseError::Moved { reference: from.written.clone(), what: "its configuration".to_owned() };
        let configuration = BaseConfiguration::parse(&config.ok_or_else(lost)?).map_err(BaseError::from)?;
        configuration.check(system).map_err(BaseError::from)?;
        if !configuration.diff_ids().iter().eq(blobs.iter().map(|blob| &blob.diff_id)) {
            return Err(BaseError::Layers.into());
        }
        let layers = blobs.iter().map(|blob| self.store.foreign_layer(blob)).collect::<Result<_, _>>()?;
        self.store.check_foreign(self.pool, blobs.iter())?;
        let root = self.store.foreign_root(&blobs)?;
        if !lock.debs(system).is_empty() && has_dpkg(&root) {
            return Err(crate::root::base::BaseConflict::Dpkg.into());
        }
        Ok(Some(BaseImage { configuration, merged: merged(&root), root, layers }))
    }

    /// Whether all that a system's base image is made of is in the store.
    pub(super) fn has_base(&self, lock: &Lock, system: System) -> Result<bool, Error> {
        let Some(locked) = lock.base.as_ref().and_then(|base| base.images.get(&system)) else { return Ok(true) };
        for layer in &locked.layers {
            if self.store.foreign_tar_size(&blob(layer)?)?.is_none() {
                return Ok(false);
            }
        }
        Ok(self.store.document(&locked.config, LARGEST_CONFIGURATION)?.is_some())
    }

    fn fetch_base(&self, from: &BaseReference, locked: &LockedBaseImage, blobs: &[ForeignBlob]) -> Result<(), Error> {
        let mut missing = Vec::new();
        for blob in blobs {
            if self.store.foreign_tar_size(blob)?.is_none() {
                missing.push(blob);
            }
        }
        let has_config = self.store.document(&locked.config, LARGEST_CONFIGURATION)?.is_some();
        if missing.is_empty() && has_config {
            return Ok(());
        }
        self.progress.begin("fetching the base image", Some(missing.iter().map(|blob| blob.size).sum()));
        let failed =
            |source| Error::from(BaseError::Origin { reference: from.written.clone(), source: Box::new(source) });
        let moved = |what: String| Error::from(BaseError::Moved { reference: from.written.clone(), what });
        let location = pinned(Location::parse(&from.written, &self.machine.project).map_err(failed)?, locked);
        let registry = (self.registries)().map_err(origin::Error::from).map_err(failed)?;
        let origin = Origin::open(&location, &registry).map_err(failed)?;
        let image = origin.images().iter().find(|image| image.id() == locked.config);
        let image = image.ok_or_else(|| moved(format!("an image with the ID {}", locked.config.oci())))?;
        self.store.keep_document(&image.config)?;
        for blob in missing {
            let layer = image.layers.iter().find(|layer| layer.digest == blob.digest.0 && layer.size == blob.size);
            let layer = layer.ok_or_else(|| moved(format!("the layer {}", blob.digest)))?;
            self.store.keep_foreign(blob, &mut origin.open_blob(layer).map_err(failed)?)?;
            self.progress.advance(blob.size);
        }
        Ok(())
    }
}

/// By digest, where it is a registry that is asked: a tag may have moved.
fn pinned(location: Location, locked: &LockedBaseImage) -> Location {
    match (location, locked.manifest) {
        (Location::Registry(reference), Some(digest)) => {
            Location::Registry(crate::registry::Reference { digest: Some(digest), ..reference })
        }
        (location, _) => location,
    }
}

fn blob(layer: &LockedBaseLayer) -> Result<ForeignBlob, BaseError> {
    let packing = Packing::of_media_type(&layer.media_type);
    let packing = packing.ok_or_else(|| BaseError::MediaType { media_type: layer.media_type.clone() })?;
    Ok(ForeignBlob { digest: BlobDigest(layer.digest), size: layer.size, diff_id: DiffId(layer.diff_id), packing })
}

impl BaseImage {
    /// Its layers, with what the documents say of them.
    pub(super) fn layers(&self) -> impl Iterator<Item = (Layer, LayerDescription)> + '_ {
        self.layers.iter().map(|layer| {
            let description = LayerDescription {
                diff_id: layer.diff_id,
                tar_size: layer.tar_size,
                blob: layer.blob,
                blob_size: layer.blob_size,
                packing: layer.packing(),
                comment: COMMENT.to_owned(),
                key: None,
                facts: None,
            };
            (layer.clone(), description)
        })
    }

    /// Its environment under ours, which wins by name; its `PATH` follows ours.
    pub(super) fn environment_under(&self, ours: &mut BTreeMap<String, String>) {
        for (name, value) in self.configuration.environment() {
            match ours.get_mut(name) {
                Some(path) if name == "PATH" => *path = joined_path(path, value),
                Some(_) => {}
                None => drop(ours.insert(name.to_owned(), value.to_owned())),
            }
        }
    }

    /// Our configuration over its own. Says what of it does not run any more.
    pub(super) fn configuration_under(
        &self,
        ours: &[u8],
        machine: &Machine,
        progress: &dyn Progress,
    ) -> Result<Vec<u8>, Error> {
        let runs = machine.boot.enable || machine.entrypoint.is_some();
        if machine.boot.enable && self.configuration.runs() {
            let command = self.configuration.command().join(" ").escape_debug().to_string();
            let remedy = "name it in [entrypoint] to run it, or say `enable = false` below [boot]";
            progress.note(&format!("the image boots, so the base image's `{command}` does not run: {remedy}"));
        }
        Ok(self.configuration.under(ours, Said { runs }).map_err(BaseError::from)?)
    }
}
