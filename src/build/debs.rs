//! From locked Debian packages to fragments, as they stand in their archives.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use crate::cache::DecoderBudget;
use crate::channel::debian::{Archives, read_deb};
use crate::channel::{self, LockedDeb};
use crate::deb::PackageName;
use crate::image::codec::Codec;
use crate::progress::Progress;
use crate::store::{DebIdentity, Fragment, FragmentKey, Pool, Store};

use super::{Error, units};

/// Fragments by package.
pub(super) type DebFragments = BTreeMap<PackageName, Arc<Fragment>>;

/// Keys of fragments by package, which the lock alone tells.
pub(super) type DebKeys = BTreeMap<PackageName, FragmentKey>;

/// Everything that turns Debian packages into fragments.
pub(super) struct Debs<'a> {
    pub(super) store: &'a Store,
    pub(super) pool: &'a Pool,
    pub(super) codec: Codec,
    pub(super) archives: &'a Archives<'a>,
    pub(super) progress: &'a dyn Progress,
}

/// A package as the lock has it.
type Locked<'a> = (&'a PackageName, &'a LockedDeb);

impl Debs<'_> {
    /// Makes fragments: fetches all of `missing`.
    pub(super) fn make(&self, mut missing: Vec<Locked<'_>>) -> Result<DebFragments, Error> {
        if missing.is_empty() {
            return Ok(DebFragments::new());
        }
        // The largest first, so that none is left alone at the end.
        missing.sort_by(|a, b| b.1.size.cmp(&a.1.size).then_with(|| a.0.cmp(b.0)));
        let total = missing.iter().map(|(_, deb)| deb.size).sum();
        let packages = if missing.len() == 1 { "Debian package" } else { "Debian packages" };
        self.progress.begin(&format!("fetching {} {packages}", missing.len()), Some(total));
        let budget = DecoderBudget::default();
        let fetched = self.pool.map(&missing, |(name, deb)| self.fetch_one(&budget, name, deb))?;
        Ok(missing.into_iter().map(|(name, _)| name.clone()).zip(fetched.into_iter().map(Arc::new)).collect())
    }

    /// What is in the store, and what is not. From a fragment no archive comes back, so nothing proves that one in a store that
    /// others can write to is what it claims: those packages are as good as missing.
    pub(super) fn stored(&self, debs: &units::Debs<'_>) -> Result<(DebFragments, DebKeys), Error> {
        let (mut fragments, mut missing) = (DebFragments::new(), DebKeys::new());
        for (name, deb) in debs {
            let key = FragmentKey::deb(&deb.sha256);
            let known = if self.store.is_untrusted() { None } else { self.store.fragment(key, self.codec)? };
            match known {
                Some(fragment) => drop(fragments.insert((*name).clone(), Arc::new(fragment))),
                None => drop(missing.insert((*name).clone(), key)),
            }
        }
        Ok((fragments, missing))
    }

    fn fetch_one(&self, budget: &DecoderBudget, name: &PackageName, deb: &LockedDeb) -> Result<Fragment, Error> {
        let identity = DebIdentity {
            name: name.clone(),
            version: deb.version.clone(),
            architecture: deb.architecture.clone(),
            installed_size: deb.installed_size,
        };
        let writer = self.archives.fetch(name, deb, self.progress, &mut |input| {
            let mut writer = self.store.write_deb(self.pool, self.codec, &identity).map_err(io::Error::other)?;
            read_deb(input, budget, &mut writer).map_err(io::Error::other)?;
            Ok(writer)
        });
        Ok(writer.map_err(channel::Error::from)?.finish(self.store, FragmentKey::deb(&deb.sha256))?)
    }
}
