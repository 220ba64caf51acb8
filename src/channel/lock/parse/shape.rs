//! What a lock's TOML has: its keys, and values that their own types check.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde_spanned::Spanned;

use crate::deb::{PackageName, Version};
use crate::nix::{Sha256, StorePath};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct TomlLock {
    #[expect(dead_code, reason = "read before the rest, since it decides how the rest is read")]
    pub(super) version: i64,
    #[serde(default)]
    pub(super) channels: BTreeMap<String, TomlChannel>,
    pub(super) base: Option<TomlBase>,
    #[serde(default)]
    pub(super) ids: BTreeMap<String, u32>,
    #[serde(default)]
    pub(super) layers: BTreeMap<Spanned<String>, Vec<Vec<String>>>,
    #[serde(default)]
    pub(super) runtime: BTreeMap<Spanned<String>, TomlRuntime>,
    pub(super) volatility: Option<TomlVolatility>,
    #[serde(default)]
    pub(super) pushed: BTreeMap<String, TomlPushed>,
    #[serde(default)]
    pub(super) request: Vec<TomlRequest>,
    #[serde(default)]
    pub(super) package: Vec<TomlPackage>,
    #[serde(default)]
    pub(super) deb: Vec<TomlDeb>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct TomlChannel {
    pub(super) index_hash: Option<Sha256>,
    pub(super) archive: Option<TomlArchive>,
    pub(super) release: Option<TomlRelease>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct TomlRelease {
    pub(super) wanted: String,
    pub(super) name: String,
    pub(super) revision: String,
    pub(super) evaluation: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct TomlBase {
    pub(super) reference: String,
    pub(super) digest: Sha256,
    pub(super) systems: BTreeMap<Spanned<String>, TomlBaseImage>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct TomlBaseImage {
    pub(super) manifest: Option<Sha256>,
    pub(super) config: Sha256,
    pub(super) layers: Vec<TomlBaseLayer>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct TomlBaseLayer {
    pub(super) digest: Sha256,
    pub(super) diff_id: Sha256,
    pub(super) media_type: String,
    pub(super) size: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct TomlArchive {
    pub(super) origin: String,
    pub(super) codename: String,
    pub(super) version: Option<String>,
    pub(super) indices: BTreeMap<String, Sha256>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct TomlDeb {
    pub(super) name: Spanned<Parsed<PackageName>>,
    pub(super) system: Spanned<String>,
    pub(super) version: Parsed<Version>,
    pub(super) architecture: String,
    pub(super) source: Parsed<PackageName>,
    pub(super) file: Spanned<String>,
    pub(super) size: u64,
    pub(super) sha256: Sha256,
    pub(super) installed_size: u64,
    pub(super) depends: Vec<Parsed<PackageName>>,
    pub(super) suite: String,
    pub(super) channel: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct TomlRuntime {
    pub(super) path: Spanned<BaseName>,
    pub(super) nar_hash: Sha256,
    pub(super) nar_size: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct TomlVolatility {
    pub(super) commits: u32,
    #[serde(default)]
    pub(super) weights: BTreeMap<String, Spanned<u32>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct TomlPushed {
    pub(super) digest: Sha256,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct TomlRequest {
    pub(super) request: Spanned<String>,
    pub(super) system: Spanned<String>,
    pub(super) channel: Option<String>,
    pub(super) name: String,
    pub(super) version: Option<String>,
    #[serde(default)]
    pub(super) outputs: Vec<TomlOutput>,
    pub(super) deb: Option<Parsed<PackageName>>,
    pub(super) revision: Option<Spanned<String>>,
    pub(super) attribute: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct TomlOutput {
    pub(super) name: String,
    pub(super) path: BaseName,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct TomlPackage {
    pub(super) path: Spanned<BaseName>,
    pub(super) nar_hash: Sha256,
    pub(super) nar_size: u64,
    pub(super) references: Vec<BaseName>,
    pub(super) signatures: Vec<String>,
    pub(super) content_address: Option<String>,
    pub(super) deriver: Option<String>,
    pub(super) channel: Option<String>,
    pub(super) source: Option<TomlSource>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct TomlSource {
    pub(super) cache: String,
    pub(super) url: String,
    pub(super) compression: String,
    pub(super) file_hash: Option<Sha256>,
    pub(super) file_size: Option<u64>,
}

/// A store path by its base name.
pub(super) struct BaseName(pub(super) StorePath);

impl<'de> Deserialize<'de> for BaseName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        StorePath::from_base_name(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

/// A value that its own type checks.
pub(super) struct Parsed<T>(pub(super) T);

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Parsed<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(serde::de::Error::custom)
    }
}
