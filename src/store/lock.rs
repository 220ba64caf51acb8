//! Who may be in the store: builds together, a collection alone.

use std::fs::{self, File};
use std::path::Path;

use super::{Context as _, Error};

fn open(root: &Path) -> Result<File, Error> {
    fs::create_dir_all(root).context("make", root)?;
    let path = root.join("lock");
    File::options().create(true).truncate(false).write(true).open(&path).context("open", &path)
}

/// Waits until no collection runs.
pub(super) fn shared(root: &Path) -> Result<File, Error> {
    let file = open(root)?;
    file.lock_shared().context("lock", &root.join("lock"))?;
    Ok(file)
}

/// Waits until nobody else is there.
pub(super) fn exclusive(root: &Path) -> Result<File, Error> {
    let file = open(root)?;
    file.lock().context("lock", &root.join("lock"))?;
    Ok(file)
}
