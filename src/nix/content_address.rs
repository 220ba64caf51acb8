//! Content addresses: store paths that follow from what they hold.
//!
//! Such a path needs no signature, as anybody can compute it again: [`ContentAddress::store_path`] from the claim,
//! [`ContentCheck`] from the content.

use std::fmt;
use std::str::FromStr;

use super::nar::{NarEntry, NarKind};
use super::{Hasher, ParseStorePathError, STORE_DIR, Sha256, StorePath};

/// How a store path follows from its content. Displays as narinfos have it: `fixed:r:sha256:<nix32>`.
///
/// Nix knows more (other hashes, git trees); those are no ground for trust here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ContentAddress {
    /// `fixed:r:sha256:`: the hash of the NAR.
    Nar(Sha256),
    /// `fixed:sha256:`: the hash of the contents of a single regular file.
    Flat(Sha256),
    /// `text:sha256:`: the same, for a file that Nix wrote and that may have references.
    Text(Sha256),
}

/// The text is no content address that is understood here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a content address (expected `fixed:r:sha256:…`, `fixed:sha256:…` or `text:sha256:…`)")]
pub struct ParseContentAddressError(pub String);

impl ContentAddress {
    /// The store path of this content under `name`, with `references` in any order, which don't hold the path itself.
    ///
    /// A flat file has no references; any that are given are ignored.
    pub fn store_path(&self, name: &str, references: &[StorePath]) -> Result<StorePath, ParseStorePathError> {
        match self {
            Self::Nar(hash) => source_path(name, hash, references, false),
            Self::Text(hash) => make_store_path(&with_references("text", references), hash, name),
            Self::Flat(hash) => {
                let inner = Sha256::of(format!("fixed:out:sha256:{}:", hash.hex()).as_bytes());
                make_store_path("output:out", &inner, name)
            }
        }
    }

    /// A check of the content itself, to be fed while its NAR streams by.
    #[must_use]
    pub fn check(self) -> ContentCheck {
        ContentCheck { address: self, contents: Hasher::new(), plain_file: false }
    }
}

/// The store path of a tree by its NAR's hash, as `nix-store --add` makes it.
///
/// With `self_reference` the path refers to itself; `hash` is then that of the NAR modulo the path's own hash part, and
/// `references` are the other ones.
pub fn source_path(
    name: &str,
    hash: &Sha256,
    references: &[StorePath],
    self_reference: bool,
) -> Result<StorePath, ParseStorePathError> {
    let mut kind = with_references("source", references);
    if self_reference {
        kind.push_str(":self");
    }
    make_store_path(&kind, hash, name)
}

/// Folds type, inner hash and name into a store path: what all store paths are made with.
fn make_store_path(kind: &str, inner: &Sha256, name: &str) -> Result<StorePath, ParseStorePathError> {
    let fingerprint = format!("{kind}:sha256:{}:{STORE_DIR}:{name}", inner.hex());
    let mut folded = [0; 20];
    for (index, byte) in Sha256::of(fingerprint.as_bytes()).as_bytes().iter().enumerate() {
        folded[index % 20] ^= byte;
    }
    StorePath::from_parts(folded, name)
}

fn with_references(kind: &str, references: &[StorePath]) -> String {
    let mut sorted: Vec<_> = references.iter().collect();
    sorted.sort_unstable();
    sorted.dedup();
    sorted.iter().fold(kind.to_owned(), |kind, reference| format!("{kind}:{reference}"))
}

impl fmt::Display for ContentAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nar(hash) => write!(formatter, "fixed:r:{hash}"),
            Self::Flat(hash) => write!(formatter, "fixed:{hash}"),
            Self::Text(hash) => write!(formatter, "text:{hash}"),
        }
    }
}

impl FromStr for ContentAddress {
    type Err = ParseContentAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (hash, kind): (_, fn(Sha256) -> Self) = if let Some(hash) = text.strip_prefix("fixed:r:") {
            (hash, Self::Nar)
        } else if let Some(hash) = text.strip_prefix("fixed:") {
            (hash, Self::Flat)
        } else {
            (text.strip_prefix("text:").unwrap_or_default(), Self::Text)
        };
        let hash = if hash.starts_with("sha256:") { hash.parse().ok() } else { None };
        hash.map(kind).ok_or_else(|| ParseContentAddressError(text.chars().take(120).collect()))
    }
}

/// Compares content with its address while its NAR streams by.
///
/// Give it every entry, every chunk of contents, and at the end the hash of the NAR.
#[derive(Clone)]
pub struct ContentCheck {
    address: ContentAddress,
    contents: Hasher,
    plain_file: bool,
}

/// Content that is not what its address says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContentMismatch {
    /// The hash is another.
    #[error("the content address says {expected}, the content has {found}")]
    Hash {
        /// What the address says.
        expected: Sha256,
        /// What came.
        found: Sha256,
    },
    /// Only a regular file without the executable bit has a flat or text address: the hash covers neither the kind nor the bit.
    #[error("the content address is one of a plain file, which the content is not")]
    NotPlainFile,
}

impl ContentCheck {
    /// Sees an entry of the archive.
    pub fn entry(&mut self, entry: &NarEntry) {
        self.plain_file = entry.path.is_empty() && matches!(entry.kind, NarKind::Regular { executable: false, .. });
    }

    /// Sees contents of the file that [`ContentCheck::entry`] saw last.
    pub fn contents(&mut self, bytes: &[u8]) {
        if !matches!(self.address, ContentAddress::Nar(_)) {
            self.contents.update(bytes);
        }
    }

    /// The verdict, given the hash of the whole NAR.
    pub fn finish(self, nar_hash: &Sha256) -> Result<(), ContentMismatch> {
        let (expected, found) = match self.address {
            ContentAddress::Nar(expected) => (expected, *nar_hash),
            ContentAddress::Flat(_) | ContentAddress::Text(_) if !self.plain_file => {
                return Err(ContentMismatch::NotPlainFile);
            }
            ContentAddress::Flat(expected) | ContentAddress::Text(expected) => (expected, self.contents.finish()),
        };
        if expected == found { Ok(()) } else { Err(ContentMismatch::Hash { expected, found }) }
    }
}

#[cfg(test)]
mod tests;
