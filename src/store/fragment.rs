//! What is known of a fragment: its record on disk, and looking it up.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::image::codec::Codec;
use crate::image::{BlobDigest, DiffId};
use crate::nix::Sha256;

use super::{Context as _, Error, FragmentKey, Store};

/// A fragment that lies in the store, in one encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    /// What it is.
    pub key: FragmentKey,
    /// How it is compressed.
    pub codec: Codec,
    pub(super) record: Record,
    /// Whether it was made just now, and not found.
    pub(super) new: bool,
}

/// What lies beside the blob. Written last: where it is, the rest is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Bytes of tar entries, without head and tail.
    pub(super) tar_size: u64,
    /// The head of the layer that it makes alone, encoded, in base 64: with it, that layer's digest vouches for the encoding.
    pub(super) head: String,
    /// Where each member ends in the encoding.
    pub(super) members: Vec<u64>,
    /// Digest of the listing.
    pub(super) listing: Sha256,
    /// Digest of what lies beside it: a package's facts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) attachment: Option<Sha256>,
    /// The layer that it makes alone.
    pub(super) alone: Alone,
}

/// The layer "head + this + tail".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alone {
    /// Digest of the head's tar entries.
    pub head: Sha256,
    /// Digest of the uncompressed layer.
    pub diff_id: DiffId,
    /// Digest of the compressed layer.
    pub blob: BlobDigest,
    /// Bytes of the compressed layer.
    pub blob_size: u64,
}

impl Fragment {
    /// Bytes of tar entries, without head and tail.
    #[must_use]
    pub const fn tar_size(&self) -> u64 {
        self.record.tar_size
    }

    /// Bytes of the encoding, without head and tail.
    #[must_use]
    pub fn blob_size(&self) -> u64 {
        self.record.members.last().copied().unwrap_or(0)
    }

    /// The layer that it makes alone.
    #[must_use]
    pub const fn alone(&self) -> &Alone {
        &self.record.alone
    }

    /// Bytes of tar that the `index`th member decodes to.
    pub(super) fn member_size(&self, index: usize) -> usize {
        let block = self.codec.block_size() as u64;
        let rest = self.record.tar_size.saturating_sub(index as u64 * block);
        usize::try_from(rest.min(block)).expect("a block fits into memory")
    }

    /// Where the `index`th member begins and ends in the encoding.
    pub(super) fn member_range(&self, index: usize) -> std::ops::Range<u64> {
        let start = index.checked_sub(1).map_or(0, |before| self.record.members[before]);
        start..self.record.members[index]
    }
}

impl Record {
    /// Whether the numbers fit each other; a damaged record must not make us read wildly.
    fn is_consistent(&self, codec: Codec) -> bool {
        self.tar_size.div_ceil(codec.block_size() as u64) == self.members.len() as u64
            && self.members.is_sorted_by(|before, after| before < after)
            && self.members.first().is_none_or(|&end| end > 0)
    }
}

impl Store {
    /// The fragment `key` in encoding `codec`, if it is there. Marks it as used now.
    pub fn fragment(&self, key: FragmentKey, codec: Codec) -> Result<Option<Fragment>, Error> {
        let path = self.record_path(key, codec);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).context("read", &path),
        };
        let size = |record: &Record| record.members.last().copied().unwrap_or(0);
        let on_disk = fs::metadata(self.blob_path(key, codec)).map(|metadata| metadata.len()).ok();
        match serde_json::from_slice::<Record>(&text) {
            Ok(record) if record.is_consistent(codec) && on_disk == Some(size(&record)) => {
                // Collection goes by this; a store on a read-only disk only loses its order of use.
                let _ =
                    fs::File::options().append(true).open(&path).and_then(|file| file.set_modified(SystemTime::now()));
                Ok(Some(Fragment { key, codec, record, new: false }))
            }
            _ => {
                self.remove_fragment(key)?;
                Ok(None)
            }
        }
    }

    /// Removes a fragment in all encodings: it is damaged, or a lie.
    pub(super) fn remove_fragment(&self, key: FragmentKey) -> Result<(), Error> {
        let folder = self.fragment_folder(key);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).context("remove", &folder),
            _ => Ok(()),
        }
    }

    pub(super) fn fragment_folder(&self, key: FragmentKey) -> PathBuf {
        let hex = key.hex();
        self.root.join("fragments").join(&hex[..2]).join(&hex[2..])
    }

    pub(super) fn record_path(&self, key: FragmentKey, codec: Codec) -> PathBuf {
        self.fragment_folder(key).join(format!("{}.json", codec.id()))
    }

    pub(super) fn blob_path(&self, key: FragmentKey, codec: Codec) -> PathBuf {
        self.fragment_folder(key).join(codec.id())
    }

    pub(super) fn listing_path(&self, key: FragmentKey) -> PathBuf {
        self.fragment_folder(key).join("listing")
    }

    pub(super) fn attachment_path(&self, key: FragmentKey) -> PathBuf {
        self.fragment_folder(key).join("attachment")
    }
}
