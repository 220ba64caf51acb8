//! One memory budget for all decoders, so that wide windows wait for each other instead of adding up.

use std::sync::{Condvar, Mutex, PoisonError};

/// Bytes that decoders may hold at once.
pub struct DecoderBudget {
    total: u64,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    free: u64,
    /// Who comes next: without an order, narrow windows would starve a wide one.
    next_ticket: u64,
    serving: u64,
}

/// A share of the budget; given back when it is dropped.
pub struct Lease<'a> {
    budget: &'a DecoderBudget,
    bytes: u64,
}

impl DecoderBudget {
    /// What a build gets by default.
    pub const DEFAULT: u64 = 128 << 20;

    /// A budget of `total` bytes.
    #[must_use]
    pub const fn new(total: u64) -> Self {
        Self { total, state: Mutex::new(State { free: total, next_ticket: 0, serving: 0 }), changed: Condvar::new() }
    }

    /// Waits until `bytes` are free, in the order of asking. More than the whole budget waits for all of it.
    pub fn lease(&self, bytes: u64) -> Lease<'_> {
        let bytes = bytes.min(self.total);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        while state.serving != ticket || state.free < bytes {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.serving += 1;
        state.free -= bytes;
        drop(state);
        self.changed.notify_all();
        Lease { budget: self, bytes }
    }
}

impl Default for DecoderBudget {
    fn default() -> Self {
        Self::new(Self::DEFAULT)
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        self.budget.state.lock().unwrap_or_else(PoisonError::into_inner).free += self.bytes;
        self.budget.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn never_more_than_the_total_and_nobody_starves() {
        let budget = DecoderBudget::new(100);
        let (held, most) = (AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for thread in 0..8u64 {
                let (budget, held, most) = (&budget, &held, &most);
                scope.spawn(move || {
                    for round in 0..50 {
                        let bytes = if thread == 0 { 500 } else { 10 + (thread * 13 + round * 7) % 60 };
                        let lease = budget.lease(bytes);
                        let now = held.fetch_add(bytes.min(100), Ordering::SeqCst) + bytes.min(100);
                        most.fetch_max(now, Ordering::SeqCst);
                        held.fetch_sub(bytes.min(100), Ordering::SeqCst);
                        drop(lease);
                    }
                });
            }
        });
        assert!(most.into_inner() <= 100);
        assert_eq!(budget.state.lock().expect("whole").free, 100);
    }
}
