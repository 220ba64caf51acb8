//! All versions of a package that anybody knows.

use std::collections::BTreeSet;

use crate::config::{Diagnostic, Names};
use crate::failure::Class;
use crate::nix::StorePath;

use super::super::answers::explain;
use super::super::error::{Error, did_you_mean};
use super::super::index::{LookupError, nearest};
use super::super::name::Attribute;
use super::super::nixos::suggestions;
use super::Known;
use super::info::newest_first;

/// A version of a package.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Version {
    /// `3.12.9`
    pub version: String,
    /// What it is called where it is from; `None`: the API does not tell.
    pub attribute: Option<String>,
    /// The release, the suite or the revision that has it.
    pub origin: Option<String>,
    /// The last day on which it was nixpkgs', for versions of other revisions.
    pub date: Option<String>,
    /// Whether the channel itself has it.
    pub here: bool,
    /// Whether its store paths are known, or would be asked of the channel's own builder.
    pub has_paths: bool,
}

impl Known<'_> {
    /// The versions of `attribute` that `channel` has, and those that were in nixpkgs at other times; the newest first.
    ///
    /// Where the search API can't be asked, that is warned about.
    pub fn versions(&self, channel: &str, attribute: &str) -> Result<Vec<Version>, Error> {
        let mut versions = match self.machine.channels.get(channel).map(|found| &found.names) {
            Some(Names::NixosRelease { .. }) => self.versions_of_release(channel, &Attribute::parse(attribute))?,
            Some(Names::Index { .. }) => self.versions_of_index(channel, &Attribute::parse(attribute))?,
            Some(Names::Debian(_)) => self.versions_of_archive(channel, attribute)?,
            Some(Names::Jobs { .. } | Names::None) | None => Vec::new(),
        };
        // Stable: of one version, the channel's own comes first.
        versions.sort_by(|one, other| newest_first(&one.version, &other.version));
        Ok(versions)
    }

    fn versions_of_release(&self, channel: &str, attribute: &Attribute) -> Result<Vec<Version>, Error> {
        let (release, catalog) = self.release(channel)?;
        let (name, entry) = (attribute.to_string(), catalog.meant(attribute)?);
        let depth = name.split('.').count();
        let family = match &entry {
            Some(entry) => catalog.family(&entry.pname)?,
            None => Vec::new(),
        };
        let beside = family.into_iter().filter(|other| other.attribute.split('.').count() == depth);
        let mut versions: Vec<Version> = beside
            .map(|other| Version {
                version: other.version,
                attribute: Some(other.attribute),
                origin: Some(release.name.clone()),
                here: true,
                has_paths: other.hindrance.is_none(),
                ..Version::default()
            })
            .collect();
        let here: BTreeSet<String> = versions.iter().map(|version| version.version.clone()).collect();
        let pname = entry.as_ref().map(|entry| entry.pname.as_str());
        match self.sources.nixos()?.versions(&release, (&name, pname)) {
            Ok(known) => {
                let others = known.into_iter().filter(|known| !here.contains(&known.version));
                versions.extend(others.map(|known| self.of_other_revision(known)));
            }
            Err(fault) if versions.is_empty() => return Err(fault.into()),
            Err(fault) => self.progress.warn(&fault.to_string()),
        }
        if versions.is_empty() {
            let error = LookupError::Unknown { nearest: suggestions(&catalog, attribute, self.system)? };
            return Err(unknown(explain(&error, channel, attribute, None, self.system)));
        }
        Ok(versions)
    }

    fn of_other_revision(&self, known: super::super::nixos::KnownVersion) -> Version {
        let found = known.systems.get(&self.system);
        Version {
            version: known.version,
            attribute: found.map(|found| found.attribute.clone()),
            origin: found.map(|found| format!("nixpkgs {}", found.revision)),
            date: known.date,
            here: false,
            has_paths: found.is_some_and(|found| !found.outputs.is_empty()),
        }
    }

    fn versions_of_index(&self, channel: &str, attribute: &Attribute) -> Result<Vec<Version>, Error> {
        let index = self.sources.index(channel, self.progress)?;
        let newest = index
            .find(attribute, None, self.system)
            .map_err(|error| unknown(explain(&error, channel, attribute, None, self.system)))?;
        let of_package = index.packages(self.system).filter(|(_, package)| package.name == newest.name);
        let version = |(attribute, package): (&Attribute, &super::super::index::Package)| {
            let parses = |path: &str| path.parse::<StorePath>().is_ok();
            Version {
                version: package.version.clone().unwrap_or_default(),
                attribute: Some(attribute.to_string()),
                origin: Some(channel.to_owned()),
                here: true,
                has_paths: package.outputs().any(|(_, path)| path.is_some_and(parses)),
                ..Version::default()
            }
        };
        Ok(of_package.map(version).collect())
    }

    fn versions_of_archive(&self, channel: &str, name: &str) -> Result<Vec<Version>, Error> {
        let mut candidates = self.candidates(channel)?;
        let near = || nearest(name, candidates.iter().map(|candidate| candidate.name.to_string()));
        if !candidates.iter().any(|candidate| candidate.name.as_str() == name) {
            let finding = Diagnostic::error(format!("no package `{name}` in {channel}"), None);
            return Err(unknown(Diagnostic { help: did_you_mean(&near()), ..finding }));
        }
        candidates.retain(|candidate| candidate.name.as_str() == name);
        let version = |candidate: super::Candidate| Version {
            version: candidate.version.to_string(),
            attribute: Some(candidate.name.to_string()),
            origin: Some(candidate.suite),
            here: true,
            has_paths: true,
            ..Version::default()
        };
        Ok(candidates.into_iter().map(version).collect())
    }
}

fn unknown(finding: Diagnostic) -> Error {
    Error::Names { diagnostics: vec![finding], class: Class::UnknownName }
}
