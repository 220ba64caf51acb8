//! Caches behind HTTP: buckets, and servers that take PUT.

use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;

use super::super::bucket::{Source, Target};
use super::super::error::Fault;
use super::super::http::{Answer, Answered, Conditions, Http, HttpError, Named, Outgoing, Payload};
use super::super::info::{self, CacheInfo};
use super::super::source::Remote;
use super::{Change, Location, WriteError, narinfo_name, new_info};
use crate::nix::{NarInfo, Sha256, StorePath};

/// How often an index is written anew when others write it, too.
const ATTEMPTS: usize = 6;

/// A cache that is written over HTTP.
pub(super) struct RemoteCache {
    http: Arc<Http>,
    remote: Remote,
    /// As messages name it.
    place: String,
    scratch: TempDir,
}

impl RemoteCache {
    /// Makes sure that there is a cache, or makes one.
    pub(super) fn open(location: &Location, http: &Arc<Http>) -> Result<Self, WriteError> {
        let place = location.to_string();
        let remote = Remote::at(location)
            .ok_or_else(|| WriteError::Place { place: place.clone(), fault: "it is a folder".to_owned() })?;
        let path = std::env::temp_dir();
        let scratch = tempfile::tempdir_in(&path).map_err(|source| WriteError::Write { path, source })?;
        let cache = Self { http: Arc::clone(http), remote, place, scratch };
        match cache.read(info::FILE, info::LIMIT)? {
            Some(text) => {
                let wrong = |fault: info::ParseCacheInfoError| WriteError::Place {
                    place: cache.place.clone(),
                    fault: fault.to_string(),
                };
                CacheInfo::parse(&text).map_err(wrong)?;
            }
            None => cache.put(info::FILE, new_info().as_bytes())?,
        }
        Ok(cache)
    }

    pub(super) fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// A small file; `None` if there is none.
    pub(super) fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, WriteError> {
        self.remote.read(&self.http, name, limit).map_err(|fault| self.unread(fault))
    }

    /// What the cache says of a path.
    pub(super) fn narinfo(&self, path: &StorePath) -> Result<Option<NarInfo>, WriteError> {
        let name = narinfo_name(path);
        let Some(text) = self.read(&name, NarInfo::MAX_SIZE as u64)? else { return Ok(None) };
        let malformed = |source| WriteError::NarInfo { path: Path::new(&self.place).join(&name), source };
        NarInfo::parse(&text).map(Some).map_err(malformed)
    }

    pub(super) fn put(&self, name: &str, content: &[u8]) -> Result<(), WriteError> {
        self.send(name, Source::Bytes(content), &[]).map(drop).map_err(|fault| self.unwritten(fault))
    }

    /// Sends a file, under a name that says what it holds.
    pub(super) fn put_file(&self, name: &str, path: &Path) -> Result<(), WriteError> {
        let size = path.metadata().map_err(|source| WriteError::Read { path: path.to_owned(), source })?.len();
        self.send(name, Source::File(path, size), &[]).map(drop).map_err(|fault| self.unwritten(fault))
    }

    /// Replaces a file by what `change` makes of it. A bucket tells when somebody else was quicker: then all over again.
    pub(super) fn rewrite(&self, name: &str, limit: u64, change: &Change<'_>) -> Result<(), WriteError> {
        for _ in 0..ATTEMPTS {
            let (old, etag) = self.read_tagged(name, limit)?;
            let new = change(&old.unwrap_or_default())?;
            let condition = self.remote.bucket().map(|bucket| bucket.condition(etag.as_deref()));
            match self.send(name, Source::Bytes(&new), condition.as_slice()) {
                Ok(_) => return Ok(()),
                // Another writer won: 409 while it is at it, 412 once it is done.
                Err(HttpError::Status { status: 409 | 412, .. }) => {}
                // A server that knows no conditions.
                Err(HttpError::Status { status: 501, .. }) => return self.put(name, &new),
                Err(fault) => return Err(self.unwritten(fault)),
            }
        }
        Err(WriteError::Contended { place: self.place.clone(), file: name.to_owned() })
    }

    fn read_tagged(&self, name: &str, limit: u64) -> Result<(Option<Vec<u8>>, Option<String>), WriteError> {
        let url = self.remote.url().join(name).map_err(|fault| self.unwritten(fault.into()))?;
        let conditions = Conditions { signer: self.remote.signer(), ..Conditions::default() };
        match self.http.fetch_bytes(&url, limit, conditions) {
            Ok(Answer::Body(document)) => Ok((Some(document.bytes), document.etag)),
            Ok(Answer::Absent { .. } | Answer::NotModified) => Ok((None, None)),
            // Who may not list a bucket is told so of whatever it lacks: `Remote::read` knows.
            Err(HttpError::Refused { status: 403, .. }) => Ok((self.read(name, limit)?, None)),
            Err(fault) => Err(self.unwritten(fault)),
        }
    }

    fn send(&self, name: &str, source: Source<'_>, conditions: &[(&str, &str)]) -> Result<Answered, HttpError> {
        let url = self.remote.url().join(name)?;
        let mut headers = vec![("content-type", content_type(name))];
        headers.extend(conditions);
        if let (Some(bucket), Some(signer)) = (self.remote.bucket(), self.remote.signer()) {
            return Target { http: &self.http, bucket, signer, url: &url }.put(source, &headers);
        }
        let (payload, digest) = match source {
            Source::Bytes(bytes) => (Payload::Bytes(bytes), Sha256::of(bytes).hex()),
            // Nobody asks for a digest but who checks signatures over it.
            Source::File(path, length) => (Payload::File { path, start: 0, length }, String::new()),
        };
        let outgoing = Outgoing { method: "PUT", headers: &headers, payload, digest: &digest, named: Named::default() };
        self.http.send_to(&url, &outgoing)
    }

    fn unwritten(&self, source: HttpError) -> WriteError {
        WriteError::Remote { place: self.place.clone(), source }
    }

    fn unread(&self, fault: Fault) -> WriteError {
        match fault {
            Fault::Http(source) => self.unwritten(source),
            fault => WriteError::Place { place: self.place.clone(), fault: fault.to_string() },
        }
    }
}

/// As Nix has it.
fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("narinfo") => "text/x-nix-narinfo",
        Some("jsonl") => "application/jsonl",
        _ if name == info::FILE => "text/x-nix-cache-info",
        _ if name.starts_with("nar/") => "application/x-nix-nar",
        _ => "application/octet-stream",
    }
}
