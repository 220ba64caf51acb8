//! A compressed stream that takes members as they are.

use std::io;

use crate::image::codec::{Codec, CodecError, Encoder};
use crate::store::Output;

/// Collects plain bytes into members of its own; members that come ready go between them untouched.
pub(super) struct MemberWriter<'a> {
    out: &'a mut dyn Output,
    encoder: Encoder,
    block_size: usize,
    plain: Vec<u8>,
}

impl<'a> MemberWriter<'a> {
    pub(super) fn new(out: &'a mut dyn Output, codec: Codec) -> Result<Self, CodecError> {
        Ok(Self { out, encoder: codec.encoder()?, block_size: codec.block_size(), plain: Vec::new() })
    }

    /// Adds plain bytes.
    pub(super) fn plain(&mut self, bytes: &[u8]) -> Result<(), super::Error> {
        self.plain.extend_from_slice(bytes);
        if self.plain.len() >= self.block_size { self.flush() } else { Ok(()) }
    }

    /// The stream, for members that are compressed already.
    pub(super) fn members(&mut self) -> Result<&mut dyn Output, super::Error> {
        self.flush()?;
        Ok(self.out)
    }

    /// Writes what is left.
    pub(super) fn flush(&mut self) -> Result<(), super::Error> {
        let plain = std::mem::take(&mut self.plain);
        let mut member = Vec::new();
        for block in plain.chunks(self.block_size) {
            member.clear();
            self.encoder.encode(block, &mut member).map_err(crate::store::Error::from)?;
            self.out.write_all(&member)?;
        }
        Ok(())
    }
}

/// Plain bytes, for who writes to any stream.
impl io::Write for MemberWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A block at a time: what is handed over may be a whole layer.
        let piece = bytes.get(..self.block_size).unwrap_or(bytes);
        self.plain(piece).map_err(io::Error::other)?;
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
