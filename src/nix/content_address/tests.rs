//! The paths are those that `nix-store --add-fixed`, `builtins.toFile` and `nix store make-content-addressed` of Nix 2.8 gave
//! for small inputs.

use std::io;

use super::*;
use crate::nix::nar::{NarReader, NarWriter};

fn path(text: &str) -> StorePath {
    StorePath::from_base_name(text).unwrap()
}

fn address(text: &str) -> ContentAddress {
    text.parse().unwrap()
}

#[test]
fn computes_the_paths_that_nix_computes() {
    let tree = address("fixed:r:sha256:0nicydic28lxca3fnbzhw8ldbjf4mj5w6n8fckrxahsp57jhn25s");
    assert_eq!(tree.store_path("tree", &[]).unwrap(), path("5vah1bgzk7ri46jlvbww2a86z8ddc8q3-tree"));
    let flat = ContentAddress::Flat(Sha256::of(b"hello\n"));
    assert_eq!(flat.to_string(), "fixed:sha256:00xyyr3fi8l6hb839bv3f7yb86yjv7xi1cgh1xnhipym4asvb4aq");
    assert_eq!(flat.store_path("hello.txt", &[]).unwrap(), path("gy454w1cxaq731grqwylhzf4pp9r5izh-hello.txt"));
    let dependency = ContentAddress::Text(Sha256::of(b"text")).store_path("dep", &[]).unwrap();
    assert_eq!(dependency, path("7qrdkzl7xipibfnpcf38vcynchjc8wdf-dep"));
    let text = ContentAddress::Text(Sha256::of(format!("see {dependency}\n").as_bytes()));
    assert_eq!(text, address("text:sha256:1qb1b32vnjg2c3p3ff7gr5bbjac1533rgjzgrvfaciyv6cb85b93"));
    assert_eq!(text.store_path("with-ref", &[dependency]).unwrap(), path("xpqdnr38r3ffy7lqp5i3bbrc1sg875bn-with-ref"));
}

#[test]
fn computes_the_path_of_a_tree_that_refers_to_itself_and_others() {
    let hash = "sha256:0n4rywyak1k4464vrifw9d28k2c3m83wm7wq6ydg3rd856nb8fdr".parse().unwrap();
    let references = [path("0h5x02hyamrxx9i5538nlmsgpfyfy64l-odd-tree-1.0")];
    let expected = path("w5yy36pxgda8c8rz2l92zfjf690jvl38-odd-self-1");
    assert_eq!(source_path("odd-self-1", &hash, &references, true).unwrap(), expected);
    assert_ne!(source_path("odd-self-1", &hash, &references, false).unwrap(), expected);
    assert_ne!(source_path("odd-self-1", &hash, &[], true).unwrap(), expected);
}

#[test]
fn the_order_of_references_decides_nothing() {
    let address = ContentAddress::Nar(Sha256::of(b""));
    let [a, b] = [path("5vah1bgzk7ri46jlvbww2a86z8ddc8q3-tree"), path("7qrdkzl7xipibfnpcf38vcynchjc8wdf-dep")];
    let sorted = address.store_path("x", &[a.clone(), b.clone()]).unwrap();
    assert_eq!(address.store_path("x", &[b.clone(), a.clone(), b]).unwrap(), sorted);
    assert_ne!(address.store_path("x", &[a]).unwrap(), sorted);
    assert!(address.store_path("not/a name", &[]).is_err());
}

#[test]
fn prints_what_it_parses() {
    let digest = "00xyyr3fi8l6hb839bv3f7yb86yjv7xi1cgh1xnhipym4asvb4aq";
    for kind in ["fixed:r:sha256:", "fixed:sha256:", "text:sha256:"] {
        let text = format!("{kind}{digest}");
        assert_eq!(address(&text).to_string(), text);
    }
    for kind in
        ["fixed:r:sha1:", "fixed:git:sha256:", "fixed:r:", "sha256:", "text:r:sha256:", "fixed:sha256:sha256:", ""]
    {
        assert!(format!("{kind}{digest}").parse::<ContentAddress>().is_err(), "{kind}");
    }
    assert!("fixed:r:sha256-WJG1tSLV3whtD/CxEPvZ0hu0/HFjrzTQgoai6EbyPbM=".parse::<ContentAddress>().is_err());
}

/// Feeds an archive to the check of `address`, as whoever fetches it does.
fn check(address: ContentAddress, archive: &[u8]) -> Result<(), ContentMismatch> {
    let mut check = address.check();
    let mut reader = NarReader::new(archive);
    while let Some(entry) = reader.next_entry().unwrap() {
        check.entry(&entry);
        let mut contents = Vec::new();
        io::Read::read_to_end(&mut reader, &mut contents).unwrap();
        for chunk in contents.chunks(2) {
            check.contents(chunk);
        }
    }
    check.finish(&Sha256::of(archive))
}

fn file(path: &[u8], executable: bool) -> Vec<u8> {
    let mut writer = NarWriter::new(Vec::new());
    if !path.is_empty() {
        writer.directory(b"").unwrap();
    }
    writer.regular(path, executable, 6, &mut &b"hello\n"[..]).unwrap();
    writer.finish().unwrap()
}

#[test]
fn content_is_held_to_its_address() {
    let hash = Sha256::of(b"hello\n");
    for address in [ContentAddress::Flat(hash), ContentAddress::Text(hash)] {
        assert_eq!(check(address, &file(b"", false)), Ok(()));
        assert_eq!(check(address, &file(b"", true)), Err(ContentMismatch::NotPlainFile));
        assert_eq!(check(address, &file(b"name", false)), Err(ContentMismatch::NotPlainFile));
    }
    let other = Sha256::of(b"other");
    let mismatch = ContentMismatch::Hash { expected: other, found: hash };
    assert_eq!(check(ContentAddress::Flat(other), &file(b"", false)), Err(mismatch));
    let archive = file(b"bin", true);
    assert_eq!(check(ContentAddress::Nar(Sha256::of(&archive)), &archive), Ok(()));
    assert!(matches!(check(ContentAddress::Nar(hash), &archive), Err(ContentMismatch::Hash { .. })));
}
