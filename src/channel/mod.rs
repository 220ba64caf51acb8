//! Names to store paths, and the lock that keeps the answers.
//!
//! [`resolve`] is the way from a [`crate::config::Machine`] to a [`Lock`]; it asks [`Sources`] for what the previous
//! lock does not answer. [`verify_lock`] holds a lock to today's keys.

mod answers;
mod asking;
mod changes;
#[cfg(feature = "build")]
mod cost;
#[cfg_attr(not(feature = "build"), path = "without_debian.rs")]
pub mod debian;
mod error;
mod homes;
mod hosts;
pub mod hydra;
mod index;
mod jobs;
mod kept;
#[cfg(feature = "build")]
pub mod known;
mod lock;
#[cfg(feature = "build")]
mod meta;
mod name;
#[cfg_attr(not(feature = "build"), path = "without_nixos.rs")]
pub mod nixos;
mod resolve;
mod sources;
#[cfg(test)]
mod test_support;
mod trust;
mod wanted;

pub use answers::answer;
pub use changes::{BaseChange, Change, Changes, ChannelChange, Kind, NewPackages, Sizes};
pub use error::Error;
pub use homes::{has_debian_default, home_requests};
pub use hosts::{HostError, Hosts};
#[cfg(feature = "build")]
pub(crate) use index::Line;
pub use index::{Chosen, Index, Limits, LookupError, Package, ReadError};
pub use lock::{
    LOCK_FILE, Lock, LockError, LockedArchive, LockedBase, LockedBaseImage, LockedBaseLayer, LockedChannel, LockedDeb,
    LockedOrigin, LockedPackage, LockedRelease, LockedRequest, LockedRuntime, LockedVolatility, PreparedLock,
};
pub use name::{Attribute, package_key, version_matches};
pub use resolve::{BASE, Mode, RUNTIME, Resolution, kept_base, resolve};
pub use sources::{ChannelSources, Sources, cache_specs, sources};
#[cfg(feature = "build")]
pub use trust::to_mirror;
pub use trust::{Distrust, verify_lock, wanted_nars};
pub use wanted::request_key;
