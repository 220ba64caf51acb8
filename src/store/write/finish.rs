//! The end of a fragment: its digests, and its place in the store.

use std::io::{self, Write as _};

use data_encoding::BASE64;

use crate::image::codec::CodecError;
use crate::image::tar::TAIL;
use crate::image::{BlobDigest, DiffId};
use crate::nix::Sha256;

use super::super::fragment::{Alone, Record};
use super::super::{Error, Fragment, FragmentKey, Store};
use super::{FragmentWriter, encode_whole};

impl FragmentWriter<'_> {
    /// Completes the fragment and puts it where it belongs.
    pub fn finish(self, store: &Store, key: FragmentKey) -> Result<Fragment, Error> {
        self.finish_with(store, key, None)
    }

    /// The same, with something that lies beside it.
    pub(in crate::store) fn finish_with(
        mut self,
        store: &Store,
        key: FragmentKey,
        attachment: Option<&[u8]>,
    ) -> Result<Fragment, Error> {
        if self.filled > 0 {
            self.send_block()?;
        }
        while !self.pending.is_empty() {
            self.collect_member()?;
        }
        let alone = self.alone()?;
        self.pool.give_back(self.buffers);
        let (listing, listing_digest) = self.listing.finish()?;
        let record = Record {
            tar_size: self.tar_size,
            head: BASE64.encode(&self.encoded_head),
            members: self.members,
            listing: listing_digest,
            attachment: attachment.map(Sha256::of),
            alone,
        };
        let blob = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Store::keep(blob, &store.blob_path(key, self.codec))?;
        Store::keep(listing, &store.listing_path(key))?;
        if let Some(attachment) = attachment {
            store.keep_bytes(attachment, &store.attachment_path(key))?;
        }
        let bytes = serde_json::to_vec(&record).map_err(io::Error::from)?;
        store.keep_bytes(&bytes, &store.record_path(key, self.codec))?;
        Ok(Fragment { key, codec: self.codec, record, new: true })
    }

    /// The layer that it makes alone, when all of it has been written.
    fn alone(&mut self) -> Result<Alone, CodecError> {
        self.tar.update(&TAIL);
        self.blob.update(&encode_whole(self.codec, &TAIL)?);
        let blob_size = self.blob.length();
        Ok(Alone {
            head: self.head,
            diff_id: DiffId(std::mem::take(&mut self.tar).finish()),
            blob: BlobDigest(std::mem::take(&mut self.blob).finish()),
            blob_size,
        })
    }
}

impl Store {
    fn keep_bytes(&self, bytes: &[u8], path: &std::path::Path) -> Result<(), Error> {
        let mut file = self.temporary()?;
        file.write_all(bytes)?;
        Self::keep(file, path)
    }
}
