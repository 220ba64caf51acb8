//! Layers: a head, fragments one after the other, a tail; and what is remembered of them.

use std::fs;
use std::io::{self, Write};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::image::codec::Codec;
use crate::image::tar::TAIL;
use crate::image::{BlobDigest, DiffId};
use crate::nix::{Hasher, Sha256};

use super::write::encode_whole;
use super::{Error, Fragment, Output, Store};

/// A layer whose digests are known.
#[derive(Debug, Clone)]
pub struct Layer {
    head: Vec<u8>,
    fragments: Vec<Arc<Fragment>>,
    codec: Codec,
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
        let key = key(&head, &fragments, codec);
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
        Ok(Layer { head, fragments, codec, key, diff_id, blob, tar_size, blob_size, reused })
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

/// Names the list of fragments, with the head and the encoding.
fn key(head: &[u8], fragments: &[Arc<Fragment>], codec: Codec) -> Sha256 {
    let mut hasher = Hasher::new();
    hasher.update(codec.id().as_bytes());
    hasher.update(&[0]);
    hasher.update(Sha256::of(head).as_bytes());
    for fragment in fragments {
        hasher.update(fragment.key.as_bytes());
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
    /// Names the layer by what it is made of, whatever its digests.
    #[must_use]
    pub const fn key(&self) -> &Sha256 {
        &self.key
    }

    /// How it is compressed.
    #[must_use]
    pub const fn codec(&self) -> Codec {
        self.codec
    }

    /// What stands before the fragments: tar entries of folders.
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// What it is made of.
    pub fn fragments(&self) -> impl Iterator<Item = &Fragment> {
        self.fragments.iter().map(|fragment| &**fragment)
    }

    /// Writes the compressed layer: members one after the other, as they lie on the disk.
    /// [`Store::check_fragments`] says before whether they are whole.
    pub fn write_blob(&self, store: &Store, out: &mut dyn Output) -> Result<(), Error> {
        out.write_all(&encode_whole(self.codec, &self.head)?)?;
        for fragment in &self.fragments {
            store.append_fragment(fragment, out)?;
        }
        out.write_all(&encode_whole(self.codec, &TAIL)?)?;
        Ok(())
    }

    /// Writes the uncompressed layer.
    pub fn write_tar(&self, store: &Store, out: &mut dyn Write) -> Result<(), Error> {
        let mut decoder = self.codec.decoder()?;
        out.write_all(&self.head)?;
        for fragment in &self.fragments {
            store.read_fragment(fragment)?.copy_tar(&mut decoder, out)?;
        }
        Ok(out.write_all(&TAIL)?)
    }
}
