//! What a stream is, told by its first bytes.

use std::io::{self, Read};

/// What [`Peeked::new`] looks at: a tar header.
const BEGINNING: u64 = 512;

/// A stream whose beginning is known.
pub struct Peeked<R> {
    beginning: Vec<u8>,
    given: usize,
    input: R,
}

impl<R: Read> Peeked<R> {
    /// Reads the beginning of `input`, which comes again when the result is read.
    pub fn new(mut input: R) -> io::Result<Self> {
        let mut beginning = Vec::with_capacity(512);
        (&mut input).take(BEGINNING).read_to_end(&mut beginning)?;
        Ok(Self { beginning, given: 0, input })
    }

    /// Whether it begins as gzip does.
    #[must_use]
    pub fn is_gzip(&self) -> bool {
        self.beginning.starts_with(&[0x1f, 0x8b])
    }

    /// Whether it begins as zstd does.
    #[must_use]
    pub fn is_zstd(&self) -> bool {
        self.beginning.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
    }

    /// Whether it can be a layer: compressed, or a tar.
    #[must_use]
    pub fn is_layer(&self) -> bool {
        self.is_gzip() || self.is_zstd() || self.beginning.get(257..262) == Some(b"ustar")
    }

    /// The stream, decompressed where it is compressed.
    pub fn decoded<'a>(self) -> io::Result<Box<dyn Read + Send + 'a>>
    where
        R: Send + 'a,
    {
        Ok(match (self.is_gzip(), self.is_zstd()) {
            (true, _) => Box::new(flate2::read::MultiGzDecoder::new(self)),
            (_, true) => Box::new(zstd::Decoder::new(self)?),
            _ => Box::new(self),
        })
    }
}

impl<R: Read> Read for Peeked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = self.beginning.get(self.given..).unwrap_or_default();
        if rest.is_empty() {
            return self.input.read(buffer);
        }
        let read = rest.len().min(buffer.len());
        buffer[..read].copy_from_slice(&rest[..read]);
        self.given += read;
        Ok(read)
    }
}
