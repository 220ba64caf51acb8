//! When a request is tried again, and after what wait.

use std::time::{Duration, SystemTime};

use super::error::HttpError;

/// The longest wait that a server may ask for.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// The first wait of our own; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// Tries in all, for a host that has answered before.
const TRIES: u32 = 5;

/// Tries in all, for a host that never answered: a wrong name should be said soon.
const FIRST_TRIES: u32 = 3;

/// A host that never answered is not tried again when the first tries took this long: with the time for a name and a
/// connection this stays below ten seconds.
const FIRST_PATIENCE: Duration = Duration::from_secs(2);

/// A failed try.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Another try gives the same.
    Final(HttpError),
    /// Another try may succeed.
    Temporary {
        /// What to report when no try succeeds.
        error: HttpError,
        /// How long the server wants us to wait.
        after: Option<Duration>,
        /// No connection came about.
        connecting: bool,
    },
}

impl From<HttpError> for Fault {
    fn from(error: HttpError) -> Self {
        Self::Final(error)
    }
}

/// The wait before the next try, or `None` to give up. `failures` counts the tries that failed, from 1.
pub(super) fn wait(failures: u32, elapsed: Duration, after: Option<Duration>, known_host: bool) -> Option<Duration> {
    let patient = known_host || elapsed < FIRST_PATIENCE;
    let tries = if known_host { TRIES } else { FIRST_TRIES };
    if failures >= tries || !patient {
        return None;
    }
    let own = FIRST_WAIT * 2u32.pow(failures.min(8) - 1);
    Some(after.map_or(own, |asked| asked.min(LONGEST_WAIT)))
}

/// Reads a `Retry-After` header: seconds or an HTTP date.
pub(crate) fn retry_after(header: &str, now: SystemTime) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(header).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end() {
        let waits: Vec<_> = (1..).map_while(|failures| wait(failures, Duration::ZERO, None, true)).collect();
        assert_eq!(waits, [250, 500, 1000, 2000].map(Duration::from_millis));
        assert_eq!(wait(1, Duration::from_secs(3), None, false), None);
        assert_eq!(wait(3, Duration::ZERO, None, false), None);
        assert_eq!(wait(1, Duration::from_secs(3), None, true), Some(FIRST_WAIT));
    }

    #[test]
    fn a_server_decides_within_reason() {
        assert_eq!(wait(1, Duration::ZERO, Some(Duration::from_secs(7)), true), Some(Duration::from_secs(7)));
        assert_eq!(wait(1, Duration::ZERO, Some(Duration::from_hours(24)), true), Some(LONGEST_WAIT));
    }

    #[test]
    fn retry_after_has_two_forms() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(retry_after("120", now), Some(Duration::from_mins(2)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:47 GMT", now), Some(Duration::from_secs(10)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", now), None);
    }
}
