//! Reads fragments back: whole, as members or as tar, checked against their digest; or a piece of one.

use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom, Write};

use data_encoding::BASE64;
use tempfile::TempPath;

use crate::image::ImagePath;
use crate::image::codec::{Codec, Decoder};
use crate::image::tar::TAIL;
use crate::nix::Hasher;

use super::write::encode_whole;
use super::{Context as _, Error, Fragment, FragmentKey, Pool, Store};

/// Reads a fragment's members in order.
pub struct FragmentReader<'a> {
    store: &'a Store,
    fragment: &'a Fragment,
    file: BufReader<File>,
    check: Hasher,
    next: usize,
    member: Vec<u8>,
}

impl Store {
    /// Opens a fragment.
    pub fn read_fragment<'a>(&'a self, fragment: &'a Fragment) -> Result<FragmentReader<'a>, Error> {
        let path = self.blob_path(fragment.key, fragment.codec);
        let file = BufReader::with_capacity(1 << 18, File::open(&path).context("open", &path)?);
        let mut check = Hasher::new();
        // What is no base 64 makes a digest that is not the record's.
        check.update(&BASE64.decode(fragment.record.head.as_bytes()).unwrap_or_default());
        Ok(FragmentReader { store: self, fragment, file, check, next: 0, member: Vec::new() })
    }

    /// Reads `size` bytes at `offset` of a fragment's tar: the contents of a small file, or the beginning of a large one.
    /// `last` keeps what was decoded for the next call, which often wants its neighbour.
    pub fn read_at(
        &self,
        fragment: &Fragment,
        offset: u64,
        size: usize,
        last: &mut LastMember,
    ) -> Result<Vec<u8>, Error> {
        let block = fragment.codec.block_size() as u64;
        let mut bytes = Vec::new();
        while bytes.len() < size {
            let position = offset + bytes.len() as u64;
            let index = usize::try_from(position / block).map_err(io::Error::other)?;
            if index >= fragment.record.members.len() {
                break;
            }
            if last.of != Some((fragment.key, fragment.codec, index)) {
                last.of = None;
                self.decode_member(fragment, index, &mut last.decoded)?;
                last.of = Some((fragment.key, fragment.codec, index));
            }
            let start = usize::try_from(position % block).map_err(io::Error::other)?;
            let piece = last.decoded.get(start..).unwrap_or_default();
            if piece.is_empty() {
                break;
            }
            bytes.extend_from_slice(&piece[..piece.len().min(size - bytes.len())]);
        }
        Ok(bytes)
    }
}

/// Bytes that are copied at a time.
const PIECE: usize = 1 << 20;

impl Store {
    /// Writes the file at `path` of a fragment to a file of its own, which goes with what is returned; `None` where there is none.
    pub fn restore_file(&self, fragment: &Fragment, path: &ImagePath) -> Result<Option<TempPath>, Error> {
        let Some(extent) = self.extents(fragment)?.get(path).copied() else { return Ok(None) };
        let (mut file, mut last, mut done) = (self.temporary()?, LastMember::default(), 0);
        while done < extent.size {
            let length = usize::try_from(extent.size - done).unwrap_or(PIECE).min(PIECE);
            let piece = self.read_at(fragment, extent.offset + done, length, &mut last)?;
            if piece.is_empty() {
                return self.damaged(fragment);
            }
            file.write_all(&piece)?;
            done += piece.len() as u64;
        }
        Ok(Some(file.into_temp_path()))
    }
}

/// The member that was decoded last.
#[derive(Default)]
pub struct LastMember {
    of: Option<(FragmentKey, Codec, usize)>,
    decoded: Vec<u8>,
}

impl Store {
    fn decode_member(&self, fragment: &Fragment, index: usize, decoded: &mut Vec<u8>) -> Result<(), Error> {
        let path = self.blob_path(fragment.key, fragment.codec);
        let mut file = File::open(&path).context("open", &path)?;
        let range = fragment.member_range(index);
        let mut member = vec![0; usize::try_from(range.end - range.start).map_err(io::Error::other)?];
        file.seek(SeekFrom::Start(range.start)).context("read", &path)?;
        match file.read_exact(&mut member) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return self.damaged(fragment),
            outcome => outcome.context("read", &path)?,
        }
        match fragment.codec.decoder()?.decode(&member, fragment.member_size(index), decoded) {
            Err(_) => self.damaged(fragment),
            Ok(()) => Ok(()),
        }
    }

    /// Checks fragments against their digests, on all cores; what this process wrote itself is not read again.
    pub fn check_fragments<'a>(&self, pool: &Pool, fragments: impl Iterator<Item = &'a Fragment>) -> Result<(), Error> {
        let unchecked = fragments.filter(|fragment| !fragment.new).collect::<Vec<_>>();
        pool.map(&unchecked, |fragment| self.read_fragment(fragment)?.copy_members(&mut io::sink())).map(drop)
    }
}

/// A fragment's tar as an archive, with its end.
pub(super) struct TarStream<'a> {
    reader: FragmentReader<'a>,
    decoder: Decoder,
    plain: Vec<u8>,
    read: usize,
    is_ended: bool,
}

impl io::Read for TarStream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.read == self.plain.len() && !self.is_ended {
            self.read = 0;
            let index = self.reader.next;
            if self.reader.next_member().map_err(io::Error::other)?.is_none() {
                // All of it was found whole.
                self.is_ended = true;
                self.plain.clear();
                self.plain.extend_from_slice(&TAIL);
            } else {
                let size = self.reader.fragment.member_size(index);
                let decoded = self.decoder.decode(&self.reader.member, size, &mut self.plain);
                decoded.or_else(|_| self.reader.damaged()).map_err(io::Error::other)?;
            }
        }
        let read = (&self.plain[self.read..]).read(buffer)?;
        self.read += read;
        Ok(read)
    }
}

impl<'a> FragmentReader<'a> {
    /// The tar entries, and the end of an archive.
    pub(super) fn into_tar(self) -> Result<TarStream<'a>, Error> {
        let decoder = self.fragment.codec.decoder()?;
        Ok(TarStream { reader: self, decoder, plain: Vec::new(), read: 0, is_ended: false })
    }
}

impl FragmentReader<'_> {
    /// The next member as it lies on disk; `None` behind the last, when all of it was found whole.
    pub fn next_member(&mut self) -> Result<Option<&[u8]>, Error> {
        if self.next == self.fragment.record.members.len() {
            let mut check = std::mem::take(&mut self.check);
            check.update(&encode_whole(self.fragment.codec, &TAIL)?);
            let whole = check.finish() == self.fragment.record.alone.blob.0;
            return if whole { Ok(None) } else { self.damaged() };
        }
        let range = self.fragment.member_range(self.next);
        self.member.resize(usize::try_from(range.end - range.start).map_err(io::Error::other)?, 0);
        match self.file.read_exact(&mut self.member) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return self.damaged(),
            outcome => outcome?,
        }
        self.check.update(&self.member);
        self.next += 1;
        Ok(Some(&self.member))
    }

    /// Writes all members to `out`.
    pub fn copy_members(&mut self, out: &mut dyn Write) -> Result<(), Error> {
        while let Some(member) = self.next_member()? {
            out.write_all(member)?;
        }
        Ok(())
    }

    /// Writes the tar entries to `out`.
    pub fn copy_tar(&mut self, decoder: &mut Decoder, out: &mut dyn Write) -> Result<(), Error> {
        self.copy_both(decoder, &mut io::sink(), out)
    }

    /// Writes members to one, tar entries to the other.
    pub fn copy_both(
        &mut self,
        decoder: &mut Decoder,
        members: &mut dyn Write,
        tar: &mut dyn Write,
    ) -> Result<(), Error> {
        let mut plain = Vec::new();
        loop {
            let index = self.next;
            let Some(member) = self.next_member()? else { return Ok(()) };
            members.write_all(member)?;
            if decoder.decode(&self.member, self.fragment.member_size(index), &mut plain).is_err() {
                return self.damaged();
            }
            tar.write_all(&plain)?;
        }
    }

    fn damaged<T>(&self) -> Result<T, Error> {
        self.store.damaged(self.fragment)
    }
}
