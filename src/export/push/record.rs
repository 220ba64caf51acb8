//! Which repositories this store has pushed to, and with which blobs: from there, a registry can mount them.
//!
//! A hint that nothing trusts: a file a registry in the store's state folder, bounded, replaced whole; one that can't be read is
//! as good as none.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::nix::Sha256;

/// Repositories that are remembered of a registry.
const MOST_REPOSITORIES: usize = 16;
/// Blobs that are remembered of a repository.
const MOST_BLOBS: usize = 1024;
/// Repositories that a blob is looked for in.
const MOST_SOURCES: usize = 2;
/// Bytes that a file may have: all of that, and some room.
const LARGEST_FILE: u64 = 4 << 20;
const VERSION: u32 = 1;

/// What is remembered of one registry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Record {
    path: PathBuf,
    /// The one that was used last comes first.
    repositories: Vec<Known>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    name: String,
    blobs: BTreeSet<Sha256>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    repositories: Vec<Known>,
}

impl Record {
    /// What is known of the registry `host`; nothing where nothing can be read.
    pub(super) fn read(state_dir: &Path, host: &str) -> Self {
        let path = state_dir.join("pushed").join(format!("{}.json", Sha256::of(host.as_bytes()).hex()));
        let stored = read_bounded(&path).ok().and_then(|text| serde_json::from_slice::<Stored>(&text).ok());
        let mut repositories =
            stored.filter(|stored| stored.version == VERSION).map_or_else(Vec::new, |stored| stored.repositories);
        repositories.truncate(MOST_REPOSITORIES);
        Self { path, repositories }
    }

    /// Other repositories that have been seen with a blob, the one that was used last first.
    pub(super) fn sources(&self, blob: &Sha256, target: &str) -> Vec<String> {
        let others = self.repositories.iter().filter(|known| known.name != target && known.blobs.contains(blob));
        others.map(|known| known.name.clone()).take(MOST_SOURCES).collect()
    }

    /// Remembers that `repository` has these blobs, and forgets those that it had before: nobody may hold them any more.
    pub(super) fn used(&mut self, repository: &str, blobs: impl Iterator<Item = Sha256>) {
        self.repositories.retain(|known| known.name != repository);
        self.repositories.insert(0, Known { name: repository.to_owned(), blobs: blobs.take(MOST_BLOBS).collect() });
        self.repositories.truncate(MOST_REPOSITORIES);
    }

    /// Replaces the file.
    pub(super) fn write(&self) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        let stored = Stored { version: VERSION, repositories: self.repositories.clone() };
        file.write_all(&serde_json::to_vec(&stored)?)?;
        file.persist(&self.path)?;
        Ok(())
    }
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(LARGEST_FILE).read_to_end(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(number: usize) -> Sha256 {
        Sha256::of(&number.to_le_bytes())
    }

    #[test]
    fn a_blob_is_found_where_it_was_pushed_last() {
        let folder = tempfile::tempdir().unwrap();
        let mut record = Record::read(folder.path(), "registry.example.org");
        assert!(record.sources(&blob(1), "app").is_empty());
        for (repository, blobs) in [("one", 0..3), ("two", 1..4), ("three", 1..2)] {
            record.used(repository, blobs.map(blob));
        }
        record.write().unwrap();
        let record = Record::read(folder.path(), "registry.example.org");
        assert_eq!(record.sources(&blob(1), "app"), ["three", "two"]);
        assert_eq!(record.sources(&blob(0), "app"), ["one"]);
        assert_eq!(record.sources(&blob(0), "one"), Vec::<String>::new(), "it is there already");
        assert!(Record::read(folder.path(), "registry.example.org:5000").repositories.is_empty());
    }

    #[test]
    fn it_stays_small_and_forgets_what_was_used_least() {
        let folder = tempfile::tempdir().unwrap();
        let mut record = Record::read(folder.path(), "r");
        for number in 0..=MOST_REPOSITORIES {
            record.used(&format!("repository-{number}"), (0..MOST_BLOBS + 9).map(blob));
        }
        record.write().unwrap();
        assert!(fs::metadata(&record.path).unwrap().len() < LARGEST_FILE);
        let read = Record::read(folder.path(), "r");
        assert_eq!((read.repositories.len(), &read), (MOST_REPOSITORIES, &record));
        assert!(read.repositories.iter().all(|known| known.name != "repository-0" && known.blobs.len() == MOST_BLOBS));
    }

    #[test]
    fn what_is_odd_is_as_good_as_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut record = Record::read(folder.path(), "r");
        record.used("app", [blob(1)].into_iter());
        record.write().unwrap();
        let good = fs::read_to_string(&record.path).unwrap();
        for bad in ["", "{", "[]", &good[..good.len() - 1], &good.replace("\"version\":1", "\"version\":2")] {
            fs::write(&record.path, bad).unwrap();
            assert!(Record::read(folder.path(), "r").repositories.is_empty(), "{bad}");
        }
    }
}
