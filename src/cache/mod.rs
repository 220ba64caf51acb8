//! Binary caches: reading, writing, mirroring.

pub mod decode;
pub mod http;

use crate::nix::Sha256;

/// Where a NAR was found. A hint: a build that finds nothing there asks the caches again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NarSource {
    /// The cache, as the configuration names it.
    pub cache: String,
    /// Relative to the cache, or absolute.
    pub url: String,
    /// `xz`, `zstd`, …
    pub compression: String,
    /// Digest of the compressed file.
    pub file_hash: Option<Sha256>,
    /// Bytes of the compressed file.
    pub file_size: Option<u64>,
}
