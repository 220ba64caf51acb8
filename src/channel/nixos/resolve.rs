//! From requests for names of nixpkgs to what the lock keeps.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{Diagnostic, Machine, Names, Outputs, System};
use crate::failure::Class;
use crate::nix::StorePath;
use crate::progress::Progress;

use super::super::answers::{Faults, by_name, explain};
use super::super::error::{Error, did_you_mean};
use super::super::index::{LookupError, Package};
use super::super::lock::{Lock, LockedRelease, LockedRequest};
use super::super::name::{Attribute, version_matches};
use super::super::sources::Sources;
use super::super::wanted::{Ask, Wanted};
use super::{Catalog, Entry, NixosError, NoBuild, Release, WantedRelease};

/// A wait that is worth telling of before it begins.
const LONG: u64 = 5;

/// What NixOS channels answered.
#[derive(Default)]
pub(in crate::channel) struct ReleaseAnswers {
    pub(in crate::channel) requests: BTreeMap<(System, String), LockedRequest>,
    /// The releases that were asked, by channel.
    pub(in crate::channel) releases: BTreeMap<String, LockedRelease>,
}

/// Everything that asking needs.
pub(in crate::channel) struct Asking<'a> {
    pub(in crate::channel) machine: &'a Machine,
    pub(in crate::channel) old: &'a Lock,
    /// Keys of requests whose packages may move.
    pub(in crate::channel) updated: &'a BTreeSet<String>,
    pub(in crate::channel) sources: &'a dyn Sources,
    pub(in crate::channel) progress: &'a dyn Progress,
}

/// A channel's release, open.
struct Open {
    release: Release,
    catalog: Catalog,
}

/// A request whose package was found; its store paths may have to be asked for.
struct Found<'a> {
    system: System,
    wanted: &'a Wanted<'a>,
    channel: &'a str,
    entry: Entry,
}

impl Asking<'_> {
    /// Answers what NixOS channels are asked; what can't be answered is added to `faults`.
    pub(in crate::channel) fn ask(
        &self,
        asked: &[(System, Wanted<'_>)],
        faults: &mut Faults,
    ) -> Result<ReleaseAnswers, Error> {
        let channels: BTreeSet<&str> =
            asked.iter().filter_map(|(_, wanted)| channel_of(self.machine, wanted)).collect();
        let mut answers = ReleaseAnswers::default();
        for channel in channels {
            let open = self.open(channel, asked)?;
            let of_channel = asked.iter().filter(|(_, wanted)| channel_of(self.machine, wanted) == Some(channel));
            let mut found = Vec::new();
            for (system, wanted) in of_channel {
                match open.find(channel, *system, wanted)? {
                    Ok(Some(entry)) => found.push(Found { system: *system, wanted, channel, entry }),
                    Ok(None) => self.without_bundle(channel, *system, wanted, &mut answers),
                    Err(finding) => {
                        let place = wanted.place.cloned();
                        faults.add(Diagnostic { place, ..*finding }, Class::UnknownName);
                    }
                }
            }
            self.tell_time(&open.release, &found)?;
            for found in &found {
                match self.outputs(&open.release, found)? {
                    Ok(answer) => drop(answers.requests.insert((found.system, key(found)), answer)),
                    Err(finding) => {
                        let place = found.wanted.place.cloned();
                        faults.add(Diagnostic { place, ..finding }, Class::UnknownName);
                    }
                }
            }
            answers.releases.insert(channel.to_owned(), locked(self.machine, channel, open.release));
        }
        Ok(answers)
    }

    /// The release that is locked, unless its packages are to move.
    fn open(&self, channel: &str, asked: &[(System, Wanted<'_>)]) -> Result<Open, Error> {
        let nixos = self.sources.nixos()?;
        let wanted = wanted_release(self.machine, channel);
        let moves =
            asked.iter().any(|(_, asked)| asked.channel() == Some(channel) && self.updated.contains(&asked.key));
        let pinned = self.old.channels.get(channel).and_then(|locked| locked.release.as_ref());
        let pinned = pinned.filter(|pinned| !moves && pinned.wanted == wanted.described());
        let release = match pinned {
            Some(pinned) => {
                Release { name: pinned.name.clone(), revision: pinned.revision.clone(), evaluation: pinned.evaluation }
            }
            None => nixos.release(wanted, self.progress)?,
        };
        let catalog = nixos.catalog(&release, self.progress)?;
        Ok(Open { release, catalog })
    }

    /// A channel without certificate authorities: locked, so that nobody asks again.
    fn without_bundle(&self, channel: &str, system: System, wanted: &Wanted<'_>, answers: &mut ReleaseAnswers) {
        self.progress.note(&format!("channel `{channel}` has no certificate authorities for {system}"));
        let name = Wanted::bundles().next().unwrap_or_default().to_owned();
        let answer =
            LockedRequest { channel: Some(channel.to_owned()), name, version: None, outputs: Vec::new(), deb: None };
        answers.requests.insert((system, wanted.key.clone()), answer);
    }

    /// Hydra takes two requests a second: who waits is told for how long.
    fn tell_time(&self, release: &Release, found: &[Found<'_>]) -> Result<(), Error> {
        let asked: Vec<_> = found
            .iter()
            .filter(|found| known_outputs(&found.entry, found.system).is_none())
            .map(|found| (found.entry.attribute.clone(), found.system))
            .collect();
        let seconds = self.sources.nixos()?.expected(release, &asked).as_secs();
        let stage = format!("asking Hydra for the store paths of {} packages", asked.len());
        if seconds >= LONG {
            self.progress.note(&format!("{stage} takes about {seconds} seconds: it answers two requests a second"));
        }
        if !asked.is_empty() {
            self.progress.begin(&stage, None);
        }
        Ok(())
    }

    /// The answer to a request, or why there is none.
    fn outputs(&self, release: &Release, found: &Found<'_>) -> Result<Result<LockedRequest, Diagnostic>, Error> {
        let Found { system, wanted, channel, entry } = found;
        let outputs = match known_outputs(entry, *system) {
            Some(outputs) => outputs,
            None => match self.sources.nixos()?.outputs(release, &entry.attribute, *system)? {
                Ok(outputs) => outputs.into_iter().map(|(name, path)| (name, path.to_string())).collect(),
                Err(reason) => return Ok(Err(unbuilt(&reason, entry, release, *system))),
            },
        };
        let to_install = entry.to_install.iter().filter(|name| outputs.contains_key(*name)).cloned().collect();
        let version = Some(entry.version.clone()).filter(|version| !version.is_empty());
        let package = Package::of((entry.pname.clone(), version), outputs, to_install);
        let chosen = match &wanted.ask {
            Ask::Release { outputs, .. } => package.choose(outputs),
            _ => package.choose(&Outputs::Default),
        };
        let attribute = Attribute::parse(&entry.attribute);
        Ok(chosen
            .map(|chosen| by_name(channel, &package, chosen))
            .map_err(|error| explain(&error, channel, &attribute, None, *system)))
    }
}

impl Open {
    /// The package that a request means; `None`: a default one that there is not.
    fn find(
        &self,
        channel: &str,
        system: System,
        wanted: &Wanted<'_>,
    ) -> Result<Result<Option<Entry>, Box<Diagnostic>>, NixosError> {
        let Ask::Release { attribute, version, .. } = &wanted.ask else {
            for name in Wanted::bundles() {
                if let Some(entry) = self.catalog.find(&Attribute::parse(name))? {
                    return Ok(Ok(Some(entry)));
                }
            }
            return Ok(Ok(None));
        };
        let Some(mut entry) = self.catalog.find(attribute)? else {
            let nearest = self.catalog.nearest(&attribute.to_string())?;
            let error = LookupError::Unknown { nearest };
            return Ok(Err(Box::new(explain(&error, channel, attribute, *version, system))));
        };
        if let Some(version) = version.filter(|version| !version_matches(&entry.version, version)) {
            match self.catalog.of_version(attribute, version)? {
                Some(other) => entry = other,
                None => return Ok(Err(Box::new(self.other_versions(channel, attribute, version, &entry, system)?))),
            }
        }
        Ok(hindered(&entry, system).map_or(Ok(Some(entry)), |finding| Err(Box::new(finding))))
    }

    fn other_versions(
        &self,
        channel: &str,
        attribute: &Attribute,
        version: &str,
        entry: &Entry,
        system: System,
    ) -> Result<Diagnostic, NixosError> {
        let family = self.catalog.family(&entry.pname)?;
        let versions = family.into_iter().map(|other| other.version).collect();
        let error = LookupError::OtherVersion { versions, attributes: Vec::new() };
        Ok(explain(&error, channel, attribute, Some(version), system))
    }
}

/// The channel, where it is a NixOS release's.
fn channel_of<'a>(machine: &Machine, wanted: &'a Wanted<'_>) -> Option<&'a str> {
    match &wanted.ask {
        Ask::Release { channel, .. } => Some(channel),
        Ask::Bundle { channel } => {
            let names = machine.channels.get(*channel).map(|channel| &channel.names);
            matches!(names, Some(Names::NixosRelease { .. })).then_some(*channel)
        }
        _ => None,
    }
}

/// What the files say of a channel.
fn wanted_release<'a>(machine: &'a Machine, channel: &'a str) -> WantedRelease<'a> {
    match machine.channels.get(channel).map(|channel| &channel.names) {
        Some(Names::NixosRelease { name, revision }) => WantedRelease { name, revision: revision.as_deref() },
        _ => WantedRelease { name: channel, revision: None },
    }
}

fn locked(machine: &Machine, channel: &str, release: Release) -> LockedRelease {
    let Release { name, revision, evaluation } = release;
    LockedRelease { wanted: wanted_release(machine, channel).described(), name, revision, evaluation }
}

/// A default package is locked under the attribute that was found; every other request under its own text.
fn key(found: &Found<'_>) -> String {
    match found.wanted.ask {
        Ask::Bundle { .. } => found.entry.attribute.clone(),
        _ => found.wanted.key.clone(),
    }
}

/// Store paths that the list of packages tells itself.
fn known_outputs(entry: &Entry, system: System) -> Option<BTreeMap<String, String>> {
    let paths = entry.outputs.iter().map(|(name, systems)| {
        let path = systems.get(system.name())?;
        path.parse::<StorePath>().ok()?;
        Some((name.clone(), path.clone()))
    });
    paths.collect::<Option<BTreeMap<_, _>>>().filter(|outputs| !outputs.is_empty())
}

/// Why the public cache has no such package, where the list says so.
fn hindered(entry: &Entry, system: System) -> Option<Diagnostic> {
    let attribute = &entry.attribute;
    if let Some(hindrance) = entry.hindrance {
        let message = format!("`{attribute}` {hindrance}: no official cache has it");
        let help = "build it with Nix and put it into a cache of your own, whose index names it";
        return Some(Diagnostic::error(message, None).help(help));
    }
    let names: Vec<_> = entry.systems.iter().map(ToString::to_string).collect();
    (!entry.systems.contains(&system)).then(|| {
        let finding = Diagnostic::error(format!("`{attribute}` is not for {system}"), None);
        let there = format!("it is for {}", names.join(" and "));
        if names.is_empty() { finding } else { finding.help(there) }
    })
}

/// Why Hydra has no store paths.
fn unbuilt(reason: &NoBuild, entry: &Entry, release: &Release, system: System) -> Diagnostic {
    let (attribute, evaluation) = (&entry.attribute, release.evaluation);
    let (message, help) = match reason {
        NoBuild::NoJob => (
            format!("`{attribute}` is in {release}, but was not built for {system} there (evaluation {evaluation})"),
            did_you_mean(&[]).or(Some(
                "it may be another package's alias, or left out of the public cache: `dumbc search` finds others"
                    .to_owned(),
            )),
        ),
        NoBuild::Unfinished => (
            format!("`{attribute}` of {release} is still being built for {system}"),
            Some("try again later, or name an older release".to_owned()),
        ),
        NoBuild::Failed => (
            format!("`{attribute}` of {release} failed to build for {system}"),
            Some("name another release, or another package".to_owned()),
        ),
    };
    Diagnostic { help, ..Diagnostic::error(message, None) }
}
