//! Reading blobs.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use ureq::Body;
use ureq::http::{Method, Response};

use crate::cache::http::{header, parse_content_range};
use crate::nix::{Hasher, Sha256};

use super::super::Error;
use super::auth::Need;
use super::exchange::Task;
use super::retry::{Fault, Patience};
use super::transport::Outgoing;
use super::{Repository, answer};

/// Interruptions that one blob survives: a registry that sends a byte at a time must not hold us for ever.
const INTERRUPTIONS: u32 = 50;

/// A connection that brings less than this many bytes a second, over [`PATIENCE`] of waiting for it, is given up for a new one.
const SLOWEST: u64 = 1024;
const PATIENCE: Duration = Duration::from_mins(1);

/// A blob that is read. Goes on where the connection broke; at the end it has been checked against its digest, else the last read
/// fails. Reading fails with an [`io::Error`] that holds an [`Error`].
pub struct BlobReader<'a> {
    repository: &'a Repository<'a>,
    task: Task,
    digest: Sha256,
    size: u64,
    body: Option<Box<dyn Read + Send>>,
    hasher: Hasher,
    /// Where this connection began, and how long it was waited for since.
    since: (u64, Duration),
    interruptions: u32,
    checked: bool,
}

impl Repository<'_> {
    /// Whether a blob is there.
    pub fn has_blob(&self, digest: &Sha256) -> Result<bool, Error> {
        self.has_blob_for(digest, self.need())
    }

    pub(super) fn has_blob_for(&self, digest: &Sha256, need: Need<'_>) -> Result<bool, Error> {
        let task = Task::new("looking up", format!("blob {}", digest.oci()));
        let path = format!("blobs/{}", digest.oci());
        let there = self.with_retries(|| {
            let (response, _) = self.exchange(&task, &self.address(&path)?, &mut Outgoing::new(Method::HEAD), need)?;
            match response.status().as_u16() {
                200 => Ok(true),
                404 => Ok(false),
                _ => Err(self.refuse(&task, response)),
            }
        });
        there.map_err(|error| self.told_why(error, &task, &path, need))
    }

    /// A small blob, checked; refused where it is larger than `limit`.
    pub fn blob(&self, digest: &Sha256, limit: u64) -> Result<Vec<u8>, Error> {
        let task = Task::new("reading", format!("blob {}", digest.oci()));
        let bytes = self.with_retries(|| {
            let mut response = self.get_blob(&task, digest, 0)?;
            let bytes = answer::read(&mut response, limit, &self.action(&task))?;
            Ok(bytes.ok_or_else(|| self.too_large(&task, limit))?)
        })?;
        let found = Sha256::of(&bytes);
        if found == *digest { Ok(bytes) } else { Err(self.other_digest(&task, digest, &found)) }
    }

    /// A blob of any size; `size` is what its descriptor says, and is held against it.
    pub fn open_blob(&self, digest: &Sha256, size: u64) -> Result<BlobReader<'_>, Error> {
        let task = Task::new("reading", format!("blob {}", digest.oci()));
        let response = self.with_retries(|| self.get_blob(&task, digest, 0))?;
        if let Some(length) = response.body().content_length().filter(|length| *length != size) {
            return Err(self.malformed(&task, format!("it has {length} bytes, and should have {size}")));
        }
        let body = Some(reader(response));
        let (hasher, digest, since) = (Hasher::new(), *digest, (0, Duration::ZERO));
        Ok(BlobReader { repository: self, task, digest, size, body, hasher, since, interruptions: 0, checked: false })
    }

    /// A blob from `offset` on: with 206, or with 200 from its beginning.
    fn get_blob(&self, task: &Task, digest: &Sha256, offset: u64) -> Result<Response<Body>, Fault> {
        let url = self.address(&format!("blobs/{}", digest.oci()))?;
        let mut request = Outgoing::new(Method::GET);
        if offset > 0 {
            request = request.header("range", format!("bytes={offset}-"));
        }
        let (mut response, _) = self.exchange(task, &url, &mut request, self.need())?;
        match response.status().as_u16() {
            200 => Ok(response),
            206 if offset > 0 => Ok(response),
            404 => {
                let _ = answer::said(&mut response);
                let (registry, repository) = (self.host_name.clone(), self.name.clone());
                Err(Error::Missing { registry, repository, what: task.what.clone() }.into())
            }
            _ => Err(self.refuse(task, response)),
        }
    }
}

impl BlobReader<'_> {
    fn position(&self) -> u64 {
        self.hasher.length()
    }

    fn is_too_slow(&self) -> bool {
        let (from, waited) = self.since;
        waited > PATIENCE && (self.position() - from) < SLOWEST.saturating_mul(waited.as_secs())
    }

    /// Opens it again at the place where it broke off.
    fn resume(&mut self, reason: &str) -> Result<(), Error> {
        let broken = || Error::Interrupted { action: self.repository.action(&self.task), reason: reason.to_owned() };
        self.interruptions += 1;
        if self.interruptions > INTERRUPTIONS {
            return Err(broken());
        }
        tracing::debug!("{}; going on at byte {}", broken(), self.position());
        let mut patience = Patience::new(&*self.repository.registry.settings.clock);
        // The first new try follows at once: what broke was a connection that worked.
        loop {
            match self.reopen() {
                Ok(body) => {
                    self.body = Some(body);
                    self.since = (self.position(), Duration::ZERO);
                    return Ok(());
                }
                Err(fault) => self.repository.wait(&mut patience, fault)?,
            }
        }
    }

    fn reopen(&self) -> Result<Box<dyn Read + Send>, Fault> {
        let position = self.position();
        let response = self.repository.get_blob(&self.task, &self.digest, position)?;
        if response.status().as_u16() == 206 {
            let range = header(response.headers(), "content-range").and_then(parse_content_range);
            if range.is_some_and(|(start, total)| start == position && total.is_none_or(|total| total == self.size)) {
                return Ok(reader(response));
            }
            return Err(self.repository.malformed(&self.task, "it sends another part than was asked for").into());
        }
        let mut body = reader(response);
        match io::copy(&mut (&mut body).take(position), &mut io::sink()) {
            Ok(count) if count == position => Ok(body),
            skipped => {
                let reason = skipped.map_or_else(|fault| fault.to_string(), |_| "the connection closed".to_owned());
                Err(Fault::temporary(Error::Interrupted { action: self.repository.action(&self.task), reason }))
            }
        }
    }

    /// Holds what was read against digest and size.
    fn check(&mut self) -> Result<usize, Error> {
        if !self.checked {
            let found = self.hasher.clone().finish();
            if found != self.digest {
                return Err(self.repository.other_digest(&self.task, &self.digest, &found));
            }
            self.checked = true;
            self.body = None;
        }
        Ok(0)
    }

    fn try_read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        loop {
            let missing = self.size.saturating_sub(self.position());
            if missing == 0 {
                return self.check();
            }
            let room = buffer.len().min(usize::try_from(missing).unwrap_or(usize::MAX));
            let Some((body, buffer)) = self.body.as_mut().zip(buffer.get_mut(..room)) else { return Ok(0) };
            let start = Instant::now();
            let came = body.read(buffer);
            self.since.1 += start.elapsed();
            let reason = match came {
                Ok(_) if self.is_too_slow() => "it brings next to nothing".to_owned(),
                Ok(0) => "the connection closed".to_owned(),
                Ok(count) => {
                    self.hasher.update(buffer.get(..count).unwrap_or_default());
                    if self.position() == self.size {
                        self.check()?;
                    }
                    return Ok(count);
                }
                Err(fault) if fault.kind() == io::ErrorKind::Interrupted => continue,
                Err(fault) => fault.to_string(),
            };
            self.resume(&reason)?;
        }
    }
}

impl Read for BlobReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        self.try_read(buffer).map_err(io::Error::other)
    }
}

fn reader(response: Response<Body>) -> Box<dyn Read + Send> {
    Box::new(response.into_body().into_with_config().limit(u64::MAX).reader())
}
