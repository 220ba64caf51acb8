//! The lock's text, read: by people merged, by others perhaps made up, so each value is checked and each error has a line.

use std::collections::{BTreeMap, btree_map::Entry};
use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use serde::Deserialize;
use serde_spanned::Spanned;
use toml::de::{DeTable, DeValue};

use super::print::VERSION;
use super::{
    Lock, LockError, LockedArchive, LockedBase, LockedBaseImage, LockedBaseLayer, LockedChannel, LockedDeb,
    LockedOrigin, LockedPackage, LockedRelease, LockedRequest, LockedRuntime, LockedVolatility,
};
use crate::cache::NarSource;
use crate::config::{Diagnostic, Place, System, reading};
use crate::deb::{PackageName, Version, is_pool_path};
use crate::nix::{ContentAddress, Sha256, StorePath};

/// A thousand times as likely to change as the average.
const HEAVIEST: u32 = 1_000_000;

/// The file's name, as users know it.
pub(super) const FILE_NAME: &str = "dumbc.lock";

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct TomlLock {
    #[expect(dead_code, reason = "read before the rest, since it decides how the rest is read")]
    version: i64,
    #[serde(default)]
    channels: BTreeMap<String, TomlChannel>,
    base: Option<TomlBase>,
    #[serde(default)]
    ids: BTreeMap<String, u32>,
    #[serde(default)]
    layers: BTreeMap<Spanned<String>, Vec<Vec<String>>>,
    #[serde(default)]
    runtime: BTreeMap<Spanned<String>, TomlRuntime>,
    volatility: Option<TomlVolatility>,
    #[serde(default)]
    pushed: BTreeMap<String, TomlPushed>,
    #[serde(default)]
    request: Vec<TomlRequest>,
    #[serde(default)]
    package: Vec<TomlPackage>,
    #[serde(default)]
    deb: Vec<TomlDeb>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct TomlChannel {
    index_hash: Option<Sha256>,
    archive: Option<TomlArchive>,
    release: Option<TomlRelease>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct TomlRelease {
    wanted: String,
    name: String,
    revision: String,
    evaluation: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct TomlBase {
    reference: String,
    digest: Sha256,
    systems: BTreeMap<Spanned<String>, TomlBaseImage>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct TomlBaseImage {
    manifest: Option<Sha256>,
    config: Sha256,
    layers: Vec<TomlBaseLayer>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct TomlBaseLayer {
    digest: Sha256,
    diff_id: Sha256,
    media_type: String,
    size: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct TomlArchive {
    origin: String,
    codename: String,
    version: Option<String>,
    indices: BTreeMap<String, Sha256>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct TomlDeb {
    name: Spanned<Parsed<PackageName>>,
    system: Spanned<String>,
    version: Parsed<Version>,
    architecture: String,
    source: Parsed<PackageName>,
    file: Spanned<String>,
    size: u64,
    sha256: Sha256,
    installed_size: u64,
    depends: Vec<Parsed<PackageName>>,
    suite: String,
    channel: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct TomlRuntime {
    path: Spanned<BaseName>,
    nar_hash: Sha256,
    nar_size: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct TomlVolatility {
    commits: u32,
    #[serde(default)]
    weights: BTreeMap<String, Spanned<u32>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct TomlPushed {
    digest: Sha256,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct TomlRequest {
    request: Spanned<String>,
    system: Spanned<String>,
    channel: Option<String>,
    name: String,
    version: Option<String>,
    #[serde(default)]
    outputs: Vec<TomlOutput>,
    deb: Option<Parsed<PackageName>>,
    revision: Option<Spanned<String>>,
    attribute: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct TomlOutput {
    name: String,
    path: BaseName,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct TomlPackage {
    path: Spanned<BaseName>,
    nar_hash: Sha256,
    nar_size: u64,
    references: Vec<BaseName>,
    signatures: Vec<String>,
    content_address: Option<String>,
    deriver: Option<String>,
    channel: Option<String>,
    source: Option<TomlSource>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct TomlSource {
    cache: String,
    url: String,
    compression: String,
    file_hash: Option<Sha256>,
    file_size: Option<u64>,
}

/// A store path by its base name.
struct BaseName(StorePath);

impl<'de> Deserialize<'de> for BaseName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        StorePath::from_base_name(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

/// A value that its own type checks.
struct Parsed<T>(T);

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Parsed<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

impl Lock {
    /// Reads a lock's text.
    pub fn parse(text: &str) -> Result<Self, LockError> {
        refuse_conflicts(text)?;
        let table = DeTable::parse(text).map_err(|error| malformed(text, error.span(), error.message()))?;
        check_version(text, table.get_ref())?;
        let lock: TomlLock =
            reading::document(&table).map_err(|error| malformed(text, error.span(), error.message()))?;
        lock.check(text)
    }
}

/// A merge that left its markers is recognised by them, not by the syntax error that they are.
fn refuse_conflicts(text: &str) -> Result<(), LockError> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if ["<<<<<<<", ">>>>>>>"].iter().any(|marker| line.starts_with(marker)) {
            let message = "a merge left its conflict here";
            let help = "take either side whole (`git checkout --ours dumbc.lock`), then run `dumbc lock`";
            let finding =
                Diagnostic::error(message, Some(place(text, start..start + line.trim_end().len()))).help(help);
            return Err(LockError::Conflict(Box::new(finding)));
        }
        start += line.len();
    }
    Ok(())
}

fn check_version(text: &str, table: &DeTable<'_>) -> Result<(), LockError> {
    let Some(value) = table.get("version") else {
        return Err(malformed(text, None, "`version` is missing"));
    };
    let version = match value.get_ref() {
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
        _ => None,
    };
    match version {
        Some(VERSION) => Ok(()),
        Some(newer) if newer > VERSION => Err(LockError::Newer(Box::new(
            Diagnostic::error(
                format!("format version {newer} is one that a newer dumbc wrote; this one knows {VERSION}"),
                Some(place(text, value.span())),
            )
            .help("use that dumbc, or delete the lock and run `dumbc lock`"),
        ))),
        _ => Err(malformed(text, Some(value.span()), &format!("`version` is not {VERSION}"))),
    }
}

impl TomlLock {
    fn check(self, text: &str) -> Result<Lock, LockError> {
        let mut lock = Lock {
            channels: self.channels.into_iter().map(|(name, channel)| (name, channel.into())).collect(),
            ids: self.ids,
            pushed: self.pushed.into_iter().map(|(repository, pushed)| (repository, pushed.digest)).collect(),
            ..Lock::default()
        };
        lock.base = self.base.map(|base| base.check(text)).transpose()?;
        lock.volatility = self.volatility.map(|volatility| volatility.check(text)).transpose()?;
        for (name, mut groups) in self.layers {
            groups.iter_mut().for_each(sort);
            lock.layers.insert(system(text, &name)?, groups);
        }
        for (name, runtime) in self.runtime {
            lock.runtimes.insert(system(text, &name)?, runtime.check(text)?);
        }
        for request in self.request {
            let (place, key) = (request.request.span(), request.request.get_ref().clone());
            let key = (system(text, &request.system)?, key);
            insert_once(&mut lock.requests, key, request.check(text)?, || {
                malformed(text, Some(place), "this request is locked twice")
            })?;
        }
        for package in self.package {
            let (place, path) = (package.path.span(), package.path.get_ref().0.clone());
            insert_once(&mut lock.packages, path, package.into(), || {
                malformed(text, Some(place), "this package is locked twice")
            })?;
        }
        for deb in self.deb {
            let place = deb.name.span();
            if !is_pool_path(deb.file.get_ref()) {
                return Err(malformed(text, Some(deb.file.span()), "this is no path below a mirror"));
            }
            let key = (system(text, &deb.system)?, deb.name.get_ref().0.clone());
            insert_once(&mut lock.debs, key, deb.into(), || {
                malformed(text, Some(place), "this package is locked twice")
            })?;
        }
        Ok(lock)
    }
}

impl TomlVolatility {
    fn check(self, text: &str) -> Result<LockedVolatility, LockError> {
        let checked = |(name, weight): (String, Spanned<u32>)| match weight.get_ref() {
            1..=HEAVIEST => Ok((name, *weight.get_ref())),
            _ => Err(malformed(text, Some(weight.span()), &format!("this weight is not from 1 to {HEAVIEST}"))),
        };
        let weights = self.weights.into_iter().map(checked).collect::<Result<_, _>>()?;
        Ok(LockedVolatility { commits: self.commits, weights })
    }
}

impl TomlBase {
    fn check(self, text: &str) -> Result<LockedBase, LockError> {
        let mut images = BTreeMap::new();
        for (name, image) in self.systems {
            images.insert(system(text, &name)?, image.into());
        }
        Ok(LockedBase { reference: self.reference, digest: self.digest, images })
    }
}

impl From<TomlBaseImage> for LockedBaseImage {
    fn from(TomlBaseImage { manifest, config, layers }: TomlBaseImage) -> Self {
        let layer =
            |TomlBaseLayer { digest, diff_id, media_type, size }| LockedBaseLayer { digest, diff_id, media_type, size };
        Self { manifest, config, layers: layers.into_iter().map(layer).collect() }
    }
}

impl TomlRuntime {
    fn check(self, text: &str) -> Result<LockedRuntime, LockError> {
        let (place, path) = (self.path.span(), self.path.into_inner().0);
        // Nobody signs it: what it is called must follow from what it is.
        let follows = ContentAddress::Nar(self.nar_hash).store_path(path.name(), &[]);
        if follows.is_ok_and(|follows| follows == path) {
            return Ok(LockedRuntime { path, nar_hash: self.nar_hash, nar_size: self.nar_size });
        }
        Err(malformed(text, Some(place), "this path does not follow from `nar-hash`"))
    }
}

impl From<TomlChannel> for LockedChannel {
    fn from(channel: TomlChannel) -> Self {
        let archive =
            |TomlArchive { origin, codename, version, indices }| LockedArchive { origin, codename, version, indices };
        let release =
            |TomlRelease { wanted, name, revision, evaluation }| LockedRelease { wanted, name, revision, evaluation };
        let TomlChannel { index_hash, archive: locked, release: pinned } = channel;
        Self { index_hash, archive: locked.map(archive), release: pinned.map(release) }
    }
}

impl From<TomlDeb> for LockedDeb {
    fn from(deb: TomlDeb) -> Self {
        let mut depends = deb.depends.into_iter().map(|name| name.0).collect();
        sort(&mut depends);
        Self {
            version: deb.version.0,
            architecture: deb.architecture,
            source: deb.source.0,
            file: deb.file.into_inner(),
            size: deb.size,
            sha256: deb.sha256,
            installed_size: deb.installed_size,
            depends,
            suite: deb.suite,
            channel: deb.channel,
        }
    }
}

impl TomlRequest {
    fn check(self, text: &str) -> Result<LockedRequest, LockError> {
        let origin = match (self.revision, self.attribute) {
            (Some(revision), Some(attribute)) => Some(origin(text, revision, attribute)?),
            (None, None) => None,
            _ => {
                let place = Some(self.request.span());
                return Err(malformed(text, place, "`revision` and `attribute` go together"));
            }
        };
        Ok(LockedRequest {
            channel: self.channel,
            name: self.name,
            version: self.version,
            outputs: self.outputs.into_iter().map(|output| (output.name, output.path.0)).collect(),
            deb: self.deb.map(|name| name.0),
            origin,
        })
    }
}

fn origin(text: &str, revision: Spanned<String>, attribute: String) -> Result<LockedOrigin, LockError> {
    let digits = revision.get_ref();
    if digits.len() == 40 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(LockedOrigin { revision: revision.into_inner(), attribute });
    }
    Err(malformed(text, Some(revision.span()), "this is no revision: 40 hexadecimal digits"))
}

impl From<TomlPackage> for LockedPackage {
    fn from(package: TomlPackage) -> Self {
        let mut signatures = package.signatures;
        sort(&mut signatures);
        Self {
            nar_hash: package.nar_hash,
            nar_size: package.nar_size,
            // As they stand: a signature may cover them in this order.
            references: package.references.into_iter().map(|reference| reference.0).collect(),
            signatures,
            content_address: package.content_address,
            deriver: package.deriver,
            channel: package.channel,
            source: package.source.map(|source| NarSource {
                cache: source.cache,
                url: source.url,
                compression: source.compression,
                file_hash: source.file_hash,
                file_size: source.file_size,
            }),
        }
    }
}

/// Text that people merged may have lost its order: it is found again rather than refused.
fn sort<T: Ord>(values: &mut Vec<T>) {
    values.sort();
    values.dedup();
}

fn insert_once<K: Ord, V>(
    map: &mut BTreeMap<K, V>,
    key: K,
    value: V,
    twice: impl FnOnce() -> LockError,
) -> Result<(), LockError> {
    match map.entry(key) {
        Entry::Vacant(entry) => {
            entry.insert(value);
            Ok(())
        }
        Entry::Occupied(_) => Err(twice()),
    }
}

fn system(text: &str, name: &Spanned<String>) -> Result<System, LockError> {
    System::from_name(name.get_ref()).ok_or_else(|| malformed(text, Some(name.span()), "this is not a known system"))
}

fn malformed(text: &str, span: Option<Range<usize>>, message: &str) -> LockError {
    let finding =
        Diagnostic::error(message.trim_end(), Some(place(text, span.unwrap_or(0..0)))).help(super::file::REMEDY);
    LockError::Malformed(Box::new(finding))
}

fn place(text: &str, span: Range<usize>) -> Place {
    Place { file: Arc::new(PathBuf::from(FILE_NAME)), source: Arc::from(text), span }
}
