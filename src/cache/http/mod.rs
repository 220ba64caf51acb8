//! An HTTP client for what packages need: many small documents at once, and large files that must arrive whole.
//!
//! Retries what is temporary, follows redirects without carrying credentials to another host, resumes what broke off.
//! Knows nothing of caches: channels use it, too.

mod clock;
mod download;
mod error;
mod netrc;
mod proxy;
mod retry;
mod roots;
mod url;

use std::collections::{HashMap, HashSet};
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use ureq::http::{HeaderMap, Response};
use ureq::tls::TlsConfig;
use ureq::{Agent, Body, Timeout};

pub use clock::{Clock, SystemClock};
pub use download::Download;
pub use error::HttpError;
pub use netrc::Netrc;
pub use proxy::Proxies;
pub use url::{ParseUrlError, Url, has_scheme, redact};

use super::decode;
use retry::Fault;

/// Requests in flight at most, which is as many connections as are kept open.
pub const CONNECTIONS: usize = 96;

const RESOLVE_TIMEOUT: Duration = Duration::from_secs(3);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);
const SILENCE_TIMEOUT: Duration = Duration::from_secs(30);
const REDIRECTS: usize = 10;

/// How the client behaves.
#[derive(Clone)]
pub struct HttpSettings {
    /// No network at all: every request fails with [`HttpError::Offline`].
    pub offline: bool,
    /// Credentials by host.
    pub netrc: Netrc,
    /// Proxies by scheme.
    pub proxies: Proxies,
    /// Tells the time and waits between tries.
    pub clock: Arc<dyn Clock>,
}

impl HttpSettings {
    /// Netrc and proxies as the environment names them; the machine's clock.
    #[must_use]
    pub fn from_environment(offline: bool) -> Self {
        Self {
            offline,
            netrc: Netrc::from_environment(),
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
    /// To ask with next time.
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

/// Connections: proxies are a matter of the agent.
struct Agents {
    direct: Agent,
    plain: Agent,
    secure: Agent,
}

/// What is known of hosts, by `host:port`.
#[derive(Default)]
struct Hosts {
    answered: HashSet<String>,
    unreachable: HashMap<String, String>,
}

/// One request.
#[derive(Clone, Copy, Default)]
struct Request<'a> {
    conditions: Conditions<'a>,
    /// Bytes that are there already, and the strong `ETag` they came with.
    resume: Option<(u64, Option<&'a str>)>,
}

impl Http {
    /// A client; opens no connection yet.
    #[must_use]
    pub fn new(settings: HttpSettings) -> Self {
        Self { settings, agents: OnceLock::new(), hosts: Mutex::default() }
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
                200 => self.read_body(response, url, limit).map(Answer::Body),
                304 if conditions.etag.is_some() => Ok(Answer::NotModified),
                status @ (403 | 404 | 410) => Ok(Answer::Absent { status }),
                _ => Err(self.refuse(&response, &url)),
            }
        })
    }

    /// Fetches a file of at most `limit` bytes into `out`, resuming what breaks off; a `Content-Encoding` is undone.
    /// Tells how many bytes were written.
    pub fn fetch_to(&self, url: &Url, limit: u64, out: &mut dyn Write) -> Result<u64, HttpError> {
        let download = self.open(url)?;
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
        Download::open(self, url)
    }

    fn read_body(&self, response: Response<Body>, url: Url, limit: u64) -> Result<Fetched, Fault> {
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
        decoded.read_to_end(&mut bytes).map_err(|fault| self.broken(&ureq::Error::from(fault), &url))?;
        if bytes.len() as u64 > limit {
            return Err(too_large());
        }
        let text = |name| header(&headers, name).map(str::to_owned);
        Ok(Fetched { bytes, etag: text("etag"), content_type: text("content-type"), url })
    }

    /// Tries until it succeeds, is final, or patience ends.
    fn with_retries<T>(&self, url: &Url, mut attempt: impl FnMut() -> Result<T, Fault>) -> Result<T, HttpError> {
        if self.settings.offline {
            return Err(HttpError::Offline { url: url.clone() });
        }
        let host = host_key(url);
        let start = self.settings.clock.now();
        let mut failures = 0;
        loop {
            if let Some(reason) = self.lock_hosts().unreachable.get(&host) {
                return Err(HttpError::Unreachable { host, reason: reason.clone() });
            }
            match attempt() {
                Ok(value) => return Ok(value),
                Err(Fault::Final(error)) => return Err(error),
                Err(Fault::Temporary { error, after, connecting }) => {
                    failures += 1;
                    let elapsed = self.settings.clock.now().duration_since(start).unwrap_or_default();
                    let known = !connecting || self.lock_hosts().answered.contains(&host);
                    let Some(wait) = retry::wait(failures, elapsed, after, known) else {
                        self.give_up(&error, known);
                        return Err(error);
                    };
                    tracing::debug!("{error}; trying again in {wait:?}");
                    self.settings.clock.sleep(wait);
                }
            }
        }
    }

    /// Remembers a host that never answered, so that the next request need not wait for it.
    fn give_up(&self, error: &HttpError, known: bool) {
        if let (HttpError::Unreachable { host, reason }, false) = (error, known) {
            self.lock_hosts().unreachable.insert(host.clone(), reason.clone());
        }
    }

    /// One try: a request and the redirects that follow. Any status may come back except those worth another try.
    fn attempt(&self, url: &Url, request: &Request<'_>) -> Result<(Response<Body>, Url), Fault> {
        let mut current = url.clone();
        for _ in 0..=REDIRECTS {
            let response = self.send(&current, request)?;
            let status = response.status();
            if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
                return match status.as_u16() {
                    408 | 429 | 500..=599 => Err(self.refuse(&response, &current)),
                    _ => Ok((response, current)),
                };
            }
            let redirect = |reason: String| HttpError::Redirect { url: current.clone(), reason };
            let location =
                header(response.headers(), "location").ok_or_else(|| redirect("it names no place".into()))?;
            let next = current.join(location).map_err(|fault| redirect(fault.to_string()))?;
            if current.is_secure() && !next.is_secure() {
                return Err(redirect(format!("{next} is not encrypted")).into());
            }
            current = next;
        }
        Err(HttpError::Redirect { url: url.clone(), reason: format!("more than {REDIRECTS} times") }.into())
    }

    fn send(&self, url: &Url, request: &Request<'_>) -> Result<Response<Body>, Fault> {
        let mut builder = self.agent(url).get(url.request_text());
        if let Some(credentials) = self.authorization(url) {
            builder = builder.header("authorization", credentials);
        }
        if let Some(accept) = request.conditions.accept {
            builder = builder.header("accept", accept);
        }
        if let Some(etag) = request.conditions.etag {
            builder = builder.header("if-none-match", etag);
        }
        if let Some((position, etag)) = request.resume {
            builder = builder.header("range", format!("bytes={position}-"));
            if let Some(etag) = etag {
                builder = builder.header("if-range", etag);
            }
        }
        let response = builder.call().map_err(|fault| self.broken(&fault, url))?;
        self.lock_hosts().answered.insert(host_key(url));
        Ok(response)
    }

    /// Credentials in the address, else those that netrc has for its host.
    fn authorization(&self, url: &Url) -> Option<String> {
        let (user, password) = url.credentials().or_else(|| {
            let (login, password) = self.settings.netrc.lookup(url.host())?;
            Some((login.to_owned(), password.to_owned()))
        })?;
        let pair = format!("{user}:{password}");
        Some(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)))
    }

    /// What an answer without success means.
    fn refuse(&self, response: &Response<Body>, url: &Url) -> Fault {
        let (url, status) = (url.clone(), response.status().as_u16());
        let error = match status {
            401 | 407 => HttpError::Credentials { url, status },
            403 | 404 | 410 => HttpError::Absent { url, status },
            _ => HttpError::Status { url, status },
        };
        let after = header(response.headers(), "retry-after");
        match status {
            408 | 429 | 500..=599 => Fault::Temporary {
                error,
                after: after.and_then(|text| retry::retry_after(text, self.settings.clock.now())),
                connecting: false,
            },
            _ => Fault::Final(error),
        }
    }

    /// What a failed connection means.
    fn broken(&self, fault: &ureq::Error, url: &Url) -> Fault {
        let reason = describe(fault);
        let connecting = match fault {
            ureq::Error::HostNotFound
            | ureq::Error::ConnectionFailed
            | ureq::Error::ConnectProxyFailed(_)
            | ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => true,
            ureq::Error::Io(fault) => is_connection_fault(fault.kind()),
            _ => false,
        };
        let host = host_key(url);
        let error = match fault {
            _ if connecting => HttpError::Unreachable { host, reason },
            ureq::Error::Rustls(_) | ureq::Error::Tls(_) | ureq::Error::Pem(_) => {
                return HttpError::Tls { host, reason }.into();
            }
            ureq::Error::Io(fault) if fault.kind() == io::ErrorKind::InvalidData && url.is_secure() => {
                return HttpError::Tls { host, reason }.into();
            }
            _ => HttpError::Interrupted { url: url.clone(), reason },
        };
        Fault::Temporary { error, after: None, connecting }
    }

    fn agent(&self, url: &Url) -> &Agent {
        let agents = self.agents.get_or_init(|| Agents::new(&self.settings.proxies));
        match (self.settings.proxies.bypass(url.host(), url.port()), url.is_secure()) {
            (true, _) => &agents.direct,
            (false, true) => &agents.secure,
            (false, false) => &agents.plain,
        }
    }

    fn lock_hosts(&self) -> std::sync::MutexGuard<'_, Hosts> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Agents {
    fn new(proxies: &Proxies) -> Self {
        let tls = TlsConfig::builder().root_certs(roots::root_certificates()).build();
        let agent = |proxy| {
            Agent::config_builder()
                .proxy(proxy)
                .tls_config(tls.clone())
                .user_agent(concat!("dumbc/", env!("CARGO_PKG_VERSION")))
                .accept("*/*")
                .accept_encoding("identity")
                .http_status_as_error(false)
                .max_redirects(0)
                .max_redirects_will_error(false)
                .max_idle_connections(2 * CONNECTIONS)
                .max_idle_connections_per_host(CONNECTIONS)
                .timeout_resolve(Some(RESOLVE_TIMEOUT))
                .timeout_connect(Some(CONNECT_TIMEOUT))
                .timeout_recv_response(Some(SILENCE_TIMEOUT))
                .timeout_per_read(Some(SILENCE_TIMEOUT))
                .build()
                .new_agent()
        };
        Self { direct: agent(None), plain: agent(proxies.for_scheme(false)), secure: agent(proxies.for_scheme(true)) }
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn host_key(url: &Url) -> String {
    format!("{}:{}", url.host(), url.port())
}

fn is_connection_fault(kind: io::ErrorKind) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        kind,
        Kind::ConnectionRefused
            | Kind::HostUnreachable
            | Kind::NetworkUnreachable
            | Kind::NetworkDown
            | Kind::AddrNotAvailable
    )
}

fn describe(fault: &ureq::Error) -> String {
    match fault {
        ureq::Error::HostNotFound => "there is no host of this name".to_owned(),
        ureq::Error::Timeout(Timeout::Resolve) => "its name was not resolved in time".to_owned(),
        ureq::Error::Timeout(Timeout::Connect) => "it did not answer in time".to_owned(),
        ureq::Error::Timeout(_) => "it fell silent".to_owned(),
        ureq::Error::Io(fault) => fault.to_string(),
        other => other.to_string(),
    }
}

/// Takes the client's own error back out of the I/O error that a [`Download`] had to wrap it in.
pub(super) fn read_error(fault: io::Error, url: &Url) -> HttpError {
    match fault.downcast::<HttpError>() {
        Ok(error) => error,
        Err(fault) => HttpError::Encoding { url: url.clone(), reason: fault.to_string() },
    }
}
