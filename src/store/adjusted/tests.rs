//! Changes to a small package with everything that can be changed.

use super::*;
use crate::image::adjust::Adjustments;
use crate::image::listing::ListingKind;
use crate::store::deb::tests::{Archive, Bench};

fn path(text: &str) -> ImagePath {
    ImagePath::new(text.as_bytes()).unwrap()
}

fn package(bench: &Bench) -> Fragment {
    let data = Archive::default()
        .folder("./usr/bin")
        .file("./usr/bin/a", "content")
        .hard_link("./usr/bin/b", "./usr/bin/a")
        .hard_link("./usr/bin/c", "./usr/bin/b")
        .file("./etc/conf", "old")
        .symlink("./usr/lib/link", "target");
    bench.package(&data).unwrap()
}

fn adjust(bench: &Bench, adjustments: &Adjustments) -> Result<Fragment, Error> {
    bench.store.adjusted_fragment(&bench.pool, Codec::Zstd(1), &package(bench), adjustments)
}

/// What a change makes of the package.
fn changed(adjustments: &Adjustments) -> Vec<String> {
    let bench = Bench::new();
    let fragment = adjust(&bench, adjustments).unwrap();
    // What is listed has its content where the listing says.
    let listing = bench.store.listing(&fragment).unwrap();
    for entry in listing.entries() {
        if let ListingKind::File { size, .. } = entry.kind {
            let text = bench.text(&fragment, &String::from_utf8_lossy(entry.path.as_bytes())).unwrap();
            assert_eq!(text.len() as u64, size);
            assert!(!entry.path.starts_with(&path("usr/bin")) || ["content", "new", "old"].contains(&&*text));
        }
    }
    assert_eq!(bench.store.facts(&fragment).unwrap(), bench.store.facts(&package(&bench)).unwrap());
    bench.lines(&fragment)
}

fn none() -> Adjustments {
    Adjustments::default()
}

const UNCHANGED: [&str; 5] = [
    "usr/bin/a 644 0:0 = content",
    "usr/bin/b 644 0:0 == usr/bin/a",
    "usr/bin/c 644 0:0 == usr/bin/b",
    "etc/conf 644 0:0 = old",
    "usr/lib/link 777 0:0 -> target",
];

#[test]
fn no_change_is_the_package_itself_in_any_encoding() {
    let bench = Bench::new();
    let base = package(&bench);
    let same = bench.store.adjusted_fragment(&bench.pool, base.codec, &base, &none()).unwrap();
    assert_eq!(same, base);
    let other = adjust(&bench, &none()).unwrap();
    assert_ne!(other.key, base.key);
    let mut expected = bench.entries(&base);
    // All names lead to the first.
    expected[3].0.kind = TarKind::HardLink(b"usr/bin/a".to_vec());
    let found = bench.entries(&other);
    let names =
        |entries: &[(TarEntry, Vec<u8>)]| entries.iter().map(|(entry, _)| entry.path.clone()).collect::<Vec<_>>();
    assert_eq!(names(&found), names(&expected));
    assert_eq!(bench.store.listing(&other).unwrap(), bench.store.listing(&base).unwrap());
    assert_eq!(bench.lines(&base), UNCHANGED);
}

#[test]
fn what_is_omitted_leaves_its_other_names() {
    let omit = |paths: &[&str]| changed(&Adjustments { omit: paths.iter().map(|text| path(text)).collect(), ..none() });
    assert_eq!(omit(&["etc/conf", "usr/lib/link", "usr/bin/b"]), [UNCHANGED[0], "usr/bin/c 644 0:0 == usr/bin/a"]);
    let first = omit(&["usr/bin/a"]);
    assert_eq!(first[..2], ["usr/bin/b 644 0:0 = content", "usr/bin/c 644 0:0 == usr/bin/b"]);
    assert_eq!(omit(&["usr/bin/a", "usr/bin/b"])[0], "usr/bin/c 644 0:0 = content");
    assert_eq!(omit(&["usr/bin/a", "usr/bin/b", "usr/bin/c"]), UNCHANGED[3..]);
}

#[test]
fn what_is_renamed_stands_there_with_folders_above_it() {
    let rename = |pairs: &[(&str, &str)]| Adjustments {
        rename: pairs.iter().map(|(from, to)| (path(from), path(to))).collect(),
        ..none()
    };
    let moved = rename(&[("usr/bin/a", "opt/new/a"), ("usr/lib/link", "usr/lib/link.distrib")]);
    let expected = [
        "opt/new/a 644 0:0 = content",
        "usr/bin/b 644 0:0 == opt/new/a",
        "usr/bin/c 644 0:0 == opt/new/a",
        "etc/conf 644 0:0 = old",
        "usr/lib/link.distrib 777 0:0 -> target",
    ];
    assert_eq!(changed(&moved), expected);
    let bench = Bench::new();
    let listing = bench.store.listing(&adjust(&bench, &moved).unwrap()).unwrap();
    assert_eq!(listing.get(&path("opt/new")), Some(&ListingKind::Directory));
    assert_eq!(listing.get(&path("usr/bin/a")), None);
    // Two may change places.
    let swapped = changed(&rename(&[("usr/bin/b", "etc/conf"), ("etc/conf", "usr/bin/b")]));
    assert_eq!(swapped[1], "etc/conf 644 0:0 == usr/bin/a");
    assert_eq!(swapped[3], "usr/bin/b 644 0:0 = old");
}

#[test]
fn metadata_capabilities_and_content_are_the_files_not_the_names() {
    let metadata = Metadata { mode: 0o4711, uid: 1, gid: 2 };
    let adjustments = Adjustments {
        metadata: [(path("usr/bin/c"), metadata), (path("usr/lib"), metadata)].into(),
        capabilities: [(path("usr/bin/b"), vec![1, 0, 0, 2, 0])].into(),
        content: [(path("etc/conf"), b"new".to_vec())].into(),
        ..none()
    };
    let expected = [
        "usr/bin/a 4711 1:2 = content capable",
        "usr/bin/b 4711 1:2 == usr/bin/a capable",
        "usr/bin/c 4711 1:2 == usr/bin/a capable",
        "etc/conf 644 0:0 = new",
        UNCHANGED[4],
    ];
    assert_eq!(changed(&adjustments), expected);
    let bench = Bench::new();
    let fragment = adjust(&bench, &adjustments).unwrap();
    let listing = bench.store.listing(&fragment).unwrap();
    let folder = listing.entries().iter().find(|entry| entry.path == path("usr/lib")).unwrap();
    assert_eq!(folder.metadata, metadata);
    assert_eq!(bench.entries(&fragment)[1].0.capability.as_deref(), Some(&[1, 0, 0, 2, 0][..]));
}

#[test]
fn changes_that_can_not_be_made_are_named() {
    let bench = Bench::new();
    let refused = |adjustments: Adjustments| match adjust(&bench, &adjustments) {
        Err(Error::Deb(fault)) => fault.to_string(),
        other => panic!("{other:?}"),
    };
    let omit = |text: &str| Adjustments { omit: [path(text)].into(), ..none() };
    let rename = |from: &str, to: &str| Adjustments { rename: [(path(from), path(to))].into(), ..none() };
    assert_eq!(refused(omit("usr/bin/z")), "/usr/bin/z can't be changed: the package doesn't have it");
    assert_eq!(refused(omit("usr/bin")), "/usr/bin can't be changed: it is a folder");
    assert_eq!(refused(rename("usr/bin/a", "etc/conf")), "`etc/conf`: it stands twice in the package");
    assert_eq!(refused(rename("usr/bin/a", "usr/lib")), "`usr/lib`: it is a folder, and a file or link, too");
    assert_eq!(
        refused(rename("usr/lib/link", "etc/conf/x")),
        "`etc/conf/x`: it lies below a file or link of the same package"
    );
    let both = Adjustments { omit: [path("etc/conf")].into(), ..rename("etc/conf", "etc/x") };
    assert_eq!(refused(both), "/etc/conf can't be changed: it is to be left out, and renamed");
    let capable = Adjustments { capabilities: [(path("usr/lib/link"), vec![1])].into(), ..none() };
    assert_eq!(refused(capable), "/usr/lib/link can't be changed: it is a symbolic link");
}

#[test]
fn a_changed_fragment_is_made_once_and_of_whole_bases_only() {
    let bench = Bench::new();
    let adjustments = Adjustments { omit: [path("etc/conf")].into(), ..none() };
    let made = adjust(&bench, &adjustments).unwrap();
    let base = package(&bench);
    let again = |codec| bench.store.adjusted_fragment(&bench.pool, codec, &base, &adjustments);
    let found = again(Codec::Zstd(1)).unwrap();
    assert!(made.new && !found.new);
    assert_eq!((found.key, found.record), (made.key, made.record));
    let blob = bench.store.blob_path(base.key, base.codec);
    let mut bytes = std::fs::read(&blob).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&blob, bytes).unwrap();
    let outcome = again(Codec::None);
    assert!(matches!(outcome, Err(Error::Damaged(key)) if key == base.key), "{outcome:?}");
}
