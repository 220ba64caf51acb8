//! Images: trees, tar, compressed members, configuration, manifest.
//!
//! Pure but for the readers and writers handed in, and [`walk`], which looks at folders of the machine that builds.

#[cfg(feature = "build")]
pub mod adjust;
#[cfg(feature = "build")]
pub mod base;
#[cfg(feature = "build")]
pub mod check;
#[cfg(feature = "build")]
pub mod codec;
mod digest;
#[cfg(feature = "build")]
pub mod documents;
#[cfg(feature = "build")]
pub mod head;
#[cfg(feature = "build")]
pub mod invert;
#[cfg(feature = "build")]
pub mod layered;
pub mod listing;
pub mod nar;
mod path;
#[cfg(feature = "build")]
pub mod tar;
pub mod tree;
#[cfg(feature = "build")]
pub mod untar;
pub mod walk;

pub use digest::{BlobDigest, DiffId};
pub use path::{ImagePath, ParseImagePathError};
