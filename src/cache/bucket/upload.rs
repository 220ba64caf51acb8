//! Sends objects: small ones in one request, large ones in parts, of which nothing is seen before the last.

mod blocks;
mod multipart;

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use super::super::http::{Answered, Authorize, Http, HttpError, Named, Outgoing, Payload, Url};
use super::{Bucket, Place};
use crate::nix::{Hasher, Sha256};

/// What is larger is sent in parts.
const WHOLE: u64 = 16 << 20;

/// Bytes of a part, at least; servers take none below five megabytes.
const PART: u64 = 8 << 20;

/// Servers take ten thousand parts.
const PARTS: u64 = 9_000;

/// What an object is made of.
#[derive(Debug, Clone, Copy)]
pub(in crate::cache) enum Source<'a> {
    /// These bytes.
    Bytes(&'a [u8]),
    /// A file of so many bytes.
    File(&'a Path, u64),
}

/// Where an object goes, and who signs for it.
#[derive(Clone, Copy)]
pub(in crate::cache) struct Target<'a> {
    pub(in crate::cache) http: &'a Http,
    pub(in crate::cache) bucket: &'a Bucket,
    pub(in crate::cache) signer: &'a dyn Authorize,
    pub(in crate::cache) url: &'a Url,
}

/// A large object, in the making.
struct Large<'a> {
    target: Target<'a>,
    path: &'a Path,
    size: u64,
}

impl Target<'_> {
    /// Puts an object, whole or not at all. `headers` go with it: its type, and conditions.
    pub(in crate::cache) fn put(&self, source: Source<'_>, headers: &[(&str, &str)]) -> Result<Answered, HttpError> {
        let payload = match source {
            Source::Bytes(bytes) => Payload::Bytes(bytes),
            Source::File(path, size) if size <= WHOLE => Payload::File { path, start: 0, length: size },
            Source::File(path, size) => {
                let large = Large { target: *self, path, size };
                return match self.bucket.0 {
                    Place::S3(_) | Place::Google(_) => multipart::put(&large, headers),
                    Place::Azure(_) => blocks::put(&large, headers),
                };
            }
        };
        let mut headers = headers.to_vec();
        if matches!(self.bucket.0, Place::Azure(_)) {
            headers.push(("x-ms-blob-type", "BlockBlob"));
        }
        self.send("PUT", self.url, payload, &headers)
    }

    fn send(
        &self,
        method: &str,
        url: &Url,
        payload: Payload<'_>,
        headers: &[(&str, &str)],
    ) -> Result<Answered, HttpError> {
        let digest = match (&self.bucket.0, payload) {
            (Place::S3(_), Payload::Bytes(bytes)) => Sha256::of(bytes).hex(),
            (Place::S3(_), Payload::File { path, start, length }) => digest_of(path, start, length)?,
            // Only S3's signatures are over it.
            (Place::Google(_) | Place::Azure(_), _) => String::new(),
        };
        let named = Named { signer: Some(self.signer), from: None };
        self.http.send_to(url, &Outgoing { method, headers, payload, digest: &digest, named })
    }
}

impl Large<'_> {
    /// Its parts, in order, numbered from 1.
    fn parts(&self) -> impl Iterator<Item = (u64, Payload<'_>)> {
        let part = PART.max(self.size.div_ceil(PARTS));
        (1..=self.size.div_ceil(part)).map(move |number| {
            let start = (number - 1) * part;
            (number, Payload::File { path: self.path, start, length: part.min(self.size - start) })
        })
    }

    /// A request about the object; `query` says what about it.
    fn request(
        &self,
        method: &str,
        query: &str,
        payload: Payload<'_>,
        headers: &[(&str, &str)],
    ) -> Result<Answered, HttpError> {
        self.target.send(method, &self.target.url.join(&format!("?{query}"))?, payload, headers)
    }

    fn odd(&self, reason: &str) -> HttpError {
        HttpError::Interrupted { url: self.target.url.clone(), reason: reason.to_owned() }
    }
}

/// SHA-256 of a part of a file, in hexadecimal.
fn digest_of(path: &Path, start: u64, length: u64) -> Result<String, HttpError> {
    let read = || -> io::Result<String> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(start))?;
        let mut part = file.take(length);
        let mut hasher = Hasher::new();
        let mut buffer = vec![0; 1 << 16];
        loop {
            match part.read(&mut buffer)? {
                0 => return Ok(hasher.finish().hex()),
                count => hasher.update(&buffer[..count]),
            }
        }
    };
    read().map_err(|source| HttpError::Read { path: path.to_owned(), source })
}
