//! Names of nixpkgs without Nix: a channel's release, its list of packages, and Hydra's builds of them.
//!
//! A release pins everything: its revision, and the evaluation in which Hydra built each package. The list of packages tells
//! what there is; a package's store paths are those of its job in that very evaluation.

mod alias;
mod catalog;
mod error;
mod meant;
mod release;
mod resolve;
mod search;
mod suggest;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::cache::Settings;
use crate::cache::decode;
use crate::cache::http::{Http, HttpError};
use crate::config::System;
use crate::progress::Progress;

use super::hydra::{Hydra, Pace};
use search::Search;

pub use super::hosts::{HostError, Hosts};
pub use super::hydra::{NoBuild, Outputs};
pub use catalog::{Catalog, Entry, Hindrance};
pub use error::{NixosError, SearchFault};
pub(super) use meant::hindered;
pub use release::{Release, WantedRelease};
pub(super) use resolve::{ReleaseAnswers, known_outputs, pinned_release, tell_costs, wanted_release};
pub use search::{Elsewhere, KnownVersion};
pub(super) use suggest::suggestions;

/// Bytes of the largest list of packages, uncompressed: several times today's.
const PACKAGES: u64 = 4 << 30;

/// Everything about NixOS channels that a command may ask. Opens no connection by itself.
pub struct Nixos {
    http: Arc<Http>,
    hosts: Hosts,
    state: PathBuf,
    untrusted: bool,
    pace: Pace,
}

impl Nixos {
    /// With the hosts that the environment names.
    pub fn new(settings: &Settings) -> Result<Self, NixosError> {
        Ok(Self::with_hosts(settings, Hosts::from_environment()?))
    }

    /// With these hosts.
    #[must_use]
    pub fn with_hosts(settings: &Settings, hosts: Hosts) -> Self {
        let Settings { http, state_dir, untrusted, .. } = settings.clone();
        Self { http, hosts, state: state_dir, untrusted, pace: Pace::new() }
    }

    /// Where the services are.
    #[must_use]
    pub fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// The client.
    #[must_use]
    pub fn http(&self) -> &Http {
        &self.http
    }

    /// Where answers are kept.
    #[must_use]
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// The release that `wanted` names today.
    pub fn release(&self, wanted: WantedRelease<'_>, progress: &dyn Progress) -> Result<Release, NixosError> {
        progress.begin(&format!("looking for the newest release of {}", wanted.name), None);
        release::find(&self.http, &self.hosts, wanted)
    }

    /// The packages of a release: fetched and sorted once, about ten seconds' work.
    pub fn catalog(&self, release: &Release, progress: &dyn Progress) -> Result<Catalog, NixosError> {
        if let Some(catalog) = Catalog::open(&self.state, &release.name).filter(|_| !self.untrusted) {
            return Ok(catalog);
        }
        for folder in release.folders() {
            let place = self.hosts.releases.join(&format!("{folder}/packages.json.br")).map_err(HttpError::from)?;
            let download = match self.http.open(&place) {
                Err(HttpError::Absent { .. }) => continue,
                download => download?,
            };
            progress.begin(&format!("reading the packages of {release}"), download.total());
            // Whether the server says so or not, that is what it is.
            let encoding = download.content_encoding().unwrap_or("br").to_owned();
            let told = Told { input: download, progress };
            let packages = decode::content(Some(&encoding), Box::new(told), PACKAGES)
                .map_err(|fault| NixosError::Packages { release: release.name.clone(), source: Box::new(fault) })?;
            return Catalog::make(&self.state, &release.name, packages);
        }
        Err(NixosError::Odd { place: release.name.clone(), what: "it has no `packages.json.br`" })
    }

    /// The outputs that `attribute` has on `system` in `release`, or why there are none.
    pub fn outputs(
        &self,
        release: &Release,
        attribute: &str,
        system: System,
    ) -> Result<Result<Outputs, NoBuild>, NixosError> {
        Ok(self.hydra().outputs(release.jobs(), attribute, system)?)
    }

    /// How long asking for these packages takes at most: what is kept costs nothing.
    #[must_use]
    pub fn expected(&self, release: &Release, packages: &[(String, System)]) -> Duration {
        let hydra = self.hydra();
        Pace::expected(packages.iter().filter(|(name, system)| !hydra.knows(release.jobs(), name, *system)).count())
    }

    /// What `attribute` of `release` was in another version, in whatever revision of nixpkgs; `None`: nobody knows.
    pub fn elsewhere(
        &self,
        release: &Release,
        (attribute, pname): (&str, Option<&str>),
        version: &str,
        system: System,
    ) -> Result<Option<Elsewhere>, NixosError> {
        let asked = format!("{attribute}@{version}");
        let fault = |reason| self.search_fault(asked, release, reason);
        self.search().resolve(attribute, pname, version, system).map_err(fault)
    }

    /// All versions that `attribute` was known to have in any revision, the newest first.
    pub fn versions(
        &self,
        release: &Release,
        (attribute, pname): (&str, Option<&str>),
    ) -> Result<Vec<KnownVersion>, NixosError> {
        let fault = |reason| self.search_fault(format!("every version of {attribute}"), release, reason);
        self.search().versions(attribute, pname).map_err(fault)
    }

    /// The outputs of a package of another revision: as the API tells them, else those of a release of that revision.
    /// `None`: no release was made of it, so that nobody tells.
    pub fn outputs_elsewhere(
        &self,
        found: &Elsewhere,
        system: System,
        progress: &dyn Progress,
    ) -> Result<Option<Outputs>, NixosError> {
        if !found.outputs.is_empty() {
            return Ok(Some(found.outputs.clone()));
        }
        for channel in ["nixpkgs-unstable", "nixos-unstable"] {
            let wanted = WantedRelease { name: channel, revision: Some(&found.revision) };
            let release = match self.release(wanted, progress) {
                Err(NixosError::NoRevision { .. }) => continue,
                release => release?,
            };
            if let Ok(outputs) = self.outputs(&release, &found.attribute, system)? {
                return Ok(Some(outputs));
            }
        }
        Ok(None)
    }

    fn search_fault(&self, asked: String, release: &Release, reason: SearchFault) -> NixosError {
        NixosError::Search {
            asked,
            release: release.name.clone(),
            host: self.search().host(),
            reason: Box::new(reason),
        }
    }

    fn search(&self) -> Search<'_> {
        Search { http: &self.http, hosts: &self.hosts, state: &self.state, untrusted: self.untrusted }
    }

    fn hydra(&self) -> Hydra<'_> {
        let Self { http, hosts, state, untrusted, pace } = self;
        Hydra { http, place: &hosts.hydra, pace, state, untrusted: *untrusted }
    }
}

/// Tells how much of a stream was read.
struct Told<'a, R> {
    input: R,
    progress: &'a dyn Progress,
}

impl<R: std::io::Read> std::io::Read for Told<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.progress.advance(count as u64);
        Ok(count)
    }
}
