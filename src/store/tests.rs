//! Fragments and layers, through the store's own doors.

use std::io::{Cursor, Read as _};
use std::sync::Arc;

use crate::image::ImagePath;
use crate::image::codec::Codec;
use crate::image::head::{Parents, head};
use crate::image::invert::find_store_paths;
use crate::image::tree::{Metadata, Node, Tree};
use crate::nix::nar::NarWriter;
use crate::nix::{Sha256, StorePath};

use super::*;

const CODECS: [Codec; 3] = [Codec::Gzip(1), Codec::Zstd(1), Codec::None];

/// An archive of a folder with files of `sizes`, a link and a program.
fn archive(sizes: &[usize]) -> Vec<u8> {
    let mut nar = NarWriter::new(Vec::new());
    nar.directory(b"").unwrap();
    nar.directory(b"bin").unwrap();
    nar.regular(b"bin/run", true, 3, &mut &b"#!x"[..]).unwrap();
    nar.symlink(b"bin/walk", b"run").unwrap();
    for (index, &size) in sizes.iter().enumerate() {
        let content = (0..size).map(|byte| (byte / 3 % 251).to_le_bytes()[0]).collect::<Vec<_>>();
        nar.regular(format!("file{index:02}").as_bytes(), false, size as u64, &mut &content[..]).unwrap();
    }
    nar.finish().unwrap()
}

fn path(name: &str) -> (StorePath, ImagePath) {
    let path = StorePath::from_parts([7; 20], name).unwrap();
    let root = ImagePath::new(path.to_string().as_bytes()).unwrap();
    (path, root)
}

fn write(store: &Store, pool: &Pool, codec: Codec, name: &str, nar: &[u8]) -> Fragment {
    let (path, root) = path(name);
    let head = head([&root], &Parents::new());
    let mut writer = store.write_fragment(pool, codec, &head).unwrap();
    writer.nar(&root, &mut Cursor::new(nar)).unwrap();
    writer.finish(store, FragmentKey::store_path(&path, &Sha256::of(nar))).unwrap()
}

fn layer(store: &Store, codec: Codec, names: &[&str], fragments: Vec<Fragment>) -> Layer {
    let roots = names.iter().map(|name| path(name).1).collect::<Vec<_>>();
    let head = head(roots.iter(), &Parents::new());
    store.layer(head, fragments.into_iter().map(Arc::new).collect(), codec).unwrap()
}

fn decode(codec: Codec, blob: &[u8]) -> Vec<u8> {
    let mut tar = Vec::new();
    match codec {
        Codec::Gzip(_) => drop(flate2::read::MultiGzDecoder::new(blob).read_to_end(&mut tar).unwrap()),
        Codec::Zstd(_) => tar = zstd::decode_all(blob).unwrap(),
        Codec::None => tar = blob.to_vec(),
    }
    tar
}

#[test]
fn layers_hold_their_digests_and_give_nars_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), false).unwrap();
    let nars = [archive(&[0, 1, 511, 512, 513]), archive(&[3 << 20, 1, 1 << 20]), archive(&[])];
    for codec in CODECS {
        for threads in [1, 4] {
            let pool = Pool::new(threads);
            let names = ["one", "two", "three"];
            let fragments = names.iter().zip(&nars).map(|(name, nar)| write(&store, &pool, codec, name, nar));
            let fragments = fragments.collect::<Vec<_>>();
            let alone = layer(&store, codec, &names[..1], fragments[..1].to_vec());
            assert!(!alone.reused, "its fragment was made just now");
            let found = store.fragment(fragments[0].key, codec).unwrap().unwrap();
            let alone = layer(&store, codec, &names[..1], vec![found]);
            assert!(alone.reused, "a fragment with its own head is a layer already");
            for layer in [alone, layer(&store, codec, &names, fragments)] {
                let (mut blob, mut tar) = (Vec::new(), Vec::new());
                layer.write_blob(&store, &mut StreamOutput(&mut blob)).unwrap();
                layer.write_tar(&store, &mut tar).unwrap();
                assert_eq!(decode(codec, &blob), tar);
                assert_eq!(layer.blob.0, Sha256::of(&blob));
                assert_eq!(layer.diff_id.0, Sha256::of(&tar));
                assert_eq!((layer.blob_size, layer.tar_size), (blob.len() as u64, tar.len() as u64));
                let mut found = Vec::new();
                find_store_paths(&tar[..], |_, _| Ok(()), |path| found.push(path)).unwrap();
                for (found, nar) in found.iter().zip(&nars) {
                    assert_eq!((found.nar_hash, found.nar_size), (Sha256::of(nar), nar.len() as u64));
                }
            }
        }
    }
}

#[test]
fn bytes_do_not_depend_on_threads() {
    let nar = archive(&[5 << 20, 100, 2 << 20]);
    for codec in CODECS {
        let blob = |threads| {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(folder.path(), false).unwrap();
            let fragment = write(&store, &Pool::new(threads), codec, "p", &nar);
            let mut blob = Vec::new();
            store.read_fragment(&fragment).unwrap().copy_members(&mut blob).unwrap();
            (*fragment.alone(), blob)
        };
        assert_eq!(blob(1), blob(8));
    }
}

#[test]
fn a_known_layer_costs_nothing_the_second_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), false).unwrap();
    let pool = Pool::new(1);
    let fragments = ["a", "b"].map(|name| write(&store, &pool, Codec::default(), name, &archive(&[9]))).to_vec();
    assert!(!layer(&store, Codec::default(), &["a", "b"], fragments.clone()).reused);
    assert!(layer(&store, Codec::default(), &["a", "b"], fragments).reused);
}

#[test]
fn listings_and_extents_find_contents_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), false).unwrap();
    let fragment = write(&store, &Pool::new(2), Codec::default(), "p", &archive(&[2_000_000, 5]));
    let listing = store.listing(&fragment).unwrap();
    assert_eq!(listing.entries().len(), 6);
    let file = ImagePath::new(b"bin/run").unwrap();
    let extents = store.extents(&fragment).unwrap();
    let extent = extents[&file];
    assert_eq!(store.read_at(&fragment, extent.offset, 3, &mut LastMember::default()).unwrap(), b"#!x");
    // Across the boundary of two members.
    let extent = extents[&ImagePath::new(b"file00").unwrap()];
    let bytes = store.read_at(&fragment, extent.offset, 2_000_000, &mut LastMember::default()).unwrap();
    assert!(bytes.iter().enumerate().all(|(index, &byte)| byte == (index / 3 % 251).to_le_bytes()[0]));
    assert_eq!(extents.get(&ImagePath::new(b"bin").unwrap()), None);
}

#[test]
fn damage_is_found_named_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), false).unwrap();
    let pool = Pool::new(1);
    for codec in CODECS {
        let fragment = write(&store, &pool, codec, "p", &archive(&[5000]));
        let blob = store.blob_path(fragment.key, codec);
        let mut bytes = fs::read(&blob).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&blob, &bytes).unwrap();
        let outcome = store.read_fragment(&fragment).unwrap().copy_members(&mut Vec::new());
        assert!(matches!(outcome, Err(Error::Damaged(key)) if key == fragment.key), "{codec}");
        assert_eq!(store.fragment(fragment.key, codec).unwrap(), None);
    }
    let fragment = write(&store, &pool, Codec::None, "p", &archive(&[5000]));
    fs::write(store.listing_path(fragment.key), b"D").unwrap();
    assert!(matches!(store.listing(&fragment), Err(Error::Damaged(_))));
    // A blob that was cut, or a record that is no record: not there.
    for file in [Store::blob_path, Store::record_path] {
        let fragment = write(&store, &pool, Codec::None, "p", &archive(&[5000]));
        fs::write(file(&store, fragment.key, Codec::None), b"{}").unwrap();
        assert_eq!(store.fragment(fragment.key, Codec::None).unwrap(), None);
    }
}

#[test]
fn a_forged_fragment_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), true).unwrap();
    let pool = Pool::new(1);
    for codec in CODECS {
        let nar = archive(&[5000]);
        let (store_path, root) = path("p");
        let head = head([&root], &Parents::new());
        let fragment = write(&store, &pool, codec, "p", &nar);
        store.prove(&fragment, &store_path, &Sha256::of(&nar), &head).unwrap();
        // Good in itself, but something else.
        let other = archive(&[5001]);
        let mut writer = store.write_fragment(&pool, codec, &head).unwrap();
        writer.nar(&root, &mut Cursor::new(&other)).unwrap();
        let forged = writer.finish(&store, FragmentKey::store_path(&store_path, &Sha256::of(&nar))).unwrap();
        let outcome = store.prove(&forged, &store_path, &Sha256::of(&nar), &head);
        assert!(matches!(outcome, Err(Error::Forged { .. })));
        assert_eq!(store.fragment(forged.key, codec).unwrap(), None);
        // The right bytes under a listing that lies.
        let mut fragment = write(&store, &pool, codec, "p", &nar);
        fragment.record.listing = Sha256::of(b"lie");
        assert!(store.prove(&fragment, &store_path, &Sha256::of(&nar), &head).is_err());
    }
}

#[test]
fn deletion_marks_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), false).unwrap();
    let pool = Pool::new(1);
    let mut nar = NarWriter::new(Vec::new());
    nar.directory(b"").unwrap();
    nar.regular(b".wh.passwd", false, 0, &mut &b""[..]).unwrap();
    let nar = nar.finish().unwrap();
    let mut writer = store.write_fragment(&pool, Codec::default(), b"").unwrap();
    let error = writer.nar(&path("p").1, &mut Cursor::new(nar)).unwrap_err();
    assert!(error.to_string().contains(".wh.passwd"), "{error}");
}

#[test]
fn a_file_that_changes_under_the_walk_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), false).unwrap();
    let pool = Pool::new(1);
    let local = folder.path().join("grows");
    fs::write(&local, b"12345").unwrap();
    for claimed in [4, 6] {
        let node = Node::LocalFile { path: local.clone(), size: claimed };
        let tree = Tree::from([(ImagePath::new(b"srv/grows").unwrap(), (Metadata::root(0o644), node))]);
        let unit = TreeUnit { tree: &tree, is_shared: &|_| false, base: &ImagePath::default() };
        let outcome = store.tree_fragment(&pool, Codec::default(), b"", unit);
        assert!(matches!(outcome, Err(Error::Changed(path)) if path == local));
    }
}

#[test]
fn collection_takes_the_oldest_first_and_leftovers_always() {
    use std::time::{Duration, SystemTime};
    let folder = tempfile::tempdir().unwrap();
    let pool = Pool::new(1);
    let store = Store::open(folder.path(), false).unwrap();
    let now = SystemTime::now();
    let fragments = ["a", "b", "c"].map(|name| write(&store, &pool, Codec::None, name, &archive(&[9000])));
    for (age, fragment) in [30u64, 20, 10].into_iter().zip(&fragments) {
        for file in fs::read_dir(store.fragment_folder(fragment.key)).unwrap() {
            let file = fs::File::options().append(true).open(file.unwrap().path()).unwrap();
            file.set_modified(now - Duration::from_secs(age * 86400)).unwrap();
        }
    }
    fs::write(folder.path().join("tmp/left"), b"half").unwrap();
    drop(store);
    let there = || {
        let store = Store::open(folder.path(), false).unwrap();
        fragments.iter().filter(|fragment| store.record_path(fragment.key, Codec::None).is_file()).count()
    };
    let old = Policy { older_than: Some(Duration::from_hours(25 * 24)), max_size: None };
    let collected = Store::collect(folder.path(), old, now).unwrap();
    assert_eq!((collected.removed, there()), (2, 2));
    let small = Policy { older_than: None, max_size: Some(collected.kept_bytes - 1) };
    assert_eq!(Store::collect(folder.path(), small, now).unwrap().removed, 1);
    assert_eq!(there(), 1);
    assert!(store_has(folder.path(), &fragments[2]));
}

#[test]
fn collection_leaves_what_a_file_still_names() {
    use std::time::SystemTime;
    let folder = tempfile::tempdir().unwrap();
    let (root, lock) = (folder.path().join("store"), folder.path().join("dumbc.lock"));
    let store = Store::open(&root, false).unwrap();
    let pool = Pool::new(1);
    let [kept, other] = ["a", "b"].map(|name| write(&store, &pool, Codec::None, name, &archive(&[9000])));
    let path = crate::nix::StorePath::from_parts([7; 20], "dumbc-runtime").unwrap();
    for _ in 0..2 {
        store.pin(&lock, &path, kept.key).unwrap();
    }
    assert_eq!(fs::read_dir(root.join("pins")).unwrap().count(), 1);
    drop(store);
    let all = Policy { older_than: None, max_size: Some(0) };
    fs::write(&lock, format!("path = \"{}\"\n", path.base_name())).unwrap();
    assert_eq!(Store::collect(&root, all, SystemTime::now()).unwrap().removed, 1);
    assert!(store_has(&root, &kept) && !store_has(&root, &other));
    // It moved on: nobody names it.
    fs::write(&lock, "another").unwrap();
    assert_eq!(Store::collect(&root, all, SystemTime::now()).unwrap().removed, 1);
    assert!(!store_has(&root, &kept));
    assert_eq!(fs::read_dir(root.join("pins")).unwrap().count(), 0);
}

fn store_has(root: &Path, fragment: &Fragment) -> bool {
    Store::open(root, false).unwrap().fragment(fragment.key, Codec::None).unwrap().is_some()
}

#[test]
fn a_tree_is_written_once_and_without_the_folders_that_it_shares() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), false).unwrap();
    let pool = Pool::new(1);
    let path = |text: &str| ImagePath::new(text.as_bytes()).unwrap();
    let tree = Tree::from([
        (path("etc"), (Metadata::root(0o755), Node::Directory)),
        (path("etc/empty"), (Metadata::root(0o700), Node::Directory)),
        (path("etc/hosts"), (Metadata { mode: 0o640, uid: 1, gid: 2 }, Node::File(b"127.0.0.1".to_vec()))),
    ]);
    let parents = Parents::from([(path("etc"), Metadata::root(0o755))]);
    let head = head(tree.keys(), &parents);
    let unit = TreeUnit { tree: &tree, is_shared: &|path| parents.contains_key(path), base: &ImagePath::default() };
    let (fragment, known) = store.tree_fragment(&pool, Codec::None, &head, unit).unwrap();
    assert!(!known);
    let mut tar = Vec::new();
    store.read_fragment(&fragment).unwrap().copy_members(&mut tar).unwrap();
    tar.extend_from_slice(&crate::image::tar::TAIL);
    let mut reader = crate::image::untar::TarReader::new(&tar[..]);
    let first = reader.next_entry().unwrap().unwrap();
    assert_eq!((&first.path[..], first.metadata.mode), (&b"etc/empty"[..], 0o700));
    let second = reader.next_entry().unwrap().unwrap();
    assert_eq!((&second.path[..], second.metadata), (&b"etc/hosts"[..], Metadata { mode: 0o640, uid: 1, gid: 2 }));
    assert_eq!(reader.next_entry().unwrap(), None);
    let (again, known) = store.tree_fragment(&pool, Codec::None, &head, unit).unwrap();
    assert_eq!((again.key, again.record, known), (fragment.key, fragment.record, true));
}

#[test]
fn a_blob_is_read_from_any_byte_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), false).unwrap();
    let pool = Pool::new(1);
    for codec in CODECS {
        let nars = [archive(&[700]), archive(&[]), archive(&[1 << 20, 3])];
        let names = ["a", "b", "c"];
        let fragments = names.iter().zip(&nars).map(|(name, nar)| write(&store, &pool, codec, name, nar)).collect();
        let layer = layer(&store, codec, &names, fragments);
        let mut whole = Vec::new();
        layer.write_blob(&store, &mut StreamOutput(&mut whole)).unwrap();
        // The seams between pieces, their neighbours, and what lies behind the end.
        let seams = layer.fragments().scan(0, |end, fragment| {
            *end += fragment.blob_size();
            Some(*end)
        });
        let head = layer.blob_size - layer.fragments().map(Fragment::blob_size).sum::<u64>();
        let mut offsets = seams.flat_map(|seam| (0..head + 2).map(move |near| seam + near)).collect::<Vec<_>>();
        offsets.extend([0, 1, layer.blob_size - 1, layer.blob_size, layer.blob_size + 1, u64::MAX]);
        for offset in offsets {
            let mut rest = Vec::new();
            layer.open_blob(&store, offset).unwrap().read_to_end(&mut rest).unwrap();
            let start = usize::try_from(offset).unwrap().min(whole.len());
            assert!(rest == whole[start..], "{codec} from {offset}");
        }
    }
}

#[test]
fn a_blob_whose_fragment_is_cut_ends_with_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), false).unwrap();
    let fragment = write(&store, &Pool::new(1), Codec::default(), "a", &archive(&[4 << 20]));
    let file = fs::File::options().write(true).open(store.blob_path(fragment.key, fragment.codec)).unwrap();
    file.set_len(fragment.blob_size() - 1).unwrap();
    let layer = layer(&store, Codec::default(), &["a"], vec![fragment.clone()]);
    let error = layer.open_blob(&store, 0).unwrap().read_to_end(&mut Vec::new()).unwrap_err();
    let cause = error.get_ref().and_then(|error| error.downcast_ref::<Error>());
    assert!(matches!(cause, Some(Error::Damaged(key)) if *key == fragment.key));
}
