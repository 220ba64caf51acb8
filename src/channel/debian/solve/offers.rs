//! What the archives offer, by name. Relations are read when a package is first looked at, so solving reads a few hundred of 63,000.

use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::Range;

use super::super::{Candidate, Problem};
use crate::deb::{Provided, Qualifier, Target, parse_groups, parse_provided, parse_targets};

/// A candidate, by its place in [`Offers`]: packages of a name stand together, the one to prefer first.
pub(super) type Id = u32;

/// The relations of a package, read.
#[derive(Debug)]
pub(super) struct Relations {
    /// What it needs, in apt's order: `Depends`, then `Pre-Depends`.
    pub(super) depends: Vec<Vec<Target>>,
    /// What it recommends.
    pub(super) recommends: Vec<Vec<Target>>,
    /// What it can't stand beside.
    pub(super) against: Vec<Against>,
    /// Other names that it answers to.
    pub(super) provides: Vec<Provided>,
}

/// One of `Conflicts` or `Breaks`.
#[derive(Debug)]
pub(super) struct Against {
    /// What can't stand beside the package.
    pub(super) target: Target,
    /// `conflicts with` or `breaks`.
    pub(super) verb: &'static str,
}

/// All candidates for one architecture. The order is the same however the candidates were given.
pub(super) struct Offers<'a> {
    /// The machine's architecture.
    architecture: &'static str,
    /// By name, then the preferred version first.
    sorted: Vec<(usize, &'a Candidate)>,
    /// Who provides a name, sorted. Only the names are read so far.
    providers: HashMap<&'a str, Vec<Id>>,
    /// Relations, or why they can't be read.
    relations: Vec<OnceCell<Box<Result<Relations, String>>>>,
}

impl<'a> Offers<'a> {
    /// Sorts `candidates` for `problem`; those for other architectures are left out.
    pub(super) fn new(problem: &Problem, candidates: &'a [Candidate]) -> Self {
        let architecture = problem.system.architecture();
        let mut sorted: Vec<_> = candidates.iter().enumerate().collect();
        sorted.retain(|(_, candidate)| [architecture, "all"].contains(&candidate.architecture.as_str()));
        let is_locked = |candidate: &Candidate| problem.locked.get(&candidate.name) == Some(&candidate.version);
        sorted.sort_by(|(_, one), (_, two)| {
            let by_name = one.name.cmp(&two.name);
            by_name.then_with(|| preference(one, is_locked(one)).cmp(&preference(two, is_locked(two))))
        });
        let mut providers: HashMap<&str, Vec<Id>> = HashMap::new();
        for (id, (_, candidate)) in (0..).zip(&sorted) {
            for name in provided_names(&candidate.relations.provides) {
                providers.entry(name).or_default().push(id);
            }
        }
        let relations = sorted.iter().map(|_| OnceCell::new()).collect();
        Self { architecture, sorted, providers, relations }
    }

    /// The candidate. An id is never made but here, so it is always there.
    pub(super) fn candidate(&self, id: Id) -> &'a Candidate {
        self.sorted[id as usize].1
    }

    /// Its place among the candidates as they were given.
    pub(super) fn place(&self, id: Id) -> usize {
        self.sorted[id as usize].0
    }

    /// `git 1:2.39.5-0+deb12u2`
    pub(super) fn describe(&self, id: Id) -> String {
        let candidate = self.candidate(id);
        format!("{} {}", candidate.name, candidate.version)
    }

    /// All packages of this name, the preferred one first.
    pub(super) fn named(&self, name: &str) -> Range<Id> {
        let start = self.sorted.partition_point(|(_, candidate)| candidate.name.as_str() < name);
        let rest = self.sorted.get(start..).unwrap_or_default();
        let end = start + rest.partition_point(|(_, candidate)| candidate.name.as_str() == name);
        id(start)..id(end)
    }

    /// The first of the packages that have this one's name: the one that is taken where nothing speaks against it.
    pub(super) fn preferred(&self, id: Id) -> Id {
        self.named(self.candidate(id).name.as_str()).start
    }

    /// Packages that provide this name, in whichever version, sorted by name.
    pub(super) fn providers(&self, name: &str) -> &[Id] {
        self.providers.get(name).map_or(&[], Vec::as_slice)
    }

    /// Every name of a package, sorted, each once.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        let mut last = "";
        self.sorted.iter().filter_map(move |(_, candidate)| {
            let name = candidate.name.as_str();
            (std::mem::replace(&mut last, name) != name).then_some(name)
        })
    }

    /// The package's relations, or why they can't be read.
    pub(super) fn relations(&self, id: Id) -> Result<&Relations, &str> {
        let read = || Box::new(read(self.candidate(id)));
        self.relations[id as usize].get_or_init(read).as_ref().as_ref().map_err(String::as_str)
    }

    /// Whether the package answers `target`, by its own name or by one that it provides.
    pub(super) fn answers(&self, id: Id, target: &Target) -> bool {
        let candidate = self.candidate(id);
        let architecture_fits = match &target.qualifier {
            None | Some(Qualifier::Native) => true,
            Some(Qualifier::Any) => candidate.multi_arch.as_deref() == Some("allowed"),
            Some(Qualifier::Architecture(name)) => name == self.architecture,
        };
        let by_name = || candidate.name == target.name && target.admits(Some(&candidate.version));
        architecture_fits && (by_name() || self.provides(id, target))
    }

    fn provides(&self, id: Id, target: &Target) -> bool {
        let Ok(relations) = self.relations(id) else { return false };
        let is_native = |provided: &Provided| match &provided.qualifier {
            Some(Qualifier::Architecture(name)) => name == self.architecture,
            _ => true,
        };
        let fits = |provided: &Provided| {
            provided.name == target.name && is_native(provided) && target.admits(provided.version.as_ref())
        };
        relations.provides.iter().any(fits)
    }

    /// Every package that answers `target`: those of the name, then those that provide it.
    pub(super) fn all_answers(&self, target: &Target) -> impl Iterator<Item = Id> {
        let name = target.name.as_str();
        let providers = self.providers(name).iter().copied();
        let others = providers.filter(move |&id| self.candidate(id).name.as_str() != name);
        self.named(name).chain(others).filter(|&id| self.answers(id, target))
    }

    /// Every package that satisfies one of the alternatives, in the order in which apt tries them; versions that are not the
    /// preferred ones of their names come last, since apt does not look at those.
    pub(super) fn choices(&self, group: &[Target]) -> Vec<Id> {
        let mut choices: Vec<Id> = Vec::new();
        for target in group {
            let mut answers: Vec<Id> = self.all_answers(target).collect();
            // Among equals apt goes by the order in which it first heard of them, which is chance; the name is not.
            answers.sort_by_key(|&id| (self.candidate(id).name != target.name, self.weight(id), id));
            choices.extend(answers);
        }
        let mut seen = std::collections::HashSet::new();
        choices.retain(|&id| seen.insert(id));
        choices.sort_by_key(|&id| self.preferred(id) != id);
        choices
    }

    /// Among several that provide a name, apt takes the one of higher priority.
    fn weight(&self, id: Id) -> usize {
        let priorities = ["required", "important", "standard", "optional"];
        let priority = self.candidate(id).priority.as_str();
        priorities.iter().position(|&known| known == priority).unwrap_or(priorities.len())
    }
}

/// What decides between packages of one name. Where two archives have the same version, any order does that does not depend on chance.
fn preference(candidate: &Candidate, is_locked: bool) -> impl Ord {
    let Candidate { version, channel, suite, architecture, file, sha256, .. } = candidate;
    let place = (channel, suite, architecture, file, sha256);
    (!is_locked, Reverse(version), place)
}

/// There are never as many candidates as this can't count: each of them takes some hundred bytes.
fn id(place: usize) -> Id {
    Id::try_from(place).unwrap_or(Id::MAX)
}

/// The names in a `Provides` field, each once, unchecked: what is found by them is read in full before it counts.
fn provided_names(field: &str) -> impl Iterator<Item = &str> {
    let mut seen = std::collections::HashSet::new();
    let names = field.split(',').filter_map(|part| {
        part.split(|c: char| c.is_ascii_whitespace() || "(:".contains(c)).find(|name| !name.is_empty())
    });
    names.filter(move |&name| seen.insert(name))
}

fn read(candidate: &Candidate) -> Result<Relations, String> {
    let fields = &candidate.relations;
    let named = |field: &'static str| move |error| format!("{field}: {error}");
    let mut depends = parse_groups(&fields.depends).map_err(named("Depends"))?;
    depends.extend(parse_groups(&fields.pre_depends).map_err(named("Pre-Depends"))?);
    let conflicts = parse_targets(&fields.conflicts).map_err(named("Conflicts"))?;
    let breaks = parse_targets(&fields.breaks).map_err(named("Breaks"))?;
    let conflicts = conflicts.into_iter().map(|target| Against { target, verb: "conflicts with" });
    Ok(Relations {
        depends,
        recommends: parse_groups(&fields.recommends).map_err(named("Recommends"))?,
        against: conflicts.chain(breaks.into_iter().map(|target| Against { target, verb: "breaks" })).collect(),
        provides: parse_provided(&fields.provides).map_err(named("Provides"))?,
    })
}
