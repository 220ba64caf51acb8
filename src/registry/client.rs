//! The client.

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use crate::cache::http::{Clock, Proxies};
use crate::nix::Sha256;

use super::credentials::CredentialSource;
use super::{Error, Reference};

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
pub struct Registry {}

/// A repository of a registry.
pub struct Repository<'a> {
    registry: &'a Registry,
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

/// A blob that is read. Goes on where the connection broke; at the end it has been checked against its digest, else the last read fails.
pub struct BlobReader<'a> {
    repository: &'a Repository<'a>,
}

impl Read for BlobReader<'_> {
    fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
        let _ = self.repository;
        unimplemented!()
    }
}

impl Registry {
    /// A client; opens no connection yet. Fails where the CA file can't be read.
    pub fn new(_settings: Settings, _credentials: Arc<dyn CredentialSource>) -> Result<Self, Error> {
        unimplemented!()
    }

    /// The repository of a reference.
    #[must_use]
    pub fn repository(&self, _reference: &Reference) -> Repository<'_> {
        Repository { registry: self }
    }
}

impl Repository<'_> {
    /// What is known of a manifest; `None`: it isn't there.
    pub fn head_manifest(&self, _id: &Identifier) -> Result<Option<ManifestHead>, Error> {
        let _ = self.registry;
        unimplemented!()
    }

    /// A manifest or index of at most 4 MiB; `None`: it isn't there.
    pub fn manifest(&self, _id: &Identifier) -> Result<Option<ManifestBytes>, Error> {
        unimplemented!()
    }

    /// Puts a manifest; its digest.
    pub fn put_manifest(&self, _id: &Identifier, _media_type: &str, _bytes: &[u8]) -> Result<Sha256, Error> {
        unimplemented!()
    }

    /// Whether a blob is there.
    pub fn has_blob(&self, _digest: &Sha256) -> Result<bool, Error> {
        unimplemented!()
    }

    /// A small blob, checked; refused where it is larger than `limit`.
    pub fn blob(&self, _digest: &Sha256, _limit: u64) -> Result<Vec<u8>, Error> {
        unimplemented!()
    }

    /// A blob of any size.
    pub fn open_blob(&self, _digest: &Sha256, _size: u64) -> Result<BlobReader<'_>, Error> {
        unimplemented!()
    }

    /// Puts a blob: skips it where it is there, mounts it from one of `from` (repositories of this registry), else sends it.
    /// `sent` hears of bytes as they go.
    pub fn upload(
        &self,
        _blob: &dyn BlobSource,
        _from: &[String],
        _sent: &(dyn Fn(u64) + Sync),
    ) -> Result<Uploaded, Error> {
        unimplemented!()
    }

    /// Manifests that refer to `digest`: by the referrers API, else by its tag.
    pub fn referrers(&self, _digest: &Sha256, _artifact_type: Option<&str>) -> Result<Vec<ReferrerEntry>, Error> {
        unimplemented!()
    }

    /// Puts a manifest that has a `subject`, and where the registry has no referrers API, lists it under the subject's tag.
    pub fn put_referrer(&self, _subject: &Sha256, _media_type: &str, _bytes: &[u8]) -> Result<Sha256, Error> {
        unimplemented!()
    }
}
