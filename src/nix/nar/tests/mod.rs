//! What reader and writer are tested with.

mod hostile;
mod round_trip;
mod spelling;
mod writer;

use std::io::{self, Read};

use super::*;

/// All entries with their contents.
fn read_all(archive: &[u8]) -> Result<Vec<(NarEntry, Vec<u8>)>, NarError> {
    let mut reader = NarReader::new(archive);
    let mut entries = Vec::new();
    while let Some(entry) = reader.next_entry()? {
        let mut contents = Vec::new();
        reader.read_to_end(&mut contents)?;
        entries.push((entry, contents));
    }
    Ok(entries)
}

/// The fault that reading stops at, whether contents are read or skipped.
fn fault(archive: &[u8]) -> NarFault {
    let mut reader = NarReader::new(archive);
    let error = loop {
        match reader.next_entry() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the archive was accepted"),
            Err(error) => break error,
        }
    };
    assert!(read_all(archive).is_err(), "reading the contents hides the fault {error}");
    assert_eq!(reader.next_entry().unwrap_err().fault(), Some(&NarFault::Poisoned));
    error.fault().expect("a slice does not fail to be read").clone()
}

/// Reads an archive and writes it again.
fn rewrite(archive: impl Read) -> io::Result<Vec<u8>> {
    let mut reader = NarReader::new(archive);
    let mut writer = NarWriter::new(Vec::new());
    while let Some(NarEntry { path, kind }) = reader.next_entry()? {
        match kind {
            NarKind::Directory => writer.directory(&path)?,
            NarKind::Symlink { target } => writer.symlink(&path, &target)?,
            NarKind::Regular { executable, size } => writer.regular(&path, executable, size, &mut reader)?,
        }
    }
    writer.finish()
}

/// An archive of every kind of entry.
fn of_everything() -> Vec<u8> {
    let mut writer = NarWriter::new(Vec::new());
    writer.directory(b"").unwrap();
    writer.regular(b"a", true, 9, &mut &b"123456789"[..]).unwrap();
    writer.directory(b"b").unwrap();
    writer.directory(b"b/empty").unwrap();
    writer.symlink(b"b/link", b"../a").unwrap();
    writer.regular(b"c", false, 0, &mut io::empty()).unwrap();
    writer.finish().unwrap()
}
