//! What is read is what is written.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::nix::test_data::shared;

#[test]
fn accepts_good_archives() {
    let Some(directory) = shared("vectors/nars-odd/nix") else { return };
    let entries = |name: &str| read_all(&fs::read(directory.join(name)).unwrap()).unwrap();
    assert_eq!(entries("empty-dir.nar"), [(NarEntry { path: Vec::new(), kind: NarKind::Directory }, Vec::new())]);
    assert_eq!(entries("regular-one-byte-zero-padding.nar")[0].1, b"x");
    assert!(entries("case-collision.nar").iter().any(|(entry, _)| entry.path == b"Test"));
}

fn files(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|found| found == extension));
    files.sort();
    files
}

#[test]
fn good_archives_come_out_of_the_writer_as_they_went_into_the_reader() {
    let hostile = [
        "dot",
        "dotdot",
        "duplicate",
        "empty",
        "executable-after-contents",
        "invalid-tag-instead-of-contents",
        "name-after-node",
        "nul-character",
        "nul",
        "regular-one-byte-non-zero-padding",
        "regular-truncated-large-contents",
        "regular-truncated-padding",
        "slash",
        "unnormalized",
    ];
    let mut good = 0;
    for project in ["attic", "harmonia", "hnix-store", "nix", "nix-casync"] {
        let Some(directory) = shared(&format!("vectors/nars-odd/{project}")) else { return };
        for file in files(&directory, "nar") {
            let archive = fs::read(&file).unwrap();
            let name = file.file_stem().unwrap().to_str().unwrap();
            if hostile.contains(&name) {
                assert!(rewrite(&*archive).is_err(), "{name}");
            } else {
                assert!(rewrite(&*archive).unwrap() == archive, "{name}");
                good += 1;
            }
        }
    }
    assert_eq!(good, 18);
}

#[test]
fn odd_trees_of_a_real_cache_round_trip() {
    let Some(directory) = shared("nixcache/odd/none/nar") else { return };
    let archives = files(&directory, "nar");
    assert_eq!(archives.len(), 9);
    for file in archives {
        let archive = fs::read(&file).unwrap();
        assert!(rewrite(&*archive).unwrap() == archive, "{}", file.display());
        // However the input is cut, the same comes out.
        if archive.len() < 1_000_000 {
            assert!(rewrite(Dribble { input: &archive, calls: 0 }).unwrap() == archive, "{}", file.display());
        }
    }
}

#[test]
fn real_packages_round_trip() {
    let Some(directory) = shared("nixcache/base/nar") else { return };
    let archives = files(&directory, "zst");
    assert_eq!(archives.len(), 121);
    for file in archives {
        let archive = zstd::decode_all(fs::File::open(&file).unwrap()).unwrap();
        assert!(rewrite(&*archive).unwrap() == archive, "{}", file.display());
    }
}

/// Gives little at a time, and interrupts.
struct Dribble<'a> {
    input: &'a [u8],
    calls: usize,
}

impl Read for Dribble<'_> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        self.calls += 1;
        if self.calls.is_multiple_of(3) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let limit = target.len().min(self.calls % 50 + 1);
        self.input.read(&mut target[..limit])
    }
}

/// Nodes of a tree, by name.
#[derive(Debug, Clone)]
enum Node {
    Directory(BTreeMap<Vec<u8>, Node>),
    Regular(bool, Vec<u8>),
    Symlink(Vec<u8>),
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![4 => b'a'..b'd', 1 => any::<u8>()];
    let name = prop::collection::vec(byte.prop_filter("allowed in names", |byte| !matches!(byte, 0 | b'/')), 1..6);
    name.prop_filter("allowed as names", |name| !matches!(&name[..], b"." | b".."))
}

fn tree() -> impl Strategy<Value = Node> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..40);
    let leaf = prop_oneof![
        (any::<bool>(), bytes()).prop_map(|(executable, contents)| Node::Regular(executable, contents)),
        prop::collection::vec(1..=255u8, 1..40).prop_map(Node::Symlink),
    ];
    leaf.prop_recursive(5, 60, 8, move |inner| {
        prop::collection::btree_map(name(), inner, 0..8).prop_map(Node::Directory)
    })
}

/// The tree as the entries that should come out of the reader, with contents.
fn entries(path: &[u8], node: &Node, into: &mut Vec<(NarEntry, Vec<u8>)>) {
    let mut push = |kind, contents: &[u8]| into.push((NarEntry { path: path.to_vec(), kind }, contents.to_vec()));
    match node {
        Node::Regular(executable, contents) => {
            push(NarKind::Regular { executable: *executable, size: contents.len() as u64 }, contents);
        }
        Node::Symlink(target) => push(NarKind::Symlink { target: target.clone() }, b""),
        Node::Directory(children) => {
            push(NarKind::Directory, b"");
            for (name, child) in children {
                let separator: &[u8] = if path.is_empty() { b"" } else { b"/" };
                entries(&[path, separator, name].concat(), child, into);
            }
        }
    }
}

proptest! {
    #[test]
    fn every_tree_comes_back(tree in tree()) {
        let mut expected = Vec::new();
        entries(b"", &tree, &mut expected);
        let mut writer = NarWriter::new(Vec::new());
        for (NarEntry { path, kind }, contents) in &expected {
            match kind {
                NarKind::Directory => writer.directory(path)?,
                NarKind::Symlink { target } => writer.symlink(path, target)?,
                NarKind::Regular { executable, size } => writer.regular(path, *executable, *size, &mut &contents[..])?,
            }
        }
        let archive = writer.finish()?;
        prop_assert_eq!(read_all(&archive).unwrap(), expected);
    }

    #[test]
    fn no_bytes_bring_the_reader_down(place in 0..of_everything().len(), byte: u8) {
        let mut archive = of_everything();
        archive[place] = byte;
        if let Ok(again) = rewrite(&*archive) {
            prop_assert_eq!(again, archive);
        }
    }
}
