//! Sending: what a cache is given.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::time::Duration;

use ureq::http::{Method, Request};
use ureq::{AsSendBody, Body, SendBody};

use super::attempt::{broken, header};
use super::authorization::{Head, judged};
use super::error::HttpError;
use super::retry::Fault;
use super::{Http, Named, Url};

/// The most that an answer to something sent may have to say.
const ANSWER: u64 = 1 << 20;

/// A server may take its time over what it was given.
const COMMIT_TIMEOUT: Duration = Duration::from_mins(5);

/// Times that a signer may have a request sent again.
const JUDGEMENTS: usize = 3;

/// What is sent.
#[derive(Debug, Clone, Copy)]
pub enum Payload<'a> {
    /// These bytes.
    Bytes(&'a [u8]),
    /// So many bytes of a file, beginning there.
    File {
        /// The file.
        path: &'a Path,
        /// Where its part begins.
        start: u64,
        /// Bytes of the part.
        length: u64,
    },
}

impl Payload<'_> {
    /// Bytes of it.
    #[must_use]
    pub const fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File { length, .. } => *length,
        }
    }
}

/// A request that changes something.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// `PUT`, `POST` or `DELETE`.
    pub method: &'a str,
    /// Further headers.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub payload: Payload<'a>,
    /// SHA-256 of the body, in hexadecimal.
    pub digest: &'a str,
    /// Who signs.
    pub named: Named<'a>,
}

/// What a server says to something sent.
#[derive(Debug)]
pub struct Answered {
    /// The `ETag` of what is there now.
    pub etag: Option<String>,
    /// The body.
    pub bytes: Vec<u8>,
}

impl Http {
    /// Sends, and tries again where that may help. Redirects are not followed: what is sent is for the host that was named.
    pub fn send_to(&self, url: &Url, outgoing: &Outgoing<'_>) -> Result<Answered, HttpError> {
        self.with_retries(url, || self.send_once(url, outgoing))
    }

    fn send_once(&self, url: &Url, outgoing: &Outgoing<'_>) -> Result<Answered, Fault> {
        let signer = outgoing.named.signer;
        for _ in 0..JUDGEMENTS {
            let place = signer.map_or_else(|| url.clone(), |signer| signer.place(url));
            let mut response = self.exchange(&place, outgoing)?;
            if judged(signer, &mut response, &place)? {
                continue;
            }
            if !response.status().is_success() {
                return Err(self.refuse(&response, &place));
            }
            let etag = header(response.headers(), "etag").map(str::to_owned);
            let mut bytes = Vec::new();
            let read = response.body_mut().as_reader().take(ANSWER).read_to_end(&mut bytes);
            read.map_err(|fault| broken(&ureq::Error::from(fault), &place))?;
            return Ok(Answered { etag, bytes });
        }
        Err(HttpError::Redirect { url: url.clone(), reason: "its region keeps changing".to_owned() }.into())
    }

    fn exchange(&self, url: &Url, outgoing: &Outgoing<'_>) -> Result<ureq::http::Response<Body>, Fault> {
        let Outgoing { method, headers, digest, payload, .. } = *outgoing;
        let head = Head { method, url, headers, digest: Some(digest), length: Some(payload.length()) };
        let signed = self.authorised(&head, url, outgoing.named.signer)?;
        let mut builder = Request::builder().method(self::method(method)).uri(signed.target);
        for (name, value) in signed.headers {
            builder = builder.header(name, value);
        }
        let answer = match outgoing.payload {
            Payload::Bytes(bytes) => builder.body(bytes).map(|request| self.run(url, request)),
            Payload::File { path, start, length } => {
                let unreadable = |source| HttpError::Read { path: path.to_owned(), source };
                let mut file = File::open(path).map_err(unreadable)?;
                file.seek(SeekFrom::Start(start)).map_err(unreadable)?;
                let mut part = file.take(length);
                let request = builder.header("content-length", length).body(SendBody::from_reader(&mut part));
                request.map(|request| self.run(url, request))
            }
        };
        let response =
            answer.map_err(ureq::Error::from).and_then(|answer| answer).map_err(|fault| broken(&fault, url))?;
        self.answered(url);
        Ok(response)
    }

    fn run(&self, url: &Url, request: Request<impl AsSendBody>) -> Result<ureq::http::Response<Body>, ureq::Error> {
        let agent = self.agent(url);
        let request = agent.configure_request(request).timeout_recv_response(Some(COMMIT_TIMEOUT)).build();
        agent.run(request)
    }
}

fn method(name: &str) -> Method {
    match name {
        "POST" => Method::POST,
        "DELETE" => Method::DELETE,
        _ => Method::PUT,
    }
}
