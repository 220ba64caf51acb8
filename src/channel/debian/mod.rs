//! Debian archives: which packages they have, which of them a machine needs, and their files.
//!
//! apt's work without apt: suites are found, their signatures checked against keyrings, indices read, dependencies solved.

mod apt_conf;
mod archives;
mod candidate;
mod distribution;
mod error;
mod fetch;
mod host;
mod host_sites;
mod index;
mod keyring;
mod listing;
mod lists;
mod package;
mod place;
mod release;
mod resolve;
mod signature;
mod sites;
mod suites;
#[cfg(test)]
mod test_archive;
#[cfg(test)]
mod tests;

pub use archives::{Archives, Offer};
pub use distribution::Distribution;
pub use error::ArchiveError;
pub use keyring::KeyFault;
pub use listing::Listed;
pub(super) use resolve::DebAnswers;
pub use signature::SignatureFault;
mod solve;

pub use solve::{Unmet, Unsolvable, solve};

use crate::config::System;
use crate::deb::{PackageName, Version};
use crate::nix::Sha256;

pub use package::{DebError, read_deb};

/// A package that an archive offers for one architecture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its name.
    pub name: PackageName,
    /// Its version.
    pub version: Version,
    /// `amd64`, `arm64` or `all`.
    pub architecture: String,
    /// The source package, without version.
    pub source: PackageName,
    /// Relative to the mirror: `pool/main/…`.
    pub file: String,
    /// Bytes of that file.
    pub size: u64,
    /// Digest of that file.
    pub sha256: Sha256,
    /// Bytes that it takes, as it says itself.
    pub installed_size: u64,
    /// The first line of its description.
    pub description: Option<String>,
    /// Its address.
    pub homepage: Option<String>,
    /// `required`, `important`, `standard`, `optional`, `extra`.
    pub priority: String,
    /// `same`, `foreign`, `allowed`; absent: no.
    pub multi_arch: Option<String>,
    /// Relationship fields as they stand: empty where absent.
    pub relations: Relations,
    /// The suite that has it, as the channel names it: `bookworm-security`.
    pub suite: String,
    /// The channel.
    pub channel: String,
}

/// Relationship fields of a package, unparsed: they are read for the few packages that matter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Relations {
    /// `Pre-Depends`
    pub pre_depends: String,
    /// `Depends`
    pub depends: String,
    /// `Recommends`
    pub recommends: String,
    /// `Conflicts`
    pub conflicts: String,
    /// `Breaks`
    pub breaks: String,
    /// `Provides`
    pub provides: String,
}

/// A request that a Debian channel is to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The channel that must have it; others may have what it depends on.
    pub channel: String,
    /// A package's name, or a virtual one's.
    pub name: PackageName,
    /// A version or a prefix of one.
    pub version: Option<String>,
    /// As the user's files have it: a name of the default channel needs no channel.
    pub written: String,
}

/// What is to be solved for one system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// For which system.
    pub system: System,
    /// In the order of the files.
    pub wishes: Vec<Wish>,
    /// Channels whose packages bring what they recommend.
    pub recommending: std::collections::BTreeSet<String>,
    /// Versions to prefer where they are still to be had: those of the previous lock.
    pub locked: std::collections::BTreeMap<PackageName, Version>,
}

/// A package that is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// Which of the candidates.
    pub candidate: usize,
    /// Names of the packages that answer its dependencies, sorted.
    pub depends: Vec<PackageName>,
}
