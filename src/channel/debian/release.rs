//! A suite's Release file: found, verified, and neither too old nor of another suite.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::super::kept::write_whole;
use super::error::ArchiveError;
use super::signature::{self, SignatureFault};
use super::sites::Site;
use crate::deb::Release;
use crate::nix::Sha256;
use crate::progress::Progress;

/// The largest of Debian's Release files is a hundredth of it.
const LARGEST: u64 = 16 << 20;

/// What a Release file says, and who had it.
pub(super) struct Verified<'a> {
    /// Where it was.
    pub(super) site: &'a Site,
    /// What it says.
    pub(super) release: Release,
}

/// Loads Release files at one time, remembering those that were seen before.
pub(super) struct Loader<'a> {
    /// Where dates are remembered.
    pub(super) state: &'a Path,
    /// The time.
    pub(super) now: Timestamp,
    /// Hears what is passed over.
    pub(super) progress: &'a dyn Progress,
}

impl Loader<'_> {
    /// The suite's Release file, verified; `None` if the place has no such suite.
    pub(super) fn load<'s>(&self, site: &'s Site) -> Result<Option<Verified<'s>>, ArchiveError> {
        let Some(text) = self.signed_text(site)? else { return Ok(None) };
        let release = Release::parse(&text).map_err(|source| ArchiveError::Release {
            suite: site.suite.clone(),
            place: site.place.to_string(),
            source,
        })?;
        if !is_suite(&release, &site.suite) {
            // Under a name that wanders it may rightly be another one.
            if site.suite != site.path {
                return Ok(None);
            }
            let found = if release.codename.is_empty() { &release.suite } else { &release.codename };
            let (name, place) = (site.suite.clone(), site.place.to_string());
            return Err(ArchiveError::OtherSuite { suite: name, place, found: found.clone() });
        }
        self.check_expiry(site, &release)?;
        if site.remembers {
            self.check_memory(site, &release)?;
        }
        Ok(Some(Verified { site, release }))
    }

    /// What a key of the keyring signed: of `InRelease`, else of `Release` with `Release.gpg`.
    fn signed_text(&self, site: &Site) -> Result<Option<String>, ArchiveError> {
        let read = |name: &str| site.place.read(&format!("dists/{}/{name}", site.path), LARGEST);
        let distrust = |fault| ArchiveError::Signature {
            suite: site.suite.clone(),
            place: site.place.to_string(),
            fault: Box::new(fault),
        };
        if let Some(bytes) = read("InRelease")? {
            let text = utf8(bytes).map_err(distrust)?;
            return signature::verify_inline(&text, &site.keyring, self.now).map(Some).map_err(distrust);
        }
        let Some(data) = read("Release")? else { return Ok(None) };
        let Some(signatures) = read("Release.gpg")? else {
            let (name, place) = (site.suite.clone(), site.place.to_string());
            return Err(ArchiveError::Unsigned { suite: name, place, trusted: site.trusted });
        };
        signature::verify(&data, &signatures, &site.keyring, self.now).map_err(distrust)?;
        match utf8(data).map_err(distrust)? {
            // To a signature over text it is the end of a line, and to us it is not.
            text if text.contains('\r') => {
                Err(distrust(SignatureFault::Malformed("the text has carriage returns".to_owned())))
            }
            text => Ok(Some(text)),
        }
    }

    fn check_expiry(&self, site: &Site, release: &Release) -> Result<(), ArchiveError> {
        let Some(end) = release.valid_until.filter(|end| *end < self.now) else { return Ok(()) };
        if site.expires {
            let (name, place) = (site.suite.clone(), site.place.to_string());
            return Err(ArchiveError::Expired { suite: name, place, date: end.to_string() });
        }
        tracing::debug!("{} at {} has expired ({end}), which is not to be checked", site.suite, site.place);
        if site.remembers {
            let message = format!("{} has expired ({end}); this machine's apt is told not to mind", site.suite);
            self.progress.note(&message);
        }
        Ok(())
    }

    /// Refuses a Release file that is older than one that was there before: somebody may hold updates back.
    fn check_memory(&self, site: &Site, release: &Release) -> Result<(), ArchiveError> {
        let memory = self.memory(site);
        let seen = fs::read_to_string(&memory).ok().and_then(|text| text.trim().parse::<Timestamp>().ok());
        if let Some(seen) = seen.filter(|seen| *seen > release.date) {
            return Err(ArchiveError::Older {
                suite: site.suite.clone(),
                place: site.place.to_string(),
                found: release.date.to_string(),
                seen: seen.to_string(),
                memory: Box::new(memory),
            });
        }
        if seen != Some(release.date) {
            write_whole(&memory, format!("{}\n", release.date).as_bytes())
                .map_err(|source| ArchiveError::File { path: memory.clone(), source })?;
        }
        Ok(())
    }

    fn memory(&self, site: &Site) -> PathBuf {
        let key = Sha256::of(format!("{}\n{}", site.place, site.path).as_bytes()).hex();
        self.state.join("dates").join(key)
    }
}

fn utf8(bytes: Vec<u8>) -> Result<String, SignatureFault> {
    String::from_utf8(bytes).map_err(|_| SignatureFault::Malformed("it is no text in UTF-8".to_owned()))
}

/// Whether a Release file is of `suite`. That of `buster/updates` called itself `buster`.
fn is_suite(release: &Release, suite: &str) -> bool {
    let base = suite.split_once('/').map_or(suite, |(base, _)| base);
    [&release.codename, &release.suite].into_iter().any(|name| name == suite || name == base)
}
