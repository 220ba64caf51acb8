//! Nix's formats, pure: no network, no disk beyond what a caller hands in, no `unsafe`.
//!
//! Where Nix itself is lax, these readers are strict: what comes from a cache is hostile.

pub mod base32;
mod content_address;
mod hash;
mod name;
pub mod nar;
mod narinfo;
mod path_info;
mod references;
mod signature;
mod store_path;
#[cfg(test)]
mod test_data;
mod trust_error;

pub use content_address::{ContentAddress, ContentCheck, ContentMismatch, ParseContentAddressError, source_path};
pub use hash::{Hasher, ParseHashError, Sha256};
pub use name::{key, split_version};
pub use narinfo::{Compression, NarInfo, NarInfoError, UnknownCompression, VerifiedNarInfo};
pub use path_info::{Expected, PathInfo, Trust, Unsigned, VerifiedPathInfo};
pub use references::ReferenceScanner;
pub use signature::{ParseSignatureError, PublicKey, SecretKey, Signature};
pub use store_path::{ParseStorePathError, STORE_DIR, StorePath, valid_name};
pub use trust_error::TrustError;
