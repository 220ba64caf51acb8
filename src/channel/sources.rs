//! What resolving asks of the world: indexes, and the closures of store paths.

mod caches;
mod index;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::OnceLock;

use crate::cache::{CacheSet, Settings};
use crate::config::{Machine, System};
use crate::nix::StorePath;
use crate::progress::Progress;

#[cfg(feature = "build")]
use super::debian::Listed;
use super::debian::{Archives, Offer};
use super::error::Error;
use super::hosts::Hosts;
use super::hydra::{Evaluation, Hydra, NoBuild, Outputs, Pace};
use super::index::Index;
use super::lock::LockedPackage;
use super::name::Attribute;
#[cfg(feature = "build")]
use super::nixos::Nixos;
use super::trust;

pub use caches::cache_specs;
pub(super) use caches::keys_of;

/// The world, as far as names and closures go. Asked only for what the lock does not answer.
pub trait Sources {
    /// The index of a channel of the machine's.
    fn index(&self, channel: &str, progress: &dyn Progress) -> Result<Index, Error>;

    /// What the Debian archive of a channel offers for `systems`, its signatures checked.
    fn offer(&self, channel: &str, systems: &BTreeSet<System>, progress: &dyn Progress) -> Result<Offer, Error>;

    /// What the Debian archive of a channel has for `system`, as far as a search goes.
    #[cfg(feature = "build")]
    fn listed(&self, channel: &str, system: System, progress: &dyn Progress) -> Result<Vec<Listed>, Error> {
        let mut offer = self.offer(channel, &[system].into(), progress)?;
        Ok(offer.candidates.remove(&system).unwrap_or_default().into_iter().map(Listed::from).collect())
    }

    /// The outputs that Hydra built of `attribute` in an evaluation.
    fn built(
        &self,
        evaluation: Evaluation,
        attribute: &Attribute,
        system: System,
        progress: &dyn Progress,
    ) -> Result<Result<Outputs, NoBuild>, Error>;

    /// NixOS channels and what they are made of.
    #[cfg(feature = "build")]
    fn nixos(&self) -> Result<&Nixos, Error>;

    /// The whole closures of `roots`, each package vouched for by today's keys. `named_by_user` are roots that the files name
    /// themselves, which may be content-addressed without a signature.
    fn closure(
        &self,
        roots: &BTreeSet<StorePath>,
        named_by_user: &BTreeSet<StorePath>,
        progress: &dyn Progress,
    ) -> Result<Vec<(StorePath, LockedPackage)>, Error>;
}

/// The indexes and binary caches that a machine's channels name. Opened at the first question, so that a build that has
/// none needs none.
pub struct ChannelSources<'machine> {
    machine: &'machine Machine,
    settings: Settings,
    caches: OnceLock<CacheSet>,
    archives: Archives<'machine>,
    pace: Pace,
    #[cfg(feature = "build")]
    nixos: OnceLock<Nixos>,
}

/// The sources of a machine's channels.
#[must_use]
pub fn sources(machine: &Machine, settings: Settings) -> ChannelSources<'_> {
    let archives = Archives::new(machine, settings.http.clone(), settings.state_dir.clone());
    ChannelSources {
        machine,
        settings,
        caches: OnceLock::new(),
        archives,
        pace: Pace::new(),
        #[cfg(feature = "build")]
        nixos: OnceLock::new(),
    }
}

impl<'machine> ChannelSources<'machine> {
    /// The Debian archives of all channels.
    #[must_use]
    pub fn archives(&self) -> &Archives<'machine> {
        &self.archives
    }

    /// The binary caches of all channels.
    pub fn caches(&self, progress: &dyn Progress) -> Result<&CacheSet, Error> {
        if let Some(open) = self.caches.get() {
            return Ok(open);
        }
        let open = CacheSet::open(cache_specs(self.machine, progress)?, self.settings.clone())?;
        Ok(self.caches.get_or_init(|| open))
    }
}

impl Sources for ChannelSources<'_> {
    fn offer(&self, channel: &str, systems: &BTreeSet<System>, progress: &dyn Progress) -> Result<Offer, Error> {
        Ok(self.archives.offer(channel, systems, progress)?)
    }

    #[cfg(feature = "build")]
    fn listed(&self, channel: &str, system: System, progress: &dyn Progress) -> Result<Vec<Listed>, Error> {
        Ok(self.archives.listed(channel, system, !self.settings.untrusted, progress)?)
    }

    fn index(&self, channel: &str, progress: &dyn Progress) -> Result<Index, Error> {
        progress.begin(&format!("reading the index of channel {channel}"), None);
        index::load(channel, self.machine, &self.settings.http)
    }

    fn built(
        &self,
        evaluation: Evaluation,
        attribute: &Attribute,
        system: System,
        progress: &dyn Progress,
    ) -> Result<Result<Outputs, NoBuild>, Error> {
        progress.begin(&format!("asking Hydra for the store paths of {attribute}"), None);
        let Settings { http, state_dir, untrusted, .. } = &self.settings;
        let place = Hosts::from_environment()?.hydra;
        let hydra = Hydra { http, place: &place, pace: &self.pace, state: state_dir, untrusted: *untrusted };
        Ok(hydra.outputs(evaluation, &attribute.to_string(), system)?)
    }

    #[cfg(feature = "build")]
    fn nixos(&self) -> Result<&Nixos, Error> {
        if let Some(open) = self.nixos.get() {
            return Ok(open);
        }
        let open = Nixos::new(&self.settings)?;
        Ok(self.nixos.get_or_init(|| open))
    }

    fn closure(
        &self,
        roots: &BTreeSet<StorePath>,
        named_by_user: &BTreeSet<StorePath>,
        progress: &dyn Progress,
    ) -> Result<Vec<(StorePath, LockedPackage)>, Error> {
        progress.begin("asking the caches for closures", None);
        let keys = trust::keys(self.machine)?;
        let roots: Vec<StorePath> = roots.iter().cloned().collect();
        let found = self.caches(progress)?.closure(&roots, named_by_user, progress)?;
        Ok(found.into_iter().map(|found| caches::locked(found, self.machine, &keys)).collect())
    }
}
