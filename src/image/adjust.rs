//! What is done to a package's files on their way into an image, beyond what the package says.

use std::collections::{BTreeMap, BTreeSet};

use super::ImagePath;
use super::tree::Metadata;

/// Changes to one package's files, by their paths in the unchanged fragment. Part of the changed fragment's key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Adjustments {
    /// Files and links that another package replaces.
    pub omit: BTreeSet<ImagePath>,
    /// Files and links that stand elsewhere: diverted, or below a folder that another package has as a link.
    pub rename: BTreeMap<ImagePath, ImagePath>,
    /// Other owners and modes than the package's own: dpkg-statoverride.
    pub metadata: BTreeMap<ImagePath, Metadata>,
    /// File capabilities: the value of `security.capability`.
    pub capabilities: BTreeMap<ImagePath, Vec<u8>>,
    /// Small files with other content.
    pub content: BTreeMap<ImagePath, Vec<u8>>,
}

impl Adjustments {
    /// Whether nothing is changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
