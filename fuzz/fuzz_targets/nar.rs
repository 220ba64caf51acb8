//! What the reader accepts, the writer reproduces byte for byte, and skipping contents changes nothing.

#![no_main]

use std::io;

use dumbc::nix::nar::{NarEntry, NarError, NarKind, NarReader, NarWriter};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|archive: &[u8]| {
    let skipped = entries(archive);
    match rewrite(archive) {
        Ok(again) => {
            assert_eq!(again, archive);
            assert!(skipped.is_ok());
        }
        Err(error) => assert!(skipped.is_err(), "{error}"),
    }
});

fn entries(archive: &[u8]) -> Result<usize, NarError> {
    let mut reader = NarReader::new(archive);
    let mut count = 0;
    while reader.next_entry()?.is_some() {
        count += 1;
    }
    Ok(count)
}

fn rewrite(archive: &[u8]) -> io::Result<Vec<u8>> {
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
