use std::fs;
use std::io::Read as _;

use super::*;
use crate::nix::test_data::shared;

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

#[test]
fn refuses_each_hostile_archive_for_its_own_reason() {
    let Some(directory) = shared("vectors/nars-odd/nix") else { return };
    let fault_of = |name: &str| fault(&fs::read(directory.join(name)).unwrap());
    let refused_name = |name: &[u8]| NarFault::Name(name.to_vec());
    let unexpected = |expected: &str, found: &[u8]| NarFault::Unexpected {
        expected: expected.to_owned(),
        found: Some(found.to_vec()),
    };
    assert_eq!(fault_of("dot.nar"), refused_name(b"."));
    assert_eq!(fault_of("dotdot.nar"), refused_name(b".."));
    assert!(matches!(fault_of("slash.nar"), NarFault::Name(name) if name.contains(&b'/')));
    assert!(matches!(fault_of("nul.nar"), NarFault::Name(name) if name.contains(&0)));
    assert!(matches!(fault_of("nul-character.nar"), NarFault::Name(name) if name.contains(&0)));
    assert!(matches!(fault_of("duplicate.nar"), NarFault::Duplicate(_)));
    assert_eq!(fault_of("empty.nar"), refused_name(b""));
    assert_eq!(fault_of("regular-one-byte-non-zero-padding.nar"), NarFault::Padding);
    assert_eq!(fault_of("regular-truncated-large-contents.nar"), NarFault::Truncated);
    assert_eq!(fault_of("regular-truncated-padding.nar"), NarFault::Truncated);
    assert_eq!(fault_of("executable-after-contents.nar"), unexpected("`)`", b"executable"));
    assert_eq!(fault_of("name-after-node.nar"), unexpected("`name`", b"node"));
    assert!(matches!(fault_of("invalid-tag-instead-of-contents.nar"), NarFault::Unexpected { .. }));
}

#[test]
fn accepts_good_archives() {
    let Some(directory) = shared("vectors/nars-odd/nix") else { return };
    let entries = |name: &str| read_all(&fs::read(directory.join(name)).unwrap()).unwrap();
    assert_eq!(entries("empty-dir.nar"), [(NarEntry { path: Vec::new(), kind: NarKind::Directory }, Vec::new())]);
    assert_eq!(entries("regular-one-byte-zero-padding.nar")[0].1, b"x");
    // Two spellings of one letter are two names: bytes are all that counts on Linux.
    let names: Vec<_> = entries("unnormalized.nar").into_iter().map(|(entry, _)| entry.path).collect();
    assert_eq!(names[1..3], ["a\u{302}".as_bytes().to_vec(), "\u{e2}".as_bytes().to_vec()]);
    assert!(entries("case-collision.nar").iter().any(|(entry, _)| entry.path == b"Test"));
}
