//! The archives of apt's lists that belong to a channel's suites.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::error::ArchiveError;
use super::host::Host;
use super::keyring::Keyring;
use super::sites::Site;
use crate::cache::http::redact;
use crate::config::{DebianArchive, Machine};
use crate::deb::{AptSource, SignedBy};
use crate::progress::Progress;

/// What is added to a suite's name for those that belong to it.
const SUFFIXES: [&str; 4] = ["", "-updates", "-security", "/updates"];

/// Names that wander from release to release.
const WANDERING: [&str; 5] = ["stable", "oldstable", "oldoldstable", "testing", "unstable"];

/// apt's lists, as far as they concern a channel.
pub(super) struct HostSites<'a> {
    channel: &'a str,
    archive: &'a DebianArchive,
    host: &'a Host,
    sources: Vec<AptSource>,
    /// The channel's own keyring, which goes before apt's.
    own: Option<Arc<Keyring>>,
    /// Keyrings that were read, by what names them.
    read: Vec<(Option<SignedBy>, Arc<Keyring>)>,
    sites: Vec<Site>,
    /// Addresses that can't be read here.
    foreign: Vec<String>,
    /// Keyrings that can't be used; another place may do.
    faults: Vec<ArchiveError>,
}

impl<'a> HostSites<'a> {
    /// Reads the lists. Archives without the channel's components or the machine's architectures are left out.
    pub(super) fn new(
        channel: &'a str,
        archive: &'a DebianArchive,
        machine: &Machine,
        host: &'a Host,
        own: Option<Arc<Keyring>>,
    ) -> Result<Self, ArchiveError> {
        let architectures: Vec<_> = machine.image.systems.iter().map(|system| system.architecture()).collect();
        let fits = |source: &AptSource| {
            let any = source.architectures.is_empty();
            let architecture = any || source.architectures.iter().any(|name| architectures.contains(&name.as_str()));
            architecture && source.components.iter().any(|component| archive.components.contains(component))
        };
        let sources = host.sources()?.into_iter().filter(fits).collect();
        let (read, sites, foreign, faults) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Ok(Self { channel, archive, host, sources, own, read, sites, foreign, faults })
    }

    /// The sites of all suites of the channel, in their order.
    pub(super) fn sites(mut self, progress: &dyn Progress) -> Result<Vec<Site>, ArchiveError> {
        for wanted in &self.archive.suites {
            let known: BTreeSet<&str> =
                self.sources.iter().flat_map(|source| &source.suites).map(String::as_str).collect();
            let names = names_of(wanted, &known);
            let siblings = if names.is_empty() { siblings_of(wanted, &known) } else { Vec::new() };
            if names.is_empty() && siblings.is_empty() {
                let known = known.into_iter().map(str::to_owned).collect();
                let (suite, components) = (wanted.clone(), self.archive.components.clone());
                return Err(ArchiveError::NoSource { suite, components, known });
            }
            if !siblings.is_empty() {
                progress.note(&format!("this machine's apt has no suite `{wanted}`: its mirrors are asked for it"));
            }
            for (suite, path) in names {
                self.add(&suite, &path, &path)?;
            }
            for (suite, sibling) in siblings {
                self.add(&suite, &sibling, &suite)?;
            }
            if !self.sites.iter().any(|site| site.suite == *wanted) {
                let schemes = ArchiveError::Schemes { suite: wanted.clone(), places: self.foreign };
                return Err(self.faults.into_iter().next().unwrap_or(schemes));
            }
        }
        for fault in &self.faults {
            progress.warn(&format!("channel {}: {fault}; going on without it", self.channel));
        }
        for uri in &self.foreign {
            progress.warn(&format!("channel {}: {uri} can't be read here; going on without it", self.channel));
        }
        Ok(self.sites)
    }

    /// Adds all places of the suite that the lists call `listed`, each once: `suite` is looked for there, at `path`.
    fn add(&mut self, suite: &str, listed: &str, path: &str) -> Result<(), ArchiveError> {
        let having: Vec<AptSource> =
            self.sources.iter().filter(|source| source.suites.iter().any(|name| name == listed)).cloned().collect();
        for source in having {
            for uri in &source.uris {
                let Some(place) = self.host.place(self.channel, uri)? else {
                    self.foreign.push(redact(uri));
                    continue;
                };
                if self.sites.iter().any(|site| site.suite == suite && site.path == path && site.place == place) {
                    continue;
                }
                let keyring = match self.keyring(&source) {
                    Ok(keyring) => keyring,
                    Err(fault) => {
                        self.faults.push(fault);
                        continue;
                    }
                };
                let expires = source.check_valid_until.unwrap_or_else(|| self.host.checks_valid_until());
                let (suite, path, trusted) = (suite.to_owned(), path.to_owned(), source.trusted);
                self.sites.push(Site { suite, path, place, keyring, trusted, expires, remembers: true });
            }
        }
        Ok(())
    }

    fn keyring(&mut self, source: &AptSource) -> Result<Arc<Keyring>, ArchiveError> {
        if let Some(own) = &self.own {
            return Ok(Arc::clone(own));
        }
        if let Some((_, keyring)) = self.read.iter().find(|(signed_by, _)| *signed_by == source.signed_by) {
            return Ok(Arc::clone(keyring));
        }
        let keyring = self.host.keyring(source.signed_by.as_ref())?;
        if keyring.keys.is_empty() {
            return Err(ArchiveError::NoKeyring { channel: self.channel.to_owned() });
        }
        let keyring = Arc::new(keyring);
        self.read.push((source.signed_by.clone(), Arc::clone(&keyring)));
        Ok(keyring)
    }
}

/// A suite and those that belong to it, each with the name that the lists have for it; none where the suite itself is not known.
///
/// `bookworm` may stand in the lists as `stable`, and the other way round; what the archive says decides later.
pub(super) fn names_of(wanted: &str, known: &BTreeSet<&str>) -> Vec<(String, String)> {
    let bases: Vec<&str> = if known.contains(wanted) {
        vec![wanted]
    } else if WANDERING.contains(&wanted) {
        let belongs = |name: &str| SUFFIXES.iter().any(|suffix| !suffix.is_empty() && name.ends_with(suffix));
        known.iter().filter(|name| !WANDERING.contains(name) && !belongs(name)).copied().collect()
    } else {
        WANDERING.into_iter().filter(|name| known.contains(name)).collect()
    };
    let pairs = bases
        .iter()
        .flat_map(|base| SUFFIXES.iter().map(move |suffix| (format!("{wanted}{suffix}"), format!("{base}{suffix}"))));
    pairs.filter(|(_, path)| known.contains(path.as_str())).collect()
}

/// Where a suite may be that the lists don't have: with the same one of another release, as mirrors keep all releases of a
/// distribution, and its keyring their keys. Each with the name of that other one.
fn siblings_of(wanted: &str, known: &BTreeSet<&str>) -> Vec<(String, String)> {
    if SUFFIXES.iter().any(|suffix| !suffix.is_empty() && wanted.ends_with(suffix)) {
        return Vec::new();
    }
    let has_updates =
        |base: &&&str| SUFFIXES[1..].iter().any(|suffix| known.contains(format!("{base}{suffix}").as_str()));
    let bases = known.iter().filter(has_updates);
    let pairs = bases
        .flat_map(|base| SUFFIXES.iter().map(move |suffix| (format!("{wanted}{suffix}"), format!("{base}{suffix}"))));
    pairs.filter(|(_, sibling)| known.contains(sibling.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_release_lies_beside_the_hosts() {
        let siblings = |wanted, known: &[&str]| {
            let pairs = siblings_of(wanted, &known.iter().copied().collect());
            pairs.into_iter().map(|(suite, sibling)| format!("{suite}={sibling}")).collect::<Vec<_>>().join(" ")
        };
        let host = ["trixie", "trixie-updates", "trixie-security", "nodistro", "other"];
        assert_eq!(
            siblings("bookworm", &host),
            "bookworm=trixie bookworm-updates=trixie-updates bookworm-security=trixie-security"
        );
        assert_eq!(
            siblings("bookworm-backports", &["trixie", "trixie-updates"]),
            "bookworm-backports=trixie bookworm-backports-updates=trixie-updates"
        );
        assert_eq!(siblings("bookworm-security", &host), "");
        assert_eq!(siblings("bookworm", &["nodistro"]), "", "nothing says that it is a distribution");
    }

    #[test]
    fn suites_that_belong_together() {
        let names = |wanted, known: &[&str]| {
            let pairs = names_of(wanted, &known.iter().copied().collect());
            pairs.into_iter().map(|(suite, path)| format!("{suite}={path}")).collect::<Vec<_>>().join(" ")
        };
        let usual =
            ["bookworm", "bookworm-updates", "bookworm-security", "bookworm-backports", "bookworm-pgdg", "trixie"];
        assert_eq!(
            names("bookworm", &usual),
            "bookworm=bookworm bookworm-updates=bookworm-updates bookworm-security=bookworm-security"
        );
        assert_eq!(names("bookworm-backports", &usual), "bookworm-backports=bookworm-backports");
        assert_eq!(names("buster", &["buster", "buster/updates"]), "buster=buster buster/updates=buster/updates");
        assert_eq!(names("bookworm", &["stable", "stable-updates"]), "bookworm=stable bookworm-updates=stable-updates");
        assert_eq!(names("stable", &["stable", "bookworm"]), "stable=stable");
        assert_eq!(
            names("stable", &["bookworm", "bookworm-updates"]),
            "stable=bookworm stable-updates=bookworm-updates"
        );
        assert_eq!(names("bookworm", &["trixie"]), "");
    }
}
