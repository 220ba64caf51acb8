//! Packages of both kinds that an image is made of: what of them is at hand, what is not, and who fetches it.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::channel::Lock;
use crate::deb::PackageName;
use crate::nix::StorePath;
use crate::store::Fragment;

use super::Error;
use super::debs::{DebFragments, DebKeys, Debs};
use super::packages::{Fragments, Keys, Packages};
use super::units;

/// Fragments that are at hand.
#[derive(Debug, Default)]
pub(super) struct Stock {
    pub(super) packages: Fragments,
    pub(super) debs: DebFragments,
}

impl Stock {
    pub(super) fn extend(&mut self, more: Self) {
        self.packages.extend(more.packages);
        self.debs.extend(more.debs);
    }
}

/// Packages that are not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Missing {
    pub(super) packages: BTreeSet<StorePath>,
    pub(super) debs: DebKeys,
}

impl Missing {
    pub(super) fn is_empty(&self) -> bool {
        self.packages.is_empty() && self.debs.is_empty()
    }
}

/// One of them.
#[derive(Debug, Clone, Copy)]
pub(super) enum Absent<'a> {
    Package(&'a StorePath),
    Deb(&'a PackageName),
}

/// Where packages come from: the store, else caches and archives.
pub(super) struct Supply<'a> {
    pub(super) lock: &'a Lock,
    pub(super) packages: Packages<'a>,
    pub(super) debs: Debs<'a>,
    /// The Debian packages of the image.
    pub(super) locked: &'a units::Debs<'a>,
}

impl Supply<'_> {
    /// What is in the store, and what is not.
    pub(super) fn stored(&self, keys: &Keys) -> Result<(Stock, Missing), Error> {
        let (packages, missing_packages) = self.packages.stored(self.lock, keys)?;
        let (debs, missing_debs) = self.debs.stored(self.locked)?;
        Ok((Stock { packages, debs }, Missing { packages: missing_packages, debs: missing_debs }))
    }

    /// Makes fragments: fetches all of `missing`, side by side.
    pub(super) fn make(&self, missing: &Missing) -> Result<Stock, Error> {
        let packages = self.packages.make(self.lock, &missing.packages)?;
        let debs = self.locked.iter().filter(|(name, _)| missing.debs.contains_key(**name));
        Ok(Stock { packages, debs: self.debs.make(debs.map(|(name, deb)| (*name, *deb)).collect())? })
    }

    /// The same for one of them.
    pub(super) fn make_one(&self, absent: Absent<'_>) -> Result<Arc<Fragment>, Error> {
        match absent {
            Absent::Package(path) => self.packages.make_one(self.lock, path),
            Absent::Deb(name) => {
                let deb = self.locked.get_key_value(name).map(|(name, deb)| (*name, *deb));
                let made = self.debs.make(deb.into_iter().collect())?.remove(name);
                made.ok_or_else(|| Error::Unplanned { unit: name.to_string() })
            }
        }
    }
}
