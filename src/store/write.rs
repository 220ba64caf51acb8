//! Writes a fragment: tar entries in, compressed members out, all digests on the way, in one pass.
//!
//! Memory is bounded by a few blocks. Nothing is kept unless [`FragmentWriter::finish`] is reached.

mod finish;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, BufWriter, Read, Write};

use crossbeam_channel::Receiver;
use tempfile::NamedTempFile;

use crate::image::ImagePath;
use crate::image::codec::{Codec, CodecError, Encoders};
use crate::image::tar::{Kind, padding, write_capable_header};
use crate::image::tree::Metadata;
use crate::nix::nar::{NarKind, NarReader};
use crate::nix::{Hasher, Sha256};

use super::deb::Inode;
use super::listing::ListingWriter;
use super::pool::{Buffers, Extra};
use super::{Error, Pool, Store};

/// Blocks of one fragment that are being compressed at a time, where the pool has no more to spare.
const WINDOW: usize = 1;

/// Writes one fragment.
pub struct FragmentWriter<'a> {
    pool: &'a Pool,
    codec: Codec,
    head: Sha256,
    encoded_head: Vec<u8>,
    /// Bytes of members.
    blob_size: u64,
    /// Digest of head, entries and, in the end, tail.
    tar: Hasher,
    tar_size: u64,
    /// Digest of the same, compressed.
    blob: Hasher,
    members: Vec<u64>,
    /// The block that is being filled, and a buffer for what it becomes.
    buffers: Buffers,
    filled: usize,
    pending: VecDeque<Receiver<Result<Buffers, CodecError>>>,
    extra: Extra<'a>,
    file: BufWriter<NamedTempFile>,
    listing: ListingWriter,
    scratch: Vec<u8>,
}

impl Store {
    /// Begins a fragment. `head` is the head of the layer that it would make alone.
    pub fn write_fragment<'a>(&self, pool: &'a Pool, codec: Codec, head: &[u8]) -> Result<FragmentWriter<'a>, Error> {
        let mut tar = Hasher::new();
        tar.update(head);
        let mut blob = Hasher::new();
        let encoded_head = encode_whole(codec, head)?;
        blob.update(&encoded_head);
        Ok(FragmentWriter {
            pool,
            codec,
            head: Sha256::of(head),
            encoded_head,
            blob_size: 0,
            tar,
            tar_size: 0,
            blob,
            members: Vec::new(),
            buffers: pool.buffers(codec),
            filled: 0,
            pending: VecDeque::with_capacity(WINDOW + 1),
            extra: pool.extra(),
            file: BufWriter::new(self.temporary()?),
            listing: ListingWriter::new(self.temporary()?),
            scratch: Vec::new(),
        })
    }
}

/// Encodes something small outside of the pool, in blocks as ever.
pub(super) fn encode_whole(codec: Codec, bytes: &[u8]) -> Result<Vec<u8>, CodecError> {
    thread_local! {
        // Every fragment has a head and a tail.
        static ENCODERS: RefCell<Encoders> = RefCell::default();
    }
    ENCODERS.with_borrow_mut(|encoders| {
        let mut out = Vec::new();
        for block in bytes.chunks(codec.block_size()) {
            encoders.encode(codec, block, &mut out)?;
        }
        Ok(out)
    })
}

impl FragmentWriter<'_> {
    /// Appends a whole archive, as the store path `root`: mode 0444 and 0555, root's, no times.
    pub fn nar(&mut self, root: &ImagePath, archive: &mut dyn Read) -> io::Result<()> {
        let mut reader = NarReader::new(archive);
        while let Some(entry) = reader.next_entry()? {
            let path = if entry.path.is_empty() {
                root.clone()
            } else {
                ImagePath::new(&[root.as_bytes(), &entry.path].join(&b'/')).map_err(invalid)?
            };
            match entry.kind {
                NarKind::Directory => self.header(&path, Kind::Directory, Metadata::root(0o555), &entry.path)?,
                NarKind::Symlink { target } => {
                    self.header(&path, Kind::Symlink(&target), Metadata::root(0o777), &entry.path)?;
                }
                NarKind::Regular { executable, size } => {
                    let mode = if executable { 0o555 } else { 0o444 };
                    self.header(&path, Kind::File(size), Metadata::root(mode), &entry.path)?;
                    self.contents(size, &mut reader)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn header(
        &mut self,
        path: &ImagePath,
        kind: Kind<'_>,
        metadata: Metadata,
        listed: &[u8],
    ) -> io::Result<()> {
        self.capable_header(path, kind, metadata, None)?;
        self.list(listed, kind, metadata, self.tar_size)
    }

    /// Another name of a file that stands before; listed as the file that it is.
    pub(super) fn hard_link(
        &mut self,
        path: &ImagePath,
        target: &ImagePath,
        inode: Inode,
        capability: Option<&[u8]>,
    ) -> io::Result<()> {
        self.capable_header(path, Kind::HardLink(target.as_bytes()), inode.metadata, capability)?;
        self.list(path.as_bytes(), Kind::File(inode.size), inode.metadata, inode.offset)
    }

    /// A header alone, of something that [`FragmentWriter::list`] is to list.
    pub(super) fn capable_header(
        &mut self,
        path: &ImagePath,
        kind: Kind<'_>,
        metadata: Metadata,
        capability: Option<&[u8]>,
    ) -> io::Result<()> {
        let mut header = std::mem::take(&mut self.scratch);
        header.clear();
        write_capable_header(&mut header, path.as_bytes(), kind, metadata, capability);
        self.append(&header)?;
        self.scratch = header;
        Ok(())
    }

    /// Lists something, whether it stands in the tar or not.
    pub(super) fn list(&mut self, path: &[u8], kind: Kind<'_>, metadata: Metadata, offset: u64) -> io::Result<()> {
        self.listing.entry(path, kind, metadata, offset)
    }

    /// Bytes of tar so far.
    pub(super) const fn tar_size(&self) -> u64 {
        self.tar_size
    }

    /// Appends exactly `size` bytes from `reader`, and padding.
    pub(super) fn contents(&mut self, size: u64, reader: &mut dyn Read) -> io::Result<()> {
        let mut rest = size;
        while rest > 0 {
            if self.filled == self.buffers.block.len() {
                self.send_block()?;
            }
            let room = &mut self.buffers.block[self.filled..];
            let most = usize::try_from(rest).unwrap_or(usize::MAX).min(room.len());
            let read = match reader.read(&mut room[..most]) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            self.filled += read;
            rest -= read as u64;
        }
        self.tar_size += size;
        self.append(padding(size))
    }

    fn append(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        self.tar_size += bytes.len() as u64;
        while !bytes.is_empty() {
            if self.filled == self.buffers.block.len() {
                self.send_block()?;
            }
            let (now, later) = bytes.split_at(bytes.len().min(self.buffers.block.len() - self.filled));
            self.buffers.block[self.filled..self.filled + now.len()].copy_from_slice(now);
            self.filled += now.len();
            bytes = later;
        }
        Ok(())
    }

    fn send_block(&mut self) -> io::Result<()> {
        self.tar.update(&self.buffers.block[..self.filled]);
        let mut buffers = std::mem::replace(&mut self.buffers, self.pool.buffers(self.codec));
        buffers.block.truncate(self.filled);
        self.filled = 0;
        self.pending.push_back(self.pool.encode(self.codec, buffers));
        if self.pending.len() > WINDOW + self.extra.held() && !self.extra.take() {
            self.collect_member()
        } else {
            Ok(())
        }
    }

    fn collect_member(&mut self) -> io::Result<()> {
        let Some(answer) = self.pending.pop_front() else { return Ok(()) };
        let encoded = answer.recv().map_err(io::Error::other)?.map_err(io::Error::other)?;
        self.blob.update(&encoded.member);
        self.blob_size += encoded.member.len() as u64;
        self.members.push(self.blob_size);
        self.file.write_all(&encoded.member)?;
        self.pool.give_back(encoded);
        Ok(())
    }
}

/// An error that is the source's fault, not the disk's.
fn invalid(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
