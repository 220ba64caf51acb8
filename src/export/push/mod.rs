//! Images into a registry, from the store straight: no archive in between.
//!
//! Blobs first, several at a time; then manifests by digest, then the index; tags last. So a tag names nothing that is not whole,
//! and a push that is ended in the middle goes on with what is there.

mod blobs;
mod documents;
mod error;
mod form;
mod record;
mod target;

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::sync::OnceLock;

use crate::failure::{Class, Classified as _, carried};
use crate::nix::Sha256;
use crate::progress::{Item, Progress};
use crate::registry::{BlobSource, Identifier, Reference, Registry, Repository, Uploaded};
use crate::store::{self, Layer, Pool, Store, in_parallel};

use super::{Error, Image};
use blobs::{Blob, distinct};
use documents::{Document, Documents};
use record::Record;

pub use error::PushError;
pub use form::{ParsePushFormatError, PushFormat, fly_systems};
pub use target::{Asked, Target, target};

/// A repository that images go to, and how.
pub struct Push<'a> {
    /// The client.
    pub registry: &'a Registry,
    /// Registry and repository; its tag and digest don't count.
    pub reference: &'a Reference,
    /// What the images are called there; none: only their digest.
    pub tags: &'a [String],
    /// As what they go.
    pub format: PushFormat,
    /// Blobs that are sent at a time.
    pub jobs: usize,
    /// Look at every blob and put every manifest, even where a tag names them already.
    pub force: bool,
    /// Where narration goes.
    pub progress: &'a dyn Progress,
}

/// What a push did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// Digest of what the tags name: the manifest, or the index of several.
    pub digest: Sha256,
    /// Its type.
    pub media_type: &'static str,
    /// What each tag named before, where there was something.
    pub previous: BTreeMap<String, Sha256>,
    /// Digests of the images' manifests, in their order.
    pub manifests: Vec<Sha256>,
    /// All blobs of the images, the largest first.
    pub blobs: Vec<PushedBlob>,
    /// Whether all tags named the images already, and nothing was asked or sent besides.
    pub is_unchanged: bool,
}

/// What became of a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushedBlob {
    /// Its digest.
    pub digest: Sha256,
    /// Bytes.
    pub size: u64,
    /// What it holds, for people.
    pub name: String,
    /// Whether it is a layer, not a configuration.
    pub is_layer: bool,
    /// How it got there.
    pub outcome: Uploaded,
}

impl PushFormat {
    /// The digest that tags will name once these images are pushed.
    pub fn digest(self, images: &[Image]) -> Result<Sha256, Error> {
        let documents = Documents::of(images, self)?;
        Ok(documents.top().ok_or(PushError::SeveralSystems(0))?.digest)
    }
}

impl Push<'_> {
    /// Pushes images of one or more systems. A damaged fragment is found out before any tag moves: [`crate::store::Error::Damaged`].
    pub fn images(&self, store: &Store, pool: &Pool, images: &[Image]) -> Result<Pushed, Error> {
        let documents = Documents::of(images, self.format)?;
        let Some(top) = documents.top() else { return Err(PushError::SeveralSystems(0).into()) };
        let repository = self.registry.repository(self.reference).for_push();
        let previous = self.previous(&repository)?;
        let stale = self.tags.iter().filter(|tag| self.force || previous.get(*tag) != Some(&top.digest));
        let stale = stale.collect::<Vec<_>>();
        // What a tag names, the registry has whole.
        let is_there = !self.force && previous.values().any(|digest| *digest == top.digest);
        let blobs = distinct(store, images);
        let outcomes = if is_there {
            vec![Uploaded::Skipped; blobs.len()]
        } else {
            let outcomes = self.blobs(&repository, store, pool, &blobs)?;
            documents
                .in_order()
                .try_for_each(|document| put(&repository, &Identifier::Digest(document.digest), document))?;
            outcomes
        };
        stale.iter().try_for_each(|tag| put(&repository, &Identifier::Tag((*tag).clone()), top))?;
        Ok(Pushed {
            digest: top.digest,
            media_type: top.media_type,
            previous,
            manifests: documents.manifests.iter().map(|manifest| manifest.digest).collect(),
            blobs: blobs.into_iter().zip(outcomes).map(pushed).collect(),
            is_unchanged: is_there && stale.is_empty(),
        })
    }

    /// What the tags name now.
    fn previous(&self, repository: &Repository<'_>) -> Result<BTreeMap<String, Sha256>, Error> {
        let mut previous = BTreeMap::new();
        for tag in self.tags {
            let head = repository.head_manifest(&Identifier::Tag(tag.clone())).map_err(PushError::from)?;
            previous.extend(head.map(|head| (tag.clone(), head.digest)));
        }
        Ok(previous)
    }

    /// Puts all blobs, and remembers where they are.
    fn blobs(
        &self,
        repository: &Repository<'_>,
        store: &Store,
        pool: &Pool,
        blobs: &[Blob<'_>],
    ) -> Result<Vec<Uploaded>, Error> {
        let Reference { registry, repository: name, .. } = self.reference;
        let mut record = Record::read(&store.state_dir(), registry);
        let total = blobs.iter().map(BlobSource::size).sum();
        self.progress.begin(&format!("pushing to {registry}/{name}"), Some(total));
        let outcomes = in_parallel(self.jobs.max(1), blobs, |blob| {
            if let Some(layer) = blob.as_layer().filter(|layer| layer.is_elsewhere()) {
                return self.taken_over(repository, layer);
            }
            let outcome = self.blob(repository, blob, &record.sources(&blob.digest(), name));
            outcome.map_err(|error| damage(store, pool, blob, &error).unwrap_or_else(|| error.into()))
        })?;
        record.used(name, blobs.iter().map(Blob::digest));
        // Only a hint: a store on a read-only disk sends what it could have mounted.
        let _ = record.write();
        Ok(outcomes)
    }

    /// A layer that nobody has here: the registry has it, or it must be made ([`store::Error::Elsewhere`]).
    fn taken_over(&self, repository: &Repository<'_>, layer: &Layer) -> Result<Uploaded, Error> {
        if !repository.has_blob(&layer.blob.0).map_err(PushError::from)? {
            return Err(store::Error::Elsewhere(layer.blob).into());
        }
        self.progress.advance(layer.blob_size);
        Ok(Uploaded::Skipped)
    }

    fn blob(&self, repository: &Repository<'_>, blob: &Blob<'_>, from: &[String]) -> Result<Uploaded, PushError> {
        // Most blobs are there already; only what is sent gets a bar.
        let item = OnceLock::<Item>::new();
        let sent = |bytes| {
            let item = item.get_or_init(|| self.progress.item(&blob.name, blob.size()));
            self.progress.advance_item(*item, bytes);
        };
        let outcome = repository.upload(blob, from, &sent);
        if let Some(item) = item.get() {
            self.progress.end_item(*item);
        } else if outcome.is_ok() {
            self.progress.advance(blob.size());
        }
        Ok(outcome?)
    }
}

/// Puts a document, and takes the registry by its word.
fn put(repository: &Repository<'_>, id: &Identifier, document: &Document) -> Result<(), Error> {
    let found = repository.put_manifest(id, document.media_type, &document.bytes).map_err(PushError::from)?;
    if found == document.digest {
        Ok(())
    } else {
        Err(PushError::other_digest(&document.what, found, document.digest).into())
    }
}

fn pushed((blob, outcome): (Blob<'_>, Uploaded)) -> PushedBlob {
    let (digest, size, is_layer) = (blob.digest(), blob.size(), blob.as_layer().is_some());
    PushedBlob { digest, size, name: blob.name, is_layer, outcome }
}

/// The piece of a layer that is why sending it failed: it can be mended. A reader may have found it; else it has other bytes than it had,
/// and is looked for.
fn damage(store: &Store, pool: &Pool, blob: &Blob<'_>, error: &PushError) -> Option<Error> {
    let mut causes = std::iter::successors(StdError::source(error), |&cause| cause.source());
    if let Some(store::Error::Damaged(key)) = causes.find_map(|cause| carried(cause).downcast_ref()) {
        return Some(store::Error::Damaged(*key).into());
    }
    let layer = blob.as_layer().filter(|_| error.class() == Class::Trust)?;
    store.check_fragments(pool, layer.fragments()).err().map(Error::Store)
}
