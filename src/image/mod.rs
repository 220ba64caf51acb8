//! Images: trees, tar, compressed members, configuration, manifest.
//!
//! Pure but for the readers and writers handed in, and [`walk`], which looks at folders of the machine that builds.

pub mod adjust;
pub mod check;
pub mod codec;
mod digest;
pub mod documents;
pub mod head;
pub mod invert;
pub mod listing;
pub mod nar;
mod path;
pub mod tar;
pub mod tree;
pub mod untar;
pub mod walk;

pub use digest::{BlobDigest, DiffId};
pub use path::{ImagePath, ParseImagePathError};
