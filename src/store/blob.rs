//! Layers as streams: the compressed blob from any byte on, without writing it anywhere first.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};

use crate::image::tar::TAIL;

use super::layer::Source;
use super::write::encode_whole;
use super::{Context as _, Error, Fragment, Layer, Store};

/// Reads a layer's blob.
pub enum LayerReader<'a> {
    /// Of pieces of ours.
    Pieces(Pieces<'a>),
    /// A base image's, which is a file.
    Foreign(File),
}

/// Head, fragments and tail as they lie in the store. [`Store::check_fragments`] says before whether they are whole; a fragment
/// that ends early is an error, never a shorter blob.
pub struct Pieces<'a> {
    store: &'a Store,
    fragments: Vec<&'a Fragment>,
    head: Vec<u8>,
    tail: Vec<u8>,
    /// The piece that is read: the head, then a fragment each, then the tail.
    piece: usize,
    /// Where in it.
    offset: u64,
    /// Its file, where it is a fragment.
    file: Option<File>,
}

impl Layer {
    /// The compressed layer's bytes from `offset` on; none from its end on. Pieces before `offset` are not opened.
    pub fn open_blob<'a>(&'a self, store: &'a Store, offset: u64) -> Result<LayerReader<'a>, Error> {
        let (head, fragments, codec) = match &self.source {
            Source::Fragments { head, fragments, codec } => (head, fragments, *codec),
            Source::Foreign(blob) => {
                let mut file = store.open_foreign(&blob.digest)?;
                file.seek(SeekFrom::Start(offset))?;
                return Ok(LayerReader::Foreign(file));
            }
            Source::Elsewhere(_) => return Err(Error::Elsewhere(self.blob)),
        };
        let (head, tail) = (encode_whole(codec, head)?, encode_whole(codec, &TAIL)?);
        let fragments = fragments.iter().map(|fragment| &**fragment).collect();
        let mut reader = Pieces { store, fragments, head, tail, piece: 0, offset, file: None };
        while let Some(size) = reader.piece_size().filter(|&size| size <= reader.offset) {
            reader.offset -= size;
            reader.piece += 1;
        }
        Ok(LayerReader::Pieces(reader))
    }
}

impl Pieces<'_> {
    /// Bytes of the piece at hand; `None` after the tail.
    fn piece_size(&self) -> Option<u64> {
        match self.piece {
            0 => Some(self.head.len() as u64),
            piece if piece == self.fragments.len() + 1 => Some(self.tail.len() as u64),
            piece => self.fragments.get(piece - 1).map(|fragment| fragment.blob_size()),
        }
    }

    /// At most `buffer.len()` of the `rest` bytes of the piece at hand.
    fn read_piece(&mut self, buffer: &mut [u8], rest: u64) -> io::Result<usize> {
        let length = usize::try_from(rest).unwrap_or(usize::MAX).min(buffer.len());
        let buffer = buffer.get_mut(..length).unwrap_or_default();
        let fragment = self.piece.checked_sub(1).and_then(|index| self.fragments.get(index));
        let Some(fragment) = fragment else {
            let bytes = if self.piece == 0 { &self.head } else { &self.tail };
            let start = usize::try_from(self.offset).unwrap_or(usize::MAX);
            return bytes.get(start..).unwrap_or_default().read(buffer);
        };
        if self.file.is_none() {
            let path = self.store.blob_path(fragment.key, fragment.codec);
            let mut file = match File::open(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(self.damaged(fragment)),
                opened => opened.context("open", &path).map_err(io::Error::other)?,
            };
            file.seek(SeekFrom::Start(self.offset))?;
            self.file = Some(file);
        }
        match self.file.as_mut().map_or(Ok(0), |file| file.read(buffer))? {
            0 if length > 0 => Err(self.damaged(fragment)),
            count => Ok(count),
        }
    }
}

impl Pieces<'_> {
    /// What is not whole goes, so that the next build makes it anew.
    fn damaged(&self, fragment: &Fragment) -> io::Error {
        let removed = self.store.remove_fragment(fragment.key);
        io::Error::other(removed.err().unwrap_or(Error::Damaged(fragment.key)))
    }
}

impl Read for LayerReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Pieces(pieces) => pieces.read(buffer),
            Self::Foreign(file) => file.read(buffer),
        }
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(size) = self.piece_size() {
            let rest = size.saturating_sub(self.offset);
            if rest == 0 {
                (self.piece, self.offset, self.file) = (self.piece + 1, 0, None);
                continue;
            }
            let count = self.read_piece(buffer, rest)?;
            self.offset += count as u64;
            return Ok(count);
        }
        Ok(0)
    }
}
