//! What this machine's apt says of archives: where they lie, whose signatures count, and which proxies lead there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::apt_conf::AptConf;
use super::error::ArchiveError;
use super::keyring::Keyring;
use super::lists::{Lists, ask_apt, files};
use super::place::{Place, Site};
use crate::cache::http::{Http, HttpSettings, Proxies, Url, redact};
use crate::deb::{AptSource, SignedBy};

/// This machine's apt.
pub(super) struct Host {
    lists: Lists,
    http: Arc<Http>,
    /// Clients for proxies of apt's, by the proxy's address.
    clients: Mutex<BTreeMap<String, Arc<Http>>>,
}

impl Host {
    /// Asks `apt-config`, which is found on the `PATH` and honours `APT_CONFIG`.
    pub(super) fn ask(channel: &str, http: &Arc<Http>) -> Result<Self, ArchiveError> {
        let refused = |reason| ArchiveError::NoApt { channel: channel.to_owned(), reason };
        Self::new(ask_apt().map_err(refused)?, http)
    }

    /// apt as `conf` has it.
    pub(super) fn new(conf: AptConf, http: &Arc<Http>) -> Result<Self, ArchiveError> {
        if conf.get("Acquire::http::Proxy-Auto-Detect").is_some() {
            tracing::warn!("apt finds its proxy with a program, which is not run here; name it in `http_proxy`");
        }
        Ok(Self { lists: Lists::new(conf)?, http: Arc::clone(http), clients: Mutex::default() })
    }

    /// Whether expired archives are refused, where a source does not say otherwise.
    pub(super) fn checks_valid_until(&self) -> bool {
        self.lists.checks_valid_until()
    }

    /// All archives of all lists, in the order that apt reads them.
    pub(super) fn sources(&self) -> Result<Vec<AptSource>, ArchiveError> {
        self.lists.sources()
    }

    /// The place at an address of a list; `None` for schemes that are not spoken here.
    pub(super) fn place(&self, channel: &str, uri: &str) -> Result<Option<Place>, ArchiveError> {
        let refused = |reason| ArchiveError::Place { channel: channel.to_owned(), place: redact(uri), reason };
        let (scheme, rest) = uri.split_once(':').unwrap_or_default();
        match scheme.to_ascii_lowercase().as_str() {
            "file" | "copy" => {
                let path = rest.strip_prefix("//").unwrap_or(rest);
                let site = Site::Directory(PathBuf::from(path));
                let found = path.starts_with('/').then(|| Place::new(site, Arc::clone(&self.http)));
                found.map(Some).ok_or_else(|| refused("it names no folder of this machine".to_owned()))
            }
            "http" | "https" => {
                let url: Url =
                    self.lists.credentials.apply(uri).parse().map_err(|_| refused("it is no address".to_owned()))?;
                let http = self.client(&url);
                Ok(Some(Place::new(Site::Http(url.as_directory()), http)))
            }
            _ => Ok(None),
        }
    }

    /// The client that uses the proxy which apt would.
    fn client(&self, url: &Url) -> Arc<Http> {
        let Some(proxy) = self.lists.conf.proxy(url.is_secure(), url.host()) else { return Arc::clone(&self.http) };
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let made = clients.entry(proxy.to_owned()).or_insert_with(|| {
            let proxies = if proxy.eq_ignore_ascii_case("direct") { Proxies::default() } else { through(proxy) };
            Arc::new(Http::new(HttpSettings { proxies, ..self.http.settings().clone() }))
        });
        Arc::clone(made)
    }

    /// The keys that a source names, else those that apt trusts for all.
    pub(super) fn keyring(&self, signed_by: Option<&SignedBy>) -> Result<Keyring, ArchiveError> {
        let mut keyring = Keyring::default();
        let none = SignedBy::default();
        let signed_by = signed_by.unwrap_or(&none);
        if let Some(key) = &signed_by.key {
            keyring.add(key.as_bytes(), "the key in apt's list of archives")?;
        }
        for path in &signed_by.files {
            keyring.add_file(Path::new(path))?;
        }
        if keyring.keys.is_empty() {
            keyring.only.clone_from(&signed_by.fingerprints);
            for path in files(&self.lists.conf, "Dir::Etc::trusted", "Dir::Etc::trustedparts", &["gpg", "asc"])? {
                // One bad file among many is apt's matter; that no key is left is said later.
                if let Err(fault) = keyring.add_file(&path) {
                    tracing::warn!("{fault}");
                }
            }
        }
        Ok(keyring)
    }
}

/// A proxy for everything but the hosts that the environment excepts.
fn through(proxy: &str) -> Proxies {
    Proxies::from_variables(|name| match name {
        "http_proxy" | "https_proxy" => Some(proxy.to_owned()),
        "no_proxy" | "NO_PROXY" => std::env::var(name).ok(),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
