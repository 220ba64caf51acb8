//! The client against a registry in this process.

mod auth;
mod double;
mod faults;
mod reading;
mod real;
mod referring;
mod uploading;

use std::io::{self, Read};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use crate::cache::http::{Clock, Proxies};
use crate::nix::Sha256;

use super::super::{CredentialSource, Credentials, Error, NoCredentials, Reference, Secret};
use super::{BlobSource, Registry, Settings};
use double::Double;

/// Time that passes only while somebody waits.
#[derive(Default)]
struct TestClock {
    waited: Mutex<Vec<Duration>>,
}

impl TestClock {
    fn waits(&self) -> Vec<u128> {
        self.waited.lock().unwrap().iter().map(Duration::as_millis).collect()
    }

    fn pass(&self, duration: Duration) {
        self.waited.lock().unwrap().push(duration);
    }
}

impl Clock for TestClock {
    fn now(&self) -> SystemTime {
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        start + self.waited.lock().unwrap().iter().sum::<Duration>()
    }

    fn sleep(&self, duration: Duration) {
        self.pass(duration);
    }
}

struct Known(Credentials);

impl CredentialSource for Known {
    fn find(&self, _: &str, _: &str) -> Result<Option<Credentials>, Error> {
        Ok(Some(self.0.clone()))
    }
}

fn password() -> Arc<dyn CredentialSource> {
    Arc::new(Known(Credentials::Password { user: "alice".to_owned(), password: Secret::new("s3cret-word") }))
}

/// A registry, a client of it, and the client's clock.
struct Setting {
    double: Double,
    registry: Registry,
    clock: Arc<TestClock>,
}

impl Setting {
    fn new() -> Self {
        Self::with(Arc::new(NoCredentials))
    }

    fn with(credentials: Arc<dyn CredentialSource>) -> Self {
        let (double, clock) = (Double::start(), Arc::new(TestClock::default()));
        let registry = Registry::new(settings(&clock), credentials).unwrap();
        Self { double, registry, clock }
    }

    fn reference(&self) -> Reference {
        format!("{}/team/app:v1", self.double.host()).parse().unwrap()
    }

    fn repository(&self) -> super::Repository<'_> {
        self.registry.repository(&self.reference())
    }
}

fn settings(clock: &Arc<TestClock>) -> Settings {
    let clock: Arc<dyn Clock> = Arc::<TestClock>::clone(clock);
    Settings { offline: false, insecure: false, ca_file: None, proxies: Proxies::default(), clock }
}

/// A blob in memory; may lie about its digest.
struct Blob {
    bytes: Vec<u8>,
    digest: Sha256,
}

impl Blob {
    /// Bytes that look the same at no two places.
    fn of_size(size: usize) -> Self {
        let bytes: Vec<u8> = (0..=size as u64 / 8).flat_map(u64::to_le_bytes).take(size).collect();
        Self { digest: Sha256::of(&bytes), bytes }
    }
}

impl BlobSource for Blob {
    fn digest(&self) -> Sha256 {
        self.digest
    }

    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn open(&self, offset: u64) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(&self.bytes[usize::try_from(offset).unwrap()..]))
    }
}

fn unheard(_: u64) {}
