//! Making room: what no generation needs, and the image does not have.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use super::error::ServiceError;
use super::guard::Passed;
use super::native::Nix;
use super::wire::{Answer, Collected};
use super::{Caller, Service};
use crate::nix::StorePath;

/// How long a collection waits for those who fetch.
const PATIENCE: Duration = Duration::from_secs(10);

impl Service {
    /// Drops old generations of the calling user, then what nothing needs any more. Root drops no generation of anybody's.
    pub(super) fn collect(&self, caller: &Caller, dry_run: bool) -> Result<Answer, ServiceError> {
        let _alone: Passed<'_> = self.gate.close(PATIENCE).ok_or(ServiceError::Busy)?;
        let mut collected = Collected::default();
        let mut dropped = BTreeSet::new();
        if let Caller::User(user) = caller {
            let generations = self.generations(user);
            let (all, current) = (generations.all(), generations.current());
            let old: Vec<u64> = all.keys().copied().filter(|number| Some(*number) != current).collect();
            if !dry_run {
                let fault = ServiceError::io("write to", self.volume.places().layout.users().join(user));
                generations.drop_oldest(0).map_err(fault)?;
            }
            dropped.extend(old.iter().map(|number| (user.clone(), *number)));
            if !old.is_empty() {
                collected.generations.insert(user.clone(), old);
            }
        }
        let roots = self.roots(caller, &dropped, dry_run)?;
        match Nix::of(&self.plan) {
            Some(nix) if !dry_run => self.collect_with_nix(&nix, roots, &mut collected)?,
            _ => self.sweep(roots, dry_run, &mut collected)?,
        }
        Ok(Answer::Collected(collected))
    }

    /// All that must stay: everybody's generations, those of users too whom the machine has no more, and what came for the next
    /// one of whoever is connected.
    fn roots(
        &self,
        caller: &Caller,
        dropped: &BTreeSet<(String, u64)>,
        dry_run: bool,
    ) -> Result<BTreeSet<StorePath>, ServiceError> {
        let folder = self.volume.places().layout.users();
        let entries = fs::read_dir(&folder).map_err(ServiceError::io("read", folder))?;
        let mut roots = BTreeSet::new();
        for user in entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()) {
            let all = self.generations(&user).all();
            let kept = all.into_iter().filter(|(number, _)| !dropped.contains(&(user.clone(), *number)));
            roots.extend(kept.map(|(_, path)| path));
            let own = usize::from(*caller == Caller::User(user.clone()));
            let uid = self.plan.users.get(&user).map(|user| user.account.uid);
            if uid.is_some_and(|uid| self.connections.of(uid) > own) {
                roots.extend(self.pending(&user));
            } else if !dry_run {
                self.forget(&user)?;
            }
        }
        Ok(roots)
    }

    /// All that must stay for Nix's own collector, whoever starts it: what the image has, everybody's generations, and what came for
    /// their next ones.
    pub(super) fn roots_for_nix(&self) -> Result<BTreeSet<StorePath>, ServiceError> {
        let folder = self.volume.places().layout.users();
        let entries = fs::read_dir(&folder).map_err(ServiceError::io("read", folder))?;
        let mut roots: BTreeSet<StorePath> = self.volume.image().keys().cloned().collect();
        for user in entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()) {
            roots.extend(self.generations(&user).all().into_values());
            roots.extend(self.pending(&user));
        }
        Ok(roots)
    }

    fn sweep(&self, roots: BTreeSet<StorePath>, dry_run: bool, collected: &mut Collected) -> Result<(), ServiceError> {
        let needed = self.volume.closure(roots).present;
        for path in self.volume.all_registered()? {
            if needed.contains_key(&path) || self.volume.image().contains_key(&path) {
                continue;
            }
            let size = self.volume.registered(&path).map_or(0, |info| info.nar_size);
            if dry_run || self.volume.remove(&path)? {
                collected.paths += 1;
                collected.bytes = collected.bytes.saturating_add(size);
            }
        }
        Ok(())
    }

    fn collect_with_nix(
        &self,
        nix: &Nix,
        mut roots: BTreeSet<StorePath>,
        collected: &mut Collected,
    ) -> Result<(), ServiceError> {
        roots.extend(self.volume.image().keys().cloned());
        let valid = nix.valid()?;
        let gone = nix.collect(&roots)?;
        collected.paths = gone.len();
        collected.bytes =
            gone.iter().filter_map(|path| valid.get(path)).fold(0, |sum: u64, info| sum.saturating_add(info.nar_size));
        for path in self.volume.all_registered()? {
            if fs::symlink_metadata(self.volume.places().of(&path)).is_err() {
                self.volume.remove(&path)?;
            }
        }
        Ok(())
    }
}
