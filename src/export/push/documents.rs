//! What is put once all blobs are there: a manifest an image, and an index of several.

use std::collections::BTreeMap;

use crate::image::documents::{index, index_entry};
use crate::nix::Sha256;

use super::super::{Error, Image};
use super::PushFormat;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// A manifest or index as it goes into a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Document {
    /// What it is to people: `the manifest for x86_64-linux`.
    pub(super) what: String,
    pub(super) media_type: &'static str,
    pub(super) digest: Sha256,
    pub(super) bytes: Vec<u8>,
}

impl Document {
    fn new(what: impl Into<String>, media_type: &'static str, bytes: Vec<u8>) -> Self {
        Self { what: what.into(), media_type, digest: Sha256::of(&bytes), bytes }
    }
}

/// The documents of images, the manifests in the images' order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Documents {
    pub(super) manifests: Vec<Document>,
    /// Where there are several.
    pub(super) index: Option<Document>,
}

impl Documents {
    pub(super) fn of(images: &[Image], format: PushFormat) -> Result<Self, Error> {
        let manifest = |image: &Image| -> Result<_, Error> {
            let what = format!("the manifest for {}", image.system);
            Ok(Document::new(what, format.media_type(), image.manifest(format.form())?))
        };
        let manifests = images.iter().map(manifest).collect::<Result<Vec<_>, _>>()?;
        let index = if let [_] = &manifests[..] { None } else { Some(Self::index(images, &manifests)?) };
        Ok(Self { manifests, index })
    }

    fn index(images: &[Image], manifests: &[Document]) -> Result<Document, Error> {
        let pairs = images.iter().zip(manifests);
        let entries = pairs.map(|(image, manifest)| index_entry(&manifest.bytes, image.system, &BTreeMap::new()));
        Ok(Document::new("the index", INDEX, index(entries.collect::<Result<_, _>>()?)?))
    }

    /// The one that tags name; `None`: there is no image.
    pub(super) fn top(&self) -> Option<&Document> {
        self.index.as_ref().or(self.manifests.first())
    }

    /// All, each after those that it names.
    pub(super) fn in_order(&self) -> impl Iterator<Item = &Document> {
        self.manifests.iter().chain(&self.index)
    }
}
