//! Layers: a head, fragments one after the other, a tail; and what is remembered of them. Layers of base images are blobs as they came.

use std::fs;
use std::io::{self, Write};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::image::codec::{Codec, Packing};
use crate::image::tar::TAIL;
use crate::image::{BlobDigest, DiffId};
use crate::nix::{Hasher, Sha256};

use super::write::encode_whole;
use super::{Error, ForeignBlob, Fragment, FragmentKey, Output, Store};

/// A layer whose digests are known.
#[derive(Debug, Clone)]
pub struct Layer {
    pub(super) source: Source,
    key: Sha256,
    /// Digest of the uncompressed layer.
    pub diff_id: DiffId,
    /// Digest of the compressed layer.
    pub blob: BlobDigest,
    /// Bytes of the uncompressed layer.
    pub tar_size: u64,
    /// Bytes of the compressed layer.
    pub blob_size: u64,
    /// Whether its digests were known from an earlier run.
    pub reused: bool,
}

/// What a layer's bytes are made of.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// Pieces of ours.
    Fragments { head: Vec<u8>, fragments: Vec<Arc<Fragment>>, codec: Codec },
    /// A blob of somebody else's.
    Foreign(ForeignBlob),
    /// They are where an earlier image lies.
    Elsewhere(Codec),
}

/// A layer of an earlier image, as that image's documents tell of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownLayer {
    /// Digest of the uncompressed layer.
    pub diff_id: DiffId,
    /// Digest of the compressed layer.
    pub blob: BlobDigest,
    /// Bytes of the uncompressed layer.
    pub tar_size: u64,
    /// Bytes of the compressed layer.
    pub blob_size: u64,
}

/// What is remembered under a layer's key.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Record {
    diff_id: DiffId,
    blob: BlobDigest,
    blob_size: u64,
}

impl Store {
    /// The layer of `head` and `fragments`. Free where it is known, or is one fragment with its own head; otherwise it costs inflating
    /// and hashing, never compressing.
    pub fn layer(&self, head: Vec<u8>, fragments: Vec<Arc<Fragment>>, codec: Codec) -> Result<Layer, Error> {
        let key = layer_key(&head, fragments.iter().map(|fragment| &fragment.key), codec);
        let tar_size =
            (head.len() + TAIL.len()) as u64 + fragments.iter().map(|fragment| fragment.tar_size()).sum::<u64>();
        let (record, reused) = match alone(&head, &fragments) {
            Some(record) => (record, fragments.iter().all(|fragment| !fragment.new)),
            None => match self.remembered(&key) {
                Some(record) => (record, true),
                None => (self.derive(&head, &fragments, codec, &key)?, false),
            },
        };
        let Record { diff_id, blob, blob_size } = record;
        let source = Source::Fragments { head, fragments, codec };
        Ok(Layer { source, key, diff_id, blob, tar_size, blob_size, reused })
    }

    /// The layer of a base image that is kept here.
    pub fn foreign_layer(&self, blob: &ForeignBlob) -> Result<Layer, Error> {
        let tar_size = self.foreign_tar_size(blob)?.ok_or(Error::DamagedBlob(blob.digest))?;
        Ok(Layer {
            source: Source::Foreign(blob.clone()),
            key: blob.digest.0,
            diff_id: blob.diff_id,
            blob: blob.digest,
            tar_size,
            blob_size: blob.size,
            reused: true,
        })
    }

    fn remembered(&self, key: &Sha256) -> Option<Record> {
        if self.untrusted {
            return None;
        }
        serde_json::from_slice(&fs::read(self.layer_path(key)).ok()?).ok()
    }

    fn derive(&self, head: &[u8], fragments: &[Arc<Fragment>], codec: Codec, key: &Sha256) -> Result<Record, Error> {
        let (mut tar, mut blob) = (Hasher::new(), Hasher::new());
        let mut decoder = codec.decoder()?;
        tar.update(head);
        blob.update(&encode_whole(codec, head)?);
        for fragment in fragments {
            self.read_fragment(fragment)?.copy_both(&mut decoder, &mut blob, &mut tar)?;
        }
        tar.update(&TAIL);
        blob.update(&encode_whole(codec, &TAIL)?);
        let blob_size = blob.length();
        let record = Record { diff_id: DiffId(tar.finish()), blob: BlobDigest(blob.finish()), blob_size };
        let mut file = self.temporary()?;
        file.write_all(&serde_json::to_vec(&record).map_err(io::Error::from)?)?;
        Self::keep(file, &self.layer_path(key))?;
        Ok(record)
    }

    fn layer_path(&self, key: &Sha256) -> std::path::PathBuf {
        let hex = key.hex();
        self.root.join("layers").join(&hex[..2]).join(&hex[2..])
    }
}

/// Names the layer of these fragments, with the head and the encoding: what it is made of decides its bytes, so it can be told
/// from them before any of them is there.
pub fn layer_key<'a>(head: &[u8], fragments: impl IntoIterator<Item = &'a FragmentKey>, codec: Codec) -> Sha256 {
    let mut hasher = Hasher::new();
    hasher.update(codec.id().as_bytes());
    hasher.update(&[0]);
    hasher.update(Sha256::of(head).as_bytes());
    for fragment in fragments {
        hasher.update(fragment.as_bytes());
    }
    hasher.finish()
}

fn alone(head: &[u8], fragments: &[Arc<Fragment>]) -> Option<Record> {
    let [fragment] = fragments else { return None };
    let alone = fragment.alone();
    (alone.head == Sha256::of(head)).then_some(Record {
        diff_id: alone.diff_id,
        blob: alone.blob,
        blob_size: alone.blob_size,
    })
}

impl Layer {
    /// A layer of an earlier image that has this key: its digests are known, its bytes are where that image lies.
    #[must_use]
    pub const fn elsewhere(key: Sha256, codec: Codec, known: KnownLayer) -> Self {
        let KnownLayer { diff_id, blob, tar_size, blob_size } = known;
        Self { source: Source::Elsewhere(codec), key, diff_id, blob, tar_size, blob_size, reused: true }
    }

    /// Whether its bytes are only where an earlier image lies: it can be named, and not be written.
    #[must_use]
    pub const fn is_elsewhere(&self) -> bool {
        matches!(self.source, Source::Elsewhere(_))
    }

    /// Names the layer by what it is made of, whatever its digests.
    #[must_use]
    pub const fn key(&self) -> &Sha256 {
        &self.key
    }

    /// How it is compressed.
    #[must_use]
    pub fn packing(&self) -> Packing {
        match &self.source {
            Source::Fragments { codec, .. } | Source::Elsewhere(codec) => (*codec).into(),
            Source::Foreign(blob) => blob.packing,
        }
    }

    /// What it is made of: nothing, where its bytes are elsewhere or a base image's.
    pub fn fragments(&self) -> impl Iterator<Item = &Fragment> {
        let fragments = if let Source::Fragments { fragments, .. } = &self.source { &fragments[..] } else { &[] };
        fragments.iter().map(|fragment| &**fragment)
    }

    /// The blob of a base image that it is.
    #[must_use]
    pub const fn foreign(&self) -> Option<&ForeignBlob> {
        if let Source::Foreign(blob) = &self.source { Some(blob) } else { None }
    }

    /// Writes the compressed layer: members one after the other, as they lie on the disk.
    /// [`Store::check_fragments`] and [`Store::check_foreign`] say before whether they are whole.
    pub fn write_blob(&self, store: &Store, out: &mut dyn Output) -> Result<(), Error> {
        match &self.source {
            Source::Foreign(blob) => Ok(out.append_file(&store.open_foreign(&blob.digest)?, blob.size)?),
            Source::Elsewhere(_) => Err(Error::Elsewhere(self.blob)),
            Source::Fragments { head, fragments, codec } => {
                out.write_all(&encode_whole(*codec, head)?)?;
                for fragment in fragments {
                    store.append_fragment(fragment, out)?;
                }
                out.write_all(&encode_whole(*codec, &TAIL)?)?;
                Ok(())
            }
        }
    }

    /// Writes the uncompressed layer.
    pub fn write_tar(&self, store: &Store, out: &mut dyn Write) -> Result<(), Error> {
        match &self.source {
            Source::Foreign(blob) => {
                io::copy(&mut store.foreign_tar(blob)?, out)?;
                Ok(())
            }
            Source::Elsewhere(_) => Err(Error::Elsewhere(self.blob)),
            Source::Fragments { head, fragments, codec } => {
                let mut decoder = codec.decoder()?;
                out.write_all(head)?;
                for fragment in fragments {
                    store.read_fragment(fragment)?.copy_tar(&mut decoder, out)?;
                }
                Ok(out.write_all(&TAIL)?)
            }
        }
    }
}
