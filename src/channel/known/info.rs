//! One package, at length.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{Diagnostic, Names, Outputs, System};
use crate::deb::PackageName;
use crate::failure::Class;
use crate::nix::StorePath;

use super::super::answers::explain;
use super::super::debian::{Candidate, Problem, Wish, solve};
use super::super::error::{Error, did_you_mean};
use super::super::index::{LookupError, Package, nearest};
use super::super::meta::About;
use super::super::name::{Attribute, compare_versions, version_matches};
use super::super::nixos::{Catalog, Entry, Release, hindered, known_outputs, suggestions};
use super::Known;

/// A package, as its channel tells it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Info {
    /// The channel that has it.
    pub channel: String,
    /// The release, or the suite.
    pub release: Option<String>,
    /// Its own attribute, or Debian's name.
    pub attribute: String,
    /// Name without version.
    pub name: String,
    /// Its version, where known.
    pub version: Option<String>,
    /// A line.
    pub description: Option<String>,
    /// An address.
    pub homepage: Option<String>,
    /// SPDX identifiers, or names where there are none.
    pub licence: Option<String>,
    /// Its main command.
    pub program: Option<String>,
    /// Systems that it is for; empty: not known.
    pub systems: Vec<System>,
    /// Its outputs.
    pub outputs: Vec<KnownOutput>,
    /// What a request for it brings.
    pub installed: Option<Installed>,
    /// Why nobody can have it, or what is not known of it.
    pub hindrance: Option<String>,
}

/// An output of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownOutput {
    /// `out`
    pub name: String,
    /// Where it lies, if anybody knows.
    pub path: Option<StorePath>,
    /// Whether a request without `^` means it.
    pub installed: bool,
}

/// What comes with a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Installed {
    /// Packages, it itself among them.
    pub packages: usize,
    /// Bytes.
    pub size: u64,
}

impl Known<'_> {
    /// All about a package. What the network does not tell is missing, and said in [`Info::hindrance`].
    pub fn info(&self, channel: &str, attribute: &str, version: Option<&str>) -> Result<Info, Error> {
        match self.machine.channels.get(channel).map(|found| &found.names) {
            Some(Names::NixosRelease { .. }) => self.info_of_release(channel, &Attribute::parse(attribute), version),
            Some(Names::Index { .. }) => self.info_of_index(channel, &Attribute::parse(attribute), version),
            Some(Names::Debian(_)) => self.info_of_archive(channel, attribute, version),
            Some(Names::Jobs { .. } | Names::None) | None => {
                let message = format!("channel `{channel}` has no names");
                Err(unknown(Diagnostic::error(message, None), Class::Usage))
            }
        }
    }

    fn info_of_release(&self, channel: &str, attribute: &Attribute, version: Option<&str>) -> Result<Info, Error> {
        let (release, catalog) = self.release(channel)?;
        let found = match version {
            Some(version) => catalog.of_version(attribute, version)?,
            None => catalog.meant(attribute)?,
        };
        let Some(entry) = found else { return self.info_elsewhere(channel, &release, &catalog, attribute, version) };
        let mut info = of_entry(channel, &release, &entry);
        if let Some(hindrance) = hindered(&entry, self.system) {
            return Ok(Info { hindrance: Some(hindrance.message), ..info });
        }
        let outputs = match known_outputs(&entry, self.system) {
            Some(outputs) => outputs,
            None => match self.sources.nixos()?.outputs(&release, &entry.attribute, self.system)? {
                Ok(outputs) => outputs.into_iter().map(|(name, path)| (name, path.to_string())).collect(),
                Err(reason) => {
                    let reason = format!("for {} nobody can have it: {reason}", self.system);
                    return Ok(Info { hindrance: Some(reason), ..info });
                }
            },
        };
        let version = info.version.clone();
        self.add_outputs(&mut info, &Package::of((entry.pname, version), outputs, entry.to_install));
        Ok(info)
    }

    /// A version that the release does not have.
    fn info_elsewhere(
        &self,
        channel: &str,
        release: &Release,
        catalog: &Catalog,
        attribute: &Attribute,
        version: Option<&str>,
    ) -> Result<Info, Error> {
        let (nixos, name) = (self.sources.nixos()?, attribute.to_string());
        let pname = catalog.meant(attribute)?.map(|entry| entry.pname);
        let found = match version {
            Some(version) => nixos.elsewhere(release, (&name, pname.as_deref()), version, self.system)?,
            None => None,
        };
        let Some(found) = found else {
            let error = match &pname {
                None => LookupError::Unknown { nearest: suggestions(catalog, attribute, self.system)? },
                Some(pname) => {
                    let versions = catalog.family(pname)?.into_iter().map(|entry| entry.version).collect();
                    LookupError::OtherVersion { versions, attributes: Vec::new() }
                }
            };
            let finding = explain(&error, channel, attribute, version, self.system);
            return Err(unknown(finding, Class::UnknownName));
        };
        let mut info = Info {
            channel: channel.to_owned(),
            release: Some(format!("nixpkgs {}", found.revision)),
            attribute: found.attribute.clone(),
            name: pname.unwrap_or(name),
            version: Some(found.version.clone()),
            ..Info::default()
        };
        match nixos.outputs_elsewhere(&found, self.system, self.progress)? {
            Some(outputs) => {
                let outputs = outputs.into_iter().map(|(name, path)| (name, path.to_string())).collect();
                let package = Package::of((info.name.clone(), info.version.clone()), outputs, found.to_install);
                self.add_outputs(&mut info, &package);
            }
            None => {
                info.hindrance = Some("no release was made of that revision: nobody tells its store path".to_owned());
            }
        }
        Ok(info)
    }

    fn info_of_index(&self, channel: &str, attribute: &Attribute, version: Option<&str>) -> Result<Info, Error> {
        let index = self.sources.index(channel, self.progress)?;
        let package = index
            .find(attribute, version, self.system)
            .map_err(|error| unknown(explain(&error, channel, attribute, version, self.system), Class::UnknownName))?;
        let About { description, homepage, licence, program } = package.about().cloned().unwrap_or_default();
        let mut info = Info {
            channel: channel.to_owned(),
            attribute: attribute.to_string(),
            name: package.name.clone(),
            version: package.version.clone(),
            description,
            homepage,
            licence,
            program,
            ..Info::default()
        };
        self.add_outputs(&mut info, package);
        Ok(info)
    }

    /// The outputs of a package, and what a request for it brings: its closure, of which only information is asked.
    fn add_outputs(&self, info: &mut Info, package: &Package) {
        let chosen = package.choose(&Outputs::Default).unwrap_or_default();
        let is_chosen = |name: &str| chosen.iter().any(|(output, _)| output == name);
        info.outputs = package
            .outputs()
            .map(|(name, path)| KnownOutput {
                name: name.to_owned(),
                path: path.and_then(|path| path.parse().ok()),
                installed: is_chosen(name),
            })
            .collect();
        let roots: BTreeSet<StorePath> = chosen.into_iter().map(|(_, path)| path).collect();
        if roots.is_empty() {
            return;
        }
        match self.sources.closure(&roots, &BTreeSet::new(), self.progress) {
            Ok(closure) => {
                let size = closure.iter().fold(0_u64, |sum, (_, package)| sum.saturating_add(package.nar_size));
                info.installed = Some(Installed { packages: closure.len(), size });
            }
            Err(fault) => info.hindrance = Some(format!("its closure is not to be had: {}", whole(&fault))),
        }
    }

    fn info_of_archive(&self, channel: &str, name: &str, version: Option<&str>) -> Result<Info, Error> {
        let candidates = self.candidates(channel)?;
        let fits = |candidate: &&Candidate| {
            candidate.name.as_str() == name
                && version.is_none_or(|version| version_matches(&candidate.version.to_string(), version))
        };
        let Some(candidate) = candidates.iter().filter(fits).max_by(|one, two| one.version.cmp(&two.version)) else {
            let near = nearest(name, candidates.iter().map(|candidate| candidate.name.to_string()));
            let version = version.map(|version| format!(" in version {version}")).unwrap_or_default();
            let finding = Diagnostic::error(format!("no package `{name}`{version} in {channel}"), None);
            let near: Vec<String> = near.into_iter().filter(|near| near != name).collect();
            return Err(unknown(Diagnostic { help: did_you_mean(&near), ..finding }, Class::UnknownName));
        };
        Ok(Info {
            channel: channel.to_owned(),
            release: Some(candidate.suite.clone()),
            attribute: candidate.name.to_string(),
            name: candidate.source.to_string(),
            version: Some(candidate.version.to_string()),
            description: candidate.description.clone(),
            homepage: candidate.homepage.clone(),
            systems: vec![self.system],
            installed: self.installed_of_archive(channel, candidate, &candidates),
            ..Info::default()
        })
    }

    /// The package with what answers its dependencies; `None` where nothing does.
    fn installed_of_archive(&self, channel: &str, candidate: &Candidate, all: &[Candidate]) -> Option<Installed> {
        let (name, version): (PackageName, _) = (candidate.name.clone(), candidate.version.to_string());
        let wish = Wish { channel: channel.to_owned(), written: name.to_string(), name, version: Some(version) };
        let problem =
            Problem { system: self.system, wishes: vec![wish], recommending: BTreeSet::new(), locked: BTreeMap::new() };
        let chosen = solve(&problem, all).ok()?;
        let sizes = chosen.iter().filter_map(|chosen| Some(all.get(chosen.candidate)?.installed_size));
        Some(Installed { packages: chosen.len(), size: sizes.fold(0, u64::saturating_add) })
    }
}

fn of_entry(channel: &str, release: &Release, entry: &Entry) -> Info {
    let Entry { attribute, pname, version, description, homepage, licence, program, systems, .. } = entry.clone();
    let outputs = entry.outputs.keys().map(|name| KnownOutput {
        name: name.clone(),
        path: None,
        installed: entry.to_install.contains(name),
    });
    Info {
        channel: channel.to_owned(),
        release: Some(release.name.clone()),
        attribute,
        name: pname,
        version: Some(version).filter(|version| !version.is_empty()),
        description,
        homepage,
        licence,
        program,
        systems,
        outputs: outputs.collect(),
        installed: None,
        hindrance: None,
    }
}

fn unknown(finding: Diagnostic, class: Class) -> Error {
    Error::Names { diagnostics: vec![finding], class }
}

/// An error with what caused it, in a line.
fn whole(error: &dyn std::error::Error) -> String {
    let (mut text, mut next) = (error.to_string(), error.source());
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}

/// The newest version first.
pub(super) fn newest_first(one: &str, other: &str) -> std::cmp::Ordering {
    compare_versions(other, one)
}
