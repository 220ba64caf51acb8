//! Nix's formats, pure: no network, no disk beyond what a caller hands in, no `unsafe`.
//!
//! Where Nix itself is lax, these readers are strict: what comes from a cache is hostile.

pub mod base32;
mod hash;
pub mod nar;
mod store_path;

pub use hash::{Hasher, ParseHashError, Sha256};
pub use store_path::{ParseStorePathError, STORE_DIR, StorePath, valid_name};
