//! Carries a build out, from the lock to a written file, and sums it up.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::channel::{Changes, Lock, Mode};
use crate::config::{Diagnostic, System};
use crate::export::{
    Error as ExportError, Format, Image, ImageName, Load, Loaded, Push, Pushed, check, replace_file, write_archive,
    write_directory,
};
use crate::image::codec::{Codec, Packing};
use crate::image::documents::Form;
use crate::nix::Sha256;
use crate::store::{self, Output, StreamOutput};

use super::{Error, Made, PlanChoice, PreviousOf, Project};

/// Where an image goes.
pub enum Destination<'a> {
    /// A file or folder.
    Path(&'a Path),
    /// A stream, such as standard output.
    Stream(&'a mut dyn Write),
}

/// Images that are ready, with the lock that they were made of.
pub struct Built {
    /// One a system.
    pub images: Vec<Image>,
    /// The lock, layer groups included.
    pub lock: Lock,
    /// What was added to it.
    pub changes: Changes,
    /// Commands that are not there, or can't run.
    pub findings: Vec<Diagnostic>,
    /// Whether users that packages create got numbers that the lock had not pinned before.
    pub has_new_ids: bool,
}

/// What a build did, for people and for `--json`.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// One a system.
    pub images: Vec<ImageSummary>,
    /// `name:tag`
    pub reference: String,
    /// Where it was written; `None`: standard output.
    pub output: Option<PathBuf>,
    /// `archive`, …
    pub format: &'static str,
    /// Bytes written, where it is a file.
    pub size: Option<u64>,
}

/// One image of a [`Summary`].
#[derive(Debug, Clone, Serialize)]
pub struct ImageSummary {
    /// `x86_64-linux`
    pub system: &'static str,
    /// Digest of the configuration: the same wherever the image goes.
    pub image_id: String,
    /// Manifest digests by destination; they differ in how layers are compressed and described.
    pub manifests: Manifests,
    /// Layers.
    pub layers: usize,
    /// Layers whose digests were known from an earlier build.
    pub layers_reused: usize,
    /// Bytes of all layers, uncompressed.
    pub uncompressed_size: u64,
    /// Bytes of all layers, compressed.
    pub compressed_size: u64,
}

/// Manifest digests of one image.
#[derive(Debug, Clone, Serialize)]
pub struct Manifests {
    /// In the archive, whose layers are plain.
    pub archive: String,
    /// In a registry or OCI layout.
    pub oci: String,
    /// In a registry, as Docker's schema 2; for gzipped layers only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub docker: Option<String>,
}

impl Project<'_> {
    /// Resolves, plans and builds images for `systems`, and finds them whole. Damaged pieces of the store are made anew.
    pub fn images(&self, mode: &Mode, systems: &[System], replan: bool) -> Result<Built, Error> {
        self.mending(|_| {
            let built = self.resolved_images(mode, systems, replan, &|_| Ok(None))?;
            self.check(&built.images)?;
            Ok(built)
        })
    }

    /// The same for images that go to where `previous` ones are: layers of these whose packages are not in the store are taken
    /// over ([`Layer::is_elsewhere`](crate::store::Layer::is_elsewhere)) rather than made. Whether the others are whole turns out
    /// when they are sent: most never are.
    pub fn images_over(
        &self,
        mode: &Mode,
        systems: &[System],
        replan: bool,
        previous: &PreviousOf<'_>,
    ) -> Result<Built, Error> {
        self.mending(|_| self.resolved_images(mode, systems, replan, previous))
    }

    fn resolved_images(
        &self,
        mode: &Mode,
        systems: &[System],
        replan: bool,
        previous: &PreviousOf<'_>,
    ) -> Result<Built, Error> {
        let resolution = self.resolve(mode)?;
        let pinned = resolution.lock.ids.clone();
        let (images, lock, findings) = self.locked_images(resolution.lock, mode, (systems, replan), previous)?;
        Ok(Built { images, has_new_ids: lock.ids != pinned, lock, changes: resolution.changes, findings })
    }

    /// Holds every piece of the images against its digest.
    fn check(&self, images: &[Image]) -> Result<(), Error> {
        let layers = images.iter().flat_map(|image| &image.layers);
        Ok(self.store.check_fragments(self.pool, layers.flat_map(|(layer, _)| layer.fragments()))?)
    }

    /// Images of what a lock answers, with the lock, layer groups included, and findings.
    fn locked_images(
        &self,
        mut lock: Lock,
        mode: &Mode,
        (systems, replan): (&[System], bool),
        previous: &PreviousOf<'_>,
    ) -> Result<(Vec<Image>, Lock, Vec<Diagnostic>), Error> {
        let created = created()?;
        self.learn(&mut lock, mode, replan);
        let (mut images, mut findings) = (Vec::new(), Vec::new());
        for &system in systems {
            let planned = self.plan(&lock, system, PlanChoice { replan, layers: None })?;
            lock.layers.insert(system, planned.plan.groups(&planned.units));
            let boots = self.machine.boot.enable;
            let runtime = if boots { Some(self.runtime(&lock, mode, system)?) } else { None };
            lock.runtimes.extend(runtime.as_ref().map(|runtime| (system, runtime.locked())));
            let unit = runtime.as_ref().map(|runtime| &runtime.unit);
            let Made { image, findings: found, ids } =
                self.build(&lock, system, planned, (&created, unit), previous)?;
            images.push(image);
            lock.ids = ids;
            findings.extend(found.into_iter().filter(|finding| !findings.contains(finding)).collect::<Vec<_>>());
        }
        Ok((images, lock, findings))
    }

    /// Does `work` again, and tells it so, as long as it finds pieces of the store that are damaged. Whoever finds one removes
    /// it; one that is damaged twice is the disk's doing, and ends it.
    fn mending<T>(&self, mut work: impl FnMut(bool) -> Result<T, Error>) -> Result<T, Error> {
        let mut damaged = BTreeSet::new();
        loop {
            match work(!damaged.is_empty()) {
                Err(error) if error.damage().is_some_and(|key| damaged.insert(key)) => {
                    self.progress.warn(&error.to_string());
                }
                outcome => return outcome,
            }
        }
    }
}

impl Built {
    /// Writes the images, under a temporary name until they are whole.
    pub fn write(&self, project: &Project<'_>, format: Format, destination: Destination<'_>) -> Result<Summary, Error> {
        let is_stream = matches!(destination, Destination::Stream(_));
        check(format, self.images.len(), project.codec, is_stream)?;
        let name = ImageName { name: project.machine.image.name.clone(), tag: project.machine.image.tag.clone() };
        let write =
            |out: &mut dyn Output| write_archive(project.store, &self.images, &name, format, project.codec, out);
        let (mut output, mut size) = (None, None);
        match destination {
            // What went out can't be taken back, so there is no second try.
            Destination::Stream(stream) => {
                write(&mut StreamOutput(stream))?;
                stream.flush()?;
            }
            Destination::Path(path) => {
                project.mending(|again| {
                    if again {
                        self.restore(project)?;
                    }
                    match format {
                        Format::OciDir => write_directory(project.store, &self.images, &name, path)?,
                        _ => replace_file(path, write)?,
                    }
                    Ok(())
                })?;
                size = (format != Format::OciDir).then(|| length(path)).transpose()?;
                output = Some(path.to_owned());
            }
        }
        let images = self.images.iter().map(|image| summary(image, project.codec)).collect::<Result<_, _>>()?;
        Ok(Summary { images, reference: name.reference(), output, format: format.name(), size })
    }

    /// Pushes the images to a registry. What turns out to be damaged while it is sent is made anew, and sent again; so are layers
    /// that were taken over, where the registry lost one.
    pub fn push(&self, project: &Project<'_>, push: &Push<'_>) -> Result<Pushed, Error> {
        project.mending(|again| {
            if again {
                self.restore(project)?;
            }
            match push.images(project.store, project.pool, &self.images) {
                Err(ExportError::Store(store::Error::Elsewhere(layer))) => {
                    project.progress.warn(&format!("the registry has lost {layer}: making all layers again"));
                    Ok(push.images(project.store, project.pool, &self.restore(project)?)?)
                }
                outcome => Ok(outcome?),
            }
        })
    }

    /// Loads an image of theirs into a daemon. What turns out to be damaged while it is sent is made anew, and sent again.
    pub fn load(&self, project: &Project<'_>, load: &Load<'_>, image: &Image) -> Result<Loaded, Error> {
        project.mending(|again| {
            if again {
                self.restore(project)?;
            }
            Ok(load.image(project.store, image)?)
        })
    }

    /// Makes what the images are made of anew, where it is missing; the images, with all that is in them at hand.
    fn restore(&self, project: &Project<'_>) -> Result<Vec<Image>, Error> {
        let systems = self.images.iter().map(|image| image.system).collect::<Vec<_>>();
        let lock = self.lock.clone();
        let (images, ..) = project.locked_images(lock, &Mode::Locked, (&systems, false), &|_| Ok(None))?;
        project.check(&images)?;
        Ok(images)
    }
}

fn length(path: &Path) -> Result<u64, Error> {
    let metadata = std::fs::metadata(path).map_err(|source| Error::Write { path: path.to_owned(), source })?;
    Ok(metadata.len())
}

fn summary(image: &Image, codec: Codec) -> Result<ImageSummary, Error> {
    let digest = |form| image.digest(form).map(|digest| digest.to_string());
    // Docker's manifest has no name for zstd, which a base image's layers may be compressed with.
    let has_zstd = image.layers.iter().any(|(layer, _)| layer.packing() == Packing::Zstd);
    let is_gzip = matches!(codec, Codec::Gzip(_)) && !has_zstd;
    let docker = is_gzip.then(|| digest(Form::Docker)).transpose()?;
    let manifests = Manifests { archive: digest(Form::OciUncompressed)?, oci: digest(Form::Oci)?, docker };
    let sum = |size: fn(&crate::store::Layer) -> u64| image.layers.iter().map(|(layer, _)| size(layer)).sum();
    Ok(ImageSummary {
        system: image.system.name(),
        image_id: Sha256::oci(&image.id()),
        manifests,
        layers: image.layers.len(),
        layers_reused: image.layers.iter().filter(|(layer, _)| layer.reused).count(),
        uncompressed_size: sum(|layer| layer.tar_size),
        compressed_size: sum(|layer| layer.blob_size),
    })
}

/// The creation time that the image tells: fixed, unless `SOURCE_DATE_EPOCH` says another.
pub(super) fn created() -> Result<String, Error> {
    let seconds = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => text.trim().parse::<i64>().map_err(|_| Error::SourceDateEpoch(text))?,
        Err(_) => 1,
    };
    let time = jiff::Timestamp::from_second(seconds).map_err(|_| Error::SourceDateEpoch(seconds.to_string()))?;
    Ok(time.to_string())
}
