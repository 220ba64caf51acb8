//! One try of a request: connection, headers, redirects, and what its failure means.

use std::io;
use std::time::Duration;

use ureq::config::ConfigBuilder;
use ureq::http::{HeaderMap, Response};
use ureq::tls::TlsConfig;
use ureq::typestate::AgentScope;
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Body, Timeout};

use super::authorization::{Head, judged};
use super::error::HttpError;
use super::hosts::host_key;
use super::provider::provider;
use super::proxy::Proxies;
use super::resolve::Remembering;
use super::retry::{self, Fault};
use super::url::Url;
use super::{CONNECTIONS, Conditions, Http, roots};

const RESOLVE_TIMEOUT: Duration = Duration::from_secs(3);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);
pub(crate) const SILENCE_TIMEOUT: Duration = Duration::from_secs(30);
const REDIRECTS: usize = 10;

/// Each of many connections has these.
const INPUT_BUFFER: usize = 64 << 10;
const OUTPUT_BUFFER: usize = 16 << 10;

/// Connections: proxies are a matter of the agent.
pub(super) struct Agents {
    direct: Agent,
    plain: Agent,
    secure: Agent,
}

/// One request.
#[derive(Clone, Copy, Default)]
pub(super) struct Request<'a> {
    pub(super) conditions: Conditions<'a>,
    /// Bytes that are there already, and the strong `ETag` they came with.
    pub(super) resume: Option<(u64, Option<&'a str>)>,
}

impl Http {
    /// One try: a request and the redirects that follow. Any status may come back except those worth another try.
    pub(super) fn attempt(&self, url: &Url, request: &Request<'_>) -> Result<(Response<Body>, Url), Fault> {
        let signer = request.conditions.signer;
        let from = request.conditions.from.unwrap_or(url);
        let mut current = signer.map_or_else(|| url.clone(), |signer| signer.place(url));
        for _ in 0..=REDIRECTS {
            let mut response = self.send(&current, request, from)?;
            if judged(signer, &mut response, &current)? {
                current = signer.map_or(current, |signer| signer.place(url));
                continue;
            }
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

    fn send(&self, url: &Url, request: &Request<'_>, from: &Url) -> Result<Response<Body>, Fault> {
        let Request { conditions: Conditions { accept, etag, signer, .. }, resume } = *request;
        let range = resume.map(|(position, _)| format!("bytes={position}-"));
        let resumed = resume.and_then(|(_, etag)| etag);
        // All of them before it is signed: some signatures are over these, too.
        let headers = [("accept", accept), ("if-none-match", etag), ("range", range.as_deref()), ("if-range", resumed)];
        let headers: Vec<_> = headers.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let head = Head { method: "GET", url, headers: &headers, digest: None, length: None };
        let signed = self.authorised(&head, from, signer)?;
        let mut builder = self.agent(url).get(signed.target);
        for (name, value) in signed.headers {
            builder = builder.header(name, value);
        }
        let response = builder.call().map_err(|fault| broken(&fault, url))?;
        self.answered(url);
        Ok(response)
    }

    /// What an answer without success means.
    pub(super) fn refuse(&self, response: &Response<Body>, url: &Url) -> Fault {
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

    pub(super) fn agent(&self, url: &Url) -> &Agent {
        let agents = self.agents.get_or_init(|| Agents::new(&self.settings.proxies));
        match (self.settings.proxies.bypass(url.host(), url.port()), url.is_secure()) {
            (true, _) => &agents.direct,
            (false, true) => &agents.secure,
            (false, false) => &agents.plain,
        }
    }
}

/// How all of our agents behave: who we are, answers as they are, whatever their status and wherever they lead, and how patient we are. No
/// proxy.
pub(crate) fn agent_config() -> ConfigBuilder<AgentScope> {
    Agent::config_builder()
        .proxy(None)
        .user_agent(concat!("dumbc/", env!("CARGO_PKG_VERSION")))
        .accept("*/*")
        .accept_encoding("identity")
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_resolve(Some(RESOLVE_TIMEOUT))
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_recv_response(Some(SILENCE_TIMEOUT))
        .timeout_per_read(Some(SILENCE_TIMEOUT))
}

impl Agents {
    fn new(proxies: &Proxies) -> Self {
        let tls = TlsConfig::builder()
            .root_certs(roots::root_certificates())
            .unversioned_rustls_crypto_provider(provider())
            .build();
        let agent = |proxy| {
            let config = agent_config()
                .proxy(proxy)
                .tls_config(tls.clone())
                .input_buffer_size(INPUT_BUFFER)
                .output_buffer_size(OUTPUT_BUFFER)
                .max_idle_connections(2 * CONNECTIONS)
                .max_idle_connections_per_host(CONNECTIONS)
                .build();
            Agent::with_parts(config, DefaultConnector::new(), Remembering::default())
        };
        Self { direct: agent(None), plain: agent(proxies.for_scheme(false)), secure: agent(proxies.for_scheme(true)) }
    }
}

/// What a failed connection means.
pub(crate) fn broken(fault: &ureq::Error, url: &Url) -> Fault {
    let reason = describe(fault);
    let connecting = match fault {
        ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::ConnectProxyFailed(_)
        | ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => true,
        ureq::Error::Io(fault) => is_connection_fault(fault.kind()) || is_name_fault(fault),
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

pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
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
            | Kind::TimedOut
    )
}

/// Whether a host's name has no address: the standard library gives this no kind of its own, only a text.
fn is_name_fault(fault: &io::Error) -> bool {
    fault.to_string().starts_with("failed to lookup address information")
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
