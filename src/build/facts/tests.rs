use proptest::prelude::*;

use super::*;
use crate::deb::{Conffile, Member, PackageFacts};
use crate::image::listing::{Listing, ListingEntry};
use crate::image::tree::Metadata;
use crate::nix::Sha256;

fn key(name: &str) -> FragmentKey {
    FragmentKey::tree(&Sha256::of(name.as_bytes()))
}

fn path(text: &str) -> ImagePath {
    ImagePath::new(text.as_bytes()).unwrap()
}

fn sample() -> Facts {
    let mut facts = Facts::default();
    let file = ListingKind::File { executable: true, size: 300 };
    facts.put_kind(key("git"), &path(""), Some(&ListingKind::Directory));
    facts.put_kind(key("git"), &path("bin/git"), Some(&file));
    facts.put_kind(key("git"), &path("share/zoneinfo"), None);
    facts.put_names(key("git"), &path("bin"), &[b"git".to_vec(), b"git\xffx".to_vec()]);
    let link = ListingKind::Symlink { target: b"../x".to_vec() };
    facts.put_below(key("ca"), &path("share"), &[(path("share"), ListingKind::Directory), (path("share/a"), link)]);
    facts.put_bytes(key("ca"), (path("share/a"), 0, u64::MAX), b"-----BEGIN");
    facts.put_digest((key("git"), path("bin/a")), Sha256::of(b"a"));
    facts
}

fn deb() -> DebFacts {
    let entry = |text: &str, kind| ListingEntry { path: path(text), kind, metadata: Metadata::root(0o755) };
    let file = |size| ListingKind::File { executable: true, size };
    let link = ListingKind::Symlink { target: b"ls".to_vec() };
    let folders = ["", "usr", "usr/bin"].map(|text| entry(text, ListingKind::Directory));
    let files = [entry("usr/bin/dir", link), entry("usr/bin/ls", file(3)), entry("usr/bin/ls-l", file(1 << 40))];
    let templates = "Template: a/b\nType: select\nChoices: x,\n y\nDefault:\nDescription: Which?\n More.\nDescription-de: Welche?\n";
    let member = |name: &str, text: &str| (name.to_owned(), Member::Text(text.to_owned()));
    let members = [
        member("postinst", "#!/bin/sh\n"),
        member("symbols", "long"),
        member("templates", templates),
        ("preinst".to_owned(), Member::Binary(9)),
    ];
    let conffiles = ["/etc/z", "/etc/a"].map(|path| Conffile { path: path.to_owned(), md5: "00".repeat(16) });
    let facts =
        PackageFacts { control: "Package: ls\n".to_owned(), members: members.into(), conffiles: conffiles.into() };
    DebFacts::new(Listing::new(folders.into_iter().chain(files).collect()).unwrap(), facts)
}

fn sample_with_debs() -> Facts {
    let mut facts = sample();
    facts.put_deb(key("ls"), &Arc::new(deb()));
    let empty = vec![ListingEntry { path: path(""), kind: ListingKind::Directory, metadata: Metadata::root(0o755) }];
    let empty = DebFacts::new(Listing::new(empty).unwrap(), PackageFacts::default());
    facts.put_deb(key("empty"), &Arc::new(empty));
    facts.put_bytes(key("ls"), (path("usr/bin/ls"), 0, 2), b"#!");
    facts.put_licences(key("ls"), &["GPL-3".to_owned(), "expat".to_owned()]);
    facts.put_licences(key("empty"), &[]);
    facts
}

#[test]
fn a_document_says_what_debian_packages_are_asked() {
    let facts = sample_with_debs();
    let bytes = facts.to_bytes();
    let read = Facts::from_bytes(&bytes).unwrap();
    assert_eq!(read, facts);
    assert_eq!(read.deb(key("ls")).map(|deb| &**deb), Some(&deb()));
    assert_eq!(read.deb(key("git")), None);
    assert_eq!(read.licences(key("ls")).unwrap(), &["GPL-3", "expat"]);
    assert_eq!(deb().facts.members.keys().collect::<Vec<_>>(), ["postinst", "preinst", "templates"]);
    assert_eq!(deb().facts.text("templates"), Some("Template: a/b\nDefault: \nChoices: x,\n y\n\n"));
    assert!(bytes.starts_with(b"dumbc facts 2\n"));
    for length in b"dumbc facts 2\n".len()..bytes.len() {
        assert_eq!(Facts::from_bytes(&bytes[..length]), Err(FactsError::Damaged), "{length}");
    }
}

#[test]
fn what_is_no_document_of_debian_packages_is_refused() {
    let of_one = |listing: &[u8], rest: &[u8]| {
        let parts: [&[u8]; 5] = [b"dumbc facts 2\n\0\0", b"\x01", &[7; 32], listing, rest];
        Facts::from_bytes(&parts.concat())
    };
    let (root, rest) = (b"\0\0D\0\0\0", b"\x02A:\0\0\0");
    let listing = |count: u8, entries: &[u8]| [&[count], &root[..], entries].concat();
    assert!(of_one(&listing(1, b""), rest).is_ok());
    assert!(of_one(&listing(2, b"\0\x02abF\x05\x01\0\0"), rest).is_ok());
    assert!(of_one(&listing(3, b"\0\x02abF\x05\0\0\0\x01\x01cF\x05\0\0\0"), rest).is_ok());
    assert!(of_one(&listing(3, b"\0\x02abF\x05\0\0\0\0\x02acF\x05\0\0\0"), rest).is_err(), "shares more than it says");
    assert!(
        of_one(&listing(3, b"\0\x02abF\x05\0\0\0\x03\x01cF\x05\0\0\0"), rest).is_err(),
        "shares more than there is"
    );
    assert!(of_one(&listing(3, b"\0\x02acF\x05\0\0\0\x01\x01bF\x05\0\0\0"), rest).is_err(), "out of order");
    assert!(of_one(&listing(2, b"\0\x03a/bF\x05\0\0\0"), rest).is_err(), "in no folder");
    assert!(of_one(&listing(2, b"\0\x02..F\x05\0\0\0"), rest).is_err(), "a path that leads out");
    assert!(of_one(&listing(2, b"\0\x03/abF\x05\0\0\0"), rest).is_err(), "an absolute path");
    assert!(of_one(&listing(2, b"\0\x02ab?\0\0\0"), rest).is_err(), "nothing");
    assert!(of_one(&listing(2, b"\0\x02abF\x05\xff\xff\x03\0\0"), rest).is_err(), "more than a mode");
    assert!(of_one(b"\0", rest).is_err(), "no root");
    assert!(of_one(&listing(1, b""), b"\x01\xff\0\0\0").is_err(), "no text");
    assert!(of_one(&listing(1, b""), b"\x02A:\x01\x01aX\0\0").is_err(), "no member");
    assert_eq!(Facts::from_bytes(b"dumbc facts 2\n\0\0\0\0"), Err(FactsError::Damaged), "no packages");
}

#[test]
fn paths_that_grow_out_of_little_are_bounded() {
    // Folders in folders: each entry takes some 200 bytes, and its path 200 more than the one before.
    let grown = |count: usize| {
        let folder = |depth: usize| vec!["a".repeat(200); depth].join("/");
        let kind = ListingKind::Directory;
        let entry =
            |depth| ListingEntry { path: path(&folder(depth)), kind: kind.clone(), metadata: Metadata::root(0) };
        let listing = Listing::new((0..count).map(entry).collect()).unwrap();
        let mut facts = Facts::default();
        facts.put_deb(key("a"), &Arc::new(DebFacts::new(listing, PackageFacts::default())));
        facts
    };
    assert!(Facts::from_bytes(&grown(50).to_bytes()).is_ok() && grown(50).tree().is_some());
    let bytes = grown(130).to_bytes();
    assert!(bytes.len() < 1 << 15);
    assert_eq!(Facts::from_bytes(&bytes), Err(FactsError::Damaged));
    assert_eq!(grown(130).tree(), None, "nobody would read it");
}

#[test]
fn a_document_says_what_was_put_in() {
    let facts = sample();
    let bytes = facts.to_bytes();
    assert_eq!(Facts::from_bytes(&bytes), Ok(facts.clone()));
    assert_eq!(facts.kind(key("git"), &path("share/zoneinfo")), Some(None));
    assert_eq!(facts.kind(key("git"), &path("share")), None);
    assert_eq!(facts.kind(key("ca"), &path("")), None);
    assert_eq!(facts.names(key("git"), &path("bin")).unwrap().len(), 2);
    assert_eq!(facts.bytes(key("ca"), &(path("share/a"), 0, 4)), None);
    assert_eq!(facts.digest(&(key("git"), path("bin/a"))), Some(Sha256::of(b"a")));
    assert_eq!(&Sha256::of(&bytes).hex()[..16], "4e1b1c0ed3b5b6d2");
}

#[test]
fn what_is_no_document_is_refused() {
    let whole = sample().to_bytes();
    assert_eq!(Facts::from_bytes(b""), Err(FactsError::Unknown));
    assert_eq!(Facts::from_bytes(b"dumbc facts 3\n\0\0"), Err(FactsError::Unknown));
    assert_eq!(Facts::from_bytes(b"dumbc facts 1\n\0\0"), Ok(Facts::default()));
    for length in b"dumbc facts 1\n".len()..whole.len() {
        assert_eq!(Facts::from_bytes(&whole[..length]), Err(FactsError::Damaged), "{length}");
    }
    assert_eq!(Facts::from_bytes(&[&whole[..], b"x"].concat()), Err(FactsError::Damaged));
    let of_one = |answers: &[u8]| {
        let parts: [&[u8]; 5] = [b"dumbc facts 1\n", b"\x01", &[7; 32], answers, b"\0"];
        Facts::from_bytes(&parts.concat())
    };
    assert!(of_one(b"\x02\x01aD\x01bD\0\0\0").is_ok());
    assert!(of_one(b"\x02\x01bD\x01aD\0\0\0").is_err(), "out of order");
    assert!(of_one(b"\x02\x01aD\x01aD\0\0\0").is_err(), "twice");
    assert!(of_one(b"\x01\x02..D\0\0\0").is_err(), "a path that leads out");
    assert!(of_one(b"\x01\x01aZ\0\0\0").is_err(), "no kind");
    assert!(of_one(b"\0\x01\0\x01\x01a\0\0").is_ok());
    assert!(of_one(b"\0\x01\0\x01\x03a/b\0\0").is_err(), "no name");
    assert!(of_one(b"\0\x01\0\x01\0\0\0").is_err(), "an empty name");
    assert!(of_one(b"\x81\0\x01aD\0\0\0").is_err(), "a number with an idle digit");
    assert!(of_one(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01").is_err(), "a number beyond 64 bits");
    assert!(of_one(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01").is_err(), "more than there is");
}

#[test]
fn long_answers_are_not_kept() {
    let mut facts = Facts::default();
    let piece = |length| (path("a"), 0, length);
    facts.put_bytes(key("a"), piece(1), &vec![0; LONGEST_BYTES + 1]);
    assert_eq!(facts.tree(), None);
    facts.put_bytes(key("a"), piece(2), &vec![0; LONGEST_BYTES]);
    assert!(facts.tree().is_some());
    (0..16).for_each(|length| facts.put_bytes(key("b"), piece(length), &vec![0; LONGEST_BYTES]));
    assert_eq!(facts.tree(), None, "nobody would read it");
}

proptest! {
    #[test]
    fn anything_is_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for first in [b"dumbc facts 1\n".as_slice(), b"dumbc facts 2\n", b"dumbc facts 2\n\0\0\x01"] {
            let document = [first, &bytes].concat();
            if let Ok(facts) = Facts::from_bytes(&document) {
                prop_assert_eq!(facts.to_bytes(), document);
            }
        }
    }

    #[test]
    fn a_changed_document_is_another_one_or_none(at in 0_usize..1000, flip in 1_u8..) {
        let mut document = sample_with_debs().to_bytes();
        let at = at % document.len();
        document[at] ^= flip;
        if let Ok(facts) = Facts::from_bytes(&document) {
            prop_assert_ne!(&facts, &sample_with_debs());
            prop_assert_eq!(facts.to_bytes(), document);
        }
    }
}
