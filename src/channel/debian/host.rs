//! What this machine's apt says of archives: its lists, keyrings, proxies and credentials.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use super::apt_conf::{AptConf, Credentials};
use super::error::ArchiveError;
use super::keyring::Keyring;
use super::place::Place;
use crate::cache::Location;
use crate::cache::http::{Http, HttpSettings, Proxies, Url, redact};
use crate::deb::{AptSource, SignedBy, parse_deb822, parse_one_line};

/// This machine's apt.
pub(super) struct Host {
    conf: AptConf,
    credentials: Credentials,
    http: Arc<Http>,
    /// Clients for proxies of apt's, by the proxy's address.
    clients: Mutex<BTreeMap<String, Arc<Http>>>,
}

impl Host {
    /// Asks `apt-config`, which is found on the `PATH` and honours `APT_CONFIG`.
    pub(super) fn ask(channel: &str, http: &Arc<Http>) -> Result<Self, ArchiveError> {
        let refused = |reason: String| ArchiveError::NoApt { channel: channel.to_owned(), reason };
        let answer = Command::new("apt-config").arg("dump").output();
        let answer = answer.map_err(|fault| refused(format!("apt-config: {fault}")))?;
        if !answer.status.success() {
            return Err(refused(format!("apt-config: {}", answer.status)));
        }
        Self::new(AptConf::parse(&String::from_utf8_lossy(&answer.stdout)), http)
    }

    /// apt as `conf` has it.
    pub(super) fn new(conf: AptConf, http: &Arc<Http>) -> Result<Self, ArchiveError> {
        if conf.get("Acquire::http::Proxy-Auto-Detect").is_some() {
            tracing::warn!("apt finds its proxy with a program, which is not run here; name it in `http_proxy`");
        }
        let mut credentials = Credentials::default();
        for path in files(&conf, "Dir::Etc::netrc", "Dir::Etc::netrcparts", &["conf"])? {
            // They are often for root alone; the archive says if it wants some.
            match fs::read_to_string(&path) {
                Ok(text) => credentials.add(&text),
                Err(fault) => tracing::debug!("cannot read {}: {fault}", path.display()),
            }
        }
        Ok(Self { conf, credentials, http: Arc::clone(http), clients: Mutex::default() })
    }

    /// Whether expired archives are refused, where a source does not say otherwise.
    pub(super) fn checks_valid_until(&self) -> bool {
        !self.conf.is_off("Acquire::Check-Valid-Until")
    }

    /// All archives of all lists, in the order that apt reads them.
    pub(super) fn sources(&self) -> Result<Vec<AptSource>, ArchiveError> {
        let mut sources = Vec::new();
        for path in files(&self.conf, "Dir::Etc::sourcelist", "Dir::Etc::sourceparts", &["list", "sources"])? {
            let text = fs::read_to_string(&path).map_err(|source| fault(&path, source))?;
            let paragraphs = path.extension().is_some_and(|extension| extension == "sources");
            let parsed = if paragraphs { parse_deb822(&text) } else { parse_one_line(&text) };
            sources.extend(parsed.map_err(|source| ArchiveError::AptList { path, source })?);
        }
        Ok(sources)
    }

    /// The place at an address of a list; `None` for schemes that are not spoken here.
    pub(super) fn place(&self, channel: &str, uri: &str) -> Result<Option<Place>, ArchiveError> {
        let refused = |reason| ArchiveError::Place { channel: channel.to_owned(), place: redact(uri), reason };
        let (scheme, rest) = uri.split_once(':').unwrap_or_default();
        match scheme.to_ascii_lowercase().as_str() {
            "file" | "copy" => {
                let path = rest.strip_prefix("//").unwrap_or(rest);
                let location = Location::Directory(PathBuf::from(path));
                let found = path.starts_with('/').then(|| Place::new(location, Arc::clone(&self.http)));
                found.map(Some).ok_or_else(|| refused("it names no folder of this machine".to_owned()))
            }
            "http" | "https" => {
                let url: Url =
                    self.credentials.apply(uri).parse().map_err(|_| refused("it is no address".to_owned()))?;
                let http = self.client(&url);
                Ok(Some(Place::new(Location::Http(url.as_directory()), http)))
            }
            _ => Ok(None),
        }
    }

    /// The client that uses the proxy which apt would.
    fn client(&self, url: &Url) -> Arc<Http> {
        let Some(proxy) = self.conf.proxy(url.is_secure(), url.host()) else { return Arc::clone(&self.http) };
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
            for path in files(&self.conf, "Dir::Etc::trusted", "Dir::Etc::trustedparts", &["gpg", "asc"])? {
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

/// The file and the files of the folder that two settings name, as far as they are there; the folder's sorted by name.
fn files(conf: &AptConf, file: &str, folder: &str, extensions: &[&str]) -> Result<Vec<PathBuf>, ArchiveError> {
    let mut found: Vec<PathBuf> = conf.path(file).filter(|path| path.is_file()).into_iter().collect();
    let Some(folder) = conf.path(folder) else { return Ok(found) };
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(fault(&folder, error)),
    };
    let mut parts = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| fault(&folder, error))?.path();
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        // apt passes over a file without an ending in the folder of credentials no more than over one with it.
        let plain = extension.is_empty() && extensions == ["conf"];
        if (plain || extensions.contains(&extension)) && has_plain_name(&path) && path.is_file() {
            parts.push(path);
        }
    }
    parts.sort();
    found.extend(parts);
    Ok(found)
}

/// apt reads no file whose name has other characters, such as an editor's backup.
fn has_plain_name(path: &Path) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-+".contains(&byte);
    path.file_name().is_some_and(|name| name.as_encoded_bytes().iter().all(|&byte| plain(byte)))
}

fn fault(path: &Path, source: io::Error) -> ArchiveError {
    ArchiveError::File { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests;
