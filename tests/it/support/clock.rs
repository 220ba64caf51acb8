//! A clock that passes only when somebody waits.

use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dumbc::cache::http::Clock;

pub(crate) struct FakeClock {
    now: Mutex<SystemTime>,
    waits: Mutex<Vec<Duration>>,
}

impl FakeClock {
    pub(crate) fn new() -> Self {
        Self { now: Mutex::new(UNIX_EPOCH + Duration::from_secs(1_700_000_000)), waits: Mutex::default() }
    }

    /// One that begins with this machine's time, which the disk tells, too.
    pub(crate) fn now_is() -> Self {
        Self { now: Mutex::new(SystemTime::now()), waits: Mutex::default() }
    }

    /// What was waited for so far.
    pub(crate) fn waits(&self) -> Vec<Duration> {
        self.waits.lock().unwrap().clone()
    }

    pub(crate) fn pass(&self, duration: Duration) {
        *self.now.lock().unwrap() += duration;
    }
}

impl Clock for FakeClock {
    fn now(&self) -> SystemTime {
        *self.now.lock().unwrap()
    }

    fn sleep(&self, duration: Duration) {
        self.waits.lock().unwrap().push(duration);
        self.pass(duration);
    }
}
