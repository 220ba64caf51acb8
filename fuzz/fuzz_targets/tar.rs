//! Whatever a tar archive holds, reading ends; skipping contents changes nothing; entries that ours can hold are written
//! so that they read the same; looking for store paths finds some or fails.

#![no_main]

use std::io::{self, Read};

use dumbc::image::invert::find_store_paths;
use dumbc::image::tar::{BLOCK, Kind, MTIME, TAIL, padding, write_capable_header};
use dumbc::image::untar::{TarEntry, TarError, TarKind, TarReader};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

// Headers have checksums, which mutation alone would never get past; some stay wrong.
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let size = fuzzer_mutate(data, size, max_size);
    if seed % 8 != 0 {
        data[..size].chunks_exact_mut(BLOCK).filter(|block| block[257..].starts_with(b"ustar")).for_each(mend);
    }
    size
});

/// Puts the checksum of a header right.
fn mend(header: &mut [u8]) {
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
}

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
        TarKind::HardLink(target) => (Kind::HardLink(target), 0, &target[..]),
        TarKind::Special(_) => return,
    };
    // No file has such a name or target, and ours never write one.
    if entry.path.is_empty() || entry.path.ends_with(b"/") || entry.path.contains(&0) || target.contains(&0) {
        return;
    }
    let mut header = Vec::new();
    write_capable_header(&mut header, &entry.path, kind, entry.metadata, entry.capability.as_deref());
    let contents = io::repeat(0).take(size).chain(padding(size));
    let mut reader = TarReader::new((&header[..]).chain(contents).chain(&TAIL[..]));
    let expected = TarEntry { mtime: MTIME, ..entry.clone() };
    assert_eq!(reader.next_entry().expect("what was written is read"), Some(expected));
    if size <= LARGEST_SKIPPED {
        assert_eq!(reader.next_entry().expect("the archive ends well"), None);
    }
}
