//! What is different between two images, reading as little of them as tells.
//!
//! Layers with the same diff ID are the same, and neither side's is ever opened.

mod config;
mod files;
mod layers;
mod packages;

use std::collections::BTreeSet;

use serde::Serialize;

use super::contents::FileEntry;
use super::{Depth, Error, ImagePackage, Origin, OriginImage};
use crate::channel::{Change, Kind};

/// One side.
#[derive(Clone, Copy)]
pub enum Side<'s> {
    /// An image of an origin.
    Image(&'s Origin<'s>, &'s OriginImage),
    /// What a lock answers for a system: its packages, and nothing else.
    Packages(&'s BTreeSet<ImagePackage>),
}

/// What is different, from the first side to the second.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Difference {
    /// Packages, by name.
    pub packages: Vec<Change>,
    /// Files outside of packages, by path.
    pub files: Vec<FileChange>,
    /// The configuration, by key.
    pub config: Vec<ConfigChange>,
    /// Layers; `None` where a side has none.
    pub layers: Option<LayerChanges>,
    /// Whether there may be more changes of files than are listed.
    pub files_are_cut: bool,
}

/// How a file changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileChange {
    /// Without a slash before it.
    pub path: String,
    /// Added, removed or updated.
    pub kind: Kind,
    /// What stood there.
    pub before: Option<FileEntry>,
    /// What stands there.
    pub after: Option<FileEntry>,
}

/// How a part of the configuration changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigChange {
    /// `user`, `env PATH`, `label a`, `port 80/tcp`.
    pub key: String,
    /// What it was.
    pub before: Option<String>,
    /// What it is.
    pub after: Option<String>,
}

/// How the layers changed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct LayerChanges {
    /// Layers of the second that the first has, too.
    pub shared: usize,
    /// Layers that only the first has.
    pub removed: Vec<LayerLine>,
    /// Layers that only the second has.
    pub added: Vec<LayerLine>,
    /// Bytes of those, as they lie there: what a push would move.
    pub push_size: u64,
    /// Layers that were not read: what they hold is known already.
    pub unread: usize,
}

/// A layer in a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LayerLine {
    /// Digest of the uncompressed tar.
    pub diff_id: String,
    /// Digest as it lies there.
    pub digest: String,
    /// Bytes as it lies there.
    pub size: u64,
    /// What its maker says of it.
    pub comment: String,
}

impl Difference {
    /// Compares two sides; `platform` is what packages are labelled with.
    pub fn between(before: Side<'_>, after: Side<'_>, platform: &str) -> Result<Self, Error> {
        if let (Side::Image(old, old_image), Side::Image(new, new_image)) = (before, after) {
            return layers::images((old, old_image), (new, new_image), platform);
        }
        let packages = |side: Side<'_>| -> Result<_, Error> {
            match side {
                Side::Packages(packages) => Ok(packages.clone()),
                Side::Image(origin, image) => Ok(origin.packages(image, Depth::Whole)?.packages),
            }
        };
        Ok(Self { packages: packages::changes(&packages(before)?, &packages(after)?, platform), ..Self::default() })
    }

    /// Whether nothing is different.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let layers = self.layers.as_ref().is_none_or(|layers| layers.added.is_empty() && layers.removed.is_empty());
        self.packages.is_empty() && self.files.is_empty() && self.config.is_empty() && layers
    }
}
