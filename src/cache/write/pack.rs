//! Packs NARs: hashed, scanned and compressed in one pass.

use std::fs::File;
use std::io::{self, Write};
use std::str::FromStr;

use tempfile::NamedTempFile;

use super::{CacheWriter, WriteError};
use crate::cache::decode;
use crate::nix::{Compression, Hasher, ReferenceScanner, Sha256, StorePath};

/// How NARs are compressed: `zstd`, `xz:9`, …
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packing {
    compression: Compression,
    level: i32,
}

/// The text names no compression that can be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no compression that can be written (zstd, xz, gzip, bzip2 or none, and a level after a colon: `xz:9`)"
)]
pub struct ParsePackingError(pub String);

impl Default for Packing {
    fn default() -> Self {
        Self { compression: Compression::Zstd, level: 9 }
    }
}

impl FromStr for Packing {
    type Err = ParsePackingError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || ParsePackingError(text.chars().take(40).collect());
        let (name, level) = text.split_once(':').map_or((text, None), |(name, level)| (name, Some(level)));
        let compression: Compression = name.parse().map_err(|_| refused())?;
        let (usual, allowed) = match compression {
            Compression::Zstd => (9, 1..=19),
            Compression::Xz => (6, 0..=9),
            Compression::Gzip | Compression::Bzip2 => (9, 1..=9),
            Compression::None => (0, 0..=0),
            Compression::Brotli | Compression::Lzip | Compression::Lz4 => return Err(refused()),
        };
        let level = level.map_or(Ok(usual), |level| level.parse().map_err(|_| refused()))?;
        if allowed.contains(&level) { Ok(Self { compression, level }) } else { Err(refused()) }
    }
}

/// A packed NAR that has no name yet.
pub(super) struct Packed {
    file: NamedTempFile,
    packing: Packing,
    pub(super) nar_hash: Sha256,
    pub(super) nar_size: u64,
    pub(super) file_hash: Sha256,
    pub(super) file_size: u64,
    pub(super) references: Vec<StorePath>,
}

impl Packed {
    pub(super) fn compression(&self) -> Compression {
        self.packing.compression
    }

    /// Puts the file into the cache; answers its address there.
    pub(super) fn publish(self, cache: &CacheWriter) -> Result<String, WriteError> {
        let address = format!("nar/{}.nar{}", self.file_hash.nix32(), decode::extension(self.packing.compression));
        cache.publish(self.file, &address)?;
        Ok(address)
    }
}

/// Takes a NAR's bytes.
pub(super) struct Packer {
    packing: Packing,
    hasher: Hasher,
    scanner: ReferenceScanner,
    encoder: Encoder,
}

/// A compressor into a file that is hashed.
enum Encoder {
    None(HashedFile),
    Zstd(zstd::Encoder<'static, HashedFile>),
    Xz(liblzma::write::XzEncoder<HashedFile>),
    Gzip(flate2::write::GzEncoder<HashedFile>),
    Bzip2(bzip2::write::BzEncoder<HashedFile>),
}

struct HashedFile {
    file: io::BufWriter<NamedTempFile<File>>,
    hasher: Hasher,
}

impl Packer {
    /// Packs into a temporary file of `cache`, looking for references to `candidates`.
    pub(super) fn new(
        cache: &CacheWriter,
        packing: Packing,
        candidates: impl IntoIterator<Item = StorePath>,
    ) -> Result<Self, WriteError> {
        let file = io::BufWriter::with_capacity(1 << 17, cache.temporary()?);
        let encoder = Encoder::new(packing, HashedFile { file, hasher: Hasher::new() })
            .map_err(|source| WriteError::Write { path: cache.scratch().to_owned(), source })?;
        Ok(Self { packing, hasher: Hasher::new(), scanner: ReferenceScanner::new(candidates), encoder })
    }

    pub(super) fn finish(self) -> io::Result<Packed> {
        let HashedFile { file, hasher } = self.encoder.finish()?;
        Ok(Packed {
            file: file.into_inner().map_err(io::IntoInnerError::into_error)?,
            packing: self.packing,
            nar_size: self.hasher.length(),
            nar_hash: self.hasher.finish(),
            file_size: hasher.length(),
            file_hash: hasher.finish(),
            references: self.scanner.finish(),
        })
    }
}

impl Write for Packer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.encoder.output().write_all(bytes)?;
        self.hasher.update(bytes);
        self.scanner.scan(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Encoder {
    fn new(packing: Packing, file: HashedFile) -> io::Result<Self> {
        let level = packing.level.unsigned_abs();
        Ok(match packing.compression {
            Compression::Zstd => {
                let mut encoder = zstd::Encoder::new(file, packing.level)?;
                encoder.include_checksum(true)?;
                Self::Zstd(encoder)
            }
            Compression::Xz => Self::Xz(liblzma::write::XzEncoder::new(file, level)),
            Compression::Gzip => Self::Gzip(flate2::write::GzEncoder::new(file, flate2::Compression::new(level))),
            Compression::Bzip2 => Self::Bzip2(bzip2::write::BzEncoder::new(file, bzip2::Compression::new(level))),
            Compression::None | Compression::Brotli | Compression::Lzip | Compression::Lz4 => Self::None(file),
        })
    }

    fn output(&mut self) -> &mut dyn Write {
        match self {
            Self::None(output) => output,
            Self::Zstd(output) => output,
            Self::Xz(output) => output,
            Self::Gzip(output) => output,
            Self::Bzip2(output) => output,
        }
    }

    fn finish(self) -> io::Result<HashedFile> {
        match self {
            Self::None(file) => Ok(file),
            Self::Zstd(encoder) => encoder.finish(),
            Self::Xz(encoder) => encoder.finish(),
            Self::Gzip(encoder) => encoder.finish(),
            Self::Bzip2(encoder) => encoder.finish(),
        }
    }
}

impl Write for HashedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_levels() {
        assert_eq!("zstd".parse(), Ok(Packing::default()));
        assert_eq!("xz:9".parse(), Ok(Packing { compression: Compression::Xz, level: 9 }));
        assert_eq!("none".parse(), Ok(Packing { compression: Compression::None, level: 0 }));
        for text in ["br", "lzip", "zstd:20", "zstd:-1", "xz:", "none:1", "", "gz"] {
            assert!(text.parse::<Packing>().is_err(), "{text}");
        }
    }
}
