//! Connections, and one request over one: no credentials of its own, no retries.

use std::io::{self, Read};
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use ureq::http::{Method, Request, Response};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, AsSendBody, Body, SendBody};

use crate::cache::http::{
    self, Proxies, Remembering, SILENCE_TIMEOUT, Url, agent_config, read_bundle, root_certificates,
};

use super::super::{Error, Secret};
use super::Settings;
use super::retry::Fault;

/// Connections kept open for each host: more than anybody pushes blobs with at once.
const IDLE_CONNECTIONS: usize = 32;

/// Each connection has these.
const INPUT_BUFFER: usize = 64 << 10;
const OUTPUT_BUFFER: usize = 128 << 10;

/// A registry hashes or moves a large blob before it answers the request that ends its upload.
const COMMIT_TIMEOUT: Duration = Duration::from_mins(5);

/// So long a proxy or registry may take to refuse a body that was announced.
const CONTINUE_TIMEOUT: Duration = Duration::from_secs(3);

/// What a request carries.
pub(super) enum Payload<'a> {
    /// Nothing, and no `Content-Length`.
    None,
    /// These bytes.
    Bytes(&'a [u8]),
    /// So many bytes of a reader, which fails rather than ending early.
    Stream(u64, &'a mut dyn Read),
}

/// One request.
pub(super) struct Outgoing<'a> {
    pub(super) method: Method,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) payload: Payload<'a>,
}

impl<'a> Outgoing<'a> {
    pub(super) fn new(method: Method) -> Self {
        Self { method, headers: Vec::new(), payload: Payload::None }
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn payload(mut self, payload: Payload<'a>) -> Self {
        self.payload = payload;
        self
    }

    /// Whether a second try can send the same: not so where a reader was read.
    pub(super) fn is_repeatable(&self) -> bool {
        !matches!(self.payload, Payload::Stream(..))
    }
}

/// Connections: proxies and certificates are a matter of the agent, which is made when it is needed.
pub(super) struct Transport {
    proxies: Proxies,
    insecure: bool,
    authorities: Vec<Certificate<'static>>,
    direct: OnceLock<Agent>,
    direct_secure: OnceLock<Agent>,
    proxied: OnceLock<Agent>,
    proxied_secure: OnceLock<Agent>,
}

impl Transport {
    /// Fails where the settings' file of certificates can't be read or has none.
    pub(super) fn new(settings: &Settings) -> Result<Self, Error> {
        let authorities = settings.ca_file.as_deref().map_or(Ok(Vec::new()), read_authorities)?;
        Ok(Self {
            proxies: settings.proxies.clone(),
            insecure: settings.insecure,
            authorities,
            direct: OnceLock::new(),
            direct_secure: OnceLock::new(),
            proxied: OnceLock::new(),
            proxied_secure: OnceLock::new(),
        })
    }

    /// Sends a request, and reads the head of what is answered: any status.
    pub(super) fn send(
        &self,
        url: &Url,
        request: &mut Outgoing<'_>,
        authorization: Option<&Secret>,
    ) -> Result<Response<Body>, Fault> {
        let broken = |fault: ureq::Error| Fault::broken(http::broken(&fault, url), request_name(&request.method, url));
        let mut builder = Request::builder().method(request.method.clone()).uri(url.request_text());
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        if let Some(secret) = authorization {
            builder = builder.header("authorization", secret.expose());
        }
        let agent = self.agent(url);
        let answered = match &mut request.payload {
            Payload::None => builder.body(()).map(|request| agent.run(request)),
            Payload::Bytes(bytes) => builder.body(*bytes).map(|request| agent.run(patient(agent, request))),
            Payload::Stream(length, reader) => {
                let builder = builder.header("content-length", *length);
                builder.body(SendBody::from_reader(*reader)).map(|request| agent.run(patient(agent, request)))
            }
        };
        answered.map_err(|_| Error::Host { host: url.host().to_owned() })?.map_err(broken)
    }

    fn agent(&self, url: &Url) -> &Agent {
        let around = is_loopback(url.host()) || self.proxies.bypass(url.host(), url.port());
        let secure = url.is_secure();
        let cell = match (around, secure) {
            (true, false) => &self.direct,
            (true, true) => &self.direct_secure,
            (false, false) => &self.proxied,
            (false, true) => &self.proxied_secure,
        };
        cell.get_or_init(|| self.make_agent(around, secure))
    }

    fn make_agent(&self, around: bool, secure: bool) -> Agent {
        let mut config = agent_config()
            .proxy(if around { None } else { self.proxies.for_scheme(secure) })
            .no_delay(true)
            .input_buffer_size(INPUT_BUFFER)
            .output_buffer_size(OUTPUT_BUFFER)
            .max_idle_connections(2 * IDLE_CONNECTIONS)
            .max_idle_connections_per_host(IDLE_CONNECTIONS)
            .timeout_await_100(Some(CONTINUE_TIMEOUT))
            .timeout_per_write(Some(SILENCE_TIMEOUT));
        if secure {
            config = config.tls_config(self.tls());
        }
        Agent::with_parts(config.build(), DefaultConnector::new(), Remembering::default())
    }

    fn tls(&self) -> TlsConfig {
        let roots = match root_certificates() {
            RootCerts::Specific(usual) if !self.authorities.is_empty() => {
                let all: Vec<_> = usual.iter().chain(&self.authorities).cloned().collect();
                RootCerts::new_with_certs(&all)
            }
            usual => usual,
        };
        TlsConfig::builder().root_certs(roots).disable_verification(self.insecure).build()
    }
}

/// A request that brings something may take longer to be answered.
fn patient<T: AsSendBody>(agent: &Agent, request: Request<T>) -> Request<T> {
    let config = agent.configure_request(request);
    config.timeout_recv_response(Some(COMMIT_TIMEOUT)).timeout_per_read(Some(COMMIT_TIMEOUT)).build()
}

fn read_authorities(path: &Path) -> Result<Vec<Certificate<'static>>, Error> {
    let refused = |source| Error::CaFile { path: path.to_owned(), source };
    let found = read_bundle(path).map_err(refused)?;
    if found.is_empty() {
        return Err(refused(io::Error::new(io::ErrorKind::InvalidData, "it has no certificate")));
    }
    Ok(found)
}

/// Whether a host is this machine, by what its name says alone.
pub(super) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// `GET https://host/path`: without the query, which may hold a signature that is as good as a password.
pub(super) fn request_name(method: &Method, url: &Url) -> String {
    format!("{method} {}", place(url))
}

/// An address without its query.
pub(super) fn place(url: &Url) -> String {
    let text = url.to_string();
    text.split_once('?').map_or(text.clone(), |(place, _)| place.to_owned())
}
