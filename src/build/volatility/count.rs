//! Counting: in how many of the commits that had a package before and after it was another build.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::channel::{Lock, package_key};
use crate::nix::Sha256;

use super::super::units::deb_cause;

/// Most bytes of what is kept of a history.
const LARGEST: u64 = 16 << 20;

/// One: rates are millionths.
const ONE: u64 = 1_000_000;

/// What tells one build of each package from another, by what weights go by: keys of store paths, sources of Debian packages.
pub(super) type Builds = BTreeMap<String, Sha256>;

/// The builds that a lock has.
pub(super) fn builds(lock: &Lock) -> Builds {
    let mut all = BTreeMap::<String, String>::new();
    let mut note = |key: String, build: &dyn std::fmt::Display| {
        let known = all.entry(key).or_default();
        known.push_str(&build.to_string());
        known.push('\n');
    };
    lock.packages.keys().for_each(|path| note(package_key(path), path));
    lock.debs.values().for_each(|deb| note(deb_cause(&deb.source), &deb.version));
    all.into_iter().map(|(key, builds)| (key, Sha256::of(builds.as_bytes()))).collect()
}

/// How often packages changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counts {
    /// Revisions of the lock that could be read.
    pub(super) revisions: u32,
    /// By key: the pairs of revisions that both had the package, and those of them between which it changed.
    packages: BTreeMap<String, (u32, u32)>,
    /// The oldest revision so far.
    #[serde(skip)]
    oldest: Builds,
}

impl Counts {
    /// Takes the revision before all others.
    pub(super) fn add_older(&mut self, older: Builds) {
        for (key, build) in &self.oldest {
            let Some(before) = older.get(key) else { continue };
            let (compared, changed) = self.packages.entry(key.clone()).or_default();
            *compared += 1;
            *changed += u32::from(before != build);
        }
        self.revisions += 1;
        self.oldest = older;
    }

    /// How likely a package changes with a commit, in millionths, by Laplace's rule of succession. `None` for what was never seen
    /// twice.
    pub(super) fn rate(&self, key: &str) -> Option<u64> {
        let (compared, changed) = self.packages.get(key)?;
        Some((u64::from(*changed) + 1) * ONE / (u64::from(*compared) + 2))
    }
}

/// What is kept between runs.
#[derive(Serialize, Deserialize)]
struct Kept {
    version: u32,
    /// Digest of the commits that were counted.
    history: String,
    counts: Counts,
}

/// What was kept of this very history.
pub(super) fn read(file: &Path, history: &str) -> Option<Counts> {
    let mut bytes = Vec::new();
    File::open(file).ok()?.take(LARGEST).read_to_end(&mut bytes).ok()?;
    let kept: Kept = serde_json::from_slice(&bytes).ok()?;
    (kept.version == 1 && kept.history == history).then_some(kept.counts)
}

/// Keeps what was counted, in place of what was counted before.
pub(super) fn write(file: &Path, history: &str, counts: &Counts) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let kept = Kept { version: 1, history: history.to_owned(), counts: counts.clone() };
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    temporary.write_all(&serde_json::to_vec(&kept)?)?;
    temporary.persist(file)?;
    Ok(())
}
