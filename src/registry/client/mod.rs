//! The client: [`Registry`] keeps connections and what is known of hosts, [`Repository`] makes the requests.
//!
//! A request's way: `manifests`, `blobs`, `upload` and `referrers` say what is asked; `exchange` tries it until it is answered, with
//! `auth` to say who we are and `retry` to say how often; `transport` sends it.

mod answer;
mod auth;
mod blobs;
mod exchange;
mod hosts;
mod manifests;
mod referrers;
mod retry;
mod transport;
mod upload;

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use crate::cache::http::{Clock, Proxies};
use crate::nix::Sha256;

use super::credentials::CredentialSource;
use super::{Error, Reference};
use auth::Access;
use hosts::Host;
use transport::Transport;

pub use blobs::BlobReader;

/// How the client behaves.
#[derive(Clone)]
pub struct Settings {
    /// No network at all.
    pub offline: bool,
    /// Speak plain http to any host, and take any certificate; to loopback, plain http is tried anyway.
    pub insecure: bool,
    /// Certificate authorities, PEM, beside the usual ones.
    pub ca_file: Option<PathBuf>,
    /// Proxies by scheme.
    pub proxies: Proxies,
    /// Tells the time and waits between tries.
    pub clock: Arc<dyn Clock>,
}

/// A client of any registry. Share it: connections and tokens are kept.
pub struct Registry {
    settings: Settings,
    credentials: Arc<dyn CredentialSource>,
    transport: Transport,
    hosts: Mutex<BTreeMap<String, Arc<Host>>>,
    access: Mutex<BTreeMap<(String, String), Arc<Access>>>,
}

/// A repository of a registry. Share it between threads.
pub struct Repository<'a> {
    registry: &'a Registry,
    host: Arc<Host>,
    access: Arc<Access>,
    /// As people write it, and as credentials are kept for it.
    host_name: String,
    name: String,
    push: bool,
}

/// Which manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identifier {
    /// By name.
    Tag(String),
    /// By digest.
    Digest(Sha256),
}

/// What is known of a manifest without fetching it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestHead {
    /// Its digest.
    pub digest: Sha256,
    /// Its type.
    pub media_type: String,
    /// Bytes, where the registry says.
    pub size: Option<u64>,
}

/// A manifest or index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestBytes {
    /// As it came; their digest is `digest`.
    pub bytes: Vec<u8>,
    /// Its type: the header's, held against the document's own.
    pub media_type: String,
    /// Derived from the bytes.
    pub digest: Sha256,
}

/// A blob to upload.
pub trait BlobSource: Sync {
    /// Its digest.
    fn digest(&self) -> Sha256;
    /// Bytes.
    fn size(&self) -> u64;
    /// Its bytes from `offset` on. Called again where an upload is resumed or begun anew.
    fn open(&self, offset: u64) -> io::Result<Box<dyn Read + Send + '_>>;
}

/// How a blob got there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Uploaded {
    /// It was there.
    Skipped,
    /// Mounted from this repository.
    Mounted(String),
    /// Sent: so many bytes on the wire, repeated ones included.
    Sent(u64),
}

/// A manifest that refers to another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferrerEntry {
    /// Of the manifest.
    pub digest: Sha256,
    /// Its type.
    pub media_type: String,
    /// Bytes.
    pub size: u64,
    /// What it is.
    pub artifact_type: Option<String>,
}

impl Registry {
    /// A client; opens no connection yet. Fails where the CA file can't be read.
    pub fn new(settings: Settings, credentials: Arc<dyn CredentialSource>) -> Result<Self, Error> {
        let transport = Transport::new(&settings)?;
        Ok(Self { settings, credentials, transport, hosts: Mutex::default(), access: Mutex::default() })
    }

    /// The repository of a reference.
    #[must_use]
    pub fn repository(&self, reference: &Reference) -> Repository<'_> {
        let api_host = reference.api_host();
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let host = Arc::clone(hosts.entry(api_host.to_owned()).or_insert_with(|| Arc::new(Host::new(api_host))));
        let key = (reference.registry.clone(), reference.repository.clone());
        let mut access = self.access.lock().unwrap_or_else(PoisonError::into_inner);
        Repository {
            registry: self,
            host,
            access: Arc::clone(access.entry(key).or_default()),
            host_name: reference.registry.clone(),
            name: reference.repository.clone(),
            push: false,
        }
    }
}

impl Repository<'_> {
    /// The same, to be pushed to: whatever is asked, the right to push is asked for, too, so that one token does for all.
    #[must_use]
    pub fn for_push(self) -> Self {
        Self { push: true, ..self }
    }

    fn now(&self) -> SystemTime {
        self.registry.settings.clock.now()
    }

    fn unauthorized(&self, shown: bool, said: String) -> Error {
        Error::Unauthorized { registry: self.host_name.clone(), repository: self.name.clone(), shown, said }
    }
}
