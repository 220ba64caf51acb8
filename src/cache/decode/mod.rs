//! Undoes compression, in bounded memory.
//!
//! The stream's first bytes tell how wide its window is; that much is leased from one [`DecoderBudget`] for all
//! decoders, and the decoder is held to it. Several streams one after the other are one file; anything else behind
//! them is an error.

#[cfg(feature = "build")]
mod brotli;
mod budget;
mod lzma;
mod window;

use std::io::{self, BufReader, Cursor, Read};

pub use budget::{DecoderBudget, Lease};
pub use lzma::lzma_decoder;

use crate::nix::{Compression, UnknownCompression};
#[cfg(feature = "build")]
use brotli::BrotliReader;

/// No decoder gets more.
const LARGEST_WINDOW: u64 = 256 << 20;

/// Later frames of a file may be wider than its first: up to this much is granted in any case.
const SMALLEST_WINDOW: u64 = 8 << 20;

/// What is decoded. Brotli's dictionary and decoder would be a twentieth of what runs inside a machine, and hardly a cache
/// compresses packages with it.
const SUPPORTED: &str = if cfg!(feature = "build") {
    "supported are xz, zstd, bzip2, br, gzip and none"
} else {
    "inside a machine, xz, zstd, bzip2, gzip and none are"
};

/// What a decoder holds beside its window.
const OVERHEAD: u64 = 1 << 20;

/// Documents of the network are small; they don't wait for packages.
static DOCUMENTS: DecoderBudget = DecoderBudget::new(DecoderBudget::DEFAULT);

/// A stream that is not decoded.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// A compression that is known, but not decoded here.
    #[error("compression `{0}` is not supported ({SUPPORTED})")]
    Unsupported(Compression),
    /// A name that no compression has.
    #[error(transparent)]
    Unknown(#[from] UnknownCompression),
    /// Too wide a window.
    #[error("its {name} stream needs a {} MiB window; at most {} MiB are granted", .window >> 20, LARGEST_WINDOW >> 20)]
    Window {
        /// The compression's name.
        name: &'static str,
        /// Bytes.
        window: u64,
    },
    /// The beginning can't be read, or no decoder could be made.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What the name of a file compressed this way ends in, with its dot.
#[must_use]
pub(super) fn extension(compression: Compression) -> &'static str {
    match compression {
        Compression::None => "",
        Compression::Xz => ".xz",
        Compression::Bzip2 => ".bz2",
        Compression::Zstd => ".zst",
        Compression::Brotli => ".br",
        Compression::Gzip => ".gz",
        Compression::Lzip => ".lz",
        Compression::Lz4 => ".lz4",
    }
}

/// A decoder and its share of the budget.
struct Decoded<'a> {
    reader: Box<dyn Read + 'a>,
    _lease: Lease<'a>,
}

impl Read for Decoded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

/// Decodes `input`, which is `size` bytes when decoded. Waits for memory.
///
/// The reader does not end at `size`: who reads checks that.
pub fn decoder<'a>(
    compression: Compression,
    mut input: Box<dyn Read + 'a>,
    size: u64,
    budget: &'a DecoderBudget,
) -> Result<Box<dyn Read + 'a>, DecodeError> {
    match compression {
        // Plain content takes its share, too: what is done with it needs buffers, which a wide window leaves no room for.
        Compression::None => {
            let lease = budget.lease(OVERHEAD);
            return Ok(Box::new(Decoded { reader: input, _lease: lease }));
        }
        Compression::Lzip | Compression::Lz4 => return Err(DecodeError::Unsupported(compression)),
        #[cfg(not(feature = "build"))]
        Compression::Brotli => return Err(DecodeError::Unsupported(compression)),
        _ => {}
    }
    let mut head = Vec::with_capacity(window::HEAD);
    input.by_ref().take(window::HEAD as u64).read_to_end(&mut head)?;
    // No window is used further than the content goes.
    let content = size.div_ceil(OVERHEAD).saturating_mul(OVERHEAD);
    let window = window::declared(compression, &head).unwrap_or(64 << 20).max(SMALLEST_WINDOW);
    if window.min(content) > LARGEST_WINDOW {
        return Err(DecodeError::Window { name: compression.name(), window });
    }
    let lease = budget.lease(window.min(content) + OVERHEAD);
    let input = BufReader::with_capacity(1 << 17, Cursor::new(head).chain(input));
    let reader: Box<dyn Read + 'a> = match compression {
        Compression::None | Compression::Lzip | Compression::Lz4 => Box::new(input),
        #[cfg(not(feature = "build"))]
        Compression::Brotli => Box::new(input),
        Compression::Xz => {
            let limit = window.saturating_add(OVERHEAD);
            let stream = liblzma::stream::Stream::new_stream_decoder(limit, liblzma::stream::CONCATENATED);
            Box::new(liblzma::bufread::XzDecoder::new_stream(input, stream.map_err(io::Error::from)?))
        }
        Compression::Zstd => {
            let mut decoder = zstd::Decoder::with_buffer(input)?;
            decoder.window_log_max(window.next_power_of_two().ilog2().clamp(10, 31))?;
            Box::new(decoder)
        }
        Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(input)),
        #[cfg(feature = "build")]
        Compression::Brotli => Box::new(BrotliReader::new(input)),
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(input)),
    };
    Ok(Box::new(Decoded { reader, _lease: lease }))
}

/// Undoes a `Content-Encoding` of a document of at most `limit` bytes.
pub(crate) fn content<'a>(
    encoding: Option<&str>,
    input: Box<dyn Read + 'a>,
    limit: u64,
) -> Result<Box<dyn Read + 'a>, DecodeError> {
    let compression = match encoding.map(str::trim).unwrap_or_default() {
        "" | "identity" => Compression::None,
        "x-gzip" => Compression::Gzip,
        name => name.parse()?,
    };
    decoder(compression, input, limit, &DOCUMENTS)
}

#[cfg(test)]
mod tests;
