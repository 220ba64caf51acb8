//! From requests for names of nixpkgs to what the lock keeps.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{Diagnostic, Machine, Names, Outputs, System};
use crate::failure::Class;
use crate::nix::StorePath;
use crate::progress::Progress;

use super::super::answers::{Faults, by_name, explain};
use super::super::asking::Asking;
use super::super::cost::cost;
use super::super::error::Error;
use super::super::index::Package;
use super::super::lock::{Lock, LockedOrigin, LockedRelease, LockedRequest};
use super::super::name::Attribute;
use super::super::wanted::{Ask, Wanted};
use super::meant::{Meant, Open};
use super::{Elsewhere, Entry, NoBuild, Release, WantedRelease};

/// A wait that is worth telling of before it begins.
const LONG: u64 = 5;

/// The days of requests' revisions, as far as they are known.
type Days = BTreeMap<(System, String), Option<String>>;

/// What NixOS channels answered.
#[derive(Default)]
pub(in crate::channel) struct ReleaseAnswers {
    pub(in crate::channel) requests: BTreeMap<(System, String), LockedRequest>,
    /// The releases that were asked, by channel.
    pub(in crate::channel) releases: BTreeMap<String, LockedRelease>,
    /// When other revisions were nixpkgs' newest, for requests that they answered.
    pub(in crate::channel) days: Days,
}

/// A request whose package was found; its store paths may have to be asked for.
struct Found<'a> {
    system: System,
    wanted: &'a Wanted<'a>,
    channel: &'a str,
    meant: Meant,
}

impl Asking<'_> {
    /// Answers what NixOS channels are asked; what can't be answered is added to `faults`.
    pub(in crate::channel) fn ask_releases(
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
                match open.find(self.sources.nixos()?, channel, *system, wanted)? {
                    Ok(Some(meant)) => found.push(Found { system: *system, wanted, channel, meant }),
                    Ok(None) => self.without_bundle(channel, *system, wanted, &mut answers),
                    Err(finding) => {
                        let place = wanted.place.cloned();
                        faults.add(Diagnostic { place, ..*finding }, Class::UnknownName);
                    }
                }
            }
            self.tell_names(&open.release, &found);
            self.tell_time(&open.release, &found)?;
            for found in &found {
                match self.outputs(&open.release, found)? {
                    Ok(answer) => answers.add(found, answer),
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
        let release = match pinned_release(self.machine, self.old, channel).filter(|_| !moves) {
            Some(pinned) => pinned,
            None => nixos.release(wanted, self.progress)?,
        };
        let catalog = nixos.catalog(&release, self.progress)?;
        Ok(Open { release, catalog })
    }

    /// A channel without certificate authorities: locked, so that nobody asks again.
    fn without_bundle(&self, channel: &str, system: System, wanted: &Wanted<'_>, answers: &mut ReleaseAnswers) {
        self.progress.note(&format!("channel `{channel}` has no certificate authorities for {system}"));
        let name = Wanted::bundles().next().unwrap_or_default().to_owned();
        let channel = Some(channel.to_owned());
        let answer = LockedRequest { channel, name, version: None, outputs: Vec::new(), deb: None, origin: None };
        answers.requests.insert((system, wanted.key.clone()), answer);
    }

    /// Requests whose packages the release has under another name, each once.
    fn tell_names(&self, release: &Release, found: &[Found<'_>]) {
        let renamed = found.iter().filter_map(|found| {
            let (Ask::Release { attribute, version: None, .. }, Some(entry)) = (&found.wanted.ask, found.meant.here())
            else {
                return None;
            };
            let asked = attribute.to_string();
            (asked != entry.attribute).then_some((asked, entry.attribute.as_str()))
        });
        for (asked, real) in renamed.collect::<BTreeSet<_>>() {
            self.progress.note(&format!("`{asked}` is `{real}` in {release}"));
        }
    }

    /// Hydra takes two requests a second: who waits is told for how long.
    fn tell_time(&self, release: &Release, found: &[Found<'_>]) -> Result<(), Error> {
        let asked: Vec<_> = found
            .iter()
            .filter_map(|found| Some((found.meant.here()?, found.system)))
            .filter(|(entry, system)| known_outputs(entry, *system).is_none())
            .map(|(entry, system)| (entry.attribute.clone(), system))
            .collect();
        let seconds = self.sources.nixos()?.expected(release, &asked).as_secs();
        let packages = if asked.len() == 1 { "1 package".to_owned() } else { format!("{} packages", asked.len()) };
        let stage = format!("asking Hydra for the store paths of {packages}");
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
        match &found.meant {
            Meant::Here(entry) => self.outputs_here(release, found, entry),
            Meant::Elsewhere { pname, found: package } => self.outputs_elsewhere(found, pname, package),
        }
    }

    fn outputs_here(
        &self,
        release: &Release,
        found: &Found<'_>,
        entry: &Entry,
    ) -> Result<Result<LockedRequest, Diagnostic>, Error> {
        let outputs = match known_outputs(entry, found.system) {
            Some(outputs) => outputs,
            None => match self.sources.nixos()?.outputs(release, &entry.attribute, found.system)? {
                Ok(outputs) => outputs.into_iter().map(|(name, path)| (name, path.to_string())).collect(),
                Err(reason) => return Ok(Err(unbuilt(&reason, entry, release, found.system))),
            },
        };
        let to_install = entry.to_install.iter().filter(|name| outputs.contains_key(*name)).cloned().collect();
        let version = Some(entry.version.clone()).filter(|version| !version.is_empty());
        Ok(found.choose(&Package::of((entry.pname.clone(), version), outputs, to_install)))
    }

    fn outputs_elsewhere(
        &self,
        found: &Found<'_>,
        pname: &str,
        package: &Elsewhere,
    ) -> Result<Result<LockedRequest, Diagnostic>, Error> {
        let nixos = self.sources.nixos()?;
        let Some(outputs) = nixos.outputs_elsewhere(package, found.system, self.progress)? else {
            return Ok(Err(without_paths(package, found)));
        };
        let outputs = outputs.into_iter().map(|(name, path)| (name, path.to_string())).collect();
        let name = (pname.to_owned(), Some(package.version.clone()));
        let chosen = found.choose(&Package::of(name, outputs, package.to_install.clone()));
        let Elsewhere { revision, attribute, .. } = package.clone();
        Ok(chosen.map(|answer| LockedRequest { origin: Some(LockedOrigin { revision, attribute }), ..answer }))
    }
}

impl ReleaseAnswers {
    fn add(&mut self, found: &Found<'_>, answer: LockedRequest) {
        let key = (found.system, key(found));
        if let Meant::Elsewhere { found, .. } = &found.meant {
            self.days.insert(key.clone(), found.date.clone());
        }
        self.requests.insert(key, answer);
    }
}

impl Found<'_> {
    /// The outputs that are wanted of a package.
    fn choose(&self, package: &Package) -> Result<LockedRequest, Diagnostic> {
        let chosen = match &self.wanted.ask {
            Ask::Release { outputs, .. } => package.choose(outputs),
            _ => package.choose(&Outputs::Default),
        };
        let attribute = Attribute::parse(self.meant.attribute());
        chosen
            .map(|chosen| by_name(self.channel, package, chosen))
            .map_err(|error| explain(&error, self.channel, &attribute, None, self.system))
    }
}

/// Tells of requests that another revision answers what they bring with them.
pub(in crate::channel) fn tell_costs(lock: &Lock, answers: &Days, progress: &dyn Progress) {
    for (key, day) in answers {
        let day = day.as_deref().map(|day| format!(" ({day})")).unwrap_or_default();
        let cost = cost(lock, key).told();
        progress.note(&format!("{} comes from another revision of nixpkgs{day}: {cost}", key.1));
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

/// The release that the lock pins for a channel, if it is of the one that the files name.
pub(in crate::channel) fn pinned_release(machine: &Machine, lock: &Lock, channel: &str) -> Option<Release> {
    let pinned = lock.channels.get(channel)?.release.as_ref()?;
    let LockedRelease { wanted, name, revision, evaluation } = pinned.clone();
    let fits = wanted == wanted_release(machine, channel).described();
    fits.then_some(Release { name, revision, evaluation })
}

/// What the files say of a channel.
pub(in crate::channel) fn wanted_release<'a>(machine: &'a Machine, channel: &'a str) -> WantedRelease<'a> {
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
        Ask::Bundle { .. } => found.meant.attribute().to_owned(),
        _ => found.wanted.key.clone(),
    }
}

/// Store paths that the list of packages tells itself.
pub(in crate::channel) fn known_outputs(entry: &Entry, system: System) -> Option<BTreeMap<String, String>> {
    let paths = entry.outputs.iter().map(|(name, systems)| {
        let path = systems.get(system.name())?;
        path.parse::<StorePath>().ok()?;
        Some((name.clone(), path.clone()))
    });
    paths.collect::<Option<BTreeMap<_, _>>>().filter(|outputs| !outputs.is_empty())
}

/// Why Hydra has no store paths.
fn unbuilt(reason: &NoBuild, entry: &Entry, release: &Release, system: System) -> Diagnostic {
    let (attribute, evaluation) = (&entry.attribute, release.evaluation);
    let (message, help) = match reason {
        NoBuild::NoJob => (
            format!("`{attribute}` is in {release}, but was not built for {system} there (evaluation {evaluation})"),
            "it may be another package's alias, or left out of the public cache: `dumbc search` finds others",
        ),
        NoBuild::Unfinished => (
            format!("`{attribute}` of {release} is still being built for {system}"),
            "try again later, or name an older release",
        ),
        NoBuild::Failed => (
            format!("`{attribute}` of {release} failed to build for {system}"),
            "name another release, or another package",
        ),
    };
    Diagnostic::error(message, None).help(help)
}

/// A version that is known by its revision alone.
fn without_paths(package: &Elsewhere, found: &Found<'_>) -> Diagnostic {
    let Elsewhere { version, attribute, revision, .. } = package;
    let (asked, system) = (&found.wanted.key, found.system);
    let message = format!(
        "`{asked}` is `{attribute}` {version} of nixpkgs {revision}, but nobody tells its store path for {system}: no \
         release was made of that revision"
    );
    let flake = format!("github:NixOS/nixpkgs/{revision}#legacyPackages.{system}.{attribute}");
    Diagnostic::error(message, None)
        .help(format!("`nix eval --raw {flake}` prints it: ask for that path, or for another version"))
}
