//! Who does what at the same time: one connection too many, one path fetched twice, one collection in between.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::nix::StorePath;

/// Most connections of one user, and of all. Root has no limit of its own.
pub(super) const PER_USER: usize = 8;
/// Most connections of all users.
pub(super) const IN_ALL: usize = 64;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts connections by user.
#[derive(Default)]
pub(super) struct Connections(Mutex<BTreeMap<u32, usize>>);

impl Connections {
    /// One more of this user's, if there is room.
    #[must_use]
    pub(super) fn enter(&self, uid: u32) -> bool {
        let mut counts = lock(&self.0);
        let total: usize = counts.iter().filter(|(uid, _)| **uid != 0).map(|(_, count)| count).sum();
        let own = counts.get(&uid).copied().unwrap_or_default();
        let most = if uid == 0 { IN_ALL } else { PER_USER };
        if own >= most || uid != 0 && total >= IN_ALL {
            return false;
        }
        counts.insert(uid, own + 1);
        true
    }

    /// One less.
    pub(super) fn leave(&self, uid: u32) {
        let mut counts = lock(&self.0);
        let left = counts.get(&uid).copied().unwrap_or_default().saturating_sub(1);
        if left == 0 {
            counts.remove(&uid)
        } else {
            counts.insert(uid, left)
        };
    }

    /// How many a user has.
    pub(super) fn of(&self, uid: u32) -> usize {
        lock(&self.0).get(&uid).copied().unwrap_or_default()
    }
}

/// Paths that somebody fetches just now. Nobody waits while holding some, so nobody waits for ever.
#[derive(Default)]
pub(super) struct Claims {
    claimed: Mutex<BTreeSet<StorePath>>,
    changed: Condvar,
}

/// Paths that the holder fetches, until it is dropped.
pub(super) struct Claimed<'a> {
    claims: &'a Claims,
    /// Which.
    pub(super) paths: BTreeSet<StorePath>,
}

impl Claims {
    /// Claims those of `wanted` that nobody has; waits, and claims nothing, where somebody has all of them.
    pub(super) fn claim(&self, wanted: &BTreeSet<StorePath>) -> Claimed<'_> {
        let mut claimed = lock(&self.claimed);
        let free: BTreeSet<StorePath> = wanted.difference(&claimed).cloned().collect();
        if free.is_empty() && !wanted.is_empty() {
            drop(self.changed.wait_timeout(claimed, Duration::from_secs(5)));
            return Claimed { claims: self, paths: free };
        }
        claimed.extend(free.iter().cloned());
        Claimed { claims: self, paths: free }
    }
}

impl Drop for Claimed<'_> {
    fn drop(&mut self) {
        lock(&self.claims.claimed).retain(|path| !self.paths.contains(path));
        self.claims.changed.notify_all();
    }
}

/// Lets many use the store, or one collect.
#[derive(Default)]
pub(super) struct Gate {
    state: Mutex<(usize, bool)>,
    changed: Condvar,
}

/// Somebody uses the store, or collects, until this is dropped.
pub(super) struct Passed<'a> {
    gate: &'a Gate,
    collects: bool,
}

impl Gate {
    /// Waits while somebody collects.
    pub(super) fn enter(&self) -> Passed<'_> {
        let mut state = lock(&self.state);
        while state.1 {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.0 += 1;
        Passed { gate: self, collects: false }
    }

    /// Waits until nobody uses the store, but no longer than `patience`. Nobody waits for who waits here.
    pub(super) fn close(&self, patience: Duration) -> Option<Passed<'_>> {
        let until = Instant::now() + patience;
        let mut state = lock(&self.state);
        while state.0 > 0 || state.1 {
            let left = until.checked_duration_since(Instant::now())?;
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.1 = true;
        Some(Passed { gate: self, collects: true })
    }
}

impl Drop for Passed<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.gate.state);
        if self.collects {
            state.1 = false;
        } else {
            state.0 = state.0.saturating_sub(1);
        }
        drop(state);
        self.gate.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_all_connections() {
        let connections = Connections::default();
        assert!((0..PER_USER).all(|_| connections.enter(1000)));
        assert!(!connections.enter(1000) && connections.enter(1001));
        connections.leave(1000);
        assert!(connections.enter(1000) && !connections.enter(1000));
        let held = (1..100).flat_map(|uid| [uid; 3]).filter(|uid| connections.enter(*uid)).count();
        assert_eq!(held, IN_ALL - PER_USER - 1);
        assert!(!connections.enter(77) && connections.enter(0), "root always gets in");
        assert_eq!((connections.of(1000), connections.of(777)), (PER_USER, 0));
    }

    #[test]
    fn a_path_is_claimed_once() {
        let claims = Claims::default();
        let path = |number| StorePath::from_parts([number; 20], "x").unwrap();
        let one = claims.claim(&BTreeSet::from([path(1), path(2)]));
        let two = claims.claim(&BTreeSet::from([path(2), path(3)]));
        assert_eq!((one.paths.len(), two.paths.clone()), (2, BTreeSet::from([path(3)])));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| claims.claim(&BTreeSet::from([path(2)])).paths.len());
            drop(one);
            assert!(waiting.join().unwrap() <= 1);
        });
        assert_eq!(claims.claim(&BTreeSet::from([path(2)])).paths.len(), 1);
    }

    #[test]
    fn collecting_waits_and_is_waited_for() {
        let gate = Gate::default();
        let used = gate.enter();
        assert!(gate.close(Duration::ZERO).is_none());
        drop(gate.enter());
        drop(used);
        let collecting = gate.close(Duration::ZERO).unwrap();
        assert!(gate.close(Duration::ZERO).is_none());
        drop(collecting);
        drop(gate.enter());
    }
}
