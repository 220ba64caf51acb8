//! Names of one directory that are the same text, spelt differently: `é` as one character, or as a letter and an accent.
//!
//! Linux keeps them apart, file systems that normalise Unicode can't: what is one archive here would be another there.
//! Only names beyond ASCII that are UTF-8 are looked at, so that all others cost nothing; a name whose normal form is
//! ASCII (the Kelvin sign's is `K`) is therefore not compared with a sibling that is ASCII already.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization as _;

use super::NarFault;
use crate::nix::Sha256;

/// Names beyond ASCII in all directories that are open at once: about four megabytes of digests.
pub(super) const MAX_SPELLINGS: usize = 1 << 17;

/// Stands for all spellings of a text: the first half of the SHA-256 of its NFC form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spelling(u128);

impl Spelling {
    /// Of a name; `None` where it is ASCII, or no text.
    pub(super) fn of(name: &[u8]) -> Option<Self> {
        if name.is_ascii() {
            return None;
        }
        let normal: String = std::str::from_utf8(name).ok()?.nfc().collect();
        let digest = Sha256::of(normal.as_bytes());
        Some(Self(digest.as_bytes()[..16].iter().fold(0, |value, &byte| value << 8 | u128::from(byte))))
    }
}

/// The spellings in one directory.
#[derive(Default)]
pub(super) struct Spellings(BTreeSet<Spelling>);

impl Spellings {
    /// Whether `name`, spelt `spelling`, can stand beside those that are there.
    pub(super) fn check(&self, name: &[u8], spelling: Spelling) -> Result<(), NarFault> {
        if self.0.contains(&spelling) { Err(NarFault::SameText(name.to_vec())) } else { Ok(()) }
    }

    pub(super) fn add(&mut self, spelling: Spelling) {
        self.0.insert(spelling);
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }
}
