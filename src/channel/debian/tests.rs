use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use super::test_archive::{SIGNED, TestArchive, clearsigned, fields, files_below, http, key, sign};
use super::*;
use crate::channel::lock::LockedDeb;
use crate::channel::test_support::{channel, machine};
use crate::config::{DebianArchive, Machine, Mirror, Names};
use crate::failure::{Class, Classified as _};
use crate::nix::Sha256;
use crate::progress::Silent;

const X86: System = System::X86_64Linux;

fn with(archive: &TestArchive, suites: &[&str], mirror: Mirror) -> Machine {
    let archive = DebianArchive {
        suites: suites.iter().map(|&suite| suite.to_owned()).collect(),
        components: vec!["main".to_owned()],
        mirror,
        keyring: Some(archive.path("key.asc").to_str().unwrap().to_owned()),
        recommends: false,
    };
    let mut machine = machine(&[]);
    machine.channels = BTreeMap::from([("debian".to_owned(), channel(Names::Debian(archive), &[]))]);
    machine
}

fn at(archive: &TestArchive) -> Mirror {
    Mirror::Places(vec![archive.text()])
}

fn offer_of(machine: &Machine, state: &Path) -> Result<Offer, ArchiveError> {
    Archives::new(machine, http(), state.to_owned()).offer("debian", &BTreeSet::from([X86]), &Silent)
}

fn offered(machine: &Machine) -> Result<Offer, ArchiveError> {
    offer_of(machine, tempfile::tempdir().unwrap().path())
}

fn names(offer: &Offer) -> Vec<String> {
    let of = |candidate: &Candidate| format!("{} {} {}", candidate.name, candidate.version, candidate.suite);
    offer.candidates[&X86].iter().map(of).collect()
}

fn locked(candidate: &Candidate) -> LockedDeb {
    let candidate = candidate.clone();
    LockedDeb {
        version: candidate.version,
        architecture: candidate.architecture,
        source: candidate.source,
        file: candidate.file,
        size: candidate.size,
        sha256: candidate.sha256,
        installed_size: candidate.installed_size,
        depends: Vec::new(),
        suite: candidate.suite,
        channel: candidate.channel,
    }
}

#[test]
fn several_suites_make_one_offer() {
    let archive = TestArchive::new();
    let (git, less) = (archive.package("git", "1"), archive.package("less", "2"));
    archive.suite("bookworm", &fields("bookworm"), &format!("{git}{less}"), ".xz");
    let newer = archive.package("git", "1+security");
    archive.suite("bookworm-security", &fields("bookworm-security"), &format!("{newer}{less}"), ".gz");
    let offer = offered(&with(&archive, &["bookworm", "bookworm-security"], at(&archive))).unwrap();
    assert_eq!(names(&offer), ["git 1 bookworm", "less 2 bookworm", "git 1+security bookworm-security"]);
    assert_eq!((offer.archive.origin.as_str(), offer.archive.codename.as_str()), ("Debian", "bookworm"));
    assert_eq!(offer.archive.version.as_deref(), Some("12.5"));
    let indices: Vec<_> = offer.archive.indices.iter().collect();
    assert_eq!(indices[1].0, "bookworm/main/amd64");
    assert_eq!(*indices[1].1, Sha256::of(format!("{git}{less}").as_bytes()));
}

#[test]
fn a_search_reads_an_index_once() {
    let archive = TestArchive::new();
    let (git, less) = (archive.package("git", "1"), archive.package("less", "2"));
    archive.suite("bookworm", &fields("bookworm"), &format!("{git}{less}"), ".xz");
    let newer = archive.package("git", "1+security");
    archive.suite("bookworm-security", &fields("bookworm-security"), &format!("{newer}{less}"), ".gz");
    let machine = with(&archive, &["bookworm", "bookworm-security"], at(&archive));
    let state = tempfile::tempdir().unwrap();
    let listed = |is_trusted| {
        let archives = Archives::new(&machine, http(), state.path().to_owned());
        let listed = archives.listed("debian", X86, is_trusted, &Silent)?;
        Ok::<_, ArchiveError>(listed.into_iter().map(|one| format!("{} {}", one.name, one.version)).collect::<Vec<_>>())
    };
    let expected = ["git 1", "less 2", "git 1+security"];
    assert_eq!(listed(true).unwrap(), expected);
    fs::remove_dir_all(state.path().join("debian/indices")).unwrap();
    archive.write("dists/bookworm/main/binary-amd64/Packages.xz", b"of the next update");
    assert_eq!(listed(true).unwrap(), expected, "no index is looked at");
    assert!(listed(false).is_err(), "listings that others may have written count for nothing");
}

#[test]
fn every_compression_and_digests_as_names() {
    let archive = TestArchive::new();
    let git = archive.package("git", "1");
    for ending in ["", ".gz", ".xz", ".zst"] {
        archive.suite("bookworm", &fields("bookworm"), &git, ending);
        assert_eq!(names(&offered(&with(&archive, &["bookworm"], at(&archive))).unwrap()).len(), 1, "{ending}");
    }
    let by_hash = format!("{}Acquire-By-Hash: yes\n", fields("bookworm"));
    archive.suite("bookworm", &by_hash, &git, "");
    let digest = Sha256::of(git.as_bytes()).hex();
    archive.write(&format!("dists/bookworm/main/binary-amd64/by-hash/SHA256/{digest}"), git.as_bytes());
    archive.write("dists/bookworm/main/binary-amd64/Packages", b"of the next update");
    assert_eq!(names(&offered(&with(&archive, &["bookworm"], at(&archive))).unwrap()).len(), 1);
}

#[test]
fn an_archive_may_count_all_among_its_architectures() {
    let archive = TestArchive::new();
    let with_all = fields("bookworm").replace("Architectures: ", "Architectures: all ");
    archive.suite("bookworm", &with_all, &archive.package("git", "1"), ".xz");
    assert_eq!(names(&offered(&with(&archive, &["bookworm"], at(&archive))).unwrap()).len(), 1);
}

#[test]
fn signatures_beside_and_none_at_all() {
    let archive = TestArchive::new();
    archive.suite("bookworm", &fields("bookworm"), &archive.package("git", "1"), "");
    let text = fs::read_to_string(archive.path("dists/bookworm/InRelease")).unwrap();
    let text = crate::deb::SignedText::parse(&text).unwrap().text;
    fs::remove_file(archive.path("dists/bookworm/InRelease")).unwrap();
    archive.detached_release("bookworm", &text);
    let machine = with(&archive, &["bookworm"], at(&archive));
    assert_eq!(names(&offered(&machine).unwrap()).len(), 1);
    archive.write("dists/bookworm/Release", text.replace("Debian", "Evil").as_bytes());
    let fault = offered(&machine).unwrap_err();
    assert!(matches!(&fault, ArchiveError::Signature { .. }), "{fault}");
    let returns = text.replace("Suite:", "Note: x\rSuite:");
    archive.detached_release("bookworm", &returns);
    assert!(offered(&machine).unwrap_err().to_string().contains("carriage returns"));
    fs::remove_file(archive.path("dists/bookworm/Release.gpg")).unwrap();
    let fault = offered(&machine).unwrap_err();
    assert!(matches!(&fault, ArchiveError::Unsigned { .. }), "{fault}");
    assert_eq!(fault.class(), Class::Trust);
}

#[test]
fn a_stranger_signed() {
    let archive = TestArchive::new();
    archive.suite("bookworm", &fields("bookworm"), "", "");
    let text = fields("bookworm");
    let signed = clearsigned(&text, vec![sign(&*key(9, true), &text, SIGNED)]);
    archive.write("dists/bookworm/InRelease", signed.as_bytes());
    let fault = offered(&with(&archive, &["bookworm"], at(&archive))).unwrap_err();
    assert!(fault.to_string().contains("not signed by any key in") && fault.to_string().contains("key.asc"), "{fault}");
}

#[test]
fn expired_unless_it_stands_still() {
    let archive = TestArchive::new();
    let old = format!("{}Valid-Until: Sun, 18 May 2025 00:00:00 UTC\n", fields("bookworm"));
    archive.suite("bookworm", &old, &archive.package("git", "1"), "");
    let fault = offered(&with(&archive, &["bookworm"], at(&archive))).unwrap_err();
    assert!(fault.to_string().contains("was valid until 2025-05-18T00:00:00Z"), "{fault}");
    assert!(fault.help().unwrap().contains("snapshot"));
    let still = Mirror::Snapshots(vec![archive.text()]);
    assert_eq!(names(&offered(&with(&archive, &["bookworm"], still)).unwrap()).len(), 1);
}

#[test]
fn an_archive_does_not_go_back() {
    let archive = TestArchive::new();
    let state = tempfile::tempdir().unwrap();
    let machine = with(&archive, &["bookworm"], at(&archive));
    let git = archive.package("git", "1");
    archive.suite("bookworm", &fields("bookworm"), &git, "");
    offer_of(&machine, state.path()).unwrap();
    offer_of(&machine, state.path()).unwrap();
    archive.suite("bookworm", &fields("bookworm").replace("17 May", "16 May"), &git, "");
    let fault = offer_of(&machine, state.path()).unwrap_err();
    assert!(matches!(&fault, ArchiveError::Older { .. }), "{fault}");
    let ArchiveError::Older { memory, .. } = &fault else { return };
    assert!(fault.help().unwrap().contains(memory.to_str().unwrap()));
    let still = Mirror::Snapshots(vec![archive.text()]);
    offer_of(&with(&archive, &["bookworm"], still), state.path()).unwrap();
    fs::remove_file(&**memory).unwrap();
    offer_of(&machine, state.path()).unwrap();
}

#[test]
fn another_suite_is_refused() {
    let archive = TestArchive::new();
    archive.suite("bookworm", &fields("bullseye").replace("stable", "oldstable"), "", "");
    let fault = offered(&with(&archive, &["bookworm"], at(&archive))).unwrap_err();
    assert!(fault.to_string().ends_with("where `bookworm` should be: `bullseye`"), "{fault}");
    // By the name that wanders it is the right one.
    archive.suite("stable", &fields("bookworm"), &archive.package("git", "1"), "");
    assert_eq!(names(&offered(&with(&archive, &["stable"], at(&archive))).unwrap()), ["git 1 stable"]);
}

#[test]
fn suites_components_and_architectures_that_are_not_there() {
    let archive = TestArchive::new();
    archive.suite("bookworm", &fields("bookworm"), "", "");
    let fault = offered(&with(&archive, &["bookworm", "trixie"], at(&archive))).unwrap_err();
    assert!(matches!(&fault, ArchiveError::NoSuite { suite, .. } if suite == "trixie"), "{fault}");
    assert_eq!(fault.class(), Class::UnknownName);
    let fault = offered(&with(&archive, &["./"], at(&archive))).unwrap_err();
    assert!(matches!(&fault, ArchiveError::Flat { .. }), "{fault}");
    let machine = with(&archive, &["bookworm"], at(&archive));
    archive.suite("bookworm", &fields("bookworm").replace("main contrib", "free"), "", "");
    let fault = offered(&machine).unwrap_err();
    assert_eq!(fault.to_string(), "the suite `bookworm` has no component `main` (it has free)");
    archive.suite("bookworm", &fields("bookworm").replace("amd64 ", ""), "", "");
    let fault = offered(&machine).unwrap_err();
    assert_eq!(fault.to_string(), "the suite `bookworm` has no architecture `amd64` (it has arm64)");
    archive.release("bookworm", &format!("{}SHA256:\n", fields("bookworm")));
    assert!(matches!(offered(&machine).unwrap_err(), ArchiveError::NoIndex { .. }));
    let fault = offered(&with(&archive, &["bookworm"], Mirror::Places(vec!["s3://x".to_owned()]))).unwrap_err();
    assert_eq!(fault.to_string(), "channel `debian`: `s3://x` can't be a mirror: `s3://` is not spoken here");
    let secret = Mirror::Places(vec!["https://me:secret@archive.example.org/debian".to_owned()]);
    let fault = offered(&with(&archive, &["bookworm"], secret)).unwrap_err();
    assert!(matches!(&fault, ArchiveError::Http(_)) && !fault.to_string().contains("secret"), "{fault}");
}

#[test]
fn an_index_is_what_was_signed_or_nothing() {
    let archive = TestArchive::new();
    let state = tempfile::tempdir().unwrap();
    let machine = with(&archive, &["bookworm"], at(&archive));
    let git = archive.package("git", "1");
    archive.suite("bookworm", &fields("bookworm"), &git, ".gz");
    let path = "dists/bookworm/main/binary-amd64/Packages.gz";
    let good = fs::read(archive.path(path)).unwrap();
    let mut bad = good.clone();
    bad[good.len() / 2] ^= 1;
    for content in [bad, good[1..].to_vec(), [&good[..], b"x"].concat(), Vec::new()] {
        archive.write(path, &content);
        let fault = offer_of(&machine, state.path()).unwrap_err();
        assert!(matches!(&fault, ArchiveError::Content { .. }), "{fault}");
        assert_eq!(files_below(&state.path().join("debian/indices")), [""; 0]);
    }
    archive.write(path, &good);
    offer_of(&machine, state.path()).unwrap();
    // From now on it is kept, as long as it stays what it is.
    fs::remove_file(archive.path(path)).unwrap();
    offer_of(&machine, state.path()).unwrap();
    let kept = files_below(&state.path().join("debian/indices"));
    fs::write(state.path().join("debian/indices").join(&kept[0]), b"spoilt").unwrap();
    let fault = offer_of(&machine, state.path()).unwrap_err();
    assert!(fault.to_string().contains("has no dists/bookworm/main/binary-amd64/Packages.gz"), "{fault}");
}

#[test]
fn a_lying_index_names_the_package() {
    let archive = TestArchive::new();
    let machine = with(&archive, &["bookworm"], at(&archive));
    let git = archive.package("git", "1");
    archive.suite("bookworm", &fields("bookworm"), &format!("{git}{}", git.replace("pool/main", "../..")), "");
    let fault = offered(&machine).unwrap_err().to_string();
    assert!(fault.starts_with("the index bookworm/main/amd64 can't be read: package `git`:"), "{fault}");
    archive.suite("bookworm", &fields("bookworm"), "no paragraph\n", "");
    assert!(offered(&machine).unwrap_err().to_string().contains("line 1"));
    // Larger, or other, than the Release file says of the uncompressed one.
    let blank = "# nothing\n".repeat(100_000);
    archive.suite("bookworm", &fields("bookworm"), &blank, ".xz");
    let text = fs::read_to_string(archive.path("dists/bookworm/InRelease")).unwrap();
    let text = crate::deb::SignedText::parse(&text).unwrap().text;
    archive.release("bookworm", &text.replace(" 1000000 ", " 1000 "));
    assert!(offered(&machine).unwrap_err().to_string().contains("larger than 1000 bytes"));
    archive.release("bookworm", &text.replace(&Sha256::of(blank.as_bytes()).hex(), &"0".repeat(64)));
    assert!(matches!(offered(&machine).unwrap_err(), ArchiveError::Content { .. }));
}

#[test]
fn packages_come_whole_or_not_at_all() {
    let (one, two) = (TestArchive::new(), TestArchive::new());
    one.suite("bookworm", &fields("bookworm"), &(one.package("git", "1") + &one.package("less", "1")), "");
    let machine = with(&one, &["bookworm"], Mirror::Places(vec![two.text(), one.text()]));
    let state = tempfile::tempdir().unwrap();
    let archives = Archives::new(&machine, http(), state.path().to_owned());
    let offer = archives.offer("debian", &BTreeSet::from([X86]), &Silent).unwrap();
    let git = &offer.candidates[&X86][0];
    let fetch = |deb: &LockedDeb, read: usize| {
        let mut work = |input: &mut dyn Read| {
            let mut bytes = vec![0; read];
            input.read_exact(&mut bytes).map(|()| bytes)
        };
        archives.fetch(&git.name, deb, &Silent, &mut work)
    };
    let deb = locked(git);
    assert_eq!(fetch(&deb, 8).unwrap(), b"!<arch>\n");
    // Another place has a wrong one: the next is tried.
    two.write(&deb.file, b"!<arch>\nevil!");
    assert_eq!(fetch(&deb, 8).unwrap(), b"!<arch>\n");
    one.write(&deb.file, b"!<arch>\ngit 1, and more");
    let fault = fetch(&deb, 0).unwrap_err();
    assert!(matches!(&fault, ArchiveError::Content { expected, .. } if expected.starts_with("sha256:")), "{fault}");
    assert_eq!(fault.class(), Class::Trust);
    two.write(&deb.file, b"short");
    assert!(fetch(&deb, 8).unwrap_err().to_string().contains("expected 13 bytes, found 5 bytes"));
    for archive in [&one, &two] {
        fs::remove_file(archive.path(&deb.file)).unwrap();
    }
    let fault = fetch(&deb, 0).unwrap_err();
    assert!(matches!(&fault, ArchiveError::Gone { .. }), "{fault}");
    assert!(fault.help().unwrap().contains("`dumbc update`"));
    let less = locked(&offer.candidates[&X86][1]);
    let fault = archives.fetch(&git.name, &less, &Silent, &mut |_| Err::<(), _>(io::Error::other("full"))).unwrap_err();
    assert!(matches!(&fault, ArchiveError::Consumer { .. }), "{fault}");
    let escaping = LockedDeb { file: "../key.asc".to_owned(), ..less };
    assert!(matches!(fetch(&escaping, 0).unwrap_err(), ArchiveError::Gone { .. }));
}
