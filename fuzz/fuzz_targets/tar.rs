//! Whatever a tar archive holds, reading ends; skipping contents changes nothing; entries that ours can hold are written
//! so that they read the same; looking for store paths finds some or fails.

#![no_main]

use std::io::{self, Read};

use dumbc::image::invert::find_store_paths;
use dumbc::image::tar::{Kind, MTIME, TAIL, padding, write_header};
use dumbc::image::untar::{TarEntry, TarError, TarKind, TarReader};
use libfuzzer_sys::fuzz_target;

/// Contents that a header only claims are made up to this size.
const LARGEST_SKIPPED: u64 = 1 << 20;

fuzz_target!(|archive: &[u8]| {
    let read = entries(archive, |reader, size| {
        let contents = io::copy(reader, &mut io::sink())?;
        assert_eq!(contents, size);
        Ok(())
    });
    let skipped = entries(archive, |_, _| Ok(()));
    assert_eq!(read.as_ref().ok(), skipped.as_ref().ok());
    for entry in read.iter().flatten() {
        comes_back(entry);
    }
    let mut store_paths = Vec::new();
    let seen = |_: &TarEntry, offset| {
        assert!(offset <= archive.len() as u64);
        Ok(())
    };
    if find_store_paths(archive, seen, |path| store_paths.push(path)).is_ok() {
        assert!(read.is_ok());
    }
});

/// All entries, each after `handle` had its contents.
fn entries(
    archive: &[u8],
    mut handle: impl FnMut(&mut TarReader<&[u8]>, u64) -> Result<(), TarError>,
) -> Result<Vec<TarEntry>, TarError> {
    let mut reader = TarReader::new(archive);
    let mut entries = Vec::new();
    while let Some(entry) = reader.next_entry()? {
        let size = if let TarKind::File(size) = entry.kind { size } else { 0 };
        handle(&mut reader, size)?;
        entries.push(entry);
    }
    Ok(entries)
}

/// Writes an entry as layers have it, and reads it again.
fn comes_back(entry: &TarEntry) {
    let (kind, size, target) = match &entry.kind {
        TarKind::Directory => (Kind::Directory, 0, &b""[..]),
        TarKind::File(size) => (Kind::File(*size), *size, &b""[..]),
        TarKind::Symlink(target) => (Kind::Symlink(target), 0, &target[..]),
        TarKind::HardLink(_) | TarKind::Special(_) => return,
    };
    // No file has such a name or target, and ours never write one.
    if entry.path.is_empty() || entry.path.ends_with(b"/") || entry.path.contains(&0) || target.contains(&0) {
        return;
    }
    let mut header = Vec::new();
    write_header(&mut header, &entry.path, kind, entry.metadata);
    let contents = io::repeat(0).take(size).chain(padding(size));
    let mut reader = TarReader::new((&header[..]).chain(contents).chain(&TAIL[..]));
    let expected = TarEntry { mtime: MTIME, ..entry.clone() };
    assert_eq!(reader.next_entry().expect("what was written is read"), Some(expected));
    if size <= LARGEST_SKIPPED {
        assert_eq!(reader.next_entry().expect("the archive ends well"), None);
    }
}
