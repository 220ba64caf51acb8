//! Answers on the disk: whole, or not there.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

/// Writes `bytes` under another name until they are all there.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path).map(drop).map_err(|error| error.error)
}
