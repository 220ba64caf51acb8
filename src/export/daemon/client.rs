//! Requests to a daemon, and what it answers.

use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::ring;
use ureq::http::{HeaderMap, Response};
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Body, SendBody};

use crate::cache::http::agent_config;

use super::DaemonError;
use super::endpoint::{Endpoint, Tls};
use super::socket::{Cut, NoAddress, SocketConnector};

/// A daemon that is there accepts at once, wherever it is.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A daemon that is busy loading something else may take its time for small things, too.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(2);

/// So long a daemon may do nothing but write what it has read to a slow disk.
const LOAD_TIMEOUT: Duration = Duration::from_hours(1);

/// Of a body that is sent.
const BUFFER: usize = 256 << 10;

/// A certificate or key is never larger.
const PEM_LIMIT: u64 = 1 << 20;

/// Speaks with one daemon.
#[derive(Debug)]
pub(super) struct Client {
    agent: Agent,
    /// `http://host`
    base: String,
    cut: Cut,
}

/// What was answered, with any status.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Client {
    pub(super) fn new(endpoint: &Endpoint) -> Result<Self, DaemonError> {
        let config = agent_config()
            .no_delay(true)
            .output_buffer_size(BUFFER)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_resolve(Some(CONNECT_TIMEOUT));
        let cut = Cut::default();
        let (agent, base) = match endpoint {
            Endpoint::Unix(path) => {
                let connector = SocketConnector { path: path.clone(), cut: cut.clone() };
                (Agent::with_parts(config.build(), connector, NoAddress), "http://daemon".to_owned())
            }
            Endpoint::Tcp { authority, tls } => {
                let scheme = if tls.is_some() { "https" } else { "http" };
                let config = match tls {
                    Some(tls) => config.tls_config(tls_config(tls)?),
                    None => config,
                };
                let agent = Agent::with_parts(config.build(), DefaultConnector::new(), DefaultResolver::default());
                (agent, format!("{scheme}://{authority}"))
            }
        };
        Ok(Self { agent, base, cut })
    }

    /// Asks; at most `limit` bytes may be answered.
    pub(super) fn get(&self, path: &str, limit: u64) -> io::Result<Answer> {
        self.cut.set(false);
        let request = self.agent.get(format!("{}{path}", self.base)).config();
        let request = request.timeout_recv_response(Some(ANSWER_TIMEOUT)).timeout_per_read(Some(ANSWER_TIMEOUT));
        read(request.build().call(), limit)
    }

    /// Brings an archive, in pieces whose sum nobody knows before.
    pub(super) fn post(&self, path: &str, archive: &mut dyn Read, limit: u64) -> io::Result<Answer> {
        self.cut.set(false);
        let request = self.agent.post(format!("{}{path}", self.base)).config();
        let request = request
            .timeout_recv_response(Some(LOAD_TIMEOUT))
            .timeout_per_read(Some(LOAD_TIMEOUT))
            .timeout_per_write(Some(LOAD_TIMEOUT))
            .build()
            .header("content-type", "application/x-tar");
        let mut body = UntilCut { archive, cut: &self.cut };
        read(request.send(SendBody::from_reader(&mut body)), limit)
    }
}

/// Ends where the daemon reads no more.
struct UntilCut<'a> {
    archive: &'a mut dyn Read,
    cut: &'a Cut,
}

impl Read for UntilCut<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.cut.is_cut() { Ok(0) } else { self.archive.read(buffer) }
    }
}

fn read(answered: Result<Response<Body>, ureq::Error>, limit: u64) -> io::Result<Answer> {
    let mut response = answered.map_err(ureq::Error::into_io)?;
    let body = response.body_mut().with_config().limit(limit).read_to_vec().map_err(ureq::Error::into_io)?;
    Ok(Answer { status: response.status().as_u16(), headers: response.headers().clone(), body })
}

fn tls_config(tls: &Tls) -> Result<TlsConfig, DaemonError> {
    let items = |name: &str| {
        let path = tls.folder.join(name);
        pem(&path).map_err(|source| DaemonError::Certificates { path, source })
    };
    let authorities = if tls.verify { certificates(items("ca.pem")?) } else { Vec::new() };
    let shown = tls.folder.join("cert.pem").is_file();
    let client =
        if shown { Some(ClientCert::new_with_certs(&certificates(items("cert.pem")?), key(tls)?)) } else { None };
    // What caches and registries are spoken to with has no use for private keys.
    let provider = Arc::new(ring::default_provider());
    let config = TlsConfig::builder().root_certs(RootCerts::new_with_certs(&authorities)).client_cert(client);
    Ok(config.disable_verification(!tls.verify).unversioned_rustls_crypto_provider(provider).build())
}

fn key(tls: &Tls) -> Result<PrivateKey<'static>, DaemonError> {
    let path = tls.folder.join("key.pem");
    let found = pem(&path).map(|items| {
        items.into_iter().find_map(|item| if let PemItem::PrivateKey(key) = item { Some(key) } else { None })
    });
    let missing = || io::Error::new(io::ErrorKind::InvalidData, "it has no private key");
    found.and_then(|key| key.ok_or_else(missing)).map_err(|source| DaemonError::Certificates { path, source })
}

fn certificates(items: Vec<PemItem<'static>>) -> Vec<Certificate<'static>> {
    let certificate = |item| if let PemItem::Certificate(certificate) = item { Some(certificate) } else { None };
    items.into_iter().filter_map(certificate).collect()
}

fn pem(path: &Path) -> io::Result<Vec<PemItem<'static>>> {
    let mut text = Vec::new();
    fs::File::open(path)?.take(PEM_LIMIT).read_to_end(&mut text)?;
    parse_pem(&text).collect::<Result<_, _>>().map_err(ureq::Error::into_io)
}
