//! One cache, wherever it lies: what it says of itself, its narinfos, its files.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
#[cfg(feature = "build")]
use std::sync::OnceLock;
use std::time::SystemTime;

#[cfg(feature = "build")]
use super::bucket::Bucket;
use super::error::Fault;
#[cfg(feature = "build")]
use super::gathered::{self, Gathered};
#[cfg(feature = "build")]
use super::http::HttpError;
use super::http::{Answer, Authorize, Conditions, Http, Named, Url, has_scheme, redact};
use super::info::{self, CacheInfo};
use super::memory::{Memory, Remembered, read_limited};
use super::{CacheSpec, Location};
use crate::nix::{Compression, NarInfo, StorePath};

/// A cache.
pub(super) struct Cache {
    pub(super) spec: CacheSpec,
    memory: Option<Memory>,
    site: Site,
    #[cfg(feature = "build")]
    gathered: OnceLock<Gathered>,
}

/// How to reach it.
enum Site {
    Directory(PathBuf),
    Remote(Remote),
}

/// A cache behind HTTP.
pub(super) struct Remote {
    /// A folder.
    url: Url,
    /// Who signs requests, where signatures are wanted.
    signer: Option<Box<dyn Authorize>>,
    #[cfg(feature = "build")]
    bucket: Option<Bucket>,
    /// Whether nix-cache-info can be read, once that was in doubt.
    #[cfg(feature = "build")]
    readable: OnceLock<bool>,
}

/// May an answer come from the disk?
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Freshness {
    /// Yes.
    Remembered,
    /// No: what was remembered did not hold.
    Asked,
}

/// A narinfo's text, and whether the cache was asked for it just now.
pub(super) struct Text {
    pub(super) bytes: Vec<u8>,
    pub(super) fresh: bool,
}

impl Cache {
    pub(super) fn new(spec: CacheSpec, state: &Path) -> Self {
        let site = match &spec.location {
            Location::Directory(folder) => Site::Directory(folder.clone()),
            Location::Http(url) => Site::Remote(Remote::new(url.clone(), None)),
            #[cfg(feature = "build")]
            Location::Bucket(bucket) => Site::Remote(Remote::of_bucket(bucket)),
        };
        let memory = matches!(site, Site::Remote(_)).then(|| Memory::new(state, &spec.location));
        Self {
            spec,
            memory,
            site,
            #[cfg(feature = "build")]
            gathered: OnceLock::new(),
        }
    }

    pub(super) fn is_remote(&self) -> bool {
        matches!(self.site, Site::Remote(_))
    }

    /// What the cache says of itself.
    pub(super) fn info(&self, http: &Http) -> Result<CacheInfo, Fault> {
        match &self.site {
            Site::Directory(folder) => {
                let path = folder.join(info::FILE);
                let text = read_file(&path, info::LIMIT)?.ok_or_else(|| Fault::NoCache(folder.clone()))?;
                Ok(CacheInfo::parse(&text)?)
            }
            Site::Remote(remote) => self.remote_info(http, remote),
        }
    }

    fn remote_info(&self, http: &Http, remote: &Remote) -> Result<CacheInfo, Fault> {
        let remembered = self.memory.as_ref().and_then(|memory| memory.recall_info(http.clock().now()));
        if let Some((text, fresh)) = remembered
            && (fresh || http.is_offline())
        {
            return Ok(CacheInfo::parse(&text)?);
        }
        let text = remote.read(http, info::FILE, info::LIMIT)?.unwrap_or_default();
        let parsed = CacheInfo::parse(&text)?;
        if let Some(memory) = &self.memory {
            memory.keep_info(&text, http.clock().now());
        }
        Ok(parsed)
    }

    /// The text of a path's narinfo; `None` if the cache lacks the path.
    pub(super) fn narinfo(&self, http: &Http, path: &StorePath, freshness: Freshness) -> Result<Option<Text>, Fault> {
        let limit = NarInfo::MAX_SIZE as u64;
        let name = format!("{}.narinfo", path.hash_part());
        let remote = match &self.site {
            Site::Directory(folder) => {
                let bytes = read_file(&folder.join(name), limit)?;
                return Ok(bytes.map(|bytes| Text { bytes, fresh: true }));
            }
            Site::Remote(remote) => remote,
        };
        if freshness == Freshness::Remembered {
            match self.recall(path, http.clock().now()) {
                Some(Remembered::NarInfo(bytes)) => return Ok(Some(Text { bytes, fresh: false })),
                Some(Remembered::Absent) => return Ok(None),
                None => {}
            }
            #[cfg(feature = "build")]
            if let Some(bytes) = self.gathered(http, remote, path) {
                return Ok(Some(Text { bytes, fresh: false }));
            }
        }
        let found = remote.read(http, &name, limit)?;
        if let (None, Some(memory)) = (&found, &self.memory) {
            memory.keep_absence(path.hash_part(), http.clock().now());
        }
        Ok(found.map(|bytes| Text { bytes, fresh: true }))
    }

    /// Prepares to ask for all narinfos of a closure at once, if it comes to asking.
    #[cfg(feature = "build")]
    pub(super) fn expect(&self, closure: Gathered) {
        // A second closure in one run is asked for path by path.
        let _ = self.gathered.set(closure);
    }

    /// The narinfo of a path, from the file with those of its whole closure.
    #[cfg(feature = "build")]
    fn gathered(&self, http: &Http, remote: &Remote, path: &StorePath) -> Option<Vec<u8>> {
        let closure = self.gathered.get().filter(|closure| closure.covers(path))?;
        closure.narinfo(path, || {
            let (now, memory) = (http.clock().now(), self.memory.as_ref()?);
            if http.is_offline() || memory.recall(&closure.name, now).is_some() {
                return None;
            }
            let found = remote.read(http, &gathered::file_name(&closure.name), gathered::LIMIT).ok()?;
            if found.is_none() {
                memory.keep_absence(&closure.name, now);
            }
            found
        })
    }

    fn recall(&self, path: &StorePath, now: SystemTime) -> Option<Remembered> {
        self.memory.as_ref()?.recall(path.hash_part(), now)
    }

    /// Remembers a narinfo that was verified.
    pub(super) fn keep(&self, path: &StorePath, text: &[u8]) {
        if let Some(memory) = &self.memory {
            memory.keep(path.hash_part(), text);
        }
    }

    /// Opens the file at an address that a narinfo of this cache names; it is compressed as the narinfo says.
    pub(super) fn open<'a>(
        &'a self,
        http: &'a Http,
        address: &str,
        compression: Compression,
    ) -> Result<Box<dyn Read + 'a>, Fault> {
        match &self.site {
            Site::Directory(folder) if !has_scheme(address) => {
                let path = below(folder, address)?;
                let file = File::open(&path).map_err(|source| match source.kind() {
                    io::ErrorKind::NotFound => Fault::Absent,
                    _ => Fault::Read { path: path.clone(), source },
                })?;
                Ok(Box::new(file))
            }
            Site::Directory(_) => open_remote(http, &address.parse()?, Named::default(), compression),
            Site::Remote(remote) => {
                let named = Named { signer: remote.signer.as_deref(), from: Some(&remote.url) };
                open_remote(http, &remote.url.join(address)?, named, compression)
            }
        }
    }
}

impl Remote {
    fn new(url: Url, signer: Option<Box<dyn Authorize>>) -> Self {
        Self {
            url,
            signer,
            #[cfg(feature = "build")]
            bucket: None,
            #[cfg(feature = "build")]
            readable: OnceLock::new(),
        }
    }

    #[cfg(feature = "build")]
    fn of_bucket(bucket: &Bucket) -> Self {
        Self { bucket: Some(bucket.clone()), ..Self::new(bucket.url().clone(), Some(bucket.signer())) }
    }

    /// The cache at a location; `None` for a folder.
    #[cfg(feature = "build")]
    pub(super) fn at(location: &Location) -> Option<Self> {
        match location {
            Location::Directory(_) => None,
            Location::Http(url) => Some(Self::new(url.clone(), None)),
            Location::Bucket(bucket) => Some(Self::of_bucket(bucket)),
        }
    }

    /// Its folder.
    #[cfg(feature = "build")]
    pub(super) const fn url(&self) -> &Url {
        &self.url
    }

    /// Who signs requests to it.
    #[cfg(feature = "build")]
    pub(super) fn signer(&self) -> Option<&dyn Authorize> {
        self.signer.as_deref()
    }

    /// The bucket that it is.
    #[cfg(feature = "build")]
    pub(super) const fn bucket(&self) -> Option<&Bucket> {
        self.bucket.as_ref()
    }

    /// A small file of the cache; `None` if there is none.
    pub(super) fn read(&self, http: &Http, name: &str, limit: u64) -> Result<Option<Vec<u8>>, Fault> {
        let conditions = Conditions { signer: self.signer.as_deref(), ..Conditions::default() };
        match http.fetch_bytes(&self.url.join(name)?, limit, conditions) {
            Ok(Answer::Body(document)) => Ok(Some(document.bytes)),
            Ok(Answer::Absent { .. } | Answer::NotModified) => Ok(None),
            // Who may not list a bucket is told so of whatever it lacks.
            #[cfg(feature = "build")]
            Err(HttpError::Refused { status: 403, .. }) if name != info::FILE && self.is_readable(http) => Ok(None),
            Err(fault) => Err(fault.into()),
        }
    }

    #[cfg(feature = "build")]
    fn is_readable(&self, http: &Http) -> bool {
        *self.readable.get_or_init(|| matches!(self.read(http, info::FILE, info::LIMIT), Ok(Some(_))))
    }
}

fn open_remote<'a>(
    http: &'a Http,
    url: &Url,
    named: Named<'a>,
    compression: Compression,
) -> Result<Box<dyn Read + 'a>, Fault> {
    let download = http.open_named(url, named)?;
    let encoding = download.content_encoding().map(|name| name.trim_start_matches("x-").to_owned());
    match encoding {
        // Some servers call it an encoding that a file's name ends in `.gz`: the file is as it should be.
        Some(encoding) if encoding != compression.name() => {
            super::decode::content(Some(&encoding), Box::new(download), u64::MAX).map_err(Fault::Decode)
        }
        _ => Ok(Box::new(download)),
    }
}

/// `address` below `folder`: no absolute path, no `..`.
fn below(folder: &Path, address: &str) -> Result<PathBuf, Fault> {
    let relative = Path::new(address);
    let inside = relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !inside || address.is_empty() || address.contains('\0') {
        return Err(Fault::Escape(redact(address)));
    }
    Ok(folder.join(relative))
}

fn read_file(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, Fault> {
    read_limited(path, limit).map_err(|source| Fault::Read { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_stay_in_the_folder() {
        let folder = Path::new("/cache");
        assert_eq!(below(folder, "nar/x.nar?hash=y").expect("inside"), Path::new("/cache/nar/x.nar?hash=y"));
        for address in ["../x", "/etc/passwd", "nar/../../x", "", "a\0b"] {
            assert!(below(folder, address).is_err(), "{address:?}");
        }
    }
}
