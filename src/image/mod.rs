//! Images: trees, tar, compressed members, configuration, manifest.
//!
//! Pure but for the readers and writers handed in.

pub mod listing;
pub mod nar;
mod path;
pub mod tree;
pub mod walk;

pub use path::{ImagePath, ParseImagePathError};
