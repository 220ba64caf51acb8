//! Pins: fragments that a collection leaves, as long as a file names what they hold.
//!
//! A runtime that a lock pins can't be fetched again, as packages can: it came from the dumbc that built then.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Context as _, Error, FragmentKey, Store};
use crate::nix::{Sha256, StorePath};

/// Locks are no larger.
const LONGEST: u64 = 64 << 20;

/// One pin, in a file of its own.
#[derive(Serialize, Deserialize)]
struct Pin {
    /// The file that has to name it, absolute.
    by: PathBuf,
    /// The name, as the file has it: `HASH-dumbc-runtime`.
    name: String,
    /// The fragment's folder below the store's.
    fragment: PathBuf,
}

impl Store {
    /// Keeps the fragment of `path` from collections while the file `by` names it.
    pub fn pin(&self, by: &Path, path: &StorePath, key: FragmentKey) -> Result<(), Error> {
        let by = std::path::absolute(by).context("find", by)?;
        let fragment = self.fragment_folder(key);
        let fragment = fragment.strip_prefix(&self.root).unwrap_or(&fragment).to_owned();
        let pin = Pin { by, name: path.base_name().to_owned(), fragment };
        let text = serde_json::to_vec(&pin).map_err(std::io::Error::from).context("tell", &pin.by)?;
        let place = folder(&self.root).join(format!("{}.json", Sha256::of(&text)));
        if place.exists() {
            return Ok(());
        }
        let mut file = self.temporary()?;
        file.write_all(&text).context("write", &place)?;
        Self::keep(file, &place)
    }
}

/// Folders of fragments that are pinned. Pins that nobody holds any more go.
pub(super) fn held(root: &Path) -> Result<BTreeSet<PathBuf>, Error> {
    let mut held = BTreeSet::new();
    for file in super::collect::children(&folder(root))? {
        let pin = fs::read(&file).ok().and_then(|text| serde_json::from_slice::<Pin>(&text).ok());
        match pin.filter(Pin::is_held) {
            Some(pin) => drop(held.insert(root.join(pin.fragment))),
            None => fs::remove_file(&file).context("remove", &file)?,
        }
    }
    Ok(held)
}

impl Pin {
    fn is_held(&self) -> bool {
        // Who shares the store could name a pipe, which nobody may ever write to.
        if !fs::metadata(&self.by).is_ok_and(|found| found.is_file()) {
            return false;
        }
        let mut text = Vec::new();
        let read = fs::File::open(&self.by).and_then(|file| file.take(LONGEST).read_to_end(&mut text));
        let name = self.name.as_bytes();
        read.is_ok() && !name.is_empty() && text.windows(name.len()).any(|window| window == name)
    }
}

fn folder(root: &Path) -> PathBuf {
    root.join("pins")
}
