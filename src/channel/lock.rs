//! `dumbc.lock`: the answers that a build depends on, and hints that nothing trusts.

use std::collections::BTreeMap;

use crate::cache::NarSource;
use crate::config::System;
use crate::nix::{Sha256, StorePath};

/// The lock as data. Its text is sorted and byte-reproducible.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lock {
    /// What each channel was when it answered, by its name.
    pub channels: BTreeMap<String, LockedChannel>,
    /// Answers, by system and the request's normalised text.
    pub requests: BTreeMap<(System, String), LockedRequest>,
    /// Every package of every closure.
    pub packages: BTreeMap<StorePath, LockedPackage>,
    /// Ids allocated for users that packages bring, never reused.
    pub ids: BTreeMap<String, u32>,
    /// Layers by system: each a sorted list of package keys (name without version, and output).
    pub layers: BTreeMap<System, Vec<Vec<String>>>,
}

/// A channel's revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedChannel {
    /// Digest of the index that answered.
    pub index_hash: Option<Sha256>,
}

/// The answer to one request on one system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedRequest {
    /// The channel that answered.
    pub channel: Option<String>,
    /// The package's name, without version where that is known: `git`.
    pub name: String,
    /// The version, where known.
    pub version: Option<String>,
    /// Chosen outputs, with their store paths; the first is what `${pkgs.NAME}` stands for.
    pub outputs: Vec<(String, StorePath)>,
}

/// A package of a closure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedPackage {
    /// Digest of the NAR.
    pub nar_hash: Sha256,
    /// Bytes of the NAR.
    pub nar_size: u64,
    /// Store paths it refers to, sorted; may hold the package itself.
    pub references: Vec<StorePath>,
    /// `name:base64`, sorted.
    pub signatures: Vec<String>,
    /// Content address, as the narinfo has it.
    pub content_address: Option<String>,
    /// The derivation that made it: base name, for the Nix database.
    pub deriver: Option<String>,
    /// The channel whose keys and caches answer for it.
    pub channel: Option<String>,
    /// Where the NAR was: a hint.
    pub source: Option<NarSource>,
}
