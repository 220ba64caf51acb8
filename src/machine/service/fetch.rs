//! Packages from the machine's caches, for whoever asks: signed ones.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::error::ServiceError;
use super::unpack::{Limits, unpack};
use super::wire::Answer;
use super::{Caller, Service};
use crate::cache::{CacheSet, Found, Settings, Wanted};
use crate::channel::cache_specs;
use crate::machine::rebuild::plan_machine;
use crate::nix::{PathInfo, StorePath};
use crate::progress::Progress;

/// NARs at once, for each request.
const THREADS: usize = 4;

/// Bytes of stack of a thread that unpacks.
const STACK: usize = 1 << 20;

/// Rounds in which paths that others fetch are waited for: with five seconds each, a quarter of an hour.
pub(super) const ROUNDS: usize = 180;

impl Service {
    /// Brings `paths` with all that they need. What is there already costs nothing and needs no network.
    pub(super) fn fetch(
        &self,
        caller: &Caller,
        paths: &[StorePath],
        progress: &dyn Progress,
    ) -> Result<Answer, ServiceError> {
        let _gate = self.gate.enter();
        let _held = self.without_nix_collector()?;
        self.adopt_from_nix(paths)?;
        let (mut count, mut bytes, mut caches) = (0, 0, None);
        for _ in 0..ROUNDS {
            let missing = self.volume.closure(paths.iter().cloned()).missing;
            if missing.is_empty() {
                if let Caller::User(user) = caller {
                    self.check_quota(user, &self.known(paths))?;
                    self.remember(user, paths)?;
                }
                return Ok(Answer::Fetched { paths: count, bytes });
            }
            let caches = match &mut caches {
                Some(open) => open,
                closed => closed.insert(self.open_caches(progress)?),
            };
            let found = self.look_up(&caches.1, &missing, progress)?;
            if let Caller::User(user) = caller {
                let infos: Vec<PathInfo> = found.values().map(|found| found.info.info().clone()).collect();
                self.check_quota(user, &[infos, self.known(paths)].concat())?;
            }
            let claimed = self.claims.claim(&found.keys().cloned().collect());
            // Somebody else may have fetched them between the look and the claim.
            let mine: Vec<&Found> = found
                .iter()
                .filter(|(path, _)| claimed.paths.contains(*path) && !self.volume.is_valid(path))
                .map(|(_, found)| found)
                .collect();
            let size = mine.iter().map(|found| found.info.info().nar_size).fold(0_u64, u64::saturating_add);
            if !mine.is_empty() {
                progress.begin("fetching packages", Some(size));
                self.bring(&caches.1, &mine, progress)?;
                (count, bytes) = (count + mine.len(), bytes + size);
            }
        }
        Err(ServiceError::Busy)
    }

    fn known(&self, paths: &[StorePath]) -> Vec<PathInfo> {
        paths.iter().filter_map(|path| self.volume.info(path)).collect()
    }

    /// The caches of the plan's channels. What they answer is remembered as long as the request takes: who asks for a great many
    /// names that there are not fills nothing.
    fn open_caches(&self, progress: &dyn Progress) -> Result<(tempfile::TempDir, CacheSet), ServiceError> {
        let run = &self.volume.places().run;
        let state =
            tempfile::Builder::new().prefix("caches-").tempdir_in(run).map_err(ServiceError::io("write to", run))?;
        let specs = cache_specs(&plan_machine(&self.plan), progress)?;
        let settings = Settings {
            state_dir: state.path().to_owned(),
            http: self.http(),
            untrusted: false,
            budget: self.budget.clone(),
        };
        Ok((state, CacheSet::open(specs, settings)?))
    }

    fn look_up(
        &self,
        caches: &CacheSet,
        missing: &BTreeSet<StorePath>,
        progress: &dyn Progress,
    ) -> Result<BTreeMap<StorePath, Found>, ServiceError> {
        progress.begin("asking the caches", None);
        let roots: Vec<StorePath> = missing.iter().cloned().collect();
        // Nobody vouches for what a user names: without a signature it counts only where the channel says so.
        let found = caches.closure_beyond(&roots, &BTreeSet::new(), &|path| self.volume.is_valid(path), progress)?;
        Ok(found.into_iter().map(|found| (found.info.info().path.clone(), found)).collect())
    }

    /// Fetches, unpacks and registers. One that fails leaves the others valid.
    fn bring(&self, caches: &CacheSet, wanted: &[&Found], progress: &dyn Progress) -> Result<(), ServiceError> {
        let next = AtomicUsize::new(0);
        let done: Mutex<(Vec<PathInfo>, Option<ServiceError>)> = Mutex::default();
        let work = || {
            while let Some(found) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
                let brought = self.bring_one(caches, found, progress);
                let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                match brought {
                    Ok(()) => done.0.push(found.info.info().clone()),
                    Err(error) => {
                        done.1.get_or_insert(error);
                        next.store(wanted.len(), Ordering::Relaxed);
                    }
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..THREADS.min(wanted.len()) {
                // Where there is no room for another thread, this one does the work.
                let _ = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
            }
            work();
        });
        let (mut infos, error) = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        infos.sort_by(|one, other| one.path.cmp(&other.path));
        self.register(&infos)?;
        error.map_or(Ok(()), Err)
    }

    fn bring_one(&self, caches: &CacheSet, found: &Found, progress: &dyn Progress) -> Result<(), ServiceError> {
        let staging = self.volume.staging()?;
        let mut attempt = 0;
        let prepared = caches.fetch_nar(&Wanted::from(found), progress, &mut |nar| {
            attempt += 1;
            let prepared = staging.path().join(attempt.to_string());
            unpack(nar, &prepared, Limits::PACKAGE)?;
            Ok(prepared)
        })?;
        let installed = self.volume.install(&prepared, &found.info.info().path);
        // What failed attempts left is read-only, which a temporary folder's own removal does not expect.
        for left in 1..attempt {
            let _ = super::unpack::discard(&staging.path().join(left.to_string()));
        }
        installed
    }
}
