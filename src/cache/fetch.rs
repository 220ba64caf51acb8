//! NARs: from the place where one should be, else from wherever one is.

use std::io::{self, Read};

use super::decode;
use super::error::{Error, Fault, SourceFault, StreamFault};
use super::guard::{Guard, Packed, Seen, Tap};
use super::set::CacheSet;
use super::source::{Cache, Freshness};
use super::{Found, NarSource};
use crate::nix::{Compression, ContentAddress, Sha256, StorePath, Trust, VerifiedPathInfo};
use crate::progress::Progress;

/// Content that is wanted, and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The store path.
    pub path: StorePath,
    /// The NAR's hash.
    pub nar_hash: Sha256,
    /// Bytes of the NAR.
    pub nar_size: u64,
    /// The address to compare the content with; only where that, and no signature, is why the path is trusted.
    pub content_address: Option<ContentAddress>,
    /// Where the NAR was.
    pub source: Option<NarSource>,
}

impl Wanted {
    /// The content of a path whose information is verified.
    #[must_use]
    pub fn new(verified: &VerifiedPathInfo, source: Option<NarSource>) -> Self {
        let info = verified.info();
        let content_address = match verified.trust() {
            Trust::ContentAddressed(address) => Some(*address),
            Trust::Signed(_) => None,
        };
        Self { path: info.path.clone(), nar_hash: info.nar_hash, nar_size: info.nar_size, content_address, source }
    }
}

impl From<&Found> for Wanted {
    fn from(found: &Found) -> Self {
        Self::new(&found.info.clone().into_path_info(), Some(found.source.clone()))
    }
}

/// How an attempt on one source failed.
enum Failed {
    /// Another source may do.
    Source(Fault),
    /// No source will do.
    Consumer(io::Error),
}

/// Attempts on the sources of one path.
struct Attempts<'a, T> {
    set: &'a CacheSet,
    wanted: &'a Wanted,
    progress: &'a dyn Progress,
    consume: &'a mut dyn FnMut(&mut dyn Read) -> io::Result<T>,
    tried: Vec<NarSource>,
    faults: Vec<SourceFault>,
    /// Bytes told to `progress`: each is told once, however often it is read.
    told: u64,
}

impl CacheSet {
    /// Streams the NAR of a path into `consume`: from where the hint says, else from the caches by priority.
    ///
    /// Size, hash and content address are checked here; the reader fails at its end if they don't hold, and what
    /// `consume` gave is thrown away then. `consume` is called again for the next source when one fails, with a warning
    /// that names the fault. An error of `consume` counts as the source's fault if it is [`io::ErrorKind::InvalidData`] or
    /// `UnexpectedEof` (a NAR that can't be parsed), else it ends the attempts. Progress advances by the NAR's bytes.
    pub fn fetch_nar<T>(
        &self,
        wanted: &Wanted,
        progress: &dyn Progress,
        consume: &mut dyn FnMut(&mut dyn Read) -> io::Result<T>,
    ) -> Result<T, Error> {
        let mut attempts = Attempts { set: self, wanted, progress, consume, tried: vec![], faults: vec![], told: 0 };
        if let Some(value) = attempts.try_hint()? {
            return Ok(value);
        }
        for &index in self.order(progress)? {
            for freshness in [Freshness::Remembered, Freshness::Asked] {
                if let Some(value) = attempts.try_cache(&self.caches[index], freshness)? {
                    return Ok(value);
                }
            }
        }
        Err(attempts.give_up())
    }
}

impl<T> Attempts<'_, T> {
    fn try_hint(&mut self) -> Result<Option<T>, Error> {
        let Some(source) = self.wanted.source.clone() else { return Ok(None) };
        match self.set.caches.iter().find(|cache| cache.spec.name == source.cache) {
            Some(cache) => self.attempt(cache, &source),
            // A cache that is no longer configured: its hint is of no use.
            None => Ok(None),
        }
    }

    /// Asks a cache where it has the NAR; a place that was tried already is not tried again.
    fn try_cache(&mut self, cache: &Cache, freshness: Freshness) -> Result<Option<T>, Error> {
        if freshness == Freshness::Asked && (!cache.is_remote() || self.set.http().is_offline()) {
            return Ok(None);
        }
        match self.set.hint(cache, &self.wanted.path, freshness) {
            Ok(Some((info, source))) => {
                let found = info.info.nar_hash;
                if found == self.wanted.nar_hash {
                    return self.attempt(cache, &source);
                }
                self.note(cache, Fault::OtherContent { expected: self.wanted.nar_hash, found });
            }
            Ok(None) => self.note(cache, Fault::Absent),
            Err(fault) => self.note(cache, fault),
        }
        Ok(None)
    }

    fn attempt(&mut self, cache: &Cache, source: &NarSource) -> Result<Option<T>, Error> {
        if self.tried.contains(source) {
            return Ok(None);
        }
        self.tried.push(source.clone());
        match self.read(cache, source) {
            Ok(value) => Ok(Some(value)),
            Err(Failed::Source(fault)) => {
                self.progress.warn(&format!("{} from {}: {fault}", self.wanted.path.base_name(), cache.spec.name));
                self.note(cache, fault);
                Ok(None)
            }
            Err(Failed::Consumer(source)) => Err(Error::Consumer { path: self.wanted.path.clone(), source }),
        }
    }

    fn read(&mut self, cache: &Cache, source: &NarSource) -> Result<T, Failed> {
        let set = self.set;
        let compression: Compression = source
            .compression
            .parse()
            .map_err(|fault| Failed::Source(Fault::Decode(decode::DecodeError::from(fault))))?;
        let promised = Packed { hash: source.file_hash, size: source.file_size };
        let seen = Seen::default();
        let file = cache.open(&set.settings.http, &source.url, compression).map_err(Failed::Source)?;
        let tap = Box::new(Tap::new(file, promised, seen.clone()));
        let decoded = decode::decoder(compression, tap, self.wanted.nar_size, &set.settings.budget)
            .map_err(|fault| Failed::Source(seen.take_fault().map_or(Fault::Decode(fault), Fault::Http)))?;
        let guard = Guard::new(decoded, self.wanted, (seen, promised));
        let mut told = Told { guard, progress: self.progress, high_water: &mut self.told };
        let outcome = (self.consume)(&mut told).and_then(|value| {
            // What the consumer left is read, too: the hash is that of the whole.
            drain(&mut told)?;
            Ok(value)
        });
        let fault = told.guard.take_fault();
        match (outcome, fault) {
            (Ok(value), None) => Ok(value),
            (_, Some(fault)) => Err(Failed::Source(fault)),
            (Err(error), None) => match error.kind() {
                io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                    Err(Failed::Source(StreamFault::Malformed(error.to_string()).into()))
                }
                _ => Err(Failed::Consumer(error)),
            },
        }
    }

    fn note(&mut self, cache: &Cache, fault: Fault) {
        let repeated = matches!(fault, Fault::Absent) && self.faults.iter().any(|known| known.cache == cache.spec.name);
        if !repeated {
            self.faults.push(SourceFault { cache: cache.spec.name.clone(), fault });
        }
    }

    fn give_up(self) -> Error {
        Error::Content { path: self.wanted.path.clone(), faults: self.faults }
    }
}

fn drain(input: &mut dyn Read) -> io::Result<()> {
    let mut buffer = [0; 1 << 13];
    loop {
        match input.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(fault) if fault.kind() == io::ErrorKind::Interrupted => {}
            Err(fault) => return Err(fault),
        }
    }
}

/// Tells progress what is read for the first time.
struct Told<'a, 'g> {
    guard: Guard<'g>,
    progress: &'a dyn Progress,
    high_water: &'a mut u64,
}

impl Read for Told<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.guard.read(buffer)?;
        if count > 0 && self.guard.length() > *self.high_water {
            self.progress.advance(self.guard.length() - *self.high_water);
            *self.high_water = self.guard.length();
        }
        Ok(count)
    }
}
