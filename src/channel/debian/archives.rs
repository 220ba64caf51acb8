//! The archives of a machine's channels: what they offer, and their files.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::Candidate;
use super::error::ArchiveError;
use super::fetch;
use super::index::Index;
use super::listing::Listed;
use super::release::{Loader, Verified};
use super::sites::Sites;
use super::suites;
use crate::cache::Http;
use crate::channel::lock::{LockedArchive, LockedDeb};
use crate::config::{Machine, System};
use crate::deb::PackageName;
use crate::progress::Progress;

/// The Debian archives of a machine's channels. Each is opened when it is first asked; share it between threads.
pub struct Archives<'a> {
    machine: &'a Machine,
    http: Arc<Http>,
    state: PathBuf,
    open: Mutex<BTreeMap<String, Arc<Sites>>>,
}

/// What a channel's archive has.
#[derive(Debug, Clone)]
pub struct Offer {
    /// For the lock.
    pub archive: LockedArchive,
    /// By system; those of the suites named first come first. No package stands twice with one version.
    pub candidates: BTreeMap<System, Vec<Candidate>>,
}

impl<'a> Archives<'a> {
    /// The archives of `machine`. Below `state`, the store's folder for what may be lost, indices are kept.
    #[must_use]
    pub fn new(machine: &'a Machine, http: Arc<Http>, mut state: PathBuf) -> Self {
        state.push("debian");
        Self { machine, http, state, open: Mutex::default() }
    }

    /// What the channel's archive has for these systems: signatures, dates and digests verified.
    pub fn offer(
        &self,
        channel: &str,
        systems: &BTreeSet<System>,
        progress: &dyn Progress,
    ) -> Result<Offer, ArchiveError> {
        let sites = self.sites(channel, progress)?;
        let chosen = self.choose(channel, &sites, progress)?;
        let indices = indices(&sites, &chosen, systems)?;
        tell_size(channel, &indices, progress);
        let mut archive = chosen.first().map(|first| identity(first)).unwrap_or_default();
        let mut candidates: BTreeMap<System, Vec<Candidate>> = BTreeMap::new();
        let mut known: HashSet<(System, PackageName, String, String)> = HashSet::new();
        for (system, index) in indices {
            let of_system = candidates.entry(system).or_default();
            let digest = index.read(channel, &self.state, progress, &mut |candidate| {
                let (version, architecture) = (candidate.version.to_string(), candidate.architecture.clone());
                if known.insert((system, candidate.name.clone(), version, architecture)) {
                    of_system.push(candidate);
                }
            })?;
            archive.indices.insert(index.name(), digest);
        }
        Ok(Offer { archive, candidates })
    }

    /// As [`Archives::offer`], as far as a search goes: the second time without reading indices. `is_trusted`: nobody else could
    /// have written what is kept for that.
    pub fn listed(
        &self,
        channel: &str,
        system: System,
        is_trusted: bool,
        progress: &dyn Progress,
    ) -> Result<Vec<Listed>, ArchiveError> {
        let sites = self.sites(channel, progress)?;
        let chosen = self.choose(channel, &sites, progress)?;
        let indices = indices(&sites, &chosen, &[system].into())?;
        tell_size(channel, &indices, progress);
        let (mut all, mut known) = (Vec::new(), HashSet::new());
        for (_, index) in &indices {
            let mut listed = index.listed(channel, &self.state, is_trusted, progress)?;
            // Suites have packages in common.
            if indices.len() > 1 {
                listed.retain(|package| known.insert((package.name.clone(), package.version.clone())));
            }
            all.append(&mut listed);
        }
        Ok(all)
    }

    /// The suites of the channel's archive that count, verified.
    fn choose<'v>(
        &self,
        channel: &str,
        sites: &'v Sites,
        progress: &dyn Progress,
    ) -> Result<Vec<Verified<'v>>, ArchiveError> {
        progress.begin(&format!("asking the archive of channel {channel}"), None);
        let now = Timestamp::try_from(self.http.clock().now()).unwrap_or(Timestamp::MAX);
        let loader = Loader { state: &self.state, now, progress };
        suites::choose(channel, sites, &loader)
    }

    /// Streams a package's file through `work`, from the first place that has it. What `work` makes is returned only when the
    /// file's size and SHA-256 hold; where they don't, the next place is tried, and `work` called again.
    ///
    /// `work` need not read to the end.
    pub fn fetch<T>(
        &self,
        name: &PackageName,
        deb: &LockedDeb,
        progress: &dyn Progress,
        work: &mut dyn FnMut(&mut dyn Read) -> io::Result<T>,
    ) -> Result<T, ArchiveError> {
        let sites = self.sites(&deb.channel, progress)?;
        fetch::fetch(&sites.places(&deb.suite), name, deb, progress, work)
    }

    fn sites(&self, channel: &str, progress: &dyn Progress) -> Result<Arc<Sites>, ArchiveError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sites) = open.get(channel) {
            return Ok(Arc::clone(sites));
        }
        let sites = Arc::new(Sites::open(channel, self.machine, &self.http, progress)?);
        open.insert(channel.to_owned(), Arc::clone(&sites));
        Ok(sites)
    }
}

fn tell_size(channel: &str, indices: &[(System, Index<'_>)], progress: &dyn Progress) {
    let total = indices.iter().map(|(_, index)| index.size()).sum();
    progress.begin(&format!("reading the package lists of channel {channel}"), Some(total));
}

fn identity(first: &Verified<'_>) -> LockedArchive {
    let release = &first.release;
    LockedArchive {
        origin: release.origin.clone(),
        codename: if release.codename.is_empty() { release.suite.clone() } else { release.codename.clone() },
        version: release.version.clone(),
        indices: BTreeMap::new(),
    }
}

/// All indices that are to be read, with the system that each is for.
fn indices<'v>(
    sites: &'v Sites,
    chosen: &'v [Verified<'v>],
    systems: &BTreeSet<System>,
) -> Result<Vec<(System, Index<'v>)>, ArchiveError> {
    let mut indices = Vec::new();
    for verified in chosen {
        for component in &sites.archive.components {
            for &system in systems {
                indices.push((system, Index::find(verified, component, system.architecture())?));
                if verified.release.separate_all {
                    match Index::find(verified, component, "all") {
                        // Many an archive counts `all` among its architectures, and has such packages in the others' indices.
                        Err(ArchiveError::NoIndex { .. }) => {}
                        found => indices.push((system, found?)),
                    }
                }
            }
        }
    }
    Ok(indices)
}
