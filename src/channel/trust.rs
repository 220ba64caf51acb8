//! Whether the keys of today's files vouch for what is locked.
//!
//! Checked on every build, so that taking a key out of a file distrusts at once what only that key signed.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZero;
use std::thread;

use crate::cache::Wanted;
#[cfg(feature = "build")]
use crate::cache::write::ToMirror;
use crate::config::Machine;
use crate::failure::{Class, Classified};
use crate::nix::{Expected, PathInfo, PublicKey, StorePath, TrustError, Unsigned};

use super::error::Error;
use super::lock::{Lock, LockedPackage};
use super::sources::keys_of;

/// A locked package that no key of today's vouches for.
#[derive(Debug, thiserror::Error)]
#[error("{}", .fault)]
pub struct Distrust {
    /// Why it is not believed.
    fault: TrustError,
    /// The channel that answered for it when it was locked.
    channel: Option<String>,
}

impl Distrust {
    /// Why it is not believed.
    #[must_use]
    pub const fn fault(&self) -> &TrustError {
        &self.fault
    }
}

impl Classified for Distrust {
    fn class(&self) -> Class {
        Class::Trust
    }

    fn help(&self) -> Option<String> {
        let channel = self.channel.as_deref().unwrap_or("NAME");
        let help = match &self.fault {
            TrustError::UnknownKeys { names, .. } => format!(
                "put `{}` back into the `keys` of [channels.{channel}], or run `dumbc update` to ask today's caches",
                names.join("` or `")
            ),
            _ => "restore dumbc.lock from version control, or run `dumbc update` to ask the caches again".to_owned(),
        };
        Some(help)
    }
}

/// The keys of each channel.
pub(super) type Keys = BTreeMap<String, Vec<PublicKey>>;

/// Reads the keys that the files name.
pub(super) fn keys(machine: &Machine) -> Result<Keys, Error> {
    let of_channel = |(name, channel): (&String, &crate::config::Channel)| {
        let parsed = keys_of(channel).map(|text| {
            text.parse().map_err(|error| Error::Channel { channel: name.clone(), reason: format!("`{text}`: {error}") })
        });
        Ok((name.clone(), parsed.collect::<Result<_, _>>()?))
    };
    machine.channels.iter().map(of_channel).collect()
}

/// Checks every locked package against today's keys: signed by a key of a channel, or content-addressed.
///
/// # Errors
/// [`Error::Untrusted`] with the first package, by path, that nothing vouches for.
pub fn verify_lock(lock: &Lock, machine: &Machine) -> Result<(), Error> {
    verify(&lock.packages.iter().collect::<Vec<_>>(), &keys(machine)?)
}

/// [`verify_lock`] for some packages, sorted by path.
pub(super) fn verify(packages: &[(&StorePath, &LockedPackage)], keys: &Keys) -> Result<(), Error> {
    let all: Vec<PublicKey> = keys.values().flatten().cloned().collect();
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let share = packages.len().div_ceil(threads).max(1);
    // A verification is a tenth of a millisecond: ten thousand of them are worth sharing.
    let faults: Vec<Distrust> = thread::scope(|scope| {
        let all = &all;
        let check = |part| scope.spawn(move || distrusted(part, all).collect::<Vec<_>>());
        let checks: Vec<_> = packages.chunks(share).map(check).collect();
        checks.into_iter().flat_map(|check| check.join().expect("checking signatures does not panic")).collect()
    });
    let others = faults.len().saturating_sub(1);
    match faults.into_iter().next() {
        None => Ok(()),
        Some(distrust) => Err(Error::Untrusted { distrust: Box::new(distrust), others }),
    }
}

fn distrusted<'a>(
    packages: &'a [(&StorePath, &LockedPackage)],
    keys: &'a [PublicKey],
) -> impl Iterator<Item = Distrust> + 'a {
    packages.iter().filter_map(move |(path, package)| {
        // The lock named this very path, which is what a content address asks for.
        let fault =
            path_info(path, package).trust(keys, Expected::Path(path), Unsigned::AcceptContentAddressed).err()?;
        Some(Distrust { fault, channel: package.channel.clone() })
    })
}

/// What to fetch for the packages `paths` of a lock, each vouched for by today's keys.
pub fn wanted_nars(lock: &Lock, machine: &Machine, paths: &BTreeSet<StorePath>) -> Result<Vec<Wanted>, Error> {
    let keys = keys(machine)?.into_values().flatten().collect::<Vec<_>>();
    let packages = paths.iter().filter_map(|path| Some((path, lock.packages.get(path)?)));
    let wanted = packages.map(|(path, package)| {
        let info = path_info(path, package).verify(&keys, Expected::Path(path), Unsigned::AcceptContentAddressed);
        let distrust = |fault| Box::new(Distrust { fault, channel: package.channel.clone() });
        let info = info.map_err(|fault| Error::Untrusted { distrust: distrust(fault), others: 0 })?;
        Ok(Wanted::new(&info, package.source.clone()))
    });
    wanted.collect()
}

/// All that a lock holds, to be copied into another cache.
#[cfg(feature = "build")]
#[must_use]
pub fn to_mirror(lock: &Lock) -> Vec<ToMirror> {
    let package = |(path, package): (&StorePath, &LockedPackage)| ToMirror {
        info: path_info(path, package),
        deriver: package.deriver.clone(),
        source: package.source.clone(),
    };
    lock.packages.iter().map(package).collect()
}

/// What the lock claims about a package. Signatures that can't be read vouch for nothing.
pub(super) fn path_info(path: &StorePath, package: &LockedPackage) -> PathInfo {
    PathInfo {
        path: path.clone(),
        nar_hash: package.nar_hash,
        nar_size: package.nar_size,
        references: package.references.clone(),
        signatures: package.signatures.iter().filter_map(|text| text.parse().ok()).collect(),
        content_address: package.content_address.clone(),
    }
}
