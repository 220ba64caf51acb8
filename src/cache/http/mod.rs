//! An HTTP client for what packages need: many small documents at once, and large files that must arrive whole.
//!
//! Retries what is temporary, follows redirects without carrying credentials to another host, resumes what broke off.
//! Knows nothing of caches: channels use it, too.

mod attempt;
mod authorization;
mod clock;
mod download;
mod error;
mod hosts;
mod netrc;
mod provider;
mod proxy;
mod resolve;
mod retry;
mod roots;
#[cfg(feature = "build")]
mod upload;
mod url;

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, OnceLock};

use ureq::Body;
use ureq::http::Response;

#[cfg(feature = "build")]
pub(crate) use attempt::{SILENCE_TIMEOUT, agent_config, broken, header};
pub use authorization::{Authorize, Head, Refusal, Signed, Tokens, Verdict};
pub use clock::{Clock, SystemClock};
pub use download::Download;
#[cfg(feature = "build")]
pub(crate) use download::parse_content_range;
pub use error::HttpError;
pub use netrc::Netrc;
pub use proxy::Proxies;
#[cfg(feature = "build")]
pub(crate) use resolve::Remembering;
pub(crate) use retry::Fault;
#[cfg(feature = "build")]
pub(crate) use retry::retry_after;
#[cfg(feature = "build")]
pub(crate) use roots::{read_bundle, root_certificates};
#[cfg(feature = "build")]
pub use upload::{Answered, Outgoing, Payload};
pub(crate) use url::RESERVED;
#[cfg(feature = "build")]
pub(crate) use url::encoded;
pub use url::{ParseUrlError, Url, has_scheme, redact};

use super::decode;
use attempt::{Agents, Request};
#[cfg(not(feature = "build"))]
use attempt::{broken, header};
use hosts::Hosts;

/// Requests in flight at most, which is as many connections as are kept open.
pub const CONNECTIONS: usize = 96;

/// How the client behaves.
#[derive(Clone)]
pub struct HttpSettings {
    /// No network at all: every request fails with [`HttpError::Offline`].
    pub offline: bool,
    /// Credentials by host.
    pub netrc: Netrc,
    /// Tokens by host; they go before netrc.
    pub tokens: Tokens,
    /// Proxies by scheme.
    pub proxies: Proxies,
    /// Tells the time and waits between tries.
    pub clock: Arc<dyn Clock>,
}

impl HttpSettings {
    /// Netrc, tokens and proxies as the environment names them; the machine's clock.
    #[must_use]
    pub fn from_environment(offline: bool) -> Self {
        Self {
            offline,
            netrc: Netrc::from_environment(),
            tokens: Tokens::from_environment(),
            proxies: Proxies::from_environment(),
            clock: Arc::new(SystemClock),
        }
    }
}

/// What a request asks beside its address.
#[derive(Debug, Clone, Copy, Default)]
pub struct Conditions<'a> {
    /// The `Accept` header.
    pub accept: Option<&'a str>,
    /// The `ETag` of the copy at hand: [`Answer::NotModified`] if that is still the current one.
    pub etag: Option<&'a str>,
    /// Who signs requests to the place that it covers.
    pub signer: Option<&'a dyn Authorize>,
    /// Whose answer names the address, if not the user: netrc's word on a host is then not for another of its ports.
    pub from: Option<&'a Url>,
}

/// Who names the address of a large file, and who signs for it: as in [`Conditions`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Named<'a> {
    /// Who signs requests to the place that it covers.
    pub signer: Option<&'a dyn Authorize>,
    /// Whose answer names the address, if not the user.
    pub from: Option<&'a Url>,
}

/// A small document, or why there is none.
#[derive(Debug)]
pub enum Answer {
    /// 404, 410 or 403.
    Absent {
        /// Which of these.
        status: u16,
    },
    /// The copy at hand is the current one.
    NotModified,
    /// The document.
    Body(Fetched),
}

/// A small document.
#[derive(Debug)]
pub struct Fetched {
    /// Its bytes, a `Content-Encoding` undone.
    pub bytes: Vec<u8>,
    /// To ask with next time, or to write on the condition that nobody else did: its `ETag`, or what the signer's cloud has for it.
    pub etag: Option<String>,
    /// As the server says it.
    pub content_type: Option<String>,
    /// Where redirects led.
    pub url: Url,
}

/// The client. Share it: connections are reused, and a host that can't be reached is tried once only.
pub struct Http {
    settings: HttpSettings,
    agents: OnceLock<Agents>,
    hosts: Mutex<Hosts>,
}

impl Http {
    /// A client; opens no connection yet.
    #[must_use]
    pub fn new(settings: HttpSettings) -> Self {
        Self { settings, agents: OnceLock::new(), hosts: Mutex::default() }
    }

    /// How it behaves: for another client that differs in a setting.
    #[must_use]
    pub fn settings(&self) -> &HttpSettings {
        &self.settings
    }

    /// Whether the network may not be used.
    #[must_use]
    pub fn is_offline(&self) -> bool {
        self.settings.offline
    }

    /// The clock that tells how old answers are.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        &*self.settings.clock
    }

    /// Fetches a document of at most `limit` bytes.
    pub fn fetch_bytes(&self, url: &Url, limit: u64, conditions: Conditions<'_>) -> Result<Answer, HttpError> {
        self.with_retries(url, || {
            let (response, url) = self.attempt(url, &Request { conditions, resume: None })?;
            match response.status().as_u16() {
                200 => Self::read_body(response, url, limit, conditions.signer).map(Answer::Body),
                304 if conditions.etag.is_some() => Ok(Answer::NotModified),
                status @ (403 | 404 | 410) => Ok(Answer::Absent { status }),
                _ => Err(self.refuse(&response, &url)),
            }
        })
    }

    /// Fetches a file of at most `limit` bytes into `out`, resuming what breaks off; a `Content-Encoding` is undone.
    /// Tells how many bytes were written.
    pub fn fetch_to(&self, url: &Url, limit: u64, out: &mut dyn Write) -> Result<u64, HttpError> {
        self.fetch_named(url, Named::default(), limit, out)
    }

    /// The same with an address that somebody else names, or requests that are signed.
    pub fn fetch_named(&self, url: &Url, named: Named<'_>, limit: u64, out: &mut dyn Write) -> Result<u64, HttpError> {
        let download = self.open_named(url, named)?;
        let encoding = download.content_encoding().map(str::to_owned);
        let too_large = || HttpError::TooLarge { url: url.clone(), limit };
        let mut body = decode::content(encoding.as_deref(), Box::new(download), limit)
            .map_err(|reason| HttpError::Encoding { url: url.clone(), reason: reason.to_string() })?
            .take(limit.saturating_add(1));
        let mut buffer = vec![0; 1 << 16];
        let mut written = 0;
        loop {
            let count = body.read(&mut buffer).map_err(|fault| read_error(fault, url))?;
            written += count as u64;
            if written > limit {
                return Err(too_large());
            }
            if count == 0 {
                return Ok(written);
            }
            out.write_all(&buffer[..count]).map_err(HttpError::Write)?;
        }
    }

    /// Opens a file for reading; the reader resumes what breaks off.
    pub fn open(&self, url: &Url) -> Result<Download<'_>, HttpError> {
        Download::open(self, url, Named::default())
    }

    /// The same with an address that somebody else names, or requests that are signed.
    pub fn open_named<'a>(&'a self, url: &Url, named: Named<'a>) -> Result<Download<'a>, HttpError> {
        Download::open(self, url, named)
    }

    fn read_body(
        response: Response<Body>,
        url: Url,
        limit: u64,
        signer: Option<&dyn Authorize>,
    ) -> Result<Fetched, Fault> {
        let too_large = || Fault::Final(HttpError::TooLarge { url: url.clone(), limit });
        let headers = response.headers().clone();
        let body = response.into_body();
        if body.content_length().is_some_and(|length| length > limit) {
            return Err(too_large());
        }
        let raw = body.into_with_config().limit(u64::MAX).reader();
        let mut decoded = decode::content(header(&headers, "content-encoding"), Box::new(raw), limit)
            .map_err(|fault| HttpError::Encoding { url: url.clone(), reason: fault.to_string() })?
            .take(limit.saturating_add(1));
        let mut bytes = Vec::new();
        decoded.read_to_end(&mut bytes).map_err(|fault| broken(&ureq::Error::from(fault), &url))?;
        if bytes.len() as u64 > limit {
            return Err(too_large());
        }
        let text = |name| header(&headers, name).map(str::to_owned);
        let etag = text(signer.map_or("etag", Authorize::version));
        Ok(Fetched { bytes, etag, content_type: text("content-type"), url })
    }
}

/// Takes the client's own error back out of the I/O error that a [`Download`] had to wrap it in.
pub(super) fn read_error(fault: io::Error, url: &Url) -> HttpError {
    match fault.downcast::<HttpError>() {
        Ok(error) => error,
        Err(fault) => HttpError::Encoding { url: url.clone(), reason: fault.to_string() },
    }
}
