//! Images: trees, tar, compressed members, configuration, manifest.
//!
//! Pure but for the readers and writers handed in.

pub mod codec;
mod digest;
mod path;
pub mod tar;
pub mod tree;
pub mod untar;

pub use digest::{BlobDigest, DiffId};
pub use path::{ImagePath, ParseImagePathError};
