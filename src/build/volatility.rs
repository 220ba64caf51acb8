//! How often each package changed, learnt from the git history of dumbc.lock: weights for a plan that is made anew.
//!
//! What is learnt is pinned in the lock together with the groups of layers, so that whoever has the lock plans the same,
//! with the history or without it.

mod count;
mod git;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::channel::{Lock, LockedVolatility, Mode};
use crate::nix::Sha256;
use crate::plan::{Causes, Unit};

use super::Project;
use count::Counts;

use git::GitError;

/// A weight of 1, as the lock has it.
const AVERAGE: u64 = 1000;

/// Weights are no larger, and no smaller than its inverse.
const EXTREME: u64 = 1000;

impl Project<'_> {
    /// Pins weights from the history of the lock where layers are to be chosen anew. A lock that must not change, or whose
    /// layers are chosen already, keeps what it has: git is not even asked.
    pub fn learn(&self, lock: &mut Lock, mode: &Mode, replan: bool) {
        if *mode == Mode::Locked || !(replan || lock.layers.is_empty()) {
            return;
        }
        let cache = (!self.store.is_untrusted()).then(|| cache_file(&self.store.state_dir(), &self.machine.project));
        lock.volatility = match counts(&self.machine.project, cache.as_deref()) {
            Ok(counts) => weights(&counts, lock),
            Err(error) => {
                tracing::debug!("the history of dumbc.lock is not read: {error}");
                if let GitError::Slow = error {
                    self.progress.warn(&format!("layers are chosen without the history of dumbc.lock: {error}"));
                }
                None
            }
        };
    }
}

/// One file a project: a history that has grown takes the place of what it was.
fn cache_file(state: &Path, project: &Path) -> PathBuf {
    let name = Sha256::of(project.as_os_str().as_encoded_bytes()).hex();
    state.join("volatility").join(format!("{name}.json"))
}

/// How often each package changed, from the cache where it has these very commits.
fn counts(project: &Path, cache: Option<&Path>) -> Result<Counts, GitError> {
    let commits = git::commits(project)?;
    let history = Sha256::of(commits.join("\n").as_bytes()).hex();
    if let Some(known) = cache.and_then(|file| count::read(file, &history)) {
        return Ok(known);
    }
    let mut counts = Counts::default();
    for revision in git::revisions(project, &commits)? {
        counts.add_older(revision);
    }
    if let Some(file) = cache
        && let Err(error) = count::write(file, &history, &counts)
    {
        tracing::debug!("{} can't be written: {error}", file.display());
    }
    Ok(counts)
}

/// The weights of what is in `lock`: how likely each changes with a commit, by Laplace's rule, relative to the average.
fn weights(counts: &Counts, lock: &Lock) -> Option<LockedVolatility> {
    let rate = |key: String| counts.rate(&key).map(|rate| (key, rate));
    let rates: BTreeMap<String, u64> = count::builds(lock).into_keys().filter_map(rate).collect();
    let mean = rates.values().sum::<u64>().checked_div(rates.len() as u64).filter(|mean| *mean > 0)?;
    let weight = |(key, rate): (String, u64)| (key, two_digits((rate * AVERAGE + mean / 2) / mean));
    let weights = rates.into_iter().map(weight).filter(|(_, weight)| u64::from(*weight) != AVERAGE).collect();
    Some(LockedVolatility { commits: counts.revisions, weights })
}

/// Rounded to two digits, so that a longer history changes few lines of the lock.
fn two_digits(weight: u64) -> u32 {
    let weight = weight.clamp(1, AVERAGE * EXTREME);
    let step = [1, 10, 100, 1_000, 10_000].into_iter().find(|step| weight / step < 100).unwrap_or(100_000);
    u32::try_from((weight + step / 2) / step * step).unwrap_or(u32::MAX)
}

/// The weights of a plan's causes by what the lock pins.
pub(super) fn plan_weights(lock: &Lock, units: &[Unit]) -> BTreeMap<String, f64> {
    let Some(volatility) = &lock.volatility else { return BTreeMap::new() };
    let weight = |key: &str| Some(f64::from(*volatility.weights.get(key)?) / 1000.0);
    let of_unit = |unit: &Unit| -> Vec<(String, f64)> {
        match &unit.causes {
            Causes::Closure => weight(&unit.key).map(|weight| (unit.id.clone(), weight)).into_iter().collect(),
            Causes::Listed(causes) => causes.iter().filter_map(|cause| Some((cause.clone(), weight(cause)?))).collect(),
        }
    };
    units.iter().flat_map(of_unit).collect()
}

#[cfg(test)]
mod tests;
