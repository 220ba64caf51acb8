//! NARs: every fault of a source falls through to the next, and nothing wrong is ever delivered.

use std::io::{self, Read};

use dumbc::cache::{CacheSet, Error, Wanted};
use dumbc::failure::{Class, Classified as _};
use dumbc::nix::nar::NarReader;
use dumbc::nix::{Sha256, StorePath};

use super::{closure, reader};
use crate::support::Told;
use crate::support::packages::{Packages, nar_of};
use crate::support::server::Fault;

fn content() -> Vec<u8> {
    (0..300_000u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect()
}

fn wanted(content: &[u8]) -> Wanted {
    let nar = nar_of(content);
    Wanted {
        path: Packages::path("root"),
        nar_hash: Sha256::of(&nar),
        nar_size: nar.len() as u64,
        content_address: None,
        source: None,
    }
}

fn fetch(set: &CacheSet, wanted: &Wanted, told: &Told) -> Result<Vec<u8>, Error> {
    set.fetch_nar(wanted, told, &mut |reader| {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).map(|_| bytes)
    })
}

fn two_caches(
    change: impl FnOnce(&mut Packages),
    fault: Option<Fault>,
) -> (Result<Vec<u8>, Error>, Vec<String>, u64, Vec<u8>) {
    let mut packages = Packages::new("test-1");
    packages.add("root", &[], &content());
    let good = packages.serve();
    change(&mut packages);
    let bad = packages.serve();
    let bad = match fault {
        Some(fault) => bad.fault(&Packages::nar(&Packages::path("root")), fault),
        None => bad,
    };
    let keys = [packages.public_key()];
    let set = reader().cache(&bad.url("/"), &keys).cache(&good.url("/"), &keys).open();
    let told = Told::default();
    let outcome = fetch(&set, &wanted(&content()), &told);
    (outcome, told.warnings.into_inner().unwrap(), told.bytes.into_inner().unwrap(), nar_of(&content()))
}

#[test]
fn a_nar_arrives_whole() {
    let (nar, warnings, bytes, expected) = two_caches(|_| {}, None);
    assert!(nar.unwrap() == expected);
    assert_eq!((warnings.len(), bytes), (0, expected.len() as u64));
}

#[test]
fn what_is_not_there_is_taken_from_the_next() {
    for status in [404, 403, 410] {
        let (nar, warnings, _, expected) = two_caches(|_| {}, Some(Fault::Status(status, vec![])));
        assert!(nar.unwrap() == expected);
        assert!(warnings[0].contains("cache-1") && warnings[0].contains("is not there"), "{warnings:?}");
    }
}

#[test]
fn corrupt_content_is_taken_from_the_next_and_named() {
    let file = Packages::nar(&Packages::path("root"));
    let (nar, warnings, bytes, expected) = two_caches(|_| {}, Some(Fault::Flip(100_000)));
    assert!(nar.unwrap() == expected);
    assert!(warnings[0].contains("-root from cache-1:"), "{warnings:?}");
    assert_eq!(bytes, expected.len() as u64, "no byte is told twice");

    let other = zstd::encode_all(&nar_of(b"something else")[..], 3).unwrap();
    let replace = |packages: &mut Packages| drop(packages.files.insert(file.clone(), other));
    let (nar, warnings, _, expected) = two_caches(replace, None);
    assert!(nar.unwrap() == expected);
    assert!(warnings[0].contains("expected"), "{warnings:?}");
}

#[test]
fn a_bomb_ends_early() {
    let bomb = zstd::encode_all(io::repeat(0).take(64 << 20), 1).unwrap();
    let size = bomb.len();
    let path = Packages::path("root");
    let explode = |packages: &mut Packages| {
        packages.files.insert(Packages::nar(&path), bomb);
        packages.edit(&Packages::narinfo(&path), |text| {
            let kept = text.lines().filter(|line| !line.starts_with("File"));
            kept.fold(String::new(), |text, line| text + line + "\n")
        });
    };
    let (nar, warnings, bytes, expected) = two_caches(explode, None);
    assert!(nar.unwrap() == expected);
    assert!(warnings[0].contains("larger than"), "{warnings:?} of {size} bytes");
    assert_eq!(bytes, expected.len() as u64);
}

#[test]
fn another_version_under_the_same_name_is_not_mixed_in() {
    let replace = |packages: &mut Packages| drop(packages.add("root", &[], b"another build"));
    let (nar, _, _, expected) = two_caches(replace, None);
    assert!(nar.unwrap() == expected);
}

#[test]
fn when_no_source_is_good_all_are_named() {
    let mut packages = Packages::new("test-1");
    packages.add("root", &[], &content());
    let file = Packages::nar(&Packages::path("root"));
    let keys = [packages.public_key()];
    let corrupt = packages.serve().fault(&file, Fault::Flip(9));
    packages.files.remove(&file);
    let lacking = packages.serve();
    let set = reader().cache(&corrupt.url("/"), &keys).cache(&lacking.url("/"), &keys).open();
    let fault = fetch(&set, &wanted(&content()), &Told::default()).unwrap_err();
    let said = fault.to_string();
    assert!(said.contains("cache-1: ") && said.contains("cache-2: "), "{said}");
    assert_eq!(fault.class(), Class::Trust);
    let set = reader().cache(&lacking.url("/"), &keys).open();
    assert_eq!(fetch(&set, &wanted(&content()), &Told::default()).unwrap_err().class(), Class::Network);
}

#[test]
fn a_hint_spares_the_narinfo() {
    let mut packages = Packages::new("test-1");
    let root = packages.add("root", &[], &content());
    let server = packages.serve();
    let reader = reader().cache(&server.url("/"), &[packages.public_key()]);
    let found = closure(&reader.open(), &root).unwrap().remove(0);
    let before = server.seen().len();
    fetch(&reader.open(), &Wanted::from(&found), &Told::default()).unwrap();
    let asked: Vec<_> = server.seen().split_off(before).into_iter().map(|seen| seen.path).collect();
    assert_eq!(asked, [Packages::nar(&root)]);
}

#[test]
fn a_hint_that_is_out_of_date_costs_one_more_question() {
    let mut packages = Packages::new("test-1");
    let root = packages.add("root", &[], &content());
    let old = packages.serve();
    let reader = reader().cache(&old.url("/"), &[packages.public_key()]);
    let found = closure(&reader.open(), &root).unwrap().remove(0);
    drop(old);
    let moved = packages.files.remove(&Packages::nar(&root)).unwrap();
    packages.files.insert("/nar/moved.nar.zst".into(), moved);
    packages.edit(&Packages::narinfo(&root), |text| {
        text.replace(&format!("nar/{}.nar", root.hash_part()), "nar/moved.nar")
    });
    let new = packages.serve();
    // The same cache, whose memory still has the old address.
    let mut reader = reader;
    reader.specs[0].location = dumbc::cache::Location::parse(&new.url("/"), std::path::Path::new("/")).unwrap();
    fetch(&reader.open(), &Wanted::from(&found), &Told::default()).unwrap();
    assert_eq!(new.count("/nar/moved.nar.zst"), 1);
}

#[test]
fn a_broken_connection_is_resumed_within_the_nar() {
    let mut packages = Packages::new("test-1");
    let root = packages.add("root", &[], &content());
    let file = Packages::nar(&root);
    let server = packages.serve().fault(&file, Fault::CutAt(400_000)).fault(&file, Fault::CutAt(300_000));
    let set = reader().cache(&server.url("/"), &[packages.public_key()]).open();
    let told = Told::default();
    assert!(fetch(&set, &wanted(&content()), &told).unwrap() == nar_of(&content()));
    assert!(told.warnings.into_inner().unwrap().is_empty());
    assert_eq!(server.count(&file), 3);
}

#[test]
fn a_consumer_that_fails_ends_the_attempts_unless_the_nar_is_bad() {
    let mut packages = Packages::new("test-1");
    packages.add("root", &[], &content());
    let server = packages.serve();
    let keys = [packages.public_key()];
    let set = reader().cache(&server.url("/"), &keys).cache(&server.url("/x"), &keys).open();
    let mut calls = 0;
    let full_disk = set.fetch_nar::<()>(&wanted(&content()), &Told::default(), &mut |_| {
        calls += 1;
        Err(io::Error::from(io::ErrorKind::StorageFull))
    });
    assert!(matches!(full_disk, Err(Error::Consumer { .. })));
    assert_eq!(calls, 1);

    // Signed, and no NAR.
    let garbage = b"no archive".to_vec();
    let mut packages = Packages::new("test-1");
    packages.add("root", &[], b"");
    packages.files.insert(Packages::nar(&Packages::path("root")), zstd::encode_all(&garbage[..], 3).unwrap());
    packages.edit(&Packages::narinfo(&Packages::path("root")), |text| {
        let text = text.lines().filter(|line| !line.starts_with("File") && !line.starts_with("NarHash"));
        text.fold(format!("NarHash: {}\n", Sha256::of(&garbage)), |text, line| text + line + "\n")
    });
    let server = packages.serve();
    let set = reader().cache(&server.url("/"), &keys).open();
    let wanted = Wanted { nar_hash: Sha256::of(&garbage), nar_size: 10, ..wanted(b"") };
    let outcome =
        set.fetch_nar(&wanted, &Told::default(), &mut |reader| Ok(NarReader::new(reader).next_entry().map(|_| ())?));
    assert_eq!(outcome.unwrap_err().class(), Class::Trust);
}

#[test]
fn what_a_consumer_leaves_is_checked_too() {
    let mut packages = Packages::new("test-1");
    packages.add("root", &[], &content());
    let file = Packages::nar(&Packages::path("root"));
    let length = packages.files[&file].len();
    let server = packages.serve().fault(&file, Fault::Flip(length - 20));
    let set = reader().cache(&server.url("/"), &[packages.public_key()]).open();
    let outcome = set.fetch_nar(&wanted(&content()), &Told::default(), &mut |reader| {
        let mut beginning = [0; 100];
        reader.read_exact(&mut beginning)
    });
    assert_eq!(outcome.unwrap_err().class(), Class::Trust);
}

#[test]
fn content_is_compared_with_its_address() {
    let mut packages = Packages::new("test-1");
    let good = packages.add_flat("good", b"content", b"content");
    let bad = packages.add_flat("bad", b"content", b"malware");
    let folder = tempfile::tempdir().unwrap();
    packages.write(folder.path());
    let set = reader().cache(folder.path().to_str().unwrap(), &[]).allow_unsigned().open();
    let wanted = |path: &StorePath| Wanted::from(&closure(&set, path).unwrap()[0]);
    assert_eq!(fetch(&set, &wanted(&good), &Told::default()).unwrap(), nar_of(b"content"));
    let fault = fetch(&set, &wanted(&bad), &Told::default()).unwrap_err();
    assert!(fault.to_string().contains("content address"), "{fault}");
    assert_eq!(fault.class(), Class::Trust);
}

#[test]
fn addresses_do_not_leave_a_folder() {
    let mut packages = Packages::new("test-1");
    let root = packages.add("root", &[], b"x");
    packages.edit(&Packages::narinfo(&root), |text| text.replace("URL: nar/", "URL: ../nar/"));
    let folder = tempfile::tempdir().unwrap();
    packages.write(&folder.path().join("cache"));
    packages.write(folder.path());
    let place = folder.path().join("cache");
    let set = reader().cache(place.to_str().unwrap(), &[packages.public_key()]).open();
    let fault = fetch(&set, &Wanted::from(&closure(&set, &root).unwrap()[0]), &Told::default()).unwrap_err();
    assert!(fault.to_string().contains("not in the cache"), "{fault}");
}

#[test]
fn an_encoding_for_the_way_is_undone_unless_it_is_the_files_own() {
    let mut packages = Packages::new("test-1");
    let root = packages.add("root", &[], &content());
    let file = Packages::nar(&root);
    let keys = [packages.public_key()];
    let named = packages.serve().header(&file, "content-encoding", "zstd");
    let set = reader().cache(&named.url("/"), &keys).open();
    fetch(&set, &wanted(&content()), &Told::default()).unwrap();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    io::Write::write_all(&mut encoder, &packages.files[&file]).unwrap();
    packages.files.insert(file.clone(), encoder.finish().unwrap());
    let wrapped = packages.serve().header(&file, "content-encoding", "gzip");
    let set = reader().cache(&wrapped.url("/"), &keys).open();
    fetch(&set, &wanted(&content()), &Told::default()).unwrap();
}

#[test]
fn a_nar_may_lie_on_another_host() {
    let mut packages = Packages::new("test-1");
    let root = packages.add("root", &[], b"x");
    let storage = packages.serve();
    packages.files.remove(&Packages::nar(&root));
    let elsewhere = storage.url("/nar/");
    packages.edit(&Packages::narinfo(&root), |text| text.replace("URL: nar/", &format!("URL: {elsewhere}")));
    let server = packages.serve();
    let set = reader().cache(&server.url("/"), &[packages.public_key()]).open();
    fetch(&set, &Wanted::from(&closure(&set, &root).unwrap()[0]), &Told::default()).unwrap();
    assert_eq!(storage.seen().len(), 1);
}
