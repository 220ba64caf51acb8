//! Sends objects: small ones in one request, large ones in parts, of which nothing is seen before the last.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use serde::Deserialize;

use super::super::http::{Answered, Authorize, Http, HttpError, Named, Outgoing, Payload, Url};
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

/// A large object, in the making.
struct Parts<'a> {
    http: &'a Http,
    signer: &'a dyn Authorize,
    url: &'a Url,
    path: &'a Path,
    size: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Begun {
    upload_id: String,
}

#[derive(Deserialize)]
struct Completed {
    #[serde(rename = "Code")]
    code: Option<String>,
}

/// Puts an object, whole or not at all. `headers` go with it: its type, and conditions.
pub(in crate::cache) fn put(
    http: &Http,
    signer: &dyn Authorize,
    url: &Url,
    source: Source<'_>,
    headers: &[(&str, &str)],
) -> Result<Answered, HttpError> {
    let named = Named { signer: Some(signer), from: None };
    match source {
        Source::Bytes(bytes) => {
            let digest = Sha256::of(bytes).hex();
            http.send_to(
                url,
                &Outgoing { method: "PUT", headers, payload: Payload::Bytes(bytes), digest: &digest, named },
            )
        }
        Source::File(path, size) if size <= WHOLE => {
            let payload = Payload::File { path, start: 0, length: size };
            let digest = digest_of(path, 0, size)?;
            http.send_to(url, &Outgoing { method: "PUT", headers, payload, digest: &digest, named })
        }
        Source::File(path, size) => Parts { http, signer, url, path, size }.put(headers),
    }
}

impl Parts<'_> {
    fn put(&self, headers: &[(&str, &str)]) -> Result<Answered, HttpError> {
        let begun = self.post("uploads=", b"", headers)?;
        let Begun { upload_id } = parse(&begun.bytes).ok_or_else(|| self.odd("its answer names no upload"))?;
        let id = escaped(&upload_id);
        // An upload that is not ended takes room, and is paid for.
        self.send(&id)
            .inspect_err(|_| drop(self.request("DELETE", &format!("uploadId={id}"), Payload::Bytes(b""), &[])))
    }

    fn send(&self, id: &str) -> Result<Answered, HttpError> {
        let part = PART.max(self.size.div_ceil(PARTS));
        let mut list = String::from("<CompleteMultipartUpload>");
        for number in 1..=self.size.div_ceil(part) {
            let start = (number - 1) * part;
            let payload = Payload::File { path: self.path, start, length: part.min(self.size - start) };
            let sent = self.request("PUT", &format!("partNumber={number}&uploadId={id}"), payload, &[])?;
            let etag = sent.etag.filter(|etag| is_etag(etag)).ok_or_else(|| self.odd("a part has no ETag"))?;
            let _ = write!(list, "<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>");
        }
        list.push_str("</CompleteMultipartUpload>");
        let done = self.post(&format!("uploadId={id}"), list.as_bytes(), &[])?;
        // The status is said before the work is done, so that a failure stands in the body.
        match parse::<Completed>(&done.bytes) {
            Some(Completed { code: None }) => Ok(done),
            _ => Err(self.odd("the parts were not joined")),
        }
    }

    fn post(&self, query: &str, body: &[u8], headers: &[(&str, &str)]) -> Result<Answered, HttpError> {
        self.request("POST", query, Payload::Bytes(body), headers)
    }

    fn request(
        &self,
        method: &str,
        query: &str,
        payload: Payload<'_>,
        headers: &[(&str, &str)],
    ) -> Result<Answered, HttpError> {
        let digest = match payload {
            Payload::Bytes(bytes) => Sha256::of(bytes).hex(),
            Payload::File { path, start, length } => digest_of(path, start, length)?,
        };
        let url = self.url.join(&format!("?{query}"))?;
        let named = Named { signer: Some(self.signer), from: None };
        self.http.send_to(&url, &Outgoing { method, headers, payload, digest: &digest, named })
    }

    fn odd(&self, reason: &str) -> HttpError {
        HttpError::Interrupted { url: self.url.clone(), reason: reason.to_owned() }
    }
}

fn parse<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Option<T> {
    quick_xml::de::from_str(std::str::from_utf8(bytes).ok()?).ok()
}

/// Whether this can stand in the list of parts as it is.
fn is_etag(text: &str) -> bool {
    text.len() <= 200 && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>&".contains(&byte))
}

/// `text` as a value of a query.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let mut escaped = String::new();
    for byte in text.bytes().take(4096) {
        if plain(byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_can_t_change_a_request() {
        assert_eq!(escaped("a&b=c/é"), "a%26b%3Dc%2F%C3%A9");
        assert!(is_etag("\"5d41402abc4b2a76b9719d911017c592-3\"") && !is_etag("</ETag>") && !is_etag("a b"));
        let begun: Begun = parse(b"<?xml version=\"1.0\"?><InitiateMultipartUploadResult xmlns=\"x\"><UploadId>a+b</UploadId></InitiateMultipartUploadResult>").expect("a document");
        assert_eq!(begun.upload_id, "a+b");
        let failed: Completed = parse(b"<Error><Code>InternalError</Code></Error>").expect("a document");
        assert_eq!(failed.code.as_deref(), Some("InternalError"));
    }
}
