//! What an image becomes: archives, OCI directories, what a registry holds.
//!
//! Writing one is copying: the layers' members lie ready in the [`Store`].

mod archive;
pub mod attach;
mod daemon;
mod directory;
mod error;
mod file;
mod members;
mod push;

use std::fmt;
use std::str::FromStr;

use oci_spec::image::Descriptor;

use crate::config::System;
use crate::image::BlobDigest;
use crate::image::codec::{Codec, Packing};
use crate::image::documents::{Form, LayerDescription, index_entry, manifest};
use crate::nix::Sha256;
use crate::store::{Layer, Output, Store};

pub use archive::write_archive;
pub use daemon::{Daemon, DaemonError, Load, Loaded, Surroundings};
pub use directory::write_directory;
pub use error::Error;
pub use file::replace_file;
pub use push::{
    Asked, ParsePushFormatError, Push, PushError, PushFormat, Pushed, PushedBlob, Target, fly_systems, target,
};

/// An image of one system, ready to be written anywhere.
#[derive(Debug, Clone)]
pub struct Image {
    /// What it runs on.
    pub system: System,
    /// The configuration's bytes.
    pub config: Vec<u8>,
    /// Layers, the lowest first, with what the documents say of each.
    pub layers: Vec<(Layer, LayerDescription)>,
}

impl Image {
    /// The image ID: the digest of its configuration.
    #[must_use]
    pub fn id(&self) -> Sha256 {
        Sha256::of(&self.config)
    }

    /// The manifest's bytes in one form.
    pub fn manifest(&self, form: Form) -> Result<Vec<u8>, Error> {
        if form == Form::Docker && self.layers.iter().any(|(layer, _)| layer.packing() == Packing::Zstd) {
            return Err(Error::DockerZstd);
        }
        let layers = self.layers.iter().map(|(_, description)| description.clone()).collect::<Vec<_>>();
        Ok(manifest(&self.config, &layers, form)?)
    }

    /// The manifest's digest in one form.
    pub fn digest(&self, form: Form) -> Result<BlobDigest, Error> {
        Ok(BlobDigest(Sha256::of(&self.manifest(form)?)))
    }
}

/// Where an image goes, as a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// docker-archive and OCI layout in one gzipped file, layers inside uncompressed.
    Archive,
    /// An OCI layout in a tar, layers compressed.
    OciArchive,
    /// Docker's archive alone, gzipped.
    DockerArchive,
    /// An OCI layout as a folder.
    OciDir,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 4] = [Self::Archive, Self::OciArchive, Self::DockerArchive, Self::OciDir];

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Archive => "archive",
            Self::OciArchive => "oci-archive",
            Self::DockerArchive => "docker-archive",
            Self::OciDir => "oci-dir",
        }
    }

    /// The file or folder that it is written to by default.
    #[must_use]
    pub fn default_file_name(self, image: &str, codec: Codec) -> String {
        let base = image.rsplit('/').next().unwrap_or(image);
        match (self, codec) {
            (Self::OciDir, _) => format!("{base}.oci"),
            (Self::OciArchive, _) | (_, Codec::None) => format!("{base}.tar"),
            _ => format!("{base}.tar.gz"),
        }
    }

    /// Whether the archive as a whole is compressed, and the layers in it are plain.
    const fn compresses_outside(self) -> bool {
        matches!(self, Self::Archive | Self::DockerArchive)
    }

    /// In which form its manifest names layers.
    #[must_use]
    pub const fn form(self) -> Form {
        if self.compresses_outside() { Form::OciUncompressed } else { Form::Oci }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// The text names no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no format: give archive, oci-archive, docker-archive or oci-dir")]
pub struct ParseFormatError(String);

impl FromStr for Format {
    type Err = ParseFormatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|format| format.name() == text).ok_or_else(|| ParseFormatError(text.to_owned()))
    }
}

/// Refuses what a format can't hold, before anything is fetched or written.
pub fn check(format: Format, systems: usize, codec: Codec, to_stdout: bool) -> Result<(), Error> {
    match format {
        Format::Archive | Format::DockerArchive if systems > 1 => Err(Error::SeveralSystems(format, systems)),
        Format::Archive | Format::DockerArchive if matches!(codec, Codec::Zstd(_)) => {
            Err(Error::Compression { format, codec })
        }
        Format::OciDir if to_stdout => Err(Error::DirectoryToStdout),
        _ => Ok(()),
    }
}

/// The name under which an image can be found: `name` and `tag`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageName {
    /// `lazycoder`
    pub name: String,
    /// `latest`
    pub tag: String,
}

impl ImageName {
    /// `name:tag`
    #[must_use]
    pub fn reference(&self) -> String {
        format!("{}:{}", self.name, self.tag)
    }

    /// With the registry and namespace that Docker means when none is given.
    fn normalized(&self) -> String {
        let first = self.name.split('/').next().unwrap_or_default();
        let has_registry = self.name.contains('/') && (first.contains(['.', ':']) || first == "localhost");
        match (has_registry, self.name.contains('/')) {
            (true, _) => self.reference(),
            (false, true) => format!("docker.io/{}", self.reference()),
            (false, false) => format!("docker.io/library/{}", self.reference()),
        }
    }

    /// Annotations by which clients find an image in an OCI layout.
    fn annotations(&self) -> std::collections::BTreeMap<String, String> {
        [
            ("org.opencontainers.image.ref.name".to_owned(), self.tag.clone()),
            ("io.containerd.image.name".to_owned(), self.normalized()),
        ]
        .into()
    }
}

/// What an OCI layout says of itself.
const OCI_LAYOUT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

/// What an OCI index says of each image.
fn index_entries(images: &[Image], format: Format, name: &ImageName) -> Result<Vec<Descriptor>, Error> {
    let entry = |image: &Image| Ok(index_entry(&image.manifest(format.form())?, image.system, &name.annotations())?);
    images.iter().map(entry).collect()
}

/// Layers of all images, each once, in order; without the lowest `left_out` of each.
fn distinct_layers(images: &[Image], left_out: usize) -> Vec<&Layer> {
    let mut seen = std::collections::BTreeSet::new();
    let layers = images.iter().flat_map(|image| image.layers.iter().skip(left_out)).map(|(layer, _)| layer);
    layers.filter(|layer| seen.insert(layer.blob)).collect()
}

/// Blobs that are no layers: configurations and manifests, by digest.
fn small_blobs(images: &[Image], format: Format) -> Result<std::collections::BTreeMap<String, Vec<u8>>, Error> {
    let mut blobs = std::collections::BTreeMap::new();
    for image in images {
        blobs.insert(image.id().hex(), image.config.clone());
        if format != Format::DockerArchive {
            let manifest = image.manifest(format.form())?;
            blobs.insert(Sha256::of(&manifest).hex(), manifest);
        }
    }
    Ok(blobs)
}

/// Writes a layer's bytes, as a format holds them, to `out`.
fn write_layer(store: &Store, layer: &Layer, format: Format, out: &mut dyn Output) -> Result<(), Error> {
    let written = if format.compresses_outside() { layer.write_tar(store, out) } else { layer.write_blob(store, out) };
    Ok(written?)
}
