//! What is known of a host: whether it speaks TLS, and whether it ever answered.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use ureq::http::Method;

use crate::cache::http::Url;

use super::super::Error;
use super::answer;
use super::retry::Fault;
use super::transport::{Outgoing, is_loopback};
use super::{Registry, Repository};

/// One registry's host.
pub(super) struct Host {
    /// `host[:port]`
    address: String,
    /// Whether it speaks TLS, once that is known. Held while it is found out.
    secure: Mutex<Option<bool>>,
    answered: AtomicBool,
    /// Why it can't be reached: others need not wait for it again.
    unreachable: Mutex<Option<String>>,
}

impl Host {
    pub(super) fn new(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            secure: Mutex::default(),
            answered: AtomicBool::new(false),
            unreachable: Mutex::default(),
        }
    }

    fn url(&self, secure: bool) -> Result<Url, Error> {
        let scheme = if secure { "https" } else { "http" };
        format!("{scheme}://{}/", self.address).parse().map_err(|_| Error::Host { host: self.address.clone() })
    }

    /// Whether it has answered anything yet.
    pub(super) fn is_known(&self) -> bool {
        self.answered.load(Ordering::Relaxed)
    }

    pub(super) fn note_answer(&self) {
        self.answered.store(true, Ordering::Relaxed);
    }

    /// Fails at once where somebody has waited for it in vain.
    pub(super) fn check_reachable(&self) -> Result<(), Error> {
        let reason = self.unreachable.lock().unwrap_or_else(PoisonError::into_inner).clone();
        reason.map_or(Ok(()), |reason| Err(Error::Unreachable { host: self.address.clone(), reason }))
    }

    /// Remembers a host that never answered.
    pub(super) fn give_up(&self, error: &Error) {
        if let (Error::Unreachable { reason, .. }, false) = (error, self.is_known()) {
            *self.unreachable.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.clone());
        }
    }
}

impl Repository<'_> {
    /// The registry's address: https, but where plain http is allowed, what it speaks.
    pub(super) fn base(&self) -> Result<Url, Fault> {
        let url = self.host.url(true)?;
        let loopback = is_loopback(url.host());
        if !loopback && !self.registry.settings.insecure {
            return Ok(url);
        }
        let mut known = self.host.secure.lock().unwrap_or_else(PoisonError::into_inner);
        let secure = match *known {
            Some(secure) => secure,
            // A server of TLS refuses plain http at once; the other way round, some wait for more.
            None => self.registry.find_scheme(&self.host, !loopback)?,
        };
        *known = Some(secure);
        Ok(self.host.url(secure)?)
    }
}

impl Registry {
    /// Whether a host that may speak either speaks TLS, the likelier tried first.
    fn find_scheme(&self, host: &Host, secure_first: bool) -> Result<bool, Fault> {
        let one = self.speaks(host, secure_first);
        if matches!(one, Ok(true)) {
            return Ok(secure_first);
        }
        match (one, self.speaks(host, !secure_first)) {
            (_, Ok(true)) => Ok(!secure_first),
            // It answered, though oddly: by that it can be told what is wrong.
            (Ok(_), _) => Ok(secure_first),
            (_, Ok(_)) => Ok(!secure_first),
            (Err(Fault::Temporary { connecting: true, .. }), Err(fault)) | (Err(fault), Err(_)) => Err(fault),
        }
    }

    /// Whether a host understands this scheme. A server of TLS answers plain http with 400.
    fn speaks(&self, host: &Host, secure: bool) -> Result<bool, Fault> {
        let url = host.url(secure)?.join("/v2/").map_err(|_| Error::Host { host: host.address.clone() })?;
        let mut response = self.transport.send(&url, &mut Outgoing::new(Method::GET), None)?;
        let refused = !secure && response.status().as_u16() == 400;
        let _ = answer::said(&mut response);
        Ok(!refused)
    }
}
