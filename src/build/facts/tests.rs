use proptest::prelude::*;

use super::*;
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
    assert_eq!(Facts::from_bytes(b"dumbc facts 2\n\0\0"), Err(FactsError::Unknown));
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
        let document = [b"dumbc facts 1\n".as_slice(), &bytes].concat();
        if let Ok(facts) = Facts::from_bytes(&document) {
            prop_assert_eq!(facts.to_bytes(), document);
        }
    }

    #[test]
    fn a_changed_document_is_another_one_or_none(at in 0_usize..200, flip in 1_u8..) {
        let mut document = sample().to_bytes();
        let at = at % document.len();
        document[at] ^= flip;
        if let Ok(facts) = Facts::from_bytes(&document) {
            prop_assert_ne!(&facts, &sample());
            prop_assert_eq!(facts.to_bytes(), document);
        }
    }
}
