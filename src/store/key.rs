//! What names a fragment: everything that decides its bytes but the codec.

use std::fmt;

use crate::image::tar::TAR_VERSION;
use crate::nix::{Hasher, Sha256, StorePath};

/// Names the exact way from a package's file to a fragment.
const DEB_VERSION: &str = "deb-1";

/// Names the exact way from there to a changed fragment.
const ADJUSTED_VERSION: &str = "adjusted-1";

/// Names a fragment.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FragmentKey(Sha256);

impl FragmentKey {
    /// Of a store path whose NAR has this hash.
    #[must_use]
    pub fn store_path(path: &StorePath, nar_hash: &Sha256) -> Self {
        Self::of("nar", &[path.base_name().as_bytes(), nar_hash.as_bytes()])
    }

    /// Of a tree whose tar entries have this hash.
    #[must_use]
    pub fn tree(tar: &Sha256) -> Self {
        Self::of("tree", &[tar.as_bytes()])
    }

    /// Of the Debian package whose file has this digest.
    #[must_use]
    pub fn deb(file: &Sha256) -> Self {
        Self::of(DEB_VERSION, &[file.as_bytes()])
    }

    /// Of another fragment with changes that have this digest.
    #[must_use]
    pub fn adjusted(base: Self, adjustments: &Sha256) -> Self {
        Self::of(ADJUSTED_VERSION, &[base.as_bytes(), adjustments.as_bytes()])
    }

    fn of(kind: &str, parts: &[&[u8]]) -> Self {
        let mut hasher = Hasher::new();
        for part in [b"dumbc fragment", TAR_VERSION.as_bytes(), kind.as_bytes()].iter().chain(parts) {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Self(hasher.finish())
    }

    /// One that was written down: [`FragmentKey::as_bytes`] gave the bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Sha256::from_bytes(bytes))
    }

    /// The digest's bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// 64 hexadecimal characters: the name of its folder.
    #[must_use]
    pub fn hex(&self) -> String {
        self.0.hex()
    }
}

impl fmt::Display for FragmentKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.hex()[..16])
    }
}

impl fmt::Debug for FragmentKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}
