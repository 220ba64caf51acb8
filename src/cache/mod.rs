//! Binary caches: reading, writing, mirroring.
//!
//! A [`CacheSet`] finds closures and streams NARs, from several caches at once. Nothing that a cache sends is believed:
//! information is verified by signature or content address, content by its hash, while it streams.

#[cfg(feature = "build")]
mod bucket;
mod closure;
pub mod decode;
mod error;
mod fetch;
#[cfg(feature = "build")]
mod gathered;
mod guard;
pub mod http;
mod info;
mod location;
mod memory;
mod set;
mod settings;
mod source;
#[cfg(feature = "build")]
pub mod write;

#[cfg(feature = "build")]
pub use bucket::{Bucket, fetch_object};
pub use decode::DecoderBudget;
pub use error::{Error, Fault, SourceFault, StreamFault};
pub use fetch::Wanted;
pub use http::{Http, HttpSettings};
pub use info::{CacheInfo, ParseCacheInfoError};
pub use location::{Location, ParseLocationError};
pub use set::{CacheSet, Found, Settings};
pub use settings::{SettingError, StoreSettings};

use crate::nix::{PublicKey, Sha256};

/// A cache that is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheSpec {
    /// As configured; names it in messages and in the lock. Holds no credentials.
    pub name: String,
    /// Where it lies.
    pub location: Location,
    /// Whose signatures make its answers count.
    pub keys: Vec<PublicKey>,
    /// Whether a path that only its content vouches for counts, whoever named it.
    pub allow_unsigned: bool,
    /// In the place of the priority that the cache states.
    pub priority: Option<u32>,
}

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
