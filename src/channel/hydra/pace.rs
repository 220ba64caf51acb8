//! Keeps to a host's rate limit, before it has to say so.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::cache::http::Clock;

/// Requests that may go at once.
const BURST: f64 = 7.0;
/// Requests a second, in the long run.
const RATE: f64 = 2.0;
/// What rounding leaves of a permission.
const NOTHING: f64 = 1e-6;

/// A bucket of permissions that fills with time.
pub(in crate::channel) struct Pace {
    state: Mutex<Option<(f64, SystemTime)>>,
}

impl Pace {
    pub(in crate::channel) const fn new() -> Self {
        Self { state: Mutex::new(None) }
    }

    /// Waits until `requests` may go. When they were answered, they are [`Pace::spent`].
    pub(in crate::channel) fn wait(&self, requests: u32, clock: &dyn Clock) {
        loop {
            let lacking = f64::from(requests) - self.left(clock.now());
            if lacking < NOTHING {
                return;
            }
            clock.sleep(Duration::from_secs_f64(lacking / RATE));
        }
    }

    /// Takes `requests` out, which were answered just now. The host took them out earlier, and may have been full until then: what it
    /// has left is never less than what is counted here, however long something stood still.
    pub(in crate::channel) fn spent(&self, requests: u32, clock: &dyn Clock) {
        let now = clock.now();
        let left = self.left(now) - f64::from(requests);
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = Some((left, now));
    }

    fn left(&self, now: SystemTime) -> f64 {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, then) = state.unwrap_or((BURST, now));
        let passed = now.duration_since(then).unwrap_or_default().as_secs_f64();
        (left + passed * RATE).min(BURST)
    }

    /// How long `names` questions of two requests each take from now on, in the worst case.
    #[must_use]
    pub(in crate::channel) fn expected(names: usize) -> Duration {
        let requests = f64::from(u32::try_from(names).unwrap_or(u32::MAX)) * 2.0;
        Duration::from_secs_f64(((requests - BURST) / RATE).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// A clock that only sleeping moves.
    struct Still(Mutex<(SystemTime, Duration)>);

    impl Clock for Still {
        fn now(&self) -> SystemTime {
            self.0.lock().unwrap().0
        }

        fn sleep(&self, duration: Duration) {
            let mut state = self.0.lock().unwrap();
            state.0 += duration;
            state.1 += duration;
        }
    }

    #[test]
    fn seven_go_at_once_and_then_two_a_second() {
        let clock = Still(Mutex::new((SystemTime::UNIX_EPOCH, Duration::ZERO)));
        let pace = Pace::new();
        let slept = || clock.0.lock().unwrap().1;
        let go = || {
            pace.wait(1, &clock);
            pace.spent(1, &clock);
        };
        for _ in 0..7 {
            go();
        }
        assert_eq!(slept(), Duration::ZERO);
        for _ in 0..10 {
            go();
        }
        assert_eq!(slept(), Duration::from_secs(5));
        assert_eq!(Pace::expected(3), Duration::ZERO);
        assert_eq!(Pace::expected(20), Duration::from_millis(16_500));
    }

    #[test]
    fn what_stood_still_before_it_arrived_gives_nothing_more() {
        let clock = Still(Mutex::new((SystemTime::UNIX_EPOCH, Duration::ZERO)));
        let pace = Pace::new();
        pace.wait(2, &clock);
        clock.sleep(Duration::from_secs(3));
        pace.spent(2, &clock);
        let before = clock.now();
        for _ in 0..3 {
            pace.wait(2, &clock);
            pace.spent(2, &clock);
        }
        assert_eq!(
            clock.now().duration_since(before).unwrap(),
            Duration::from_millis(500),
            "five were left, and six asked"
        );
    }
}
