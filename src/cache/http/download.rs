//! A large file over HTTP, as a reader that goes on where the connection broke.

use std::io::{self, Read};

use ureq::Body;
use ureq::http::Response;

use super::attempt::{Request, broken, header};
use super::error::HttpError;
use super::retry::Fault;
use super::url::Url;
use super::{Conditions, Http, Named};

/// Interruptions that one file survives: a server that sends a byte at a time must not hold us for ever.
const INTERRUPTIONS: u32 = 30;

/// A file that is being fetched. Reading fails with an [`io::Error`] that holds an [`HttpError`].
pub struct Download<'a> {
    http: &'a Http,
    url: Url,
    named: Named<'a>,
    body: Box<dyn Read + Send>,
    position: u64,
    total: Option<u64>,
    etag: Option<String>,
    encoding: Option<String>,
    interruptions: u32,
}

impl<'a> Download<'a> {
    pub(super) fn open(http: &'a Http, url: &Url, named: Named<'a>) -> Result<Self, HttpError> {
        let (response, _) = http.with_retries(url, || {
            let (response, place) = http.attempt(url, &Request { conditions: conditions(named), resume: None })?;
            if response.status().as_u16() == 200 { Ok((response, place)) } else { Err(http.refuse(&response, &place)) }
        })?;
        let text = |name| header(response.headers(), name).map(str::to_owned);
        Ok(Self {
            http,
            url: url.clone(),
            named,
            total: response.body().content_length(),
            // A weak one says that the meaning is equal, which is not enough to join two halves.
            etag: text("etag").filter(|etag| !etag.starts_with("W/")),
            encoding: text("content-encoding"),
            body: reader(response),
            position: 0,
            interruptions: 0,
        })
    }

    /// The file's size, where the server says it.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// What the server did to the file for the way.
    #[must_use]
    pub fn content_encoding(&self) -> Option<&str> {
        self.encoding.as_deref()
    }

    fn resume(&mut self, reason: String) -> Result<(), HttpError> {
        self.interruptions += 1;
        if self.interruptions > INTERRUPTIONS {
            return Err(HttpError::Interrupted { url: self.url.clone(), reason });
        }
        tracing::debug!("{} broke off at byte {}: {reason}; resuming", self.url, self.position);
        self.body = self.http.with_retries(&self.url, || self.reopen())?;
        Ok(())
    }

    /// Asks for the rest; a server that sends the whole again is read up to where we were.
    fn reopen(&self) -> Result<Box<dyn Read + Send>, Fault> {
        let resume = Some((self.position, self.etag.as_deref()));
        let request = Request { conditions: conditions(self.named), resume };
        let (response, place) = self.http.attempt(&self.url, &request)?;
        let changed =
            || HttpError::Interrupted { url: self.url.clone(), reason: "it changed while it was read".into() };
        match response.status().as_u16() {
            206 => {
                let range = header(response.headers(), "content-range").and_then(parse_content_range);
                let (start, total) = range.ok_or_else(changed)?;
                let same = start == self.position && !differs(total, self.total);
                if same { Ok(reader(response)) } else { Err(changed().into()) }
            }
            200 => {
                let etag = header(response.headers(), "etag").map(str::to_owned);
                let other = self.etag.is_some() && etag.is_some() && etag != self.etag;
                if other || differs(response.body().content_length(), self.total) {
                    return Err(changed().into());
                }
                let mut body = reader(response);
                let skipped = io::copy(&mut (&mut body).take(self.position), &mut io::sink());
                match skipped {
                    Ok(count) if count == self.position => Ok(body),
                    Ok(_) => Err(changed().into()),
                    Err(fault) => Err(broken(&ureq::Error::from(fault), &place)),
                }
            }
            _ => Err(self.http.refuse(&response, &place)),
        }
    }
}

impl Read for Download<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let missing = self.total.is_some_and(|total| self.position < total);
            let reason = match self.body.read(buffer) {
                Ok(0) if missing => "the connection closed".to_owned(),
                Ok(count) => {
                    self.position += count as u64;
                    return Ok(count);
                }
                Err(fault) if fault.kind() == io::ErrorKind::Interrupted => continue,
                Err(fault) => fault.to_string(),
            };
            self.resume(reason).map_err(io::Error::other)?;
        }
    }
}

fn conditions(named: Named<'_>) -> Conditions<'_> {
    Conditions { signer: named.signer, from: named.from, ..Conditions::default() }
}

fn reader(response: Response<Body>) -> Box<dyn Read + Send> {
    Box::new(response.into_body().into_with_config().limit(u64::MAX).reader())
}

fn differs(one: Option<u64>, other: Option<u64>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one != other)
}

/// `bytes 5-9/10` → (5, Some(10)); the total may be `*`.
pub(crate) fn parse_content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.trim().strip_prefix("bytes")?.trim_start().split_once('/')?;
    let (start, end) = range.split_once('-')?;
    let (start, end): (u64, u64) = (start.trim().parse().ok()?, end.trim().parse().ok()?);
    let total = if total.trim() == "*" { None } else { Some(total.trim().parse().ok()?) };
    (start <= end && total.is_none_or(|total| end < total)).then_some((start, total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges() {
        assert_eq!(parse_content_range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(parse_content_range("bytes 5-9/*"), Some((5, None)));
        for text in ["bytes 5-10/10", "bytes 9-5/10", "bytes */10", "items 0-1/2", ""] {
            assert_eq!(parse_content_range(text), None, "{text}");
        }
    }
}
