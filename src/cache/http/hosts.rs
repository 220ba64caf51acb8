//! What is known of hosts, and how often a request is tried.

use std::collections::{HashMap, HashSet};
use std::sync::{MutexGuard, PoisonError};

use super::Http;
use super::error::HttpError;
use super::retry::{self, Fault};
use super::url::Url;

/// What is known of hosts, by `host:port`.
#[derive(Default)]
pub(super) struct Hosts {
    pub(super) answered: HashSet<String>,
    unreachable: HashMap<String, String>,
}

impl Http {
    /// Tries until it succeeds, is final, or patience ends.
    pub(super) fn with_retries<T>(
        &self,
        url: &Url,
        mut attempt: impl FnMut() -> Result<T, Fault>,
    ) -> Result<T, HttpError> {
        if self.settings.offline {
            return Err(HttpError::Offline { url: url.clone() });
        }
        let host = host_key(url);
        let start = self.settings.clock.now();
        let mut failures = 0;
        loop {
            if let Some(reason) = self.lock_hosts().unreachable.get(&host) {
                return Err(HttpError::Unreachable { host, reason: reason.clone() });
            }
            match attempt() {
                Ok(value) => return Ok(value),
                Err(Fault::Final(error)) => return Err(error),
                Err(Fault::Temporary { error, after, connecting }) => {
                    failures += 1;
                    let elapsed = self.settings.clock.now().duration_since(start).unwrap_or_default();
                    let known = !connecting || self.lock_hosts().answered.contains(&host);
                    let Some(wait) = retry::wait(failures, elapsed, after, known) else {
                        self.give_up(&error, known);
                        return Err(error);
                    };
                    tracing::debug!("{error}; trying again in {wait:?}");
                    self.settings.clock.sleep(wait);
                }
            }
        }
    }

    /// Remembers a host that never answered, so that the next request need not wait for it.
    fn give_up(&self, error: &HttpError, known: bool) {
        if let (HttpError::Unreachable { host, reason }, false) = (error, known) {
            self.lock_hosts().unreachable.insert(host.clone(), reason.clone());
        }
    }

    /// Remembers that a host is there.
    pub(super) fn answered(&self, url: &Url) {
        self.lock_hosts().answered.insert(host_key(url));
    }

    pub(super) fn lock_hosts(&self) -> MutexGuard<'_, Hosts> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn host_key(url: &Url) -> String {
    format!("{}:{}", url.host(), url.port())
}
