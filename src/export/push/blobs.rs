//! What is sent: layers from the store, configurations from memory.

use std::collections::BTreeSet;
use std::io::{self, Read};

use crate::nix::Sha256;
use crate::registry::BlobSource;
use crate::store::{Layer, Store};

use super::super::Image;

/// A blob of an image.
pub(super) struct Blob<'a> {
    content: Content<'a>,
    digest: Sha256,
    size: u64,
    /// What people are shown.
    pub(super) name: String,
}

enum Content<'a> {
    Layer(&'a Layer, &'a Store),
    Bytes(&'a [u8]),
}

impl<'a> Blob<'a> {
    fn layer(store: &'a Store, layer: &'a Layer, comment: &str) -> Self {
        let name = if comment.is_empty() { layer.blob.to_string() } else { comment.to_owned() };
        Self { content: Content::Layer(layer, store), digest: layer.blob.0, size: layer.blob_size, name }
    }

    fn configuration(image: &'a Image) -> Self {
        let (digest, size) = (image.id(), image.config.len() as u64);
        Self {
            content: Content::Bytes(&image.config),
            digest,
            size,
            name: format!("configuration for {}", image.system),
        }
    }

    /// The layer, if it is one.
    pub(super) fn as_layer(&self) -> Option<&'a Layer> {
        match self.content {
            Content::Layer(layer, _) => Some(layer),
            Content::Bytes(_) => None,
        }
    }
}

impl BlobSource for Blob<'_> {
    fn digest(&self) -> Sha256 {
        self.digest
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn open(&self, offset: u64) -> io::Result<Box<dyn Read + Send + '_>> {
        match self.content {
            Content::Layer(layer, store) => Ok(Box::new(layer.open_blob(store, offset).map_err(io::Error::other)?)),
            Content::Bytes(bytes) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                Ok(Box::new(bytes.get(start..).unwrap_or_default()))
            }
        }
    }
}

/// The blobs of all images, each once, the largest first: the last to end should be a small one.
pub(super) fn distinct<'a>(store: &'a Store, images: &'a [Image]) -> Vec<Blob<'a>> {
    let layers = images.iter().flat_map(|image| &image.layers);
    let layers = layers.map(|(layer, description)| Blob::layer(store, layer, &description.comment));
    let mut seen = BTreeSet::new();
    let all = layers.chain(images.iter().map(Blob::configuration));
    let mut blobs = all.filter(|blob| seen.insert(blob.digest)).collect::<Vec<_>>();
    blobs.sort_by(|one, other| other.size.cmp(&one.size));
    blobs
}
