//! How NARs are packed.

use std::fmt;
use std::str::FromStr;

/// How a NAR is packed. Displays as narinfos name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Compression {
    /// Not at all.
    None,
    /// xz, the format of cache.nixos.org for most of its life.
    Xz,
    /// bzip2, which is meant where a narinfo says nothing.
    Bzip2,
    /// Zstandard.
    Zstd,
    /// Brotli.
    Brotli,
    /// gzip.
    Gzip,
    /// lzip.
    Lzip,
    /// LZ4 frames.
    Lz4,
}

const ALL: [Compression; 8] = [
    Compression::None,
    Compression::Xz,
    Compression::Bzip2,
    Compression::Zstd,
    Compression::Brotli,
    Compression::Gzip,
    Compression::Lzip,
    Compression::Lz4,
];

impl Compression {
    /// The name in narinfos.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Xz => "xz",
            Self::Bzip2 => "bzip2",
            Self::Zstd => "zstd",
            Self::Brotli => "br",
            Self::Gzip => "gzip",
            Self::Lzip => "lzip",
            Self::Lz4 => "lz4",
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A compression that nobody here knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no known compression (expected none, xz, bzip2, zstd, br, gzip, lzip or lz4)")]
pub struct UnknownCompression(pub String);

impl FromStr for Compression {
    type Err = UnknownCompression;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = ALL.into_iter().find(|compression| compression.name() == text);
        found.ok_or_else(|| UnknownCompression(text.chars().take(40).collect()))
    }
}
