//! From requests for Debian packages to what the lock keeps: all of a system's requests are solved together, as its packages
//! share one root.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{Diagnostic, Names, System};
use crate::deb::{PackageName, Version, parse_provided};
use crate::failure::Classified as _;

use super::super::answers::Faults;
use super::super::asking::Asking;
use super::super::error::Error;
use super::super::lock::{LockedArchive, LockedDeb, LockedRequest};
use super::super::wanted::{Ask, Wanted};
use super::{Candidate, Chosen, Offer, Problem, Wish, solve};

/// What Debian's archives answered.
#[derive(Default)]
pub(in crate::channel) struct DebAnswers {
    pub(in crate::channel) requests: BTreeMap<(System, String), LockedRequest>,
    pub(in crate::channel) debs: BTreeMap<(System, PackageName), LockedDeb>,
    /// The archives that were asked, by channel.
    pub(in crate::channel) archives: BTreeMap<String, LockedArchive>,
}

impl Asking<'_> {
    /// Solves the requests of each system; what can't be answered is added to `faults`.
    pub(in crate::channel) fn ask_archives(
        &self,
        asked: &[(System, Wanted<'_>)],
        faults: &mut Faults,
    ) -> Result<DebAnswers, Error> {
        let mut by_system = BTreeMap::<System, Vec<&Wanted<'_>>>::new();
        for (system, wanted) in asked.iter().filter(|(_, wanted)| matches!(wanted.ask, Ask::Deb { .. })) {
            by_system.entry(*system).or_default().push(wanted);
        }
        let mut answers = DebAnswers::default();
        if by_system.is_empty() {
            return Ok(answers);
        }
        let systems = by_system.keys().copied().collect();
        let mut offered = BTreeMap::<System, Vec<Candidate>>::new();
        for channel in channels(&by_system) {
            let Offer { archive, candidates } = self.sources.offer(channel, &systems, self.progress)?;
            answers.archives.insert(channel.to_owned(), archive);
            for (system, candidates) in candidates {
                offered.entry(system).or_default().extend(candidates);
            }
        }
        for (system, wanted) in &by_system {
            let candidates = offered.remove(system).unwrap_or_default();
            self.solve(*system, wanted, &candidates, &mut answers, faults);
        }
        Ok(answers)
    }

    fn solve(
        &self,
        system: System,
        wanted: &[&Wanted<'_>],
        candidates: &[Candidate],
        answers: &mut DebAnswers,
        faults: &mut Faults,
    ) {
        let problem = self.problem(system, wanted);
        match solve(&problem, candidates) {
            Ok(chosen) => answers.take(system, wanted, candidates, &chosen),
            Err(unsolvable) => {
                for unmet in &unsolvable.unmet {
                    let concerned = wanted.iter().find(|wanted| wish(wanted).is_some_and(|wish| unmet.concerns(&wish)));
                    let place = concerned.and_then(|wanted| wanted.place.cloned());
                    let finding = Diagnostic::error(unmet.to_string(), place);
                    faults.add(Diagnostic { help: unmet.help(), ..finding }, unsolvable.class());
                }
            }
        }
    }

    fn problem(&self, system: System, wanted: &[&Wanted<'_>]) -> Problem {
        let recommends = |names: &Names| matches!(names, Names::Debian(archive) if archive.recommends);
        let recommending = self.machine.channels.iter().filter(|(_, channel)| recommends(&channel.names));
        Problem {
            system,
            wishes: wanted.iter().filter_map(|wanted| wish(wanted)).collect(),
            recommending: recommending.map(|(name, _)| name.clone()).collect(),
            locked: self.locked(system, wanted),
        }
    }

    /// The versions to keep: those of the previous lock, but for what is to be updated with all that it depends on.
    fn locked(&self, system: System, wanted: &[&Wanted<'_>]) -> BTreeMap<PackageName, Version> {
        let moving = wanted.iter().filter(|wanted| self.updated.contains(&wanted.key));
        let moving = moving.filter_map(|wanted| self.old.requests.get(&(system, wanted.key.clone()))?.deb.clone());
        let moving = self.old.deb_closure(system, moving);
        let of_system = self.old.debs.iter().filter(|((of, name), _)| *of == system && !moving.contains(name));
        of_system.map(|((_, name), deb)| (name.clone(), deb.version.clone())).collect()
    }
}

/// What a request wishes for.
fn wish(wanted: &Wanted<'_>) -> Option<Wish> {
    match &wanted.ask {
        Ask::Deb { channel, name, version } => {
            let (version, written) = (version.map(str::to_owned), wanted.key.clone());
            Some(Wish { channel: (*channel).to_owned(), name: name.clone(), version, written })
        }
        _ => None,
    }
}

/// The channels that are asked, each once.
fn channels<'a>(by_system: &BTreeMap<System, Vec<&'a Wanted<'_>>>) -> BTreeSet<&'a str> {
    by_system.values().flatten().filter_map(|wanted| wanted.channel()).collect()
}

impl DebAnswers {
    /// Keeps what was chosen, and which of it answers which request.
    fn take(&mut self, system: System, wanted: &[&Wanted<'_>], candidates: &[Candidate], chosen: &[Chosen]) {
        for Chosen { candidate, depends } in chosen {
            let Some(candidate) = candidates.get(*candidate) else { continue };
            self.debs.insert((system, candidate.name.clone()), locked(candidate, depends));
        }
        for wanted in wanted {
            let Ask::Deb { channel, name, .. } = &wanted.ask else { continue };
            let mut taken = chosen.iter().filter_map(|chosen| candidates.get(chosen.candidate));
            let mut others = taken.clone();
            let named = taken.find(|candidate| candidate.name == *name);
            let Some(candidate) = named.or_else(|| others.find(|candidate| provides(candidate, name))) else {
                continue;
            };
            let request = LockedRequest {
                channel: Some((*channel).to_owned()),
                name: candidate.name.to_string(),
                version: Some(candidate.version.to_string()),
                outputs: Vec::new(),
                deb: Some(candidate.name.clone()),
                origin: None,
            };
            self.requests.insert((system, wanted.key.clone()), request);
        }
    }
}

/// Whether a package answers to a name that is not its own.
fn provides(candidate: &Candidate, name: &PackageName) -> bool {
    let provided = parse_provided(&candidate.relations.provides).unwrap_or_default();
    provided.iter().any(|provided| provided.name == *name)
}

fn locked(candidate: &Candidate, depends: &[PackageName]) -> LockedDeb {
    LockedDeb {
        version: candidate.version.clone(),
        architecture: candidate.architecture.clone(),
        source: candidate.source.clone(),
        file: candidate.file.clone(),
        size: candidate.size,
        sha256: candidate.sha256,
        installed_size: candidate.installed_size,
        depends: depends.to_vec(),
        suite: candidate.suite.clone(),
        channel: candidate.channel.clone(),
    }
}
