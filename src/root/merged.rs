//! Debian packages' files in one tree, as what looks at an image sees them. [`super::debian`] makes such trees.

use std::collections::BTreeMap;

use crate::image::ImagePath;
use crate::image::listing::ListingKind;
use crate::image::tree::Metadata;

/// What stands at a path of the merged tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Which of the packages; for folders that several have, the one that decides the metadata.
    pub package: usize,
    /// The path in that package's unchanged fragment: another one where it is renamed.
    pub origin: ImagePath,
    /// Mode and ownership.
    pub metadata: Metadata,
    /// What it is.
    pub kind: ListingKind,
}

/// All packages' files in one tree.
pub type Merged = BTreeMap<ImagePath, Placed>;
