//! Collection: what was not used for long goes, oldest first.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use walkdir::WalkDir;

use super::{Context as _, Error, Store, lock};

/// What a collection may take.
#[derive(Debug, Clone, Copy, Default)]
pub struct Policy {
    /// Take what was not used for so long.
    pub older_than: Option<Duration>,
    /// Take the least recently used until the store has at most so many bytes.
    pub max_size: Option<u64>,
}

/// What a collection took and left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Collected {
    /// Fragments, layer records, blobs of base images and leftovers that went.
    pub removed: u64,
    /// Bytes that went.
    pub removed_bytes: u64,
    /// Bytes that stay.
    pub kept_bytes: u64,
}

/// A folder or file that goes or stays whole.
struct Item {
    path: PathBuf,
    used: SystemTime,
    bytes: u64,
}

impl Store {
    /// Collects in the store at `root`. Waits for builds to end and keeps new ones waiting, so nothing in use can go.
    pub fn collect(root: &Path, policy: Policy, now: SystemTime) -> Result<Collected, Error> {
        let _alone = lock::exclusive(root)?;
        let mut collected = Collected::default();
        // Nobody builds: what lies there was left by a build that was killed.
        for leftover in children(&root.join("tmp"))? {
            take(&item(leftover)?, &mut collected)?;
        }
        let mut items = Vec::new();
        for kind in ["fragments", "layers"] {
            for prefix in children(&root.join(kind))? {
                for path in children(&prefix)? {
                    items.push(item(path)?);
                }
            }
        }
        for kind in children(&root.join("blobs"))? {
            for path in children(&kind)? {
                items.push(item(path)?);
            }
        }
        let pinned = super::pins::held(root)?;
        items.sort_by(|a, b| (a.used, &a.path).cmp(&(b.used, &b.path)));
        collected.kept_bytes = items.iter().map(|item| item.bytes).sum();
        for item in items {
            let age = now.duration_since(item.used).unwrap_or_default();
            let too_old = policy.older_than.is_some_and(|limit| age > limit);
            let too_much = policy.max_size.is_some_and(|limit| collected.kept_bytes > limit);
            if (too_old || too_much) && !pinned.contains(&item.path) {
                take(&item, &mut collected)?;
                collected.kept_bytes -= item.bytes;
            }
        }
        Ok(collected)
    }
}

fn take(item: &Item, collected: &mut Collected) -> Result<(), Error> {
    let outcome = if item.path.is_dir() { remove_fragment(&item.path) } else { fs::remove_file(&item.path) };
    outcome.context("remove", &item.path)?;
    collected.removed += 1;
    collected.removed_bytes += item.bytes;
    Ok(())
}

/// Records first: a fragment without them is not there, whatever else of it is left when we are killed.
fn remove_fragment(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            fs::remove_file(path)?;
        }
    }
    fs::remove_dir_all(folder)
}

pub(super) fn children(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    match fs::read_dir(folder) {
        Ok(entries) => {
            entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>().context("read", folder)
        }
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(Vec::new()),
        Err(error) => Err(error).context("read", folder),
    }
}

fn item(path: PathBuf) -> Result<Item, Error> {
    let (mut used, mut bytes) = (SystemTime::UNIX_EPOCH, 0);
    for entry in WalkDir::new(&path) {
        let metadata = entry.map_err(io::Error::from).and_then(|entry| Ok(entry.metadata()?)).context("read", &path)?;
        if metadata.is_file() {
            bytes += metadata.len();
            used = used.max(metadata.modified().context("read", &path)?);
        }
    }
    Ok(Item { path, used, bytes })
}
