//! Output that is kept on the volume: a file for each unit, and one older one.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

/// A file that has become as long makes room for a new one.
const LONGEST: u64 = 10 << 20;

/// Files of units. A full or broken volume costs lines, and nothing else.
pub(super) struct Kept {
    folder: PathBuf,
    files: BTreeMap<String, (File, u64)>,
}

impl Kept {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, files: BTreeMap::new() }
    }

    pub(super) fn write(&mut self, unit: &str, message: &[u8]) {
        if self.try_write(unit, message).is_err() {
            self.files.remove(unit);
        }
    }

    pub(super) fn close(&mut self, unit: &str) {
        self.files.remove(unit);
    }

    fn try_write(&mut self, unit: &str, message: &[u8]) -> io::Result<()> {
        if !self.files.contains_key(unit) {
            let opened = self.open(unit)?;
            self.files.insert(unit.to_owned(), opened);
        }
        let Some((file, length)) = self.files.get_mut(unit) else { return Ok(()) };
        let mut line = message.to_vec();
        line.push(b'\n');
        file.write_all(&line)?;
        *length += line.len() as u64;
        if *length >= LONGEST {
            self.files.remove(unit);
            fs::rename(self.path(unit), self.path(&format!("{unit}.1")))?;
        }
        Ok(())
    }

    fn path(&self, unit: &str) -> PathBuf {
        self.folder.join(format!("{unit}.log"))
    }

    fn open(&self, unit: &str) -> io::Result<(File, u64)> {
        fs::create_dir_all(&self.folder)?;
        let no_link = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
        let file =
            OpenOptions::new().create(true).append(true).mode(0o640).custom_flags(no_link).open(self.path(unit))?;
        let length = file.metadata()?.len();
        Ok((file, length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_turned_over() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let mut kept = Kept::new(folder.path().join("logs"));
        let line = vec![b'x'; 1 << 20];
        for _ in 0..25 {
            kept.write("web", &line);
        }
        let length = |name: &str| fs::metadata(folder.path().join("logs").join(name)).map(|data| data.len());
        assert_eq!(length("web.log")?, 5 * ((1 << 20) + 1));
        assert_eq!(length("web.1.log")?, 10 * ((1 << 20) + 1));
        Ok(())
    }
}
