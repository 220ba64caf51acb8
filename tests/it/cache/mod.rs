//! Reading and writing binary caches.

mod closure;
mod clouds;
mod fetch;
mod http;
mod places;
mod real;
mod s3;
mod s3s;
mod write;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use dumbc::cache::http::{Clock, Netrc, Proxies, Tokens};
use dumbc::cache::{CacheSet, CacheSpec, Error, Found, Http, HttpSettings, Location, Settings};
use dumbc::nix::{PublicKey, StorePath};
use dumbc::progress::Silent;
use tempfile::TempDir;

use crate::support::clock::FakeClock;

/// A reader of caches, with a state folder and a clock of its own.
struct Reader {
    clock: Arc<FakeClock>,
    state: Arc<TempDir>,
    specs: Vec<CacheSpec>,
    offline: bool,
}

/// Caches that are open; their state folder goes with them.
struct Opened {
    set: CacheSet,
    _state: Arc<TempDir>,
}

impl std::ops::Deref for Opened {
    type Target = CacheSet;

    fn deref(&self) -> &CacheSet {
        &self.set
    }
}

fn reader() -> Reader {
    let state = Arc::new(tempfile::tempdir().unwrap());
    Reader { clock: Arc::new(FakeClock::new()), state, specs: Vec::new(), offline: false }
}

impl Reader {
    fn cache(mut self, location: &str, keys: &[PublicKey]) -> Self {
        let spec = CacheSpec {
            name: format!("cache-{}", self.specs.len() + 1),
            location: Location::parse(location, Path::new("/")).unwrap(),
            keys: keys.to_vec(),
            allow_unsigned: false,
            priority: None,
        };
        self.specs.push(spec);
        self
    }

    fn allow_unsigned(mut self) -> Self {
        self.specs.last_mut().unwrap().allow_unsigned = true;
        self
    }

    fn offline(mut self, offline: bool) -> Self {
        self.offline = offline;
        self
    }

    fn open(&self) -> Opened {
        Opened { set: self.try_open().unwrap(), _state: Arc::clone(&self.state) }
    }

    fn try_open(&self) -> Result<CacheSet, Error> {
        let http = Arc::new(http(&self.clock, self.offline, Netrc::default()));
        let settings =
            Settings { state_dir: self.state.path().to_owned(), http, untrusted: false, budget: Arc::default() };
        CacheSet::open(self.specs.clone(), settings)
    }
}

fn http(clock: &Arc<FakeClock>, offline: bool, netrc: Netrc) -> Http {
    let clock = Arc::clone(clock) as Arc<dyn Clock>;
    Http::new(HttpSettings { offline, netrc, tokens: Tokens::default(), proxies: Proxies::default(), clock })
}

/// The closure of a root that nobody named.
fn closure(set: &CacheSet, root: &StorePath) -> Result<Vec<Found>, Error> {
    set.closure(std::slice::from_ref(root), &BTreeSet::new(), &Silent)
}

fn paths(found: &[Found]) -> Vec<StorePath> {
    found.iter().map(|found| found.info.info().path.clone()).collect()
}
