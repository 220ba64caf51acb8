//! What channels have: for who looks around before writing a request.
//!
//! Asks what resolving asks, the lock's releases first, and changes nothing.

mod info;
mod rank;
mod search;
mod versions;

use crate::config::{Machine, Names, System};
use crate::nix::StorePath;
use crate::progress::Progress;

use super::debian::Candidate;
use super::error::Error;
use super::lock::{Lock, LockedRequest};
use super::name::Attribute;
use super::nixos::{Catalog, Release, pinned_release, wanted_release};
use super::sources::Sources;
use super::wanted::request_parts;

pub use info::{Info, Installed, KnownOutput};
pub(super) use rank::{Texts, rank};
pub use search::Offered;
pub use versions::Version;

/// Everything that a look around needs.
pub struct Known<'a> {
    /// Whose channels are asked.
    pub machine: &'a Machine,
    /// Its lock, or an empty one.
    pub lock: &'a Lock,
    /// The world.
    pub sources: &'a dyn Sources,
    /// For which system.
    pub system: System,
    /// Told what takes time.
    pub progress: &'a dyn Progress,
}

impl<'a> Known<'a> {
    /// The channels that have names, the default one first.
    #[must_use]
    pub fn channels(&self) -> Vec<&'a str> {
        let answering = self.machine.channels.iter().filter(|(_, channel)| channel.names != Names::None);
        let mut all: Vec<&str> = answering.map(|(name, _)| name.as_str()).collect();
        all.sort_by_key(|name| Some(*name) != self.machine.default_channel.as_deref());
        all
    }

    /// What is locked of a package, in whatever version: requests and their answers.
    pub fn locked<'b>(
        &'b self,
        channel: &'b str,
        attribute: &str,
    ) -> impl Iterator<Item = (&'a str, &'a LockedRequest)> + use<'a, 'b> {
        let default = self.machine.default_channel.as_deref();
        let wanted = Attribute::parse(attribute).to_string();
        let is_meant = move |key: &str| {
            let (of, name) = request_parts(key);
            of.or(default) == Some(channel) && name == wanted
        };
        let of_system = self.lock.requests.iter().filter(|((system, _), _)| *system == self.system);
        of_system.filter(move |((_, key), _)| is_meant(key)).map(|((_, key), answer)| (key.as_str(), answer))
    }

    /// The release of a NixOS channel: the locked one, else the newest.
    fn release(&self, channel: &str) -> Result<(Release, Catalog), Error> {
        let nixos = self.sources.nixos()?;
        let release = match pinned_release(self.machine, self.lock, channel) {
            Some(pinned) => pinned,
            None => nixos.release(wanted_release(self.machine, channel), self.progress)?,
        };
        let catalog = nixos.catalog(&release, self.progress)?;
        Ok((release, catalog))
    }

    /// The packages of a Debian archive.
    fn candidates(&self, channel: &str) -> Result<Vec<Candidate>, Error> {
        let mut offer = self.sources.offer(channel, &[self.system].into(), self.progress)?;
        Ok(offer.candidates.remove(&self.system).unwrap_or_default())
    }

    /// Bytes of the closure of `roots`, where the lock holds all of it.
    fn locked_size(&self, roots: impl IntoIterator<Item = StorePath>) -> Option<u64> {
        let closure = self.lock.closure(roots).ok().filter(|closure| !closure.is_empty())?;
        closure.iter().try_fold(0_u64, |sum, path| Some(sum.saturating_add(self.lock.packages.get(path)?.nar_size)))
    }
}
