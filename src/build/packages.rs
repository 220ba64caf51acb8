//! From locked packages to fragments: what is not in the store is fetched, decoded, checked, written and compressed in one pass.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use crate::cache::{CacheSet, Wanted};
use crate::channel::{Lock, wanted_nars};
use crate::config::Machine;
use crate::image::ImagePath;
use crate::image::codec::Codec;
use crate::image::head::{Parents, head};
use crate::nix::{Sha256, StorePath};
use crate::progress::Progress;
use crate::store::{Fragment, FragmentKey, Pool, Store};

use super::Error;

/// Fragments by store path.
pub(super) type Fragments = BTreeMap<StorePath, Arc<Fragment>>;

/// Keys of fragments by store path, which the lock alone tells.
pub(super) type Keys = BTreeMap<StorePath, FragmentKey>;

/// Opens the caches.
pub(super) type CachesOf<'a> = dyn Fn() -> Result<&'a CacheSet, Error> + Sync + 'a;

/// Everything that turns packages into fragments.
pub(super) struct Packages<'a> {
    pub(super) machine: &'a Machine,
    pub(super) store: &'a Store,
    pub(super) pool: &'a Pool,
    pub(super) codec: Codec,
    /// Opened only when something is missing: a build whose fragments are there asks the network for nothing.
    pub(super) caches: &'a CachesOf<'a>,
    pub(super) progress: &'a dyn Progress,
}

impl Packages<'_> {
    /// Makes fragments: fetches all of `missing`.
    pub(super) fn make(&self, lock: &Lock, missing: &BTreeSet<StorePath>) -> Result<Fragments, Error> {
        if missing.is_empty() {
            return Ok(Fragments::new());
        }
        let mut missing = wanted_nars(lock, self.machine, missing)?;
        // The largest first, so that none is left alone at the end.
        missing.sort_by(|a, b| b.nar_size.cmp(&a.nar_size).then_with(|| a.path.cmp(&b.path)));
        let total = missing.iter().map(|package| package.nar_size).sum();
        let packages = if missing.len() == 1 { "package" } else { "packages" };
        self.progress.begin(&format!("fetching {} {packages}", missing.len()), Some(total));
        (self.caches)()?.expect(lock.packages.keys());
        self.fetch(&missing)
    }

    /// The same for one package.
    pub(super) fn make_one(&self, lock: &Lock, path: &StorePath) -> Result<Arc<Fragment>, Error> {
        let made = self.make(lock, &BTreeSet::from([path.clone()]))?.remove(path);
        made.ok_or_else(|| Error::OutsideLock { path: path.clone() })
    }

    /// What is in the store, and what is not.
    pub(super) fn stored(&self, lock: &Lock, keys: &Keys) -> Result<(Fragments, BTreeSet<StorePath>), Error> {
        let (mut fragments, mut missing) = (Fragments::new(), BTreeSet::new());
        for path in keys.keys() {
            let package = lock.packages.get(path).ok_or_else(|| Error::OutsideLock { path: path.clone() })?;
            match self.known(path, &package.nar_hash)? {
                Some(fragment) => drop(fragments.insert(path.clone(), Arc::new(fragment))),
                None => drop(missing.insert(path.clone())),
            }
        }
        Ok((fragments, missing))
    }

    fn known(&self, path: &StorePath, nar_hash: &Sha256) -> Result<Option<Fragment>, Error> {
        known(self.store, self.codec, (path, nar_hash), self.progress)
    }

    /// Fetches side by side. The first fault ends it; what was whole by then stays in the store.
    fn fetch(&self, missing: &[Wanted]) -> Result<Fragments, Error> {
        let caches = (self.caches)()?;
        let fetched = self.pool.map(missing, |package| self.fetch_one(caches, package))?;
        let paths = missing.iter().map(|package| package.path.clone());
        Ok(paths.zip(fetched.into_iter().map(Arc::new)).collect())
    }

    fn fetch_one(&self, caches: &CacheSet, package: &Wanted) -> Result<Fragment, Error> {
        let root = ImagePath::from(&package.path);
        let head = lone_head(&package.path);
        let writer = caches.fetch_nar(package, self.progress, &mut |archive| {
            let mut writer = self.store.write_fragment(self.pool, self.codec, &head).map_err(io::Error::other)?;
            writer.nar(&root, archive)?;
            Ok(writer)
        })?;
        Ok(writer.finish(self.store, FragmentKey::store_path(&package.path, &package.nar_hash))?)
    }
}

/// The fragment of a store path, where it is in the store, and proves to be that where the store isn't trusted.
pub(super) fn known(
    store: &Store,
    codec: Codec,
    (path, nar_hash): (&StorePath, &Sha256),
    progress: &dyn Progress,
) -> Result<Option<Fragment>, Error> {
    let Some(fragment) = store.fragment(FragmentKey::store_path(path, nar_hash), codec)? else { return Ok(None) };
    if store.is_untrusted() && store.prove(&fragment, path, nar_hash, &lone_head(path)).is_err() {
        progress.warn(&format!("the store held something else as {path}: making it anew"));
        return Ok(None);
    }
    Ok(Some(fragment))
}

/// The keys of all packages of `closure`, which the lock holds.
pub(super) fn keys(lock: &Lock, closure: &BTreeSet<StorePath>) -> Result<Keys, Error> {
    let key = |path: &StorePath| {
        let package = lock.packages.get(path).ok_or_else(|| Error::OutsideLock { path: path.clone() })?;
        Ok((path.clone(), FragmentKey::store_path(path, &package.nar_hash)))
    };
    closure.iter().map(key).collect()
}

/// The head of a layer that holds one store path: `/nix` and `/nix/store`.
pub(super) fn lone_head(path: &StorePath) -> Vec<u8> {
    head([&ImagePath::from(path)], &Parents::new())
}
