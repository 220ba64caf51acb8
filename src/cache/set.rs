//! The caches of a channel together: who is asked first, and whom to believe.

#[cfg(feature = "build")]
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use super::decode::DecoderBudget;
use super::error::{Error, Fault, SourceFault};
#[cfg(feature = "build")]
use super::gathered::Gathered;
use super::http::{Http, HttpSettings};
use super::info::CacheInfo;
use super::source::{Cache, Freshness, Text};
use super::{CacheSpec, NarSource};
use crate::nix::{NarInfo, PublicKey, StorePath, Unsigned, VerifiedNarInfo};
use crate::progress::Progress;

/// What all caches share.
#[derive(Clone)]
pub struct Settings {
    /// Where answers are remembered: `<store>/cache`.
    pub state_dir: PathBuf,
    /// The client; `offline` is a setting of it.
    pub http: Arc<Http>,
    /// Whether others can write to `state_dir`: what nothing vouches for is not taken from it.
    pub untrusted: bool,
    /// Memory for decoders.
    pub budget: Arc<DecoderBudget>,
}

impl Settings {
    /// Settings of the environment: proxies, netrc, certificates.
    #[must_use]
    pub fn new(offline: bool, state_dir: PathBuf) -> Self {
        let http = Arc::new(Http::new(HttpSettings::from_environment(offline)));
        Self { state_dir, http, untrusted: false, budget: Arc::default() }
    }
}

/// Several caches, asked by priority. Share it between threads.
pub struct CacheSet {
    pub(super) caches: Vec<Cache>,
    pub(super) settings: Settings,
    /// Indexes of `caches`, in the order of asking; found out at the first question.
    order: OnceLock<Vec<usize>>,
}

/// A path that some cache has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What is true of it.
    pub info: VerifiedNarInfo,
    /// Where its NAR lies.
    pub source: NarSource,
}

/// How far an unsigned answer on a path is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Vouched(
    /// The user, the lock or a trusted referrer named this very path.
    pub(super) bool,
);

impl CacheSet {
    /// Prepares to read `specs`; asks nothing yet.
    pub fn open(specs: Vec<CacheSpec>, settings: Settings) -> Result<Self, Error> {
        let caches: Vec<Cache> = specs.into_iter().map(|spec| Cache::new(spec, &settings.state_dir)).collect();
        let set = Self { caches, settings, order: OnceLock::new() };
        for cache in set.caches.iter().filter(|cache| !cache.is_remote()) {
            cache.info(&set.settings.http).map_err(|fault| unusable(cache, fault))?;
        }
        Ok(set)
    }

    /// The client that the caches are read with.
    #[must_use]
    pub fn http(&self) -> &Http {
        &self.settings.http
    }

    /// The same, to be shared.
    #[must_use]
    pub const fn shared_http(&self) -> &Arc<Http> {
        &self.settings.http
    }

    /// The keys of all caches, each once.
    #[must_use]
    pub fn keys(&self) -> Vec<PublicKey> {
        let mut keys: Vec<PublicKey> = Vec::new();
        for key in self.caches.iter().flat_map(|cache| &cache.spec.keys) {
            if !keys.contains(key) {
                keys.push(key.clone());
            }
        }
        keys
    }

    /// Tells which paths are wanted together: a mirror made for just these answers for all of them at once.
    #[cfg(feature = "build")]
    pub fn expect<'a>(&self, paths: impl Iterator<Item = &'a StorePath>) {
        let paths: BTreeSet<&StorePath> = paths.collect();
        for cache in self.caches.iter().filter(|cache| cache.is_remote()) {
            cache.expect(Gathered::new(paths.iter().copied()));
        }
    }

    /// The caches in the order of asking: by priority, then as configured. A cache that can't be reached keeps its
    /// place with the usual priority: whether it is missed is seen when something is.
    pub(super) fn order(&self, progress: &dyn Progress) -> Result<&[usize], Error> {
        if let Some(order) = self.order.get() {
            return Ok(order);
        }
        let http = &*self.settings.http;
        let answers: Vec<Result<CacheInfo, Fault>> = std::thread::scope(|scope| {
            let asked: Vec<_> = self.caches.iter().map(|cache| scope.spawn(move || cache.info(http))).collect();
            let panicked = |_| unreachable!("reading nix-cache-info does not panic");
            asked.into_iter().map(|thread| thread.join().unwrap_or_else(panicked)).collect()
        });
        let mut order = Vec::new();
        for (index, (cache, answer)) in self.caches.iter().zip(answers).enumerate() {
            let info = match answer {
                Ok(info) => info,
                Err(Fault::Http(fault)) => {
                    if !http.is_offline() {
                        progress.warn(&format!("cache {}: {fault}", cache.spec.name));
                    }
                    CacheInfo::default()
                }
                Err(fault) => return Err(unusable(cache, fault)),
            };
            order.push((cache.spec.priority.unwrap_or(info.priority), index));
        }
        order.sort_unstable();
        Ok(self.order.get_or_init(|| order.into_iter().map(|(_, index)| index).collect()))
    }

    /// Asks the caches for a path until one gives an answer that its own keys vouch for.
    pub(super) fn look_up(
        &self,
        path: &StorePath,
        vouched: Vouched,
        referrer: Option<&StorePath>,
        order: &[usize],
    ) -> Result<Found, Error> {
        let mut faults = Vec::new();
        // What is missing ends the work, so nobody's memory decides that: before it is said, all are asked again.
        for freshness in [Freshness::Remembered, Freshness::Asked] {
            for &index in order {
                let cache = &self.caches[index];
                match self.ask(cache, path, vouched, freshness) {
                    Ok(Some(found)) => return Ok(found),
                    Ok(None) => {}
                    Err(fault) => faults.push(SourceFault { cache: cache.spec.name.clone(), fault }),
                }
            }
            if !faults.is_empty() || self.settings.http.is_offline() {
                break;
            }
        }
        let (path, referrer) = (path.clone(), referrer.cloned());
        if faults.is_empty() {
            let caches = self.caches.iter().map(|cache| cache.spec.name.clone()).collect();
            return Err(Error::Missing { path, referrer, caches });
        }
        Err(Error::Untrusted { path, referrer, faults })
    }

    /// Asks one cache. What is remembered and no longer trusted (a key was added) is asked again.
    fn ask(
        &self,
        cache: &Cache,
        path: &StorePath,
        vouched: Vouched,
        freshness: Freshness,
    ) -> Result<Option<Found>, Fault> {
        let http = &self.settings.http;
        let Some(text) = cache.narinfo(http, path, freshness)? else { return Ok(None) };
        match verify(cache, path, &text, vouched) {
            Err(_) if !text.fresh && !http.is_offline() => {
                let Some(text) = cache.narinfo(http, path, Freshness::Asked)? else { return Ok(None) };
                verify(cache, path, &text, vouched).map(Some)
            }
            answer => answer.map(Some),
        }
    }

    /// Where a cache says that a path's NAR lies; the narinfo need not be trusted, since the NAR's hash is known.
    pub(super) fn hint(
        &self,
        cache: &Cache,
        path: &StorePath,
        freshness: Freshness,
    ) -> Result<Option<(NarInfo, NarSource)>, Fault> {
        let Some(text) = cache.narinfo(&self.settings.http, path, freshness)? else { return Ok(None) };
        let info = NarInfo::parse(&text.bytes)?;
        let source = source_of(cache, &info);
        Ok(Some((info, source)))
    }
}

fn verify(cache: &Cache, path: &StorePath, text: &Text, vouched: Vouched) -> Result<Found, Fault> {
    let believed = vouched.0 || cache.spec.allow_unsigned;
    let unsigned = if believed { Unsigned::AcceptContentAddressed } else { Unsigned::Refuse };
    let info = NarInfo::parse(&text.bytes)?.verify(&cache.spec.keys, path, unsigned)?;
    if text.fresh {
        cache.keep(path, &text.bytes);
    }
    let source = source_of(cache, info.nar_info());
    Ok(Found { info, source })
}

fn source_of(cache: &Cache, info: &NarInfo) -> NarSource {
    NarSource {
        cache: cache.spec.name.clone(),
        url: info.url.clone(),
        compression: info.compression.name().to_owned(),
        file_hash: info.file_hash,
        file_size: info.file_size,
    }
}

fn unusable(cache: &Cache, fault: Fault) -> Error {
    Error::Cache { cache: cache.spec.name.clone(), fault }
}
