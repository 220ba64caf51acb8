//! `dumbc.lock`: the answers that a build depends on, and hints that nothing trusts.
//!
//! [`Lock::parse`] and [`Lock::print`] are each other's inverse; the text is sorted and made for small diffs.

mod file;
mod parse;
mod print;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::cache::NarSource;
use crate::config::System;
use crate::deb::{PackageName, Version};
use crate::nix::{Sha256, StorePath};

pub use file::{LockError, PreparedLock};

/// The lock's name in the project's folder.
pub const LOCK_FILE: &str = "dumbc.lock";

/// The lock as data. Its text is sorted and byte-reproducible.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lock {
    /// What each channel was when it answered, by its name.
    pub channels: BTreeMap<String, LockedChannel>,
    /// Answers, by system and the request's normalised text.
    pub requests: BTreeMap<(System, String), LockedRequest>,
    /// Every package of every closure.
    pub packages: BTreeMap<StorePath, LockedPackage>,
    /// Every Debian package of every system, by system and name.
    pub debs: BTreeMap<(System, PackageName), LockedDeb>,
    /// Ids allocated for users that packages bring, never reused.
    pub ids: BTreeMap<String, u32>,
    /// The image that this one stands on.
    pub base: Option<LockedBase>,
    /// The program that boots each system's image; of systems whose image boots.
    pub runtimes: BTreeMap<System, LockedRuntime>,
    /// Layers by system: each a sorted list of package keys (name without version, and output).
    pub layers: BTreeMap<System, Vec<Vec<String>>>,
    /// How often packages changed when layers were chosen anew, learnt from the lock's history. Plans go by it.
    pub volatility: Option<LockedVolatility>,
    /// Digests of the manifests or indices that were pushed last, by repository: `registry.example.org/team/app`. Layers are taken
    /// over from there.
    pub pushed: BTreeMap<String, Sha256>,
}

/// A channel's revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedChannel {
    /// Digest of the index that answered.
    pub index_hash: Option<Sha256>,
    /// The Debian archive that answered.
    pub archive: Option<LockedArchive>,
    /// The release of nixpkgs that answered.
    pub release: Option<LockedRelease>,
}

/// A release of nixpkgs, which never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedRelease {
    /// What the files asked for: a channel or release, and behind a space the revision where they name one.
    pub wanted: String,
    /// `nixos-26.05.1234.0123456789ab`
    pub name: String,
    /// 40 hexadecimal digits.
    pub revision: String,
    /// Hydra's evaluation, in which its packages were built.
    pub evaluation: u64,
}

/// What the files ask of a NixOS channel, as one text: its name, and behind a space a revision.
#[must_use]
pub(super) fn described(name: &str, revision: Option<&str>) -> String {
    revision.map_or_else(|| name.to_owned(), |revision| format!("{name} {revision}"))
}

/// A Debian archive as it was.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LockedArchive {
    /// Who makes it, by the Release file of the first suite: `Debian`.
    pub origin: String,
    /// `bookworm`
    pub codename: String,
    /// `12.12`; absent for testing and unstable.
    pub version: Option<String>,
    /// The package indices that were read, by suite, component and architecture: `bookworm/main/amd64`, with the digest of the
    /// uncompressed index.
    pub indices: BTreeMap<String, Sha256>,
}

/// A Debian package of one system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedDeb {
    /// Its version.
    pub version: Version,
    /// `amd64`, `arm64` or `all`.
    pub architecture: String,
    /// The source package that it is built from, without version.
    pub source: PackageName,
    /// Relative to the mirror: `pool/main/…`.
    pub file: String,
    /// Bytes of that file.
    pub size: u64,
    /// Digest of that file.
    pub sha256: Sha256,
    /// Bytes that it takes, as it says itself.
    pub installed_size: u64,
    /// Names of the packages that answer its dependencies, sorted.
    pub depends: Vec<PackageName>,
    /// The suite that had it: `bookworm-security`.
    pub suite: String,
    /// The channel that answered.
    pub channel: String,
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
    /// Chosen outputs, with their store paths; the first is what `${pkgs.NAME}` stands for. Empty for a path of the
    /// project, for a default package that its channel does not have, and where a Debian package answers.
    pub outputs: Vec<(String, StorePath)>,
    /// The Debian package that answers.
    pub deb: Option<PackageName>,
    /// Where it comes from, if not from the channel's own release.
    pub origin: Option<LockedOrigin>,
}

/// Another revision of nixpkgs, which has a version that the channel's release does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedOrigin {
    /// 40 hexadecimal digits.
    pub revision: String,
    /// What the package is called there: `python311`.
    pub attribute: String,
}

/// A package of a closure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedPackage {
    /// Digest of the NAR.
    pub nar_hash: Sha256,
    /// Bytes of the NAR.
    pub nar_size: u64,
    /// Store paths it refers to; may hold the package itself. Sorted, unless an old cache signed them in another order.
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

/// How often packages changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LockedVolatility {
    /// Revisions of the lock that this was learnt from.
    pub commits: u32,
    /// How likely each package changes, in thousandths of the average, which those have that don't stand here. By the name without
    /// version, and output (`jq-bin`); Debian's by their source, `deb/source/curl`.
    pub weights: BTreeMap<String, u32>,
}

/// The program that boots an image of one system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedRuntime {
    /// Where it lies: what follows from its NAR's digest.
    pub path: StorePath,
    /// Digest of its NAR.
    pub nar_hash: Sha256,
    /// Bytes of its NAR.
    pub nar_size: u64,
}

/// The image that this one stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedBase {
    /// As the files have it.
    pub reference: String,
    /// Digest of the index or manifest that it named; of a docker-archive, which has none, of the configuration.
    pub digest: Sha256,
    /// What is needed of it to build for each system.
    pub images: BTreeMap<System, LockedBaseImage>,
}

/// A base image of one system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedBaseImage {
    /// Digest of its manifest, where it has one.
    pub manifest: Option<Sha256>,
    /// Digest of its configuration.
    pub config: Sha256,
    /// The lowest first.
    pub layers: Vec<LockedBaseLayer>,
}

/// A layer of a base image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedBaseLayer {
    /// Digest of the blob.
    pub digest: Sha256,
    /// Digest of the tar in it.
    pub diff_id: Sha256,
    /// Tells how it is compressed.
    pub media_type: String,
    /// Bytes of the blob.
    pub size: u64,
}

impl Lock {
    /// Forgets how layers were chosen: the next plan owes nothing to them.
    #[cfg(feature = "build")]
    pub fn forget_layers(&mut self) {
        self.layers.clear();
        self.volatility = None;
    }

    /// The store paths that the requests of `system` ask for themselves.
    #[must_use]
    pub fn roots(&self, system: System) -> BTreeSet<StorePath> {
        let of_system = self.requests.iter().filter(|((locked, _), _)| *locked == system);
        of_system.flat_map(|(_, request)| &request.outputs).map(|(_, path)| path.clone()).collect()
    }

    /// `roots` and all that they refer to, directly or not.
    ///
    /// # Errors
    /// The first path that something refers to and the lock does not hold.
    pub fn closure(&self, roots: impl IntoIterator<Item = StorePath>) -> Result<BTreeSet<StorePath>, StorePath> {
        let mut reached = BTreeSet::new();
        let mut waiting: Vec<StorePath> = roots.into_iter().collect();
        while let Some(path) = waiting.pop() {
            if !reached.contains(&path) {
                let package = self.packages.get(&path).ok_or_else(|| path.clone())?;
                waiting.extend(package.references.iter().filter(|path| !reached.contains(*path)).cloned());
                reached.insert(path);
            }
        }
        Ok(reached)
    }

    /// `roots` and all Debian packages that they depend on, directly or not, as far as the lock holds them.
    #[must_use]
    pub fn deb_closure(&self, system: System, roots: impl IntoIterator<Item = PackageName>) -> BTreeSet<PackageName> {
        let mut reached = BTreeSet::new();
        let mut waiting: Vec<PackageName> = roots.into_iter().collect();
        while let Some(name) = waiting.pop() {
            let Some(deb) = self.debs.get(&(system, name.clone())) else { continue };
            if reached.insert(name) {
                waiting.extend(deb.depends.iter().filter(|name| !reached.contains(*name)).cloned());
            }
        }
        reached
    }

    /// Whether the lock holds a Debian package with all that it depends on.
    pub(super) fn has_whole_deb(&self, system: System, name: &PackageName) -> bool {
        let closure = self.deb_closure(system, [name.clone()]);
        let depends =
            closure.iter().filter_map(|name| self.debs.get(&(system, name.clone()))).flat_map(|deb| &deb.depends);
        closure.contains(name) && depends.into_iter().all(|name| closure.contains(name))
    }

    /// The Debian packages that the requests of `system` ask for, and all that they depend on.
    #[must_use]
    pub fn debs(&self, system: System) -> BTreeMap<&PackageName, &LockedDeb> {
        let requests = self.requests.iter().filter(|((of, _), _)| *of == system);
        let closure = self.deb_closure(system, requests.filter_map(|(_, request)| request.deb.clone()));
        let of_system = self.debs.iter().filter(|((of, name), _)| *of == system && closure.contains(name));
        of_system.map(|((_, name), deb)| (name, deb)).collect()
    }

    /// A digest of all that the lock says, to key caches with: equal for equal meaning.
    #[must_use]
    pub fn digest(&self) -> Sha256 {
        Sha256::of(self.print().as_bytes())
    }
}
