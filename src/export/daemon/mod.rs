//! Images into a daemon of docker or podman, through its socket: no client program, and no archive on a disk of ours.
//!
//! An image that is there is not sent. Docker's classic store looks a layer up by its chain of digests before it opens the layer's
//! file, so files of layers that any of its images stands on need not be sent; podman and docker over containerd want all.

mod answer;
mod client;
mod endpoint;
mod error;
mod load;
mod places;
mod present;
mod socket;
mod stream;
#[cfg(test)]
mod tests;

use std::io;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::config::System;
use crate::emit::EngineKind;

use client::{Answer, Client};
use endpoint::Endpoint;
use places::Place;

pub use error::DaemonError;
pub use load::{Load, Loaded};
pub use places::Surroundings;

/// What a small document may have.
const SMALL: u64 = 4 << 20;

/// A daemon that answers.
#[derive(Debug)]
pub struct Daemon {
    client: Client,
    kind: EngineKind,
    place: String,
    is_remote: bool,
    system: Option<System>,
}

#[derive(Deserialize)]
struct Version {
    #[serde(rename = "Arch", default)]
    arch: String,
}

impl Daemon {
    /// The first that answers of those that are wanted: docker's, then podman's.
    pub fn find(wanted: Option<EngineKind>, surroundings: &Surroundings) -> Result<Self, DaemonError> {
        let mut tried = Vec::new();
        for place in surroundings.places(wanted)? {
            let client = Client::new(&place.endpoint)?;
            match client.get("/_ping", SMALL) {
                Ok(answer) if answer.status == 200 => return Self::greeted(client, &place, &answer),
                Ok(answer) => {
                    tried.push(format!("{}: {}", place.endpoint, answer::refusal(answer.status, &answer.body)));
                }
                Err(error) => tried.push(format!("{}: {error}", place.endpoint)),
            }
        }
        Err(DaemonError::NoneAnswers { tried })
    }

    /// Podman's service listens where docker should be, on many machines.
    fn greeted(client: Client, place: &Place, greeting: &Answer) -> Result<Self, DaemonError> {
        let is_podman = greeting.headers.contains_key("libpod-api-version");
        let kind = if is_podman { EngineKind::Podman } else { EngineKind::Docker };
        let is_remote = matches!(place.endpoint, Endpoint::Tcp { .. });
        let mut daemon = Self { client, kind, place: place.endpoint.to_string(), is_remote, system: None };
        let version: Option<Version> = daemon.document("/version", "its version", SMALL)?;
        let arch = version.map(|version| version.arch).unwrap_or_default();
        daemon.system = System::ALL.into_iter().find(|system| system.architecture() == arch);
        Ok(daemon)
    }

    /// Who answers.
    #[must_use]
    pub const fn kind(&self) -> EngineKind {
        self.kind
    }

    /// Where it is: `unix:///var/run/docker.sock`.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// What it runs on, where that is known here.
    #[must_use]
    pub const fn system(&self) -> Option<System> {
        self.system
    }

    /// `docker at unix:///…`
    fn name(&self) -> String {
        format!("{} at {}", self.kind.program(), self.place)
    }

    /// A document; `None`: there is no such thing.
    fn document<T: DeserializeOwned>(
        &self,
        path: &str,
        action: &'static str,
        limit: u64,
    ) -> Result<Option<T>, DaemonError> {
        let answer = self.client.get(path, limit).map_err(|source| self.lost(action, source))?;
        match answer.status {
            200 => serde_json::from_slice(&answer.body).map(Some).map_err(|error| self.malformed(action, &error)),
            404 => Ok(None),
            _ => Err(self.refused(action, answer::refusal(answer.status, &answer.body))),
        }
    }

    fn lost(&self, action: &'static str, source: io::Error) -> DaemonError {
        DaemonError::Lost { daemon: self.name(), action, source }
    }

    fn refused(&self, action: &'static str, said: String) -> DaemonError {
        DaemonError::Refused { daemon: self.name(), action, said }
    }

    fn malformed(&self, action: &'static str, error: &serde_json::Error) -> DaemonError {
        DaemonError::Malformed { daemon: self.name(), action, reason: error.to_string() }
    }
}
