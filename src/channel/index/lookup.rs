//! Questions to an index.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{Outputs, System};
use crate::nix::StorePath;

#[cfg(feature = "build")]
use super::super::meta::About;
use super::super::name::{Attribute, compare_versions, version_matches};
use super::{Chosen, Entry, Index, LookupError, Package};

impl Index {
    /// The package that `attribute` is on `system`, in the version asked for (or one that begins with it).
    pub fn find(&self, attribute: &Attribute, version: Option<&str>, system: System) -> Result<&Package, LookupError> {
        let Some(entries) = self.entries.get(attribute) else {
            return Err(LookupError::Unknown { nearest: self.nearest(&attribute.to_string()) });
        };
        let packages = of_system(entries, system)?;
        let Some(wanted) = version else { return newest(&packages) };
        let exact: Vec<_> =
            packages.iter().copied().filter(|package| package.version.as_deref() == Some(wanted)).collect();
        if !exact.is_empty() {
            return newest(&exact);
        }
        let longer: Vec<_> = packages.iter().copied().filter(|package| package.has_version(wanted)).collect();
        if longer.is_empty() {
            let attributes = self.of_package(&packages, wanted, system);
            return Err(LookupError::OtherVersion { versions: versions(&packages), attributes });
        }
        newest(&longer)
    }

    /// All packages for `system`, by attribute; several of one attribute are its versions.
    #[cfg(feature = "build")]
    pub(in crate::channel) fn packages(&self, system: System) -> impl Iterator<Item = (&Attribute, &Package)> {
        self.entries.iter().flat_map(move |(attribute, entries)| {
            let packages = of_system(entries, system).unwrap_or_default();
            packages.into_iter().map(move |package| (attribute, package))
        })
    }

    /// Up to three attributes written much like `name`, the nearest first.
    #[must_use]
    pub fn nearest(&self, name: &str) -> Vec<String> {
        nearest(name, self.entries.keys().map(ToString::to_string))
    }

    /// Up to three attributes of the same package that have the version asked for.
    fn of_package(&self, packages: &[&Package], wanted: &str, system: System) -> Vec<String> {
        let names: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
        let matches = |entry: &Entry| {
            entry.system == Some(system)
                && entry.evaluated.as_ref().is_ok_and(|other| names.contains(&*other.name) && other.has_version(wanted))
        };
        let matching = self.entries.iter().filter(|(_, entries)| entries.iter().any(matches));
        matching.map(|(attribute, _)| attribute.to_string()).take(3).collect()
    }
}

/// What there is for `system`: never empty.
fn of_system(entries: &[Entry], system: System) -> Result<Vec<&Package>, LookupError> {
    let applies = |entry: &&Entry| entry.system.is_none_or(|of| of == system);
    let packages: Vec<_> = entries.iter().filter(applies).filter_map(|entry| entry.evaluated.as_ref().ok()).collect();
    if !packages.is_empty() {
        return Ok(packages);
    }
    let failure = entries.iter().filter(applies).find_map(|entry| entry.evaluated.as_ref().err());
    Err(match failure {
        Some(message) => LookupError::NotEvaluated { message: message.clone() },
        None => LookupError::OtherSystem { systems: entries.iter().filter_map(|entry| entry.system).collect() },
    })
}

/// The newest of them.
fn newest<'index>(packages: &[&'index Package]) -> Result<&'index Package, LookupError> {
    let version = |package: &Package| package.version.clone().unwrap_or_default();
    let by_version = |one: &&&Package, two: &&&Package| compare_versions(&version(one), &version(two));
    let Some(newest) = packages.iter().max_by(by_version) else {
        return Err(LookupError::Unknown { nearest: Vec::new() });
    };
    // The same package under two names is one; the same version in two builds is a question that nobody can answer.
    let twice = |other: &&Package| other.version == newest.version && other.outputs != newest.outputs;
    if packages.iter().any(twice) {
        return Err(LookupError::Repeated { version: version(newest) });
    }
    Ok(newest)
}

fn versions(packages: &[&Package]) -> BTreeSet<String> {
    packages.iter().filter_map(|package| package.version.clone()).collect()
}

impl Package {
    /// A package whose store paths are known from elsewhere.
    pub(in crate::channel) fn of(
        (name, version): (String, Option<String>),
        outputs: BTreeMap<String, String>,
        to_install: Vec<String>,
    ) -> Self {
        let outputs = outputs.into_iter().map(|(name, path)| (name, Some(path))).collect();
        Self {
            name,
            version,
            outputs,
            to_install,
            #[cfg(feature = "build")]
            about: None,
        }
    }

    /// What the index tells of it for people.
    #[cfg(feature = "build")]
    pub(in crate::channel) fn about(&self) -> Option<&About> {
        self.about.as_deref()
    }

    /// Bytes that this takes in memory, about.
    #[cfg(feature = "build")]
    pub(super) fn about_weight(&self) -> usize {
        self.about.as_deref().map_or(0, About::weight)
    }

    /// Where nobody searches, nothing of it is kept.
    #[cfg(not(feature = "build"))]
    #[expect(clippy::unused_self, reason = "as where it is kept")]
    pub(super) fn about_weight(&self) -> usize {
        0
    }

    /// Outputs, with the text of their store paths where it is known.
    #[cfg(feature = "build")]
    pub(in crate::channel) fn outputs(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.outputs.iter().map(|(name, path)| (name.as_str(), path.as_deref()))
    }

    fn has_version(&self, wanted: &str) -> bool {
        self.version.as_deref().is_some_and(|version| version_matches(version, wanted))
    }

    /// The outputs that are wanted, in order; those of a default request as the package says.
    pub fn choose(&self, wanted: &Outputs) -> Result<Chosen, LookupError> {
        let present = |name: &str| self.outputs.iter().any(|(output, _)| output == name);
        let all = || self.outputs.iter().map(|(output, _)| output.clone());
        let names: Vec<String> = match wanted {
            Outputs::Named(names) => names.clone(),
            Outputs::All => all().collect(),
            Outputs::Default if !self.to_install.is_empty() => self.to_install.clone(),
            Outputs::Default if present("out") => vec!["out".to_owned()],
            Outputs::Default => all().take(1).collect(),
        };
        if names.is_empty() {
            return Err(LookupError::NoPath { output: "out".to_owned() });
        }
        names.into_iter().map(|name| self.path(&name).map(|path| (name, path))).collect()
    }

    fn path(&self, output: &str) -> Result<StorePath, LookupError> {
        let Some((_, path)) = self.outputs.iter().find(|(name, _)| name == output) else {
            let outputs = self.outputs.iter().map(|(name, _)| name.clone()).collect();
            return Err(LookupError::NoOutput { output: output.to_owned(), outputs });
        };
        let path = path.as_ref().ok_or_else(|| LookupError::NoPath { output: output.to_owned() })?;
        path.parse().map_err(|error| LookupError::BadPath { output: output.to_owned(), error })
    }
}

/// Up to three of `known` written much like `name`, the nearest first.
pub(in crate::channel) fn nearest(name: &str, known: impl Iterator<Item = String>) -> Vec<String> {
    let wanted = name.to_lowercase();
    let allowed = (wanted.chars().count() / 3).clamp(1, 4);
    let mut near: Vec<(usize, String)> =
        known.filter_map(|known| Some((distance(&wanted, &known, allowed)?, known))).collect();
    near.sort();
    near.truncate(3);
    near.into_iter().map(|(_, name)| name).collect()
}

/// How far `known` is from `wanted` (lower case); `None`: too far. A name that goes on where the wanted one ends is near.
fn distance(wanted: &str, known: &str, allowed: usize) -> Option<usize> {
    if known.len() > 2 * wanted.len() + allowed {
        return None;
    }
    let known = known.to_lowercase();
    let edits = strsim::osa_distance(wanted, &known);
    let goes_on = wanted.len() > 2 && (known.starts_with(wanted) || known.ends_with(wanted));
    if edits <= allowed { Some(edits) } else { goes_on.then_some(allowed + 1) }
}
