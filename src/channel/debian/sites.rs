//! Which suites a channel has, and where each may lie.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::ArchiveError;
use super::host::Host;
use super::host_sites::HostSites;
use super::keyring::Keyring;
use super::place::Place;
use crate::cache::Http;
use crate::cache::http::redact;
use crate::config::{Channel, DebianArchive, Machine, Mirror, Names};
use crate::progress::Progress;

/// A suite at a place that may have it.
#[derive(Clone)]
pub(super) struct Site {
    /// As the channel names it: `bookworm-updates`.
    pub(super) suite: String,
    /// As the place names it: `stable-updates`.
    pub(super) path: String,
    /// The archive's root.
    pub(super) place: Place,
    /// Whose signatures count.
    pub(super) keyring: Arc<Keyring>,
    /// Whether apt would do without a signature.
    pub(super) trusted: bool,
    /// Whether it is refused when it has expired.
    pub(super) expires: bool,
    /// Whether it is refused when it is older than before.
    pub(super) remembers: bool,
}

/// A channel's archive, opened.
pub(super) struct Sites {
    /// As configured.
    pub(super) archive: DebianArchive,
    /// By suite in the order of the files, then by place.
    pub(super) all: Vec<Site>,
    /// Whether this machine's apt named them: private archives may be among them.
    pub(super) of_host: bool,
}

impl Sites {
    /// Finds out where a channel's archive lies. Asks nothing of the network.
    pub(super) fn open(
        channel: &str,
        machine: &Machine,
        http: &Arc<Http>,
        progress: &dyn Progress,
    ) -> Result<Self, ArchiveError> {
        let Some(Channel { names: Names::Debian(archive), .. }) = machine.channels.get(channel) else {
            return Err(ArchiveError::NotDebian { channel: channel.to_owned() });
        };
        if let Some(suite) = archive.suites.iter().find(|suite| suite.ends_with('/')) {
            return Err(ArchiveError::Flat { channel: channel.to_owned(), suite: suite.clone() });
        }
        let keyring = own_keyring(archive, &machine.project)?;
        let sites = match &archive.mirror {
            Mirror::Host => {
                let host = Host::ask(channel, http)?;
                HostSites::new(channel, archive, machine, &host, keyring)?.sites(progress)?
            }
            Mirror::Places(places) | Mirror::Snapshots(places) => {
                let keyring = keyring.map_or_else(|| usual_keyring(channel), Ok)?;
                of_places(channel, archive, places, &machine.project, http, &keyring)?
            }
        };
        Ok(Self { archive: archive.clone(), all: sites, of_host: archive.mirror == Mirror::Host })
    }

    /// The places that may have a file of `suite`: first those that may have the suite.
    pub(super) fn places(&self, suite: &str) -> Vec<&Place> {
        let mut places: Vec<&Place> = Vec::new();
        let (having, others): (Vec<_>, Vec<_>) = self.all.iter().partition(|site| site.suite == suite);
        for site in having.into_iter().chain(others) {
            if !places.contains(&&site.place) {
                places.push(&site.place);
            }
        }
        places
    }
}

/// The keyring that the channel names.
fn own_keyring(archive: &DebianArchive, project: &Path) -> Result<Option<Arc<Keyring>>, ArchiveError> {
    let Some(path) = &archive.keyring else { return Ok(None) };
    let mut keyring = Keyring::default();
    keyring.add_file(&project.join(path))?;
    Ok(Some(Arc::new(keyring)))
}

/// The keyring that distributions keep for their archives.
fn usual_keyring(channel: &str) -> Result<Arc<Keyring>, ArchiveError> {
    let folder = Path::new("/usr/share/keyrings");
    let usual = ["debian-archive-keyring.gpg", "debian-archive-keyring.pgp", "ubuntu-archive-keyring.gpg"];
    let mut keyring = Keyring::default();
    if let Some(path) = usual.iter().map(|name| folder.join(name)).find(|path| path.is_file()) {
        keyring.add_file(&path)?;
        return Ok(Arc::new(keyring));
    }
    let parts = std::fs::read_dir("/etc/apt/trusted.gpg.d").into_iter().flatten().flatten().map(|entry| entry.path());
    let is_key = |path: &PathBuf| path.extension().is_some_and(|end| end == "gpg" || end == "asc");
    let mut parts: Vec<_> = parts.filter(is_key).collect();
    parts.sort();
    for path in parts {
        if let Err(fault) = keyring.add_file(&path) {
            tracing::warn!("{fault}");
        }
    }
    let empty = keyring.keys.is_empty();
    if empty { Err(ArchiveError::NoKeyring { channel: channel.to_owned() }) } else { Ok(Arc::new(keyring)) }
}

fn of_places(
    channel: &str,
    archive: &DebianArchive,
    places: &[String],
    project: &Path,
    http: &Arc<Http>,
    keyring: &Arc<Keyring>,
) -> Result<Vec<Site>, ArchiveError> {
    let moves = !matches!(archive.mirror, Mirror::Snapshots(_));
    let mut sites = Vec::new();
    for suite in &archive.suites {
        for text in places {
            let refused = |reason| ArchiveError::Place { channel: channel.to_owned(), place: redact(text), reason };
            sites.push(Site {
                suite: suite.clone(),
                path: suite.clone(),
                place: Place::parse(text, project, http).map_err(refused)?,
                keyring: Arc::clone(keyring),
                trusted: false,
                expires: moves,
                remembers: moves,
            });
        }
    }
    Ok(sites)
}
