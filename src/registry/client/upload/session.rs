//! One upload's requests: parts, the end, how far it is, and giving it up.

use ureq::Body;
use ureq::http::{Method, Response};

use crate::cache::http::{Url, header};

use super::super::super::Error;
use super::super::Repository;
use super::super::answer;
use super::super::auth::Need;
use super::super::exchange::Task;
use super::super::retry::Fault;
use super::super::transport::{Outgoing, Payload};
use super::source::Source;

/// An upload that the registry has begun.
#[derive(Debug, Clone)]
pub(super) struct Session {
    /// Where the next request goes.
    pub(super) location: Url,
    /// Bytes that the registry has.
    pub(super) offset: u64,
    /// The least that a part must have but for the last, where the registry says.
    pub(super) minimum: Option<u64>,
}

impl Repository<'_> {
    /// Sends the bytes up to `end` as a part.
    pub(super) fn send_part(
        &self,
        task: &Task,
        session: &mut Session,
        source: &mut Source<'_>,
        (end, expect): (u64, bool),
    ) -> Result<(), Fault> {
        let start = session.offset;
        let location = session.location.clone();
        let mut response = self.send_bytes(task, (Method::PATCH, &location), (start, end, expect), source)?;
        match response.status().as_u16() {
            200..=204 => {
                if response.headers().contains_key("location") {
                    session.location = self.location(task, &response, &location)?;
                }
                let received = header(response.headers(), "range").and_then(|text| parse_range(text, end));
                let _ = answer::said(&mut response);
                session.offset = received.unwrap_or(end);
                if session.offset > end || (session.offset <= start && end > start) {
                    return Err(Fault::temporary(self.malformed(task, "it has other bytes than were sent")));
                }
                Ok(())
            }
            _ => Err(self.refuse_part(task, response)),
        }
    }

    /// Sends the rest, and asks the registry to keep the blob.
    pub(super) fn finish(
        &self,
        task: &Task,
        session: &Session,
        source: &mut Source<'_>,
        expect: bool,
    ) -> Result<(), Fault> {
        let digest = source.digest().oci();
        let before = session.location.query().map_or(String::new(), |query| format!("{query}&"));
        let joined = session.location.join(&format!("?{before}{}", answer::encode_form(&[("digest", digest.clone())])));
        let url = joined.map_err(|fault| self.malformed(task, fault.to_string()))?;
        let end = source.size();
        let mut response = self.send_bytes(task, (Method::PUT, &url), (session.offset, end, expect), source)?;
        match response.status().as_u16() {
            200 | 201 | 204 => {
                let said = header(response.headers(), "docker-content-digest").map(str::to_owned);
                let _ = answer::said(&mut response);
                Ok(self.check_said(task, said.as_deref(), &digest)?)
            }
            _ => Err(self.refuse_part(task, response)),
        }
    }

    fn send_bytes(
        &self,
        task: &Task,
        (method, url): (Method, &Url),
        (start, end, expect): (u64, u64, bool),
        source: &mut Source<'_>,
    ) -> Result<Response<Body>, Fault> {
        source.seek(start, end)?;
        let whole = start == 0 && method == Method::PUT;
        let mut request = Outgoing::new(method).header("content-type", "application/octet-stream");
        if end > start && !whole {
            request = request.header("content-range", format!("{start}-{}", end - 1));
        }
        if end > start && expect {
            request = request.header("expect", "100-continue");
        }
        let request = if end > start {
            request.payload(Payload::Stream(end - start, source))
        } else {
            request.payload(Payload::Bytes(&[]))
        };
        let answered = {
            let mut request = request;
            self.exchange(task, url, &mut request, Need::Push)
        };
        // The source's own fault breaks the request, too; it is what should be told.
        source.take_fault().map_or(Ok(()), |fault| Err(Fault::Final(fault)))?;
        answered.map(|(response, _)| response)
    }

    /// An upload that the registry lost, or that it is at another place of, can be taken up again.
    fn refuse_part(&self, task: &Task, mut response: Response<Body>) -> Fault {
        let status = response.status().as_u16();
        if !matches!(status, 404 | 416) {
            return match self.refuse(task, response) {
                Fault::Final(error @ Error::Status { status: 400, .. }) => Fault::temporary(error),
                fault => fault,
            };
        }
        let said = self.access.redact(answer::said(&mut response).text);
        Fault::temporary(Error::Status { action: self.action(task), status, said })
    }

    /// How far an upload is; `None` where the registry no longer knows it.
    pub(super) fn resume(&self, task: &Task, session: &Session, sent: u64) -> Option<Session> {
        let found = self.with_retries(|| {
            let request = &mut Outgoing::new(Method::GET);
            let (mut response, place) = self.exchange(task, &session.location, request, Need::Push)?;
            let received = header(response.headers(), "range").and_then(|text| parse_range(text, sent));
            let location = self.location(task, &response, &place);
            let status = response.status().as_u16();
            let _ = answer::said(&mut response);
            let Some(offset) = received.filter(|_| status == 204) else { return Ok(None) };
            let location = location.unwrap_or_else(|_| session.location.clone());
            Ok(Some(Session { location, offset, ..session.clone() }))
        });
        found.inspect_err(|error| tracing::debug!("{error}; beginning anew")).ok().flatten()
    }

    /// Gives an upload up: the registry need not keep what it has of it. Whether that works is of no matter.
    pub(super) fn cancel(&self, task: &Task, session: &Session) {
        let request = &mut Outgoing::new(Method::DELETE);
        if let Ok((mut response, _)) = self.exchange(task, &session.location, request, Need::Push) {
            let _ = answer::said(&mut response);
        }
    }
}

/// Bytes that a registry has by its `Range: 0-<last>`; `0-0` means none where more than one was sent.
fn parse_range(text: &str, sent: u64) -> Option<u64> {
    let range = text.trim().strip_prefix("bytes=").unwrap_or(text.trim());
    let (first, last) = range.split_once('-')?;
    let last: u64 = last.trim().parse().ok()?;
    match (first.trim().parse::<u64>().ok()?, last) {
        (0, 0) => Some(u64::from(sent == 1)),
        (0, last) => last.checked_add(1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for (text, sent, expected) in [
            ("0-0", 9, Some(0)),
            ("0-0", 1, Some(1)),
            ("0-9", 10, Some(10)),
            ("bytes=0-9", 10, Some(10)),
            ("5-9", 10, None),
            ("0-18446744073709551615", 10, None),
            ("0-", 10, None),
            ("all", 10, None),
        ] {
            assert_eq!(parse_range(text, sent), expected, "{text}");
        }
    }
}
