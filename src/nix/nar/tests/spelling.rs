//! Names that are the same text.

use std::collections::BTreeSet;

use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization as _;

use super::super::spelling::MAX_SPELLINGS;
use super::*;

/// A directory of empty directories, as nothing of ours writes it: names unchecked, in the order given.
fn unchecked<'a>(names: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut archive = [words::MAGIC, words::NODE, words::DIRECTORY].concat();
    for name in names {
        archive.extend_from_slice(words::ENTRY);
        archive.extend_from_slice(&(name.len() as u64).to_le_bytes());
        archive.extend_from_slice(name);
        archive.extend_from_slice(&[0; 8][..padding(name.len() as u64)]);
        archive.extend_from_slice(&[words::ENTRY_NODE, words::DIRECTORY, words::CLOSE, words::CLOSE].concat());
    }
    archive.extend_from_slice(words::CLOSE);
    archive
}

/// What reader and writer say of a directory with these names.
fn verdict(names: &[&[u8]]) -> Result<(), NarFault> {
    let mut writer = NarWriter::new(Vec::new());
    writer.directory(b"").unwrap();
    let written = names.iter().try_for_each(|name| writer.directory(name));
    let archive = unchecked(names.iter().copied());
    match written {
        Ok(()) => {
            assert_eq!(read_all(&archive).unwrap().len(), names.len() + 1);
            assert!(writer.finish().unwrap() == archive);
            Ok(())
        }
        Err(error) => {
            let fault = fault(&archive);
            let NarError::Malformed { fault: of_writer, .. } = error.downcast::<NarError>().unwrap() else {
                panic!("nothing fails but the names");
            };
            assert_eq!(fault, of_writer);
            Err(fault)
        }
    }
}

fn same_text(name: &str) -> Result<(), NarFault> {
    Err(NarFault::SameText(name.into()))
}

#[test]
fn one_text_has_one_name_in_a_directory() {
    assert_eq!(verdict(&["e\u{301}".as_bytes(), "\u{e9}".as_bytes()]), same_text("\u{e9}"));
    // Others between them, or accents in another order, hide nothing.
    assert_eq!(verdict(&["e\u{301}".as_bytes(), b"f", b"g", "\u{e9}".as_bytes()]), same_text("\u{e9}"));
    let marks = ["q\u{307}\u{323}", "q\u{323}\u{307}"];
    assert_eq!(verdict(&marks.map(str::as_bytes)), same_text(marks[1]));
    let hangul = ["\u{1112}\u{1161}\u{11ab}", "\u{d55c}"];
    assert_eq!(verdict(&hangul.map(str::as_bytes)), same_text(hangul[1]));
    assert_eq!(verdict(&["\u{c5}".as_bytes(), "\u{212b}".as_bytes()]), same_text("\u{212b}"));
}

#[test]
fn names_that_differ_as_text_or_are_none_stay() {
    assert_eq!(verdict(&[b"A", b"a", "\u{c9}".as_bytes(), "\u{e9}".as_bytes()]), Ok(()));
    // Alike, but only in compatibility forms.
    assert_eq!(verdict(&["fi".as_bytes(), "\u{fb01}".as_bytes()]), Ok(()));
    // Not UTF-8: the bytes count.
    assert_eq!(verdict(&[b"e\xcc\x81\xff", b"\xc3\xa9\xff", b"\xff"]), Ok(()));
}

#[test]
fn directories_do_not_share_their_names() {
    let mut writer = NarWriter::new(Vec::new());
    for path in ["", "a", "a/e\u{301}", "a/e\u{301}/\u{e9}", "b", "b/\u{e9}", "\u{e9}"] {
        writer.directory(path.as_bytes()).unwrap();
    }
    let archive = writer.finish().unwrap();
    assert_eq!(rewrite(&*archive).unwrap(), archive);
}

#[test]
fn a_directory_is_held_to_its_names_after_another_inside_it() {
    let mut writer = NarWriter::new(Vec::new());
    for path in ["", "e\u{301}", "e\u{301}/x", "e\u{301}/x/y"] {
        writer.directory(path.as_bytes()).unwrap();
    }
    let error = writer.directory("\u{e9}".as_bytes()).unwrap_err().downcast::<NarError>().unwrap();
    assert_eq!(error.fault(), Some(&NarFault::SameText("\u{e9}".into())));
}

#[test]
fn no_more_is_remembered_than_the_limit() {
    let mut names: Vec<_> = (0..=MAX_SPELLINGS).map(|number| format!("\u{e9}{number:06}")).collect();
    let archive = |names: &[String]| unchecked(names.iter().map(String::as_bytes));
    assert_eq!(fault(&archive(&names)), NarFault::TooManySpellings);
    // What is ASCII is not remembered, and what has ended is forgotten.
    names[0] = "e".to_owned();
    let full = archive(&names);
    let two = [words::MAGIC, words::NODE, words::DIRECTORY].concat();
    let inner = &full[words::MAGIC.len() + words::NODE.len()..];
    let entry =
        |name: &[u8; 8]| [words::ENTRY, &1u64.to_le_bytes(), name, words::ENTRY_NODE, inner, words::CLOSE].concat();
    let both = [&two[..], &entry(b"a\0\0\0\0\0\0\0"), &entry(b"b\0\0\0\0\0\0\0"), words::CLOSE].concat();
    let mut reader = NarReader::new(&*both);
    let mut count = 0;
    while reader.next_entry().unwrap().is_some() {
        count += 1;
    }
    assert_eq!(count, 3 + 2 * (MAX_SPELLINGS + 1));
}

proptest! {
    #[test]
    fn exactly_equal_texts_are_refused(names in prop::collection::btree_set("[ae\u{301}\u{323}\u{e9}\u{1eb9}\u{1112}\u{1161}\u{d558}]{1,4}", 1..8)) {
        let texts: BTreeSet<String> = names.iter().map(|name| name.nfc().collect()).collect();
        let names: Vec<_> = names.iter().map(String::as_bytes).collect();
        prop_assert_eq!(verdict(&names).is_ok(), texts.len() == names.len());
    }
}
