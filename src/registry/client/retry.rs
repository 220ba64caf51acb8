//! When a request is tried again, and after what wait.

use std::time::{Duration, SystemTime};

use crate::cache::http::{self, Clock, HttpError};

use super::super::Error;

/// The longest wait that a registry may ask for; where it asks for more, it is told and not waited for.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// The first wait of our own; each further one is twice as long, up to [`LONGEST_OWN_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_OWN_WAIT: Duration = Duration::from_secs(8);

/// Tries in all, for a host that has answered before.
const TRIES: u32 = 7;

/// Tries in all, for a host that never answered: a wrong name should be said soon.
const FIRST_TRIES: u32 = 3;

/// A host that never answered is not tried again when the first tries took this long.
const FIRST_PATIENCE: Duration = Duration::from_secs(2);

/// No request is tried again after so long, waits included.
const PATIENCE: Duration = Duration::from_mins(5);

/// A failed try.
#[derive(Debug)]
pub(super) enum Fault {
    /// Another try gives the same.
    Final(Error),
    /// Another try may succeed.
    Temporary {
        /// What to report when no try succeeds.
        error: Error,
        /// How long the registry wants us to wait.
        after: Option<Duration>,
        /// No connection came about.
        connecting: bool,
    },
    /// New credentials are at hand, and the body that can't be sent twice has to be opened again.
    Reauthorised,
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

impl Fault {
    /// What a failed connection means to a registry's client; `action` was going on.
    pub(super) fn broken(fault: http::Fault, action: String) -> Self {
        let (error, connecting) = match fault {
            http::Fault::Final(error) => (error, None),
            http::Fault::Temporary { error, connecting, .. } => (error, Some(connecting)),
        };
        let error = match error {
            HttpError::Unreachable { host, reason } => Error::Unreachable { host, reason },
            HttpError::Tls { host, reason } if reason.contains("corrupt message") => Error::NotTls { host },
            HttpError::Tls { host, reason } => Error::Tls { host, reason },
            HttpError::Interrupted { reason, .. } => Error::Interrupted { action, reason },
            other => Error::Interrupted { action, reason: other.to_string() },
        };
        match connecting {
            None => Self::Final(error),
            Some(connecting) => Self::Temporary { error, after: None, connecting },
        }
    }

    pub(super) fn temporary(error: Error) -> Self {
        Self::Temporary { error, after: None, connecting: false }
    }
}

/// Counts the tries of one request.
pub(super) struct Patience<'a> {
    clock: &'a dyn Clock,
    start: SystemTime,
    failures: u32,
}

impl<'a> Patience<'a> {
    pub(super) fn new(clock: &'a dyn Clock) -> Self {
        Self { clock, start: clock.now(), failures: 0 }
    }

    /// Progress was made: what failed before no longer counts.
    pub(super) fn renew(&mut self) {
        (self.start, self.failures) = (self.clock.now(), 0);
    }

    /// Waits before the next try, or gives back the error that ends them. `known`: the host has answered before.
    pub(super) fn wait(&mut self, fault: Fault, known: bool) -> Result<(), Error> {
        let (error, after, connecting) = match fault {
            Fault::Final(error) => return Err(error),
            Fault::Reauthorised => return Ok(()),
            Fault::Temporary { error, after, connecting } => (error, after, connecting),
        };
        self.failures += 1;
        let elapsed = self.clock.now().duration_since(self.start).unwrap_or_default();
        let Some(wait) = next_wait(self.failures, elapsed, after, known || !connecting) else { return Err(error) };
        tracing::debug!("{error}; trying again in {wait:?}");
        self.clock.sleep(wait);
        Ok(())
    }
}

/// The wait before the next try, or `None` to give up. `failures` counts the tries that failed, from 1.
fn next_wait(failures: u32, elapsed: Duration, after: Option<Duration>, known: bool) -> Option<Duration> {
    let (tries, patience) = if known { (TRIES, PATIENCE) } else { (FIRST_TRIES, FIRST_PATIENCE) };
    if failures >= tries || elapsed >= patience || after.is_some_and(|asked| asked > LONGEST_WAIT) {
        return None;
    }
    let own = FIRST_WAIT.saturating_mul(2u32.saturating_pow(failures - 1)).min(LONGEST_OWN_WAIT);
    Some(after.unwrap_or(own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end() {
        let waits: Vec<_> = (1..).map_while(|failures| next_wait(failures, Duration::ZERO, None, true)).collect();
        assert_eq!(waits, [250, 500, 1000, 2000, 4000, 8000].map(Duration::from_millis));
        assert_eq!(next_wait(1, Duration::from_secs(3), None, false), None);
        assert_eq!(next_wait(3, Duration::ZERO, None, false), None);
        assert_eq!(next_wait(1, PATIENCE, None, true), None);
    }

    #[test]
    fn a_registry_decides_within_reason() {
        assert_eq!(next_wait(1, Duration::ZERO, Some(Duration::from_secs(7)), true), Some(Duration::from_secs(7)));
        assert_eq!(next_wait(1, Duration::ZERO, Some(Duration::from_hours(6)), true), None);
    }
}
