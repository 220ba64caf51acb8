//! From the machine's requests to a lock that answers all of them.
//!
//! What the previous lock answers is kept, and checked against today's keys; the rest is asked. A lock that must not
//! change is only checked: nothing is asked then.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{Machine, Names, Request, System};
use crate::deb::PackageName;
use crate::nix::{Sha256, StorePath};
use crate::progress::Progress;

use super::answers::{Answers, Faults};
use super::asking::Asking;
use super::changes::Changes;
use super::debian::DebAnswers;
use super::error::Error;
use super::homes::home_requests;
use super::index::nearest;
use super::lock::{
    Lock, LockedArchive, LockedBase, LockedChannel, LockedDeb, LockedPackage, LockedRelease, LockedRequest, described,
};
use super::nixos::{self, ReleaseAnswers};
use super::sources::Sources;
use super::trust;
use super::wanted::{Ask, Wanted, wanted};

/// What `dumbc update` calls the program that boots images, beside the names of requests.
pub const RUNTIME: &str = "runtime";

/// What it calls the image that ours stands on.
pub const BASE: &str = "base";

/// What becomes of the previous lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// Its answers are kept; what is missing is asked, what nothing needs is dropped.
    Extend,
    /// It must fit as it is.
    Locked,
    /// These requests are asked again (by their text or attribute), or all where none is named; the rest as in
    /// [`Mode::Extend`].
    Update(Vec<String>),
}

impl Mode {
    /// Whether what is locked of `name` is asked again.
    #[must_use]
    pub fn moves(&self, name: &str) -> bool {
        matches!(self, Self::Update(names) if names.is_empty() || names.iter().any(|named| named == name))
    }
}

/// A lock that fits the machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolution {
    /// The lock.
    pub lock: Lock,
    /// What is different from the previous one.
    pub changes: Changes,
    /// Whether the previous lock says something else, so that this one is to be written.
    pub stale: bool,
}

/// Debian packages by system and name.
type Debs = BTreeMap<(System, PackageName), LockedDeb>;

/// Each request that matters with its system, in the lock's order.
type AllWanted<'machine> = Vec<(System, Wanted<'machine>)>;

/// Resolves the machine's requests for all of `machine.image.systems`.
///
/// A build for other systems than the files name adds them there first: answers for systems that are not named are dropped.
pub fn resolve(
    machine: &Machine,
    previous: Option<&Lock>,
    mode: &Mode,
    sources: &dyn Sources,
    progress: &dyn Progress,
) -> Result<Resolution, Error> {
    if *mode == Mode::Locked && previous.is_none() {
        return Err(Error::NoLock);
    }
    let (nothing, keys) = (Lock::default(), trust::keys(machine)?);
    let old = previous.unwrap_or(&nothing);
    let of_homes = home_requests(machine);
    let all = all_wanted(machine, &of_homes, old);
    let kept = keep(old, machine, &all, mode)?;
    if *mode == Mode::Locked {
        refuse_stale(old, machine, &all, &kept)?;
    }
    let kept_packages = reachable(&old.packages, kept.values());
    trust::verify(&kept_packages, &keys)?;
    if *mode == Mode::Locked {
        return Ok(Resolution { lock: old.clone(), changes: Changes::default(), stale: false });
    }
    let asked: AllWanted<'_> =
        all.into_iter().filter(|(system, wanted)| !kept.contains_key(&(*system, wanted.key.clone()))).collect();
    let (updated, mut faults) = (updated_keys(machine, &asked, mode)?, Faults::default());
    let asking = Asking { machine, old, updated: &updated, sources, progress };
    let debs = asking.ask_archives(&asked, &mut faults)?;
    let mut releases = asking.ask_releases(&asked, &mut faults)?;
    let answers = Answers::ask(&asked, machine, sources, progress, &mut faults)?;
    faults.check()?;
    let found = closures(&asked, answers.requests.values().chain(releases.requests.values()), sources, progress)?;
    let days = std::mem::take(&mut releases.days);
    let lock = Assembly { old, kept, kept_packages, answers, found, debs, releases }.lock(machine);
    nixos::tell_costs(&lock, &days, progress);
    let changes = Changes::between(old, &lock);
    Ok(Resolution { stale: previous != Some(&lock), lock, changes })
}

fn all_wanted<'machine>(machine: &'machine Machine, of_homes: &'machine [Request], old: &Lock) -> AllWanted<'machine> {
    let systems: BTreeSet<System> = machine.image.systems.iter().copied().collect();
    let of_system = |system| wanted(machine, of_homes, system, old).into_iter().map(move |wanted| (system, wanted));
    systems.into_iter().flat_map(of_system).collect()
}

type Kept = BTreeMap<(System, String), LockedRequest>;

/// The old answers that still stand: asked of the same channel, not to be updated, and with a whole closure.
fn keep(old: &Lock, machine: &Machine, all: &AllWanted<'_>, mode: &Mode) -> Result<Kept, Error> {
    let updated = updated_keys(machine, all, mode)?;
    let broken = broken(&old.packages);
    let whole = |path: &StorePath| old.packages.contains_key(path) && !broken.contains(path);
    let stands = |(system, wanted): &(System, Wanted<'_>)| {
        let key = (*system, wanted.key.clone());
        let answer = old.requests.get(&key)?;
        let same = answer.channel.as_deref() == wanted.channel()
            && !updated.contains(&wanted.key)
            && wanted.channel().is_none_or(|channel| is_same_release(old, machine, channel));
        let deb_is_whole = || answer.deb.iter().all(|name| old.has_whole_deb(*system, name));
        let outputs_are_whole = || answer.outputs.iter().all(|(_, path)| whole(path));
        let stands = same && wanted.is_answered_by(answer) && outputs_are_whole() && deb_is_whole();
        stands.then(|| (key, answer.clone()))
    };
    let mut kept: Kept = all.iter().filter_map(stands).collect();
    // Debian's packages of one system share its root: where one of them is asked, all are.
    let is_asked = |(system, wanted): &&(System, Wanted<'_>)| {
        matches!(wanted.ask, Ask::Deb { .. }) && !kept.contains_key(&(*system, wanted.key.clone()))
    };
    let systems: BTreeSet<System> = all.iter().filter(is_asked).map(|(system, _)| *system).collect();
    kept.retain(|(system, _), answer| answer.deb.is_none() || !systems.contains(system));
    Ok(kept)
}

/// Whether what is locked of a NixOS channel is of the release that the files name.
fn is_same_release(old: &Lock, machine: &Machine, channel: &str) -> bool {
    let Some(Names::NixosRelease { name, revision }) = machine.channels.get(channel).map(|found| &found.names) else {
        return true;
    };
    let pinned = old.channels.get(channel).and_then(|locked| locked.release.as_ref());
    pinned.is_some_and(|pinned| pinned.wanted == described(name, revision.as_deref()))
}

/// The keys of the requests that `mode` asks again. Packages of one release belong together: where one moves, all do.
fn updated_keys(machine: &Machine, all: &AllWanted<'_>, mode: &Mode) -> Result<BTreeSet<String>, Error> {
    let updated = named_keys(machine, all, mode)?;
    let is_release = |channel: &&str| {
        let names = machine.channels.get(*channel).map(|channel| &channel.names);
        matches!(names, Some(Names::NixosRelease { .. }))
    };
    let of_updated = all.iter().filter(|(_, wanted)| updated.contains(&wanted.key));
    let moving: BTreeSet<&str> = of_updated.filter_map(|(_, wanted)| wanted.channel()).filter(is_release).collect();
    let moved = all.iter().filter(|(_, wanted)| wanted.channel().is_some_and(|channel| moving.contains(channel)));
    let moved: Vec<String> = moved.map(|(_, wanted)| wanted.key.clone()).collect();
    Ok(updated.into_iter().chain(moved).collect())
}

/// The keys of the requests that `mode` names, or whose channel it names.
fn named_keys(machine: &Machine, all: &AllWanted<'_>, mode: &Mode) -> Result<BTreeSet<String>, Error> {
    let Mode::Update(names) = mode else { return Ok(BTreeSet::new()) };
    let keys = |is_meant: &dyn Fn(&Wanted<'_>) -> bool| -> BTreeSet<String> {
        all.iter().filter(|(_, wanted)| is_meant(wanted)).map(|(_, wanted)| wanted.key.clone()).collect()
    };
    if names.is_empty() {
        return Ok(keys(&|_| true));
    }
    let mut updated = BTreeSet::new();
    let is_request =
        |name: &&String| !(machine.boot.enable && *name == RUNTIME || machine.image.from.is_some() && *name == BASE);
    for name in names.iter().filter(is_request) {
        let meant = keys(&|wanted| wanted.is_called(name) || wanted.channel() == Some(name.as_str()));
        if meant.is_empty() {
            let nearest = nearest(name, keys(&|_| true).into_iter());
            return Err(Error::NoSuchRequest { name: name.clone(), nearest });
        }
        updated.extend(meant);
    }
    Ok(updated)
}

/// Packages from which a reference leads out of the lock.
fn broken(packages: &BTreeMap<StorePath, LockedPackage>) -> BTreeSet<&StorePath> {
    let mut referrers: BTreeMap<&StorePath, Vec<&StorePath>> = BTreeMap::new();
    for (path, package) in packages {
        package.references.iter().for_each(|reference| referrers.entry(reference).or_default().push(path));
    }
    let mut waiting: Vec<&StorePath> =
        referrers.keys().copied().filter(|reference| !packages.contains_key(reference)).collect();
    let mut broken = BTreeSet::new();
    while let Some(path) = waiting.pop() {
        for referrer in referrers.get(path).into_iter().flatten().copied() {
            if broken.insert(referrer) {
                waiting.push(referrer);
            }
        }
    }
    broken
}

/// The packages that `answers` lead to, sorted; references that lead out of `packages` are passed over.
fn reachable<'lock, 'answer>(
    packages: &'lock BTreeMap<StorePath, LockedPackage>,
    answers: impl Iterator<Item = &'answer LockedRequest>,
) -> Vec<(&'lock StorePath, &'lock LockedPackage)> {
    let mut reached = BTreeMap::new();
    let outputs = answers.flat_map(|answer| &answer.outputs);
    let mut waiting: Vec<_> = outputs.filter_map(|(_, path)| packages.get_key_value(path)).collect();
    while let Some((path, package)) = waiting.pop() {
        if reached.insert(path, package).is_none() {
            let references = package.references.iter().filter(|reference| !reached.contains_key(reference));
            waiting.extend(references.filter_map(|reference| packages.get_key_value(reference)));
        }
    }
    reached.into_iter().collect()
}

/// What a lock that must not change lacks, or has too much.
fn refuse_stale(old: &Lock, machine: &Machine, all: &AllWanted<'_>, kept: &Kept) -> Result<(), Error> {
    let name = |system: System, key: &str| format!("`{key}` ({system})");
    let lacks = all.iter().filter(|(system, wanted)| !kept.contains_key(&(*system, wanted.key.clone())));
    let mut missing: Vec<_> = lacks.map(|(system, wanted)| name(*system, &wanted.key)).collect();
    let base = kept_base(old, machine);
    missing.extend(
        machine.image.from.iter().filter(|_| base.is_none()).map(|from| format!("`from = {:?}`", from.written)),
    );
    // A runtime that is not pinned is that of who builds: only then can a lock be for everybody's own dumbc.
    let booting = booting(machine);
    let asked: BTreeSet<_> = all.iter().map(|(system, wanted)| (*system, wanted.key.as_str())).collect();
    let unasked = old.requests.keys().filter(|(system, key)| !asked.contains(&(*system, key.as_str())));
    let mut unneeded: Vec<_> = unasked.map(|(system, key)| name(*system, key)).collect();
    let left = old.runtimes.keys().filter(|system| !booting.contains(system));
    unneeded.extend(left.map(|system| name(*system, RUNTIME)));
    unneeded.extend(old.base.iter().filter(|_| base.is_none()).map(|base| format!("`from = {:?}`", base.reference)));
    if missing.is_empty() && unneeded.is_empty() {
        let reached: BTreeSet<_> = reachable(&old.packages, kept.values()).into_iter().map(|(path, _)| path).collect();
        let left = old.packages.keys().filter(|path| !reached.contains(path));
        unneeded.extend(left.map(|path| format!("`{}`", path.base_name())));
        let needed = needed_debs(&old.debs, old, kept);
        let left = old.debs.keys().filter(|key| !needed.contains_key(*key));
        unneeded.extend(left.map(|(system, key)| name(*system, key.as_str())));
    }
    if missing.is_empty() && unneeded.is_empty() { Ok(()) } else { Err(Error::Stale { missing, unneeded }) }
}

/// The base image that is pinned, if it is the one that the files name, for all of their systems.
#[must_use]
pub fn kept_base<'lock>(old: &'lock Lock, machine: &Machine) -> Option<&'lock LockedBase> {
    let base = old.base.as_ref()?;
    let from = machine.image.from.as_ref()?;
    let fits = base.reference == from.written
        && base.images.len() == machine.image.systems.len()
        && machine.image.systems.iter().all(|system| base.images.contains_key(system));
    fits.then_some(base)
}

/// The systems whose images boot.
fn booting(machine: &Machine) -> BTreeSet<System> {
    machine.image.systems.iter().copied().filter(|_| machine.boot.enable).collect()
}

/// The closures of what was answered just now.
fn closures<'a>(
    asked: &AllWanted<'_>,
    answers: impl Iterator<Item = &'a LockedRequest>,
    sources: &dyn Sources,
    progress: &dyn Progress,
) -> Result<BTreeMap<StorePath, LockedPackage>, Error> {
    let outputs = answers.flat_map(|answer| &answer.outputs);
    let roots: BTreeSet<StorePath> = outputs.map(|(_, path)| path.clone()).collect();
    if roots.is_empty() {
        return Ok(BTreeMap::new());
    }
    let named = asked.iter().filter_map(|(_, wanted)| match wanted.ask {
        Ask::StorePath(path) => Some(path.clone()),
        _ => None,
    });
    Ok(sources.closure(&roots, &named.collect(), progress)?.into_iter().collect())
}

/// Those of `debs` that the answers of each system lead to.
fn needed_debs(debs: &Debs, lock: &Lock, answers: &BTreeMap<(System, String), LockedRequest>) -> Debs {
    let mut needed = Debs::new();
    for system in System::ALL {
        let of_system = answers.iter().filter(|((of, _), _)| *of == system);
        for name in lock.deb_closure(system, of_system.filter_map(|(_, answer)| answer.deb.clone())) {
            let key = (system, name);
            needed.extend(debs.get(&key).map(|deb| (key, deb.clone())));
        }
    }
    needed
}

/// Everything that the new lock is made of.
struct Assembly<'old> {
    old: &'old Lock,
    kept: Kept,
    kept_packages: Vec<(&'old StorePath, &'old LockedPackage)>,
    answers: Answers,
    found: BTreeMap<StorePath, LockedPackage>,
    debs: DebAnswers,
    releases: ReleaseAnswers,
}

impl Assembly<'_> {
    fn lock(self, machine: &Machine) -> Lock {
        let Self { old, kept, kept_packages, answers, found, debs, releases } = self;
        // Of a system whose Debian packages were asked, no answer was kept.
        let mut new_debs = needed_debs(&old.debs, old, &kept);
        new_debs.extend(debs.debs);
        let mut requests = kept;
        requests.extend(answers.requests);
        requests.extend(debs.requests);
        requests.extend(releases.requests);
        // What was locked stays as it was: two caches may hold builds of one path that differ.
        let mut packages = found;
        packages.extend(kept_packages.into_iter().map(|(path, package)| (path.clone(), package.clone())));
        let needed = reachable(&packages, requests.values()).into_iter();
        let packages = needed.map(|(path, package)| (path.clone(), package.clone())).collect();
        let names = requests.values().filter_map(|answer| answer.channel.clone());
        let channels =
            names.map(|name| channel(old, &answers.indexes, &debs.archives, &releases.releases, name)).collect();
        let booting = booting(machine);
        let runtimes = old.runtimes.iter().filter(|(system, _)| booting.contains(system));
        let runtimes = runtimes.map(|(system, runtime)| (*system, runtime.clone())).collect();
        let pushed = old.pushed.clone();
        let layers = old.layers.iter().filter(|(system, _)| machine.image.systems.contains(system));
        let layers = layers.map(|(system, groups)| (*system, groups.clone())).collect();
        let base = kept_base(old, machine).cloned();
        let volatility = old.volatility.clone();
        Lock {
            channels,
            requests,
            packages,
            debs: new_debs,
            ids: old.ids.clone(),
            base,
            runtimes,
            layers,
            volatility,
            pushed,
        }
    }
}

/// The index, archive or release that answered last.
fn channel(
    old: &Lock,
    indexes: &BTreeMap<String, Sha256>,
    archives: &BTreeMap<String, LockedArchive>,
    releases: &BTreeMap<String, LockedRelease>,
    name: String,
) -> (String, LockedChannel) {
    let before = old.channels.get(&name);
    let index_hash = indexes.get(&name).copied().or_else(|| before?.index_hash);
    let archive = archives.get(&name).cloned().or_else(|| before?.archive.clone());
    let release = releases.get(&name).cloned().or_else(|| before?.release.clone());
    (name, LockedChannel { index_hash, archive, release })
}
