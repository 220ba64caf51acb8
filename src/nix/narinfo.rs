//! Narinfos: what a binary cache says of a store path.

mod compression;
mod error;
mod parse;

pub use compression::{Compression, UnknownCompression};
pub use error::NarInfoError;

use std::fmt::Write as _;

use super::{Expected, PathInfo, PublicKey, Sha256, StorePath, Trust, TrustError, Unsigned, VerifiedPathInfo};

/// What a cache says of a store path. A claim until [`NarInfo::verify`] has seen it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NarInfo {
    /// What signatures vouch for; `References`, in the order of the file, and every `Sig` and `CA` are here.
    pub info: PathInfo,
    /// Where the NAR lies: relative to the cache, or absolute.
    pub url: String,
    /// How it is packed; bzip2 where the narinfo doesn't say.
    pub compression: Compression,
    /// Hash of the packed NAR.
    pub file_hash: Option<Sha256>,
    /// Bytes of the packed NAR.
    pub file_size: Option<u64>,
    /// The derivation that made the path.
    pub deriver: Option<StorePath>,
    /// The system that it was built for, where the cache says so: a hint.
    pub system: Option<String>,
}

impl NarInfo {
    /// The most bytes that [`NarInfo::parse`] takes: some ten times what the largest real one has.
    pub const MAX_SIZE: usize = 4 * 1024 * 1024;

    /// Parses the text of a narinfo. Unknown fields are ignored.
    pub fn parse(text: &[u8]) -> Result<Self, NarInfoError> {
        parse::parse(text)
    }

    /// The text as Nix writes it.
    #[must_use]
    pub fn print(&self) -> String {
        let mut text = String::new();
        let mut line = |field: &str, value: &dyn std::fmt::Display| {
            writeln!(text, "{field}: {value}").expect("a string takes what is written to it");
        };
        let references: Vec<_> = self.info.references.iter().map(StorePath::base_name).collect();
        line("StorePath", &self.info.path);
        line("URL", &self.url);
        line("Compression", &self.compression);
        self.file_hash.iter().for_each(|hash| line("FileHash", hash));
        self.file_size.iter().for_each(|size| line("FileSize", size));
        line("NarHash", &self.info.nar_hash);
        line("NarSize", &self.info.nar_size);
        line("References", &references.join(" "));
        self.deriver.iter().for_each(|deriver| line("Deriver", &deriver.base_name()));
        self.system.iter().for_each(|system| line("System", system));
        self.info.signatures.iter().for_each(|signature| line("Sig", signature));
        self.info.content_address.iter().for_each(|address| line("CA", address));
        text
    }

    /// Checks that this is about the `expected` path and that one of `keys` signed it, or, where `unsigned` allows
    /// that, that the path follows from its content address.
    pub fn verify<'a>(
        self,
        keys: &[PublicKey],
        expected: impl Into<Expected<'a>>,
        unsigned: Unsigned,
    ) -> Result<VerifiedNarInfo, TrustError> {
        let trust = self.info.trust(keys, expected.into(), unsigned)?;
        Ok(VerifiedNarInfo { nar_info: self, trust })
    }
}

/// A [`NarInfo`] whose [`NarInfo::info`] was found to be true; where the NAR lies is still only a hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedNarInfo {
    nar_info: NarInfo,
    trust: Trust,
}

impl VerifiedNarInfo {
    /// The narinfo.
    #[must_use]
    pub fn nar_info(&self) -> &NarInfo {
        &self.nar_info
    }

    /// What is true of the path.
    #[must_use]
    pub fn info(&self) -> &PathInfo {
        &self.nar_info.info
    }

    /// Why that is believed.
    #[must_use]
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Gives up the proof.
    #[must_use]
    pub fn into_nar_info(self) -> NarInfo {
        self.nar_info
    }

    /// Keeps the proof, and of the narinfo what it is about.
    #[must_use]
    pub fn into_path_info(self) -> VerifiedPathInfo {
        VerifiedPathInfo::proven(self.nar_info.info, self.trust)
    }
}

#[cfg(test)]
mod tests;
