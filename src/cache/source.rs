//! One cache, wherever it lies: what it says of itself, its narinfos, its files.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use super::error::Fault;
use super::http::{Answer, Conditions, Http, Url, has_scheme, redact};
use super::info::{self, CacheInfo};
use super::memory::{Memory, Remembered, read_limited};
use super::{CacheSpec, Location};
use crate::nix::{Compression, NarInfo, StorePath};

/// A cache.
pub(super) struct Cache {
    pub(super) spec: CacheSpec,
    memory: Option<Memory>,
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
        let memory = match &spec.location {
            Location::Http(url) => Some(Memory::new(state, url)),
            Location::Directory(_) => None,
        };
        Self { spec, memory }
    }

    pub(super) fn is_remote(&self) -> bool {
        matches!(self.spec.location, Location::Http(_))
    }

    /// What the cache says of itself.
    pub(super) fn info(&self, http: &Http) -> Result<CacheInfo, Fault> {
        match &self.spec.location {
            Location::Directory(folder) => {
                let path = folder.join(info::FILE);
                let text = read_file(&path, info::LIMIT)?.ok_or_else(|| Fault::NoCache(folder.clone()))?;
                Ok(CacheInfo::parse(&text)?)
            }
            Location::Http(url) => self.remote_info(http, url),
        }
    }

    fn remote_info(&self, http: &Http, url: &Url) -> Result<CacheInfo, Fault> {
        let remembered = self.memory.as_ref().and_then(|memory| memory.recall_info(http.clock().now()));
        if let Some((text, fresh)) = remembered
            && (fresh || http.is_offline())
        {
            return Ok(CacheInfo::parse(&text)?);
        }
        let text = match http.fetch_bytes(&url.join(info::FILE)?, info::LIMIT, Conditions::default())? {
            Answer::Body(document) => document.bytes,
            Answer::Absent { .. } | Answer::NotModified => Vec::new(),
        };
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
        match &self.spec.location {
            Location::Directory(folder) => {
                let bytes = read_file(&folder.join(name), limit)?;
                Ok(bytes.map(|bytes| Text { bytes, fresh: true }))
            }
            Location::Http(url) => {
                if freshness == Freshness::Remembered {
                    match self.recall(path, http.clock().now()) {
                        Some(Remembered::NarInfo(bytes)) => return Ok(Some(Text { bytes, fresh: false })),
                        Some(Remembered::Absent) => return Ok(None),
                        None => {}
                    }
                }
                match http.fetch_bytes(&url.join(&name)?, limit, Conditions::default())? {
                    Answer::Body(document) => Ok(Some(Text { bytes: document.bytes, fresh: true })),
                    Answer::Absent { .. } | Answer::NotModified => {
                        if let Some(memory) = &self.memory {
                            memory.keep_absence(path.hash_part(), http.clock().now());
                        }
                        Ok(None)
                    }
                }
            }
        }
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
        &self,
        http: &'a Http,
        address: &str,
        compression: Compression,
    ) -> Result<Box<dyn Read + 'a>, Fault> {
        match &self.spec.location {
            Location::Directory(folder) if !has_scheme(address) => {
                let path = below(folder, address)?;
                let file = File::open(&path).map_err(|source| match source.kind() {
                    io::ErrorKind::NotFound => Fault::Absent,
                    _ => Fault::Read { path: path.clone(), source },
                })?;
                Ok(Box::new(file))
            }
            Location::Directory(_) => open_remote(http, &address.parse()?, compression),
            Location::Http(url) => open_remote(http, &url.join(address)?, compression),
        }
    }
}

fn open_remote<'a>(http: &'a Http, url: &Url, compression: Compression) -> Result<Box<dyn Read + 'a>, Fault> {
    let download = http.open(url)?;
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
