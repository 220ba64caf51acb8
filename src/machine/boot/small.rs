//! Small files: read with a limit, written whole or not at all.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

/// Reads at most `limit` bytes; more is an error.
pub(super) fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {limit} bytes")));
    }
    Ok(bytes)
}

/// Reads a line of text, without its end; `None` where there is none.
pub(super) fn line(path: &Path) -> Option<String> {
    let text = String::from_utf8(read(path, 4096).ok()?).ok()?;
    Some(text.trim_end().to_owned())
}

/// Replaces the file in a folder that is root's alone.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    let fresh = path.with_extension("new");
    let outcome = File::create(&fresh).and_then(|mut file| file.write_all(text.as_bytes()));
    match outcome.and_then(|()| fs::rename(&fresh, path)) {
        Ok(()) => Ok(()),
        Err(error) => {
            let _ = fs::remove_file(&fresh);
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_to_their_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write(&path, "four\n").unwrap();
        assert!(read(&path, 5).is_ok() && read(&path, 4).is_err());
        assert_eq!((line(&path).as_deref(), line(&folder.path().join("none"))), (Some("four"), None));
    }
}
