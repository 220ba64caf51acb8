//! What the writer refuses, and where the limits lie.

use super::*;

fn fault_in(error: &io::Error) -> NarFault {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<NarError>());
    inner.and_then(NarError::fault).expect("an error of the format").clone()
}

/// The fault of the last of some directories.
fn refused(paths: &[&[u8]]) -> NarFault {
    let mut writer = NarWriter::new(Vec::new());
    let (last, first) = paths.split_last().unwrap();
    for path in first {
        writer.directory(path).unwrap();
    }
    let fault = fault_in(&writer.directory(last).unwrap_err());
    assert_eq!(fault_in(&writer.directory(b"zz").unwrap_err()), NarFault::Poisoned);
    assert_eq!(fault_in(&writer.finish().unwrap_err()), NarFault::Poisoned);
    fault
}

#[test]
fn names_come_in_order_below_open_directories() {
    assert_eq!(refused(&[b"a"]), NarFault::NoDirectory(Vec::new()));
    assert_eq!(refused(&[b"", b""]), NarFault::Duplicate(Vec::new()));
    assert_eq!(refused(&[b"", b"a", b"a"]), NarFault::Duplicate(b"a".to_vec()));
    assert_eq!(refused(&[b"", b"a", b"a/x", b"a"]), NarFault::Duplicate(b"a".to_vec()));
    let unsorted = NarFault::Unsorted { previous: b"b".to_vec(), name: b"a".to_vec() };
    assert_eq!(refused(&[b"", b"b", b"b/c", b"b/c/d", b"a"]), unsorted);
    // In NAR order what is in a directory comes before its siblings.
    assert_eq!(refused(&[b"", b"a", b"a-b", b"a/b"]), NarFault::NoDirectory(b"a".to_vec()));
    assert_eq!(refused(&[b"", b"a", b"ab/c"]), NarFault::NoDirectory(b"ab".to_vec()));
    for name in [&b"."[..], b"..", b"a\0"] {
        assert_eq!(refused(&[b"", name]), NarFault::Name(name.to_vec()));
    }
    assert_eq!(refused(&[b"", b"a", b"a/"]), NarFault::Name(Vec::new()));
}

#[test]
fn an_archive_has_one_root() {
    let mut writer = NarWriter::new(Vec::new());
    writer.symlink(b"", b"x").unwrap();
    assert_eq!(fault_in(&writer.directory(b"a").unwrap_err()), NarFault::NoDirectory(Vec::new()));
    assert_eq!(fault_in(&NarWriter::new(Vec::new()).finish().unwrap_err()), NarFault::Truncated);
}

#[test]
fn contents_have_the_announced_size() {
    for (size, longer) in [(4, true), (6, false), (0, true), (u64::MAX, false)] {
        let error = NarWriter::new(Vec::new()).regular(b"", false, size, &mut &b"12345"[..]).unwrap_err();
        assert_eq!(fault_in(&error), NarFault::Contents { size, longer });
    }
}

#[test]
fn the_limits_are_the_readers() {
    let too_long = |what, limit| NarFault::TooLong { what, length: limit as u64 + 1, limit };
    let mut writer = NarWriter::new(Vec::new());
    writer.directory(b"").unwrap();
    writer.directory(&[b'a'; MAX_NAME]).unwrap();
    assert_eq!(fault_in(&writer.directory(&[b'b'; MAX_NAME + 1]).unwrap_err()), too_long("a name", MAX_NAME));
    let mut writer = NarWriter::new(Vec::new());
    writer.symlink(b"", &[b'a'; MAX_TARGET]).unwrap();
    assert!(read_all(&writer.finish().unwrap()).is_ok());
    let error = NarWriter::new(Vec::new()).symlink(b"", &[b'a'; MAX_TARGET + 1]).unwrap_err();
    assert_eq!(fault_in(&error), too_long("a link target", MAX_TARGET));
    for target in [&b""[..], b"a\0b"] {
        let error = NarWriter::new(Vec::new()).symlink(b"", target).unwrap_err();
        assert_eq!(fault_in(&error), NarFault::Target(target.to_vec()));
    }
}

#[test]
fn directories_nest_so_deep_and_no_deeper() {
    let path = |depth| vec!["d"; depth].join("/").into_bytes();
    let mut writer = NarWriter::new(Vec::new());
    for depth in 0..MAX_DEPTH {
        writer.directory(&path(depth)).unwrap();
    }
    assert_eq!(read_all(&writer.finish().unwrap()).unwrap().len(), MAX_DEPTH);
    let paths: Vec<_> = (0..=MAX_DEPTH).map(path).collect();
    assert_eq!(refused(&paths.iter().map(Vec::as_slice).collect::<Vec<_>>()), NarFault::TooDeep);
    let level = [words::ENTRY, b"\x01\0\0\0\0\0\0\0d\0\0\0\0\0\0\0", words::ENTRY_NODE, words::DIRECTORY].concat();
    let deeper = [words::MAGIC, words::NODE, words::DIRECTORY, &level.repeat(MAX_DEPTH)].concat();
    assert_eq!(fault(&deeper), NarFault::TooDeep);
}
