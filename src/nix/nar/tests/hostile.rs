//! Archives that the reader refuses, and why.

use std::fs;

use super::*;
use crate::nix::test_data::shared;

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
    assert_eq!(fault_of("unnormalized.nar"), NarFault::SameText("\u{e2}".into()));
    assert_eq!(fault_of("empty.nar"), refused_name(b""));
    assert_eq!(fault_of("regular-one-byte-non-zero-padding.nar"), NarFault::Padding);
    assert_eq!(fault_of("regular-truncated-large-contents.nar"), NarFault::Truncated);
    assert_eq!(fault_of("regular-truncated-padding.nar"), NarFault::Truncated);
    assert_eq!(fault_of("executable-after-contents.nar"), unexpected("`)`", b"executable"));
    assert_eq!(fault_of("name-after-node.nar"), unexpected("`name`", b"node"));
    assert!(matches!(fault_of("invalid-tag-instead-of-contents.nar"), NarFault::Unexpected { .. }));
}

#[test]
fn every_truncation_is_noticed() {
    let archive = of_everything();
    for length in 0..archive.len() {
        assert_eq!(fault(&archive[..length]), NarFault::Truncated, "at {length}");
    }
    assert!(read_all(&archive).is_ok());
    let longer = [&archive[..], b"\0"].concat();
    assert_eq!(fault(&longer), NarFault::TrailingData);
}

/// Where the length stands of the last string that begins with these eight bytes.
fn length_of_last(archive: &[u8], word: [u8; 8]) -> std::ops::Range<usize> {
    let at = archive.windows(8).rposition(|window| *window == word).expect("the word occurs");
    at - 8..at
}

fn with_length(archive: &[u8], place: std::ops::Range<usize>, length: u64) -> Vec<u8> {
    let mut changed = archive.to_vec();
    changed[place].copy_from_slice(&length.to_le_bytes());
    changed
}

#[test]
fn a_length_is_no_reason_to_allocate() {
    let archive = of_everything();
    let target = with_length(&archive, length_of_last(&archive, *b"../a\0\0\0\0"), u64::MAX);
    assert_eq!(fault(&target), NarFault::TooLong { what: "a link target", length: u64::MAX, limit: MAX_TARGET });
    let name = with_length(&archive, length_of_last(&archive, *b"empty\0\0\0"), 256);
    assert_eq!(fault(&name), NarFault::TooLong { what: "a name", length: 256, limit: MAX_NAME });
    let contents = with_length(&archive, length_of_last(&archive, *b"12345678"), u64::MAX);
    assert_eq!(fault(&contents), NarFault::Truncated);
    let word = with_length(&archive, 0..8, u64::MAX);
    assert_eq!(fault(&word), NarFault::Unexpected { expected: "`nix-archive-1`".to_owned(), found: None });
}

#[test]
fn a_byte_of_padding_is_refused_wherever_it_stands() {
    let archive = of_everything();
    for (word, padding) in [(*b"nix-arch", 13), (*b"type\0\0\0\0", 7), (*b"12345678", 15), (*b"../a\0\0\0\0", 4)] {
        let mut changed = archive.clone();
        changed[length_of_last(&archive, word).end + padding] = 1;
        assert_eq!(fault(&changed), NarFault::Padding, "{word:?}");
    }
}

#[test]
fn an_error_names_its_place() {
    let archive = of_everything();
    let place = length_of_last(&archive, *b"../a\0\0\0\0");
    let error = read_all(&with_length(&archive, place.clone(), 0)).unwrap_err().to_string();
    let offset = place.start;
    assert!(error.starts_with(&format!("the NAR is malformed at byte {offset}, in `b/link`: ``")), "{error}");
}
