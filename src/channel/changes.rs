//! What is different between two locks: a report that is computed from them alone.

#[cfg(feature = "build")]
mod needed;
#[cfg(feature = "build")]
mod rebuilt;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::config::System;
use crate::nix::{StorePath, split_version};

use super::lock::{Lock, LockedBase, LockedChannel, LockedDeb, LockedPackage, LockedRequest, LockedRuntime};
use super::name::package_key;

/// What is different between two locks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Changes {
    /// Requests, in the lock's order.
    pub requests: Vec<Change>,
    /// Packages of the closures, and the runtime, by system and key; several store paths of one key count together.
    pub packages: Vec<Change>,
    /// Channels whose release is another one now. They are no change by themselves.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<ChannelChange>,
    /// The image that ours stands on, where it is another one now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<BaseChange>,
    /// What all packages take.
    pub total: Sizes,
    /// Packages that only the new lock has: what a push and a pull move, beside what shares a layer with them.
    pub new: NewPackages,
}

/// Another release of a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChannelChange {
    /// The channel's name.
    pub name: String,
    /// The release before: `nixos-26.05.1234.0123456789ab`, `Debian 12.11`.
    pub from: String,
    /// The release now.
    pub to: String,
    /// Whether its packages are of one release, and move together.
    pub together: bool,
}

impl ChannelChange {
    /// Of all channels that both locks have.
    fn between(old: &Lock, new: &Lock) -> Vec<Self> {
        let change = |(name, before): (&String, &LockedChannel)| {
            let after = new.channels.get(name)?;
            let (from, to) = (release(before)?, release(after)?);
            let together = after.release.is_some();
            (from != to).then(|| Self { name: name.clone(), from, to, together })
        };
        old.channels.iter().filter_map(change).collect()
    }
}

/// The release that a channel was at, where it has such a thing.
fn release(channel: &LockedChannel) -> Option<String> {
    let of_archive = || {
        let archive = channel.archive.as_ref()?;
        Some(format!("{} {}", archive.origin, archive.version.as_ref().unwrap_or(&archive.codename)))
    };
    channel.release.as_ref().map(|release| release.name.clone()).or_else(of_archive)
}

/// How the base image changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BaseChange {
    /// As the files have it; as they had it where there is none any more.
    pub reference: String,
    /// Its digest before; `None` where there was none.
    pub from: Option<String>,
    /// Its digest now; `None` where there is none any more.
    pub to: Option<String>,
}

impl BaseChange {
    fn between(old: &Lock, new: &Lock) -> Option<Self> {
        let (old, new) = (old.base.as_ref(), new.base.as_ref());
        let reference = new.or(old).filter(|_| old != new)?.reference.clone();
        let digest = |base: Option<&LockedBase>| base.map(|base| base.digest.oci());
        Some(Self { reference, from: digest(old), to: digest(new) })
    }
}

/// How one thing changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// `x86_64-linux`
    pub system: String,
    /// A request's text, or a package's name without version.
    pub name: String,
    /// How.
    pub kind: Kind,
    /// Versions before.
    pub from: Vec<String>,
    /// Versions now.
    pub to: Vec<String>,
    /// Bytes before and now: of a request, its own outputs without what they refer to.
    pub size: Sizes,
    /// Of what is rebuilt, the packages it uses that moved it; of a Debian package that is added and was not asked for, those
    /// that depend on it. By name; 16 at most.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<String>,
}

/// A way to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// It was not there.
    Added,
    /// It is not there any more.
    Removed,
    /// It has another version.
    Updated,
    /// It has the same version and other store paths.
    Rebuilt,
}

/// Bytes of NARs, before and now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Sizes {
    /// In the old lock.
    pub before: u64,
    /// In the new one.
    pub after: u64,
}

/// Store paths that only the new lock has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct NewPackages {
    /// How many.
    pub count: usize,
    /// Bytes that they take, unpacked.
    pub size: u64,
    /// Bytes of them as caches and mirrors have them; `None` where a cache did not say.
    pub file_size: Option<u64>,
}

impl Changes {
    /// Compares two locks. Hints about where NARs lie don't count.
    #[must_use]
    pub fn between(old: &Lock, new: &Lock) -> Self {
        let added =
            new.packages.iter().filter(|(path, _)| !old.packages.contains_key(path)).map(|(_, package)| package);
        let known: BTreeSet<_> = old.debs.values().map(|deb| deb.sha256).collect();
        let debs: BTreeMap<_, _> = new.debs.values().map(|deb| (deb.sha256, deb)).collect();
        let debs: Vec<&LockedDeb> = debs.into_values().filter(|deb| !known.contains(&deb.sha256)).collect();
        let known: BTreeSet<_> = old.runtimes.values().map(|runtime| &runtime.path).collect();
        let runtimes: Vec<_> = new.runtimes.values().filter(|runtime| !known.contains(&runtime.path)).collect();
        let file_size: Option<u64> = added.clone().map(|package| package.source.as_ref()?.file_size).sum();
        let mut requests = requests(old, new);
        let mut packages: Vec<_> = System::ALL.into_iter().flat_map(|system| packages(old, new, system)).collect();
        explain(old, new, &mut requests, &mut packages);
        Self {
            requests,
            channels: ChannelChange::between(old, new),
            base: BaseChange::between(old, new),
            packages,
            total: Sizes { before: total(old), after: total(new) },
            new: NewPackages {
                count: added.clone().count() + debs.len() + runtimes.len(),
                size: sum(added)
                    .saturating_add(sum_debs(debs.iter().copied()))
                    .saturating_add(sum_runtimes(runtimes.iter().copied())),
                file_size: file_size.map(|size| debs.iter().fold(size, |sum, deb| sum.saturating_add(deb.size))),
            },
        }
    }

    /// In a line, for who does not list them: "2 requests added, 1 removed; 14 new packages".
    #[must_use]
    pub fn summary(&self) -> String {
        let kinds = [
            (Kind::Added, "added"),
            (Kind::Removed, "removed"),
            (Kind::Updated, "updated"),
            (Kind::Rebuilt, "rebuilt"),
        ];
        let counted = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let count = |kind| self.requests.iter().filter(|change| change.kind == kind).count();
        let mut parts: Vec<String> = Vec::new();
        for (kind, how) in kinds.into_iter().filter(|(kind, _)| count(*kind) > 0) {
            let what = if parts.is_empty() { counted(count(kind), "request") } else { count(kind).to_string() };
            parts.push(format!("{what} {how}"));
        }
        let requests = if parts.is_empty() { "no request changed".to_owned() } else { parts.join(", ") };
        let base = if self.base.is_some() { "; another base image" } else { "" };
        format!("{requests}; {}{base}", counted(self.new.count, "new package"))
    }

    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty() && self.packages.is_empty() && self.base.is_none()
    }
}

/// Inside a machine nobody asks.
#[cfg(not(feature = "build"))]
fn explain(_: &Lock, _: &Lock, _: &mut [Change], _: &mut [Change]) {}

/// Tells of what is rebuilt what moved it, and of Debian packages that are added who needs them.
#[cfg(feature = "build")]
fn explain(old: &Lock, new: &Lock, requests: &mut [Change], packages: &mut [Change]) {
    let reasons = rebuilt::Reasons::new(old, new, packages);
    let mut of_key = BTreeMap::<String, Vec<&StorePath>>::new();
    for path in new.packages.keys().filter(|path| !old.packages.contains_key(path)) {
        of_key.entry(package_key(path)).or_default().push(path);
    }
    for change in packages.iter_mut().filter(|change| change.kind == Kind::Rebuilt) {
        change.because = reasons.of(of_key.get(&change.name).into_iter().flatten().copied());
    }
    for change in requests.iter_mut().filter(|change| change.kind == Kind::Rebuilt) {
        let answers =
            System::from_name(&change.system).and_then(|system| new.requests.get(&(system, change.name.clone())));
        change.because = reasons.of(answers.into_iter().flat_map(|answer| &answer.outputs).map(|(_, path)| path));
    }
    needed::explain(new, packages);
}

fn requests(old: &Lock, new: &Lock) -> Vec<Change> {
    let keys: BTreeSet<_> = old.requests.keys().chain(new.requests.keys()).collect();
    let change = |key: &(System, String)| {
        let (before, after) = (Side::of_request(old, key), Side::of_request(new, key));
        before.change_to(&after, key.0, &key.1, old.requests.contains_key(key), new.requests.contains_key(key))
    };
    keys.into_iter().filter_map(change).collect()
}

fn packages(old: &Lock, new: &Lock, system: System) -> Vec<Change> {
    let (before, after) = (Side::by_key(old, system), Side::by_key(new, system));
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let nothing = Side::default();
    let change = |key: &String| {
        let (old, new) = (before.get(key), after.get(key));
        old.unwrap_or(&nothing).change_to(new.unwrap_or(&nothing), system, key, old.is_some(), new.is_some())
    };
    keys.into_iter().filter_map(change).collect()
}

/// One side of a comparison.
#[derive(Default)]
struct Side {
    /// What tells one build from another: store paths, digests of .debs.
    builds: BTreeSet<String>,
    versions: BTreeSet<String>,
    size: u64,
}

impl Side {
    fn of_request(lock: &Lock, key: &(System, String)) -> Self {
        let Some(LockedRequest { version, outputs, deb, .. }) = lock.requests.get(key) else { return Self::default() };
        let paths: BTreeSet<&StorePath> = outputs.iter().map(|(_, path)| path).collect();
        let deb = deb.as_ref().and_then(|name| lock.debs.get(&(key.0, name.clone())));
        let size = sum(paths.iter().filter_map(|path| lock.packages.get(*path)));
        Self {
            builds: paths.iter().map(ToString::to_string).chain(deb.map(|deb| deb.sha256.hex())).collect(),
            versions: version.iter().cloned().collect(),
            size: size.saturating_add(sum_debs(deb.into_iter())),
        }
    }

    /// The packages that the requests of `system` lead to, by package key or Debian's name.
    fn by_key(lock: &Lock, system: System) -> BTreeMap<String, Self> {
        let mut sides = BTreeMap::<String, Self>::new();
        // A lock that lacks a package is still worth comparing.
        let paths = lock.closure(lock.roots(system)).unwrap_or_else(|_| lock.roots(system));
        for path in paths {
            let side = sides.entry(package_key(&path)).or_default();
            side.versions.extend(split_version(path.name()).1.map(str::to_owned));
            side.size += lock.packages.get(&path).map_or(0, |package| package.nar_size);
            side.builds.insert(path.to_string());
        }
        if let Some(runtime) = lock.runtimes.get(&system) {
            let side = sides.entry(package_key(&runtime.path)).or_default();
            side.size += runtime.nar_size;
            side.builds.insert(runtime.path.to_string());
        }
        for (name, deb) in lock.debs(system) {
            let side = sides.entry(name.to_string()).or_default();
            side.versions.insert(deb.version.to_string());
            side.size += deb.installed_size;
            side.builds.insert(deb.sha256.hex());
        }
        sides
    }

    fn change_to(&self, after: &Self, system: System, name: &str, was: bool, is: bool) -> Option<Change> {
        let kind = match (was, is) {
            (false, false) => return None,
            (false, true) => Kind::Added,
            (true, false) => Kind::Removed,
            (true, true) if self.builds == after.builds => return None,
            (true, true) if self.versions == after.versions => Kind::Rebuilt,
            (true, true) => Kind::Updated,
        };
        Some(Change {
            system: system.name().to_owned(),
            name: name.to_owned(),
            kind,
            from: self.versions.iter().cloned().collect(),
            to: after.versions.iter().cloned().collect(),
            size: Sizes { before: self.size, after: after.size },
            because: Vec::new(),
        })
    }
}

/// Bytes of all packages; of one that several systems share, once for each.
fn total(lock: &Lock) -> u64 {
    let packages = sum(lock.packages.values()).saturating_add(sum_debs(lock.debs.values()));
    packages.saturating_add(sum_runtimes(lock.runtimes.values()))
}

fn sum_runtimes<'a>(runtimes: impl Iterator<Item = &'a LockedRuntime>) -> u64 {
    runtimes.fold(0, |sum, runtime| sum.saturating_add(runtime.nar_size))
}

fn sum_debs<'a>(debs: impl Iterator<Item = &'a LockedDeb>) -> u64 {
    debs.fold(0, |sum, deb| sum.saturating_add(deb.installed_size))
}

fn sum<'a>(packages: impl Iterator<Item = &'a LockedPackage>) -> u64 {
    packages.fold(0, |sum, package| sum.saturating_add(package.nar_size))
}
