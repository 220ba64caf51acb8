//! What a cache answered before, on disk.
//!
//! A narinfo does not change, so it is kept and verified again on use; that a cache lacks a path is believed for an
//! hour. All of this may be lost at any time: faults of the disk are narrated, not reported.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Location;
use crate::nix::{NarInfo, Sha256};

/// How long a cache is believed to lack a path.
const ABSENCE: Duration = Duration::from_hours(1);

/// How long a cache's priority is believed.
const INFO: Duration = Duration::from_hours(24);

/// Answers of one cache.
pub(super) struct Memory {
    folder: PathBuf,
}

/// What is remembered of a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Remembered {
    /// The narinfo's text.
    NarInfo(Vec<u8>),
    /// The cache lacks it.
    Absent,
}

impl Memory {
    /// The answers of the cache at `place`, below `state`.
    pub(super) fn new(state: &Path, place: &Location) -> Self {
        Self { folder: state.join(&Sha256::of(place.to_string().as_bytes()).hex()[..32]) }
    }

    /// What is remembered of the path with this hash part.
    pub(super) fn recall(&self, hash_part: &str, now: SystemTime) -> Option<Remembered> {
        if let Some(text) = self.read(&format!("{hash_part}.narinfo")) {
            return Some(Remembered::NarInfo(text));
        }
        let (_, fresh) = self.read_dated(&format!("{hash_part}.absent"), now, ABSENCE)?;
        fresh.then_some(Remembered::Absent)
    }

    /// Keeps a narinfo that was verified.
    pub(super) fn keep(&self, hash_part: &str, text: &[u8]) {
        self.write(&format!("{hash_part}.narinfo"), text);
    }

    /// Remembers that the cache lacks a path, from `now` on.
    pub(super) fn keep_absence(&self, hash_part: &str, now: SystemTime) {
        self.write(&format!("{hash_part}.absent"), stamp(now).as_bytes());
        let _ = fs::remove_file(self.folder.join(format!("{hash_part}.narinfo")));
    }

    /// `nix-cache-info`, and whether it is recent.
    pub(super) fn recall_info(&self, now: SystemTime) -> Option<(Vec<u8>, bool)> {
        self.read_dated("info", now, INFO)
    }

    /// Keeps `nix-cache-info`; an empty one where the cache has none.
    pub(super) fn keep_info(&self, text: &[u8], now: SystemTime) {
        self.write("info", &[stamp(now).as_bytes(), text].concat());
    }

    /// The file's content after its first line, and whether that line's date is younger than `age`.
    fn read_dated(&self, name: &str, now: SystemTime, age: Duration) -> Option<(Vec<u8>, bool)> {
        let bytes = self.read(name)?;
        let end = bytes.iter().position(|&byte| byte == b'\n')?;
        let seconds: u64 = std::str::from_utf8(&bytes[..end]).ok()?.parse().ok()?;
        let then = UNIX_EPOCH.checked_add(Duration::from_secs(seconds))?;
        // A date in the future is a clock set back: not to be believed for as long as that takes.
        let fresh = now.duration_since(then).is_ok_and(|passed| passed < age);
        Some((bytes[end + 1..].to_vec(), fresh))
    }

    fn read(&self, name: &str) -> Option<Vec<u8>> {
        let path = self.folder.join(name);
        match read_limited(&path, NarInfo::MAX_SIZE as u64) {
            Ok(found) => found,
            Err(fault) => {
                tracing::debug!("cannot read {}: {fault}", path.display());
                None
            }
        }
    }

    fn write(&self, name: &str, content: &[u8]) {
        let written = fs::create_dir_all(&self.folder).and_then(|()| {
            let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
            file.write_all(content)?;
            file.persist(self.folder.join(name))?;
            Ok(())
        });
        if let Err(fault) = written {
            tracing::debug!("cannot remember {name} in {}: {fault}", self.folder.display());
        }
    }
}

fn stamp(now: SystemTime) -> String {
    format!("{}\n", now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
}

/// Reads a whole file of at most `limit` bytes; `None` if there is none.
pub(super) fn read_limited(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    use io::Read as _;
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(fault) => return Err(fault),
    };
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {limit} bytes")));
    }
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Location {
        Location::parse(text, Path::new("/")).expect("a place")
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn absence_is_believed_for_an_hour() {
        let state = tempfile::tempdir().expect("a folder");
        let memory = Memory::new(state.path(), &place("https://cache.example.org/"));
        assert_eq!(memory.recall("x", at(0)), None);
        memory.keep_absence("x", at(10_000));
        assert_eq!(memory.recall("x", at(10_001)), Some(Remembered::Absent));
        assert_eq!(memory.recall("x", at(13_599)), Some(Remembered::Absent));
        assert_eq!(memory.recall("x", at(13_600)), None);
        assert_eq!(memory.recall("x", at(9_000)), None);
        memory.keep("x", b"text");
        assert_eq!(memory.recall("x", at(10_001)), Some(Remembered::NarInfo(b"text".to_vec())));
        let other = place("https://other.example.org/");
        assert_eq!(Memory::new(state.path(), &other).recall("x", at(10_001)), None);
    }

    #[test]
    fn information_ages() {
        let state = tempfile::tempdir().expect("a folder");
        let memory = Memory::new(state.path(), &place("https://cache.example.org/"));
        memory.keep_info(b"Priority: 40\n", at(1000));
        assert_eq!(memory.recall_info(at(1001)), Some((b"Priority: 40\n".to_vec(), true)));
        assert_eq!(memory.recall_info(at(1000 + 86_400)), Some((b"Priority: 40\n".to_vec(), false)));
    }
}
