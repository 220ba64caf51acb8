//! Checks an image that somebody wrote: every digest is derived anew, every store path's NAR comes back.
//!
//! Reads archives in one pass and folders blob by blob, with bounded memory. What is wrong is a list, not the first thing found.

mod blobs;
mod documents;
mod find;
mod peeked;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use crate::nix::{Sha256, StorePath};

use super::DiffId;
use super::invert::FoundPath;

pub use blobs::{Blob, LayerFacts};
pub use find::find_file;
pub use peeked::Peeked;

/// An image's files, each looked at once.
#[derive(Debug, Default)]
pub struct Blobs {
    /// By name in the archive or folder.
    pub files: BTreeMap<String, Blob>,
    /// Bytes of documents that are kept.
    document_bytes: usize,
}

/// One image in an archive or layout, as its documents tell it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct CheckedImage {
    /// The document that named it: `index.json` or `manifest.json`.
    pub named_by: String,
    /// OCI's architecture: `amd64`.
    pub architecture: String,
    /// The image ID.
    pub id: String,
    /// The manifest's digest, where there is a manifest.
    pub manifest: Option<String>,
    /// Diff IDs, the lowest first.
    pub layers: Vec<String>,
    /// Names of the layers' files, the lowest first.
    #[serde(skip)]
    pub files: Vec<String>,
}

/// What a check found.
#[derive(Debug, Default)]
pub struct Report {
    /// Images, each once a document that names it.
    pub images: Vec<CheckedImage>,
    /// What is wrong, each in a line.
    pub faults: Vec<String>,
    /// Files looked at.
    pub files: usize,
    /// Layers whose digests were derived.
    pub layers: usize,
}

/// Reads a `.tar`, `.tar.gz` or OCI folder.
pub fn read(path: &Path) -> io::Result<Blobs> {
    if path.is_dir() { blobs::read_directory(path) } else { blobs::read_archive(path) }
}

/// Holds documents and blobs against each other.
#[must_use]
pub fn check(blobs: &Blobs) -> Report {
    documents::check(blobs)
}

/// What must be in an image, by path: NAR hash and size.
pub type Expected = BTreeMap<StorePath, (Sha256, u64)>;

/// Holds the store paths of an image against what their caches signed.
///
/// Yields how many were as expected, and how many more there are that nobody expected: generated ones.
pub fn check_store_paths(
    blobs: &Blobs,
    image: &CheckedImage,
    expected: &Expected,
    faults: &mut Vec<String>,
) -> (usize, usize) {
    let mut found = BTreeMap::<&StorePath, &FoundPath>::new();
    for file in &image.files {
        let Some(layer) = blobs.files.get(file).and_then(|blob| blob.layer.as_ref()) else { continue };
        for path in &layer.store_paths {
            if found.insert(&path.path, path).is_some() {
                faults.push(format!("{} lies in more than one layer", path.path));
            }
        }
    }
    let mut good = 0;
    for (path, (nar_hash, nar_size)) in expected {
        match found.remove(path) {
            None => faults.push(format!("{path} is missing")),
            Some(there) if (&there.nar_hash, &there.nar_size) != (nar_hash, nar_size) => faults.push(format!(
                "{path} is not what its cache signed: NAR hash {} ({} bytes), expected {nar_hash} ({nar_size} bytes)",
                there.nar_hash, there.nar_size
            )),
            Some(_) => good += 1,
        }
    }
    (good, found.len())
}

/// The diff ID of a file, where it is a layer.
fn diff_id(blobs: &Blobs, file: &str) -> Option<DiffId> {
    blobs.files.get(file)?.layer.as_ref().map(|layer| layer.diff_id)
}
