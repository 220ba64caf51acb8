//! Asking channels: each request that the lock does not answer, all of them before an error is told.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use crate::config::{Channel, Diagnostic, Machine, Names, Request, System};
use crate::failure::Class;
use crate::nix::{Sha256, StorePath, split_version};
use crate::progress::Progress;

use super::error::{Error, did_you_mean};
use super::index::{Index, LookupError, Package};
use super::jobs::Jobs;
use super::lock::LockedRequest;
use super::name::Attribute;
use super::sources::Sources;
use super::wanted::{Ask, Wanted, asked};

/// What channels answered.
pub(super) struct Answers {
    pub(super) requests: BTreeMap<(System, String), LockedRequest>,
    /// Digests of the indexes that were asked, by channel.
    pub(super) indexes: BTreeMap<String, Sha256>,
}

/// Answers `requests` on `system` by the indexes of the machine's channels, without their closures: for who has somebody else to
/// fetch those. Keys are those of the lock, see [`super::request_key`].
///
/// # Errors
/// All requests that nothing answers, in one [`Error::Names`].
pub fn answer(
    machine: &Machine,
    requests: &[Request],
    system: System,
    sources: &dyn Sources,
    progress: &dyn Progress,
) -> Result<BTreeMap<(System, String), LockedRequest>, Error> {
    let asked: Vec<_> = requests.iter().map(|request| (system, asked(request, machine))).collect();
    let mut faults = Faults::default();
    let answers = Answers::ask(&asked, machine, sources, progress, &mut faults)?;
    faults.check()?;
    Ok(answers.requests)
}

/// Requests that could not be answered.
#[derive(Default)]
pub(super) struct Faults {
    diagnostics: Vec<Diagnostic>,
    /// Of the first finding that is more than a matter of usage.
    class: Option<Class>,
}

impl Answers {
    /// Asks all of them.
    pub(super) fn ask(
        asked: &[(System, Wanted<'_>)],
        machine: &Machine,
        sources: &dyn Sources,
        progress: &dyn Progress,
        faults: &mut Faults,
    ) -> Result<Self, Error> {
        let mut asking = Asking { machine, sources, progress, indexes: BTreeMap::new(), faults };
        let mut requests = BTreeMap::new();
        for (system, wanted) in asked.iter().filter(|(_, wanted)| !is_answered_elsewhere(machine, wanted)) {
            if let Some(answer) = asking.answer(*system, wanted)? {
                requests.insert((*system, wanted_key(wanted, &answer)), answer);
            }
        }
        let indexes = asking.indexes.into_iter().map(|(channel, index)| (channel, index.hash())).collect();
        Ok(Self { requests, indexes })
    }
}

/// Debian archives and NixOS channels have ways of their own.
fn is_answered_elsewhere(machine: &Machine, wanted: &Wanted<'_>) -> bool {
    match &wanted.ask {
        Ask::Deb { .. } | Ask::Release { .. } => true,
        Ask::Bundle { channel } => {
            let names = machine.channels.get(*channel).map(|channel| &channel.names);
            matches!(names, Some(Names::NixosRelease { .. }))
        }
        _ => false,
    }
}

/// A default package is locked under the attribute that was found; every other request under its own text.
fn wanted_key(wanted: &Wanted<'_>, answer: &LockedRequest) -> String {
    match wanted.ask {
        Ask::Bundle { .. } => answer.name.clone(),
        _ => wanted.key.clone(),
    }
}

struct Asking<'a> {
    machine: &'a Machine,
    sources: &'a dyn Sources,
    progress: &'a dyn Progress,
    indexes: BTreeMap<String, Index>,
    faults: &'a mut Faults,
}

impl Asking<'_> {
    /// `None`: it could not be answered, and a finding says so.
    fn answer(&mut self, system: System, wanted: &Wanted<'_>) -> Result<Option<LockedRequest>, Error> {
        match &wanted.ask {
            Ask::StorePath(path) => Ok(Some(by_path(path))),
            Ask::Local(path) => Ok(Some(local(path))),
            // Answered elsewhere, all together.
            Ask::Deb { .. } | Ask::Release { .. } => Ok(None),
            Ask::Bundle { channel } => self.bundle(system, channel).map(Some),
            Ask::Name { channel, attribute, version, outputs } => {
                if let Some(jobs) = Jobs::of(self.machine, channel) {
                    let answer = jobs.answer(attribute, (*version, outputs), system, (self.sources, self.progress))?;
                    return Ok(self.or_fault(answer, wanted));
                }
                let Some(index) = self.index(channel, wanted)? else { return Ok(None) };
                let found = index.find(attribute, *version, system);
                let answer = found.and_then(|package| Ok(by_name(channel, package, package.choose(outputs)?)));
                let answer = answer.map_err(|error| explain(&error, channel, attribute, *version, system));
                Ok(self.or_fault(answer, wanted))
            }
        }
    }

    fn or_fault(&mut self, answer: Result<LockedRequest, Diagnostic>, wanted: &Wanted<'_>) -> Option<LockedRequest> {
        let add = |finding| {
            let place = wanted.place.cloned();
            self.faults.add(Diagnostic { place, ..finding }, Class::UnknownName);
        };
        answer.map_err(add).ok()
    }

    /// The index of a channel, read once. `None`: the channel has none, and a finding says so.
    fn index(&mut self, channel: &str, wanted: &Wanted<'_>) -> Result<Option<&Index>, Error> {
        if let Some(finding) = self.machine.channels.get(channel).and_then(|found| without_index(channel, found)) {
            self.faults.add(Diagnostic { place: wanted.place.cloned(), ..finding }, Class::Usage);
            return Ok(None);
        }
        self.read_index(channel).map(Some)
    }

    fn read_index(&mut self, channel: &str) -> Result<&Index, Error> {
        Ok(match self.indexes.entry(channel.to_owned()) {
            Entry::Occupied(read) => read.into_mut(),
            Entry::Vacant(unread) => unread.insert(self.sources.index(channel, self.progress)?),
        })
    }

    /// The first of the default packages that there is; an answer without outputs where there is none, so that a locked
    /// build knows it without asking.
    fn bundle(&mut self, system: System, channel: &str) -> Result<LockedRequest, Error> {
        let index = self.read_index(channel)?;
        let find = |name: &'static str| {
            let package = index.find(&Attribute::parse(name), None, system).ok()?;
            let outputs = package.choose(&crate::config::Outputs::Default).ok()?;
            Some(LockedRequest { name: name.to_owned(), ..by_name(channel, package, outputs) })
        };
        if let Some(answer) = Wanted::bundles().find_map(find) {
            return Ok(answer);
        }
        let names: Vec<_> = Wanted::bundles().map(|name| format!("`{name}`")).collect();
        self.progress.note(&format!(
            "channel `{channel}` has none of {} for {system}: the image holds no certificate authorities",
            names.join(", ")
        ));
        let name = Wanted::bundles().next().unwrap_or_default().to_owned();
        Ok(LockedRequest {
            channel: Some(channel.to_owned()),
            name,
            version: None,
            outputs: Vec::new(),
            deb: None,
            origin: None,
        })
    }
}

impl Faults {
    /// Each finding once: the same request on two systems mostly fails alike.
    pub(super) fn add(&mut self, finding: Diagnostic, class: Class) {
        self.class = self.class.or(Some(class).filter(|class| *class != Class::Usage));
        if !self.diagnostics.contains(&finding) {
            self.diagnostics.push(finding);
        }
    }

    /// An error, if there is any finding: all of them, as they stand in the files.
    pub(super) fn check(self) -> Result<(), Error> {
        let Self { mut diagnostics, class } = self;
        diagnostics.sort_by_key(|finding| finding.place.as_ref().map(|place| (place.file.clone(), place.span.start)));
        if diagnostics.is_empty() {
            return Ok(());
        }
        Err(Error::Names { diagnostics, class: class.unwrap_or(Class::Usage) })
    }
}

pub(super) fn by_name(channel: &str, package: &Package, outputs: Vec<(String, StorePath)>) -> LockedRequest {
    LockedRequest {
        channel: Some(channel.to_owned()),
        name: package.name.clone(),
        version: package.version.clone(),
        outputs,
        deb: None,
        origin: None,
    }
}

fn by_path(path: &StorePath) -> LockedRequest {
    let (name, version) = split_version(path.name());
    LockedRequest {
        channel: None,
        name: name.to_owned(),
        version: version.map(str::to_owned),
        outputs: vec![("out".to_owned(), path.clone())],
        deb: None,
        origin: None,
    }
}

fn local(path: &str) -> LockedRequest {
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or(path);
    LockedRequest { channel: None, name: name.to_owned(), version: None, outputs: Vec::new(), deb: None, origin: None }
}

/// Why a channel can't be asked for names.
fn without_index(name: &str, channel: &Channel) -> Option<Diagnostic> {
    let (message, help) = match &channel.names {
        Names::Index { .. } | Names::Jobs { .. } => return None,
        Names::NixosRelease { name: release, .. } => (
            format!("names from the NixOS channel `{release}` are looked up where the image is built"),
            format!(
                "add the package to the project's files there, give [channels.{name}] an `index`, or name a store path"
            ),
        ),
        Names::Debian(_) => (
            format!(
                "channel `{name}` is a Debian archive, whose names have lower-case letters, digits, `+`, `-` and `.`"
            ),
            "write the package's name as Debian has it".to_owned(),
        ),
        Names::None => (
            format!("channel `{name}` has caches and keys, but no names"),
            format!("give [channels.{name}] an `index`, or name a store path"),
        ),
    };
    Some(Diagnostic::error(message, None).help(help))
}

/// What an index's answer means to the user.
pub(super) fn explain(
    error: &LookupError,
    channel: &str,
    attribute: &Attribute,
    version: Option<&str>,
    system: System,
) -> Diagnostic {
    let list = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
    let (message, help) = match error {
        LookupError::Unknown { nearest } => (format!("no package `{attribute}` in {channel}"), did_you_mean(nearest)),
        LookupError::OtherSystem { systems } => {
            let there: Vec<_> = systems.iter().map(ToString::to_string).collect();
            (
                format!("no package `{attribute}` for {system} in {channel}"),
                Some(format!("it is there for {}", there.join(", "))),
            )
        }
        LookupError::NotEvaluated { message } => {
            (format!("`{attribute}` in {channel} failed to evaluate: {message}"), None)
        }
        LookupError::OtherVersion { versions, attributes } => (
            format!(
                "no version {} of `{attribute}` in {channel}: there is {}",
                version.unwrap_or_default(),
                list(versions)
            ),
            did_you_mean(attributes),
        ),
        LookupError::Repeated { version } => (
            format!("`{attribute}` {version} is in {channel} several times, with different store paths"),
            Some("name the store path".to_owned()),
        ),
        LookupError::NoOutput { output, outputs } => (
            format!("`{attribute}` in {channel} has no output `{output}`"),
            Some(format!("it has {}", outputs.join(", "))),
        ),
        LookupError::NoPath { output } => (
            format!("the index of {channel} has no store path for output `{output}` of `{attribute}`"),
            Some("make the index with `nix-eval-jobs`, which prints store paths, or name the store path".to_owned()),
        ),
        LookupError::BadPath { output, error } => {
            (format!("the index of {channel} is wrong about output `{output}` of `{attribute}`: {error}"), None)
        }
    };
    let finding = Diagnostic::error(message, None);
    Diagnostic { help, ..finding }
}
