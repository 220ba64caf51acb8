//! Caches written here: read back by our own reader, and by Nix.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use dumbc::cache::Wanted;
use dumbc::cache::write::{
    Added, CacheWriter, Finding, Package, WriteError, check, mirror, read_public_key, read_secret_key, write_key,
};
use dumbc::channel::{Lock, LockedPackage, to_mirror};
use dumbc::config::System;
use dumbc::failure::{Class, Classified as _};
use dumbc::nix::{PublicKey, SecretKey, StorePath};
use dumbc::progress::Silent;
use tempfile::TempDir;

use super::{closure, reader};
use crate::support::packages::{Packages, key};
use crate::support::{Told, skipped};

/// A folder with a cache and things to put into it.
struct Workshop {
    folder: TempDir,
}

fn workshop() -> Workshop {
    Workshop { folder: tempfile::tempdir().unwrap() }
}

impl Workshop {
    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    fn cache(&self) -> PathBuf {
        self.path("cache")
    }

    /// A folder with a program that mentions `text`.
    fn program(&self, name: &str, text: &str) -> PathBuf {
        let folder = self.path(name);
        fs::create_dir_all(folder.join("bin")).unwrap();
        fs::create_dir_all(folder.join("empty")).unwrap();
        let file = folder.join("bin/hello");
        fs::write(&file, format!("#!{text}/bin/sh\necho hello\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        let _ = symlink("bin/hello", folder.join("hello"));
        folder
    }

    fn add(&self, source: &Path, name: &str, key: Option<&SecretKey>) -> Added {
        self.try_add(source, name, key, &[], "zstd").unwrap()
    }

    fn try_add(
        &self,
        source: &Path,
        name: &str,
        key: Option<&SecretKey>,
        references: &[StorePath],
        packing: &str,
    ) -> Result<Added, WriteError> {
        let package = Package { source, name, system: System::X86_64Linux, references };
        CacheWriter::open(&self.cache())?.add(&package, packing.parse().unwrap(), key)
    }

    fn findings(&self, keys: &[PublicKey]) -> Vec<String> {
        let checked = check(&self.cache(), keys, &Silent).unwrap();
        checked.findings.iter().map(ToString::to_string).collect()
    }

    /// Every file of the cache with its bytes.
    fn snapshot(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files: Vec<_> = walkdir::WalkDir::new(self.cache())
            .into_iter()
            .map(Result::unwrap)
            .filter(|entry| entry.file_type().is_file())
            .map(|entry| (entry.path().strip_prefix(self.cache()).unwrap().to_owned(), fs::read(entry.path()).unwrap()))
            .collect();
        files.sort();
        files
    }
}

#[test]
fn packages_are_found_by_scanning_and_read_back() {
    let workshop = workshop();
    let key = key("ours-1");
    let shell = workshop.add(&workshop.program("shell", "/none"), "sh-1.0", Some(&key));
    let hello = workshop.add(&workshop.program("hello", &shell.path.to_string()), "hello-1.0", Some(&key));
    assert_eq!(hello.references, std::slice::from_ref(&shell.path));
    assert_eq!((hello.attribute.as_str(), hello.new), ("hello", true));
    assert!(workshop.findings(&[key.public_key()]).is_empty());

    let place = workshop.cache();
    let set = reader().cache(place.to_str().unwrap(), &[key.public_key()]).open();
    let found = closure(&set, &hello.path).unwrap();
    assert_eq!(found.len(), 2);
    for found in &found {
        set.fetch_nar(&Wanted::from(found), &Silent, &mut |nar| std::io::copy(nar, &mut std::io::sink())).unwrap();
    }
}

#[test]
fn the_same_content_gives_the_same_bytes() {
    let snapshots: Vec<_> = (0..2)
        .map(|_| {
            let workshop = workshop();
            let shell = workshop.add(&workshop.program("a", "/none"), "sh-1.0", Some(&key("ours-1")));
            workshop.add(&workshop.program("b", &shell.path.to_string()), "hello-1.0", None);
            let before = workshop.snapshot();
            let again = workshop.add(&workshop.program("a", "/none"), "sh-1.0", Some(&key("ours-1")));
            assert!(!again.new);
            assert_eq!(before, workshop.snapshot(), "adding again changes nothing");
            before
        })
        .collect();
    assert_eq!(snapshots[0], snapshots[1]);
    let modes =
        |workshop: &Workshop, file: &str| fs::metadata(workshop.cache().join(file)).unwrap().permissions().mode();
    let workshop = workshop();
    workshop.add(&workshop.program("a", "/none"), "sh-1.0", None);
    assert_eq!(modes(&workshop, "index.jsonl") & 0o777, 0o644);
    assert_eq!(modes(&workshop, "nix-cache-info") & 0o777, 0o644);
}

#[test]
fn the_index_is_sorted_and_holds_each_package_once() {
    let workshop = workshop();
    for (folder, name, text) in
        [("a", "zsh-5.9", "1"), ("b", "hello-1.0", "2"), ("c", "hello-2.0", "3"), ("d", "hello-1.0", "4")]
    {
        workshop.add(&workshop.program(folder, text), name, None);
    }
    let index = fs::read_to_string(workshop.cache().join("index.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> = index.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<_> = lines.iter().map(|line| line["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["hello-1.0", "hello-2.0", "zsh-5.9"]);
    assert_eq!((&lines[0]["attr"], &lines[0]["system"]), (&"hello".into(), &"x86_64-linux".into()));
    let read = dumbc::channel::Index::read(index.as_bytes(), dumbc::channel::Limits::default()).unwrap();
    assert_eq!(read.len(), 2);
}

#[test]
fn foreign_references_are_looked_for_when_named() {
    let workshop = workshop();
    let foreign = Packages::path("glibc-2.40");
    let source = workshop.program("a", &foreign.to_string());
    assert!(workshop.add(&source, "x-1.0", None).references.is_empty());
    let added = workshop.try_add(&source, "x-1.0", None, std::slice::from_ref(&foreign), "none").unwrap();
    assert_eq!(added.references, std::slice::from_ref(&foreign));
    let findings = workshop.findings(&[]);
    assert!(findings.len() == 1 && findings[0].contains("glibc-2.40, which the cache lacks"), "{findings:?}");
}

#[test]
fn adders_wait_for_each_other() {
    let workshop = workshop();
    std::thread::scope(|scope| {
        for index in 0..8 {
            let workshop = &workshop;
            scope.spawn(move || {
                let source = workshop.program(&format!("p{index}"), &format!("{index}"));
                workshop.add(&source, &format!("package{index}-1.0"), None);
            });
        }
    });
    let index = fs::read_to_string(workshop.cache().join("index.jsonl")).unwrap();
    assert_eq!(index.lines().count(), 8);
    assert!(workshop.findings(&[]).is_empty());
    let left: Vec<_> = workshop.snapshot().into_iter().filter(|(path, _)| path.starts_with(".dumbc-")).collect();
    assert!(left.is_empty());
}

#[test]
fn what_a_killed_writer_left_is_swept() {
    let workshop = workshop();
    workshop.add(&workshop.program("a", "x"), "x-1.0", None);
    fs::write(workshop.cache().join(".dumbc-half"), "half a NAR").unwrap();
    drop(CacheWriter::open(&workshop.cache()).unwrap());
    assert!(!workshop.cache().join(".dumbc-half").exists());
    assert!(workshop.findings(&[]).is_empty());
}

#[test]
fn lines_of_other_programs_stay_as_they_are() {
    let workshop = workshop();
    workshop.add(&workshop.program("a", "x"), "x-1.0", None);
    let line = r#"{"attr":"broken","attrPath":["broken"],"error":"does not evaluate"}"#;
    let index = workshop.cache().join("index.jsonl");
    fs::write(&index, format!("{line}\n{}", fs::read_to_string(&index).unwrap())).unwrap();
    workshop.add(&workshop.program("b", "y"), "a-1.0", None);
    let text = fs::read_to_string(&index).unwrap();
    assert_eq!(text.lines().nth(1), Some(line), "{text}");
    fs::write(&index, "no line").unwrap();
    assert!(workshop.findings(&[])[0].contains("index.jsonl:1"));
}

#[test]
fn names_and_folders_are_checked_first() {
    let workshop = workshop();
    let source = workshop.program("a", "x");
    let fault = workshop.try_add(&source, "hello world", None, &[], "zstd").unwrap_err();
    assert!(matches!(fault, WriteError::Name { .. }) && fault.class() == Class::Usage, "{fault}");
    assert!(matches!(workshop.try_add(&workshop.path("missing"), "x", None, &[], "zstd"), Err(WriteError::Walk(_))));
    assert!(matches!(CacheWriter::open(workshop.folder.path()), Err(WriteError::NoCache(_))));
    fs::write(workshop.cache().join("nix-cache-info"), "StoreDir: /gnu/store\n").unwrap();
    assert!(matches!(workshop.try_add(&source, "x", None, &[], "zstd"), Err(WriteError::Info { .. })));
}

#[test]
fn keys_are_kept_from_others_and_never_overwritten() {
    let workshop = workshop();
    let file = workshop.path("key");
    let (public, public_file) = write_key("ours-1", &file).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(read_public_key(&public_file).unwrap(), public);
    assert_eq!(read_secret_key(&file).unwrap().public_key(), public);
    assert!(matches!(write_key("ours-1", &file), Err(WriteError::KeyExists(_))));
    assert!(matches!(write_key("a:b", &workshop.path("other")), Err(WriteError::KeyName { .. })));
    let (other, _) = write_key("ours-1", &workshop.path("second")).unwrap();
    assert_ne!(other.to_string(), public.to_string());
    fs::write(workshop.path("bad"), "ours-1:c2VjcmV0\n").unwrap();
    let fault = read_secret_key(&workshop.path("bad")).unwrap_err();
    assert!(!format!("{fault} {fault:?}").contains("c2VjcmV0"));
}

#[test]
fn a_check_finds_every_fault() {
    let workshop = workshop();
    let key = key("ours-1");
    let mut packages = Packages::new("ours-1");
    let (good, flipped, cut) =
        (packages.add("good", &[], b"1"), packages.add("flipped", &[], b"2"), packages.add("cut", &[], b"3"));
    let (gone, forged) = (packages.add("gone", &[], b"4"), packages.add("forged", &[&good], b"5"));
    let misplaced = packages.files[&Packages::narinfo(&good)].clone();
    packages.files.insert("/00000000000000000000000000000000.narinfo".into(), misplaced);
    packages.files.insert("/11111111111111111111111111111111.narinfo".into(), b"nonsense".to_vec());
    packages.files.get_mut(&Packages::nar(&flipped)).unwrap()[20] ^= 1;
    packages.files.get_mut(&Packages::nar(&cut)).unwrap().truncate(30);
    packages.files.remove(&Packages::nar(&gone));
    packages.edit(&Packages::narinfo(&forged), |text| text.replace(good.base_name(), flipped.base_name()));
    packages.files.insert(
        "/index.jsonl".into(),
        format!("{{\"attr\":\"x\",\"outputs\":{{\"out\":\"{}\"}}}}\n", Packages::path("x")).into_bytes(),
    );
    packages.write(&workshop.cache());
    let findings = check(&workshop.cache(), &[key.public_key()], &Silent).unwrap().findings;
    let count = |wanted: fn(&Finding) -> bool| findings.iter().filter(|finding| wanted(finding)).count();
    assert_eq!(count(|finding| matches!(finding, Finding::Misplaced { .. })), 1);
    assert_eq!(count(|finding| matches!(finding, Finding::Unreadable { .. })), 1);
    assert_eq!(count(|finding| matches!(finding, Finding::Content(_))), 3);
    assert_eq!(count(|finding| matches!(finding, Finding::Untrusted(_))), 1);
    assert_eq!(count(|finding| matches!(finding, Finding::Unnamed { .. })), 1);
    assert_eq!(findings.len(), 7, "{findings:?}");
    let wrong_key = crate::support::packages::key("theirs-1").public_key();
    assert!(check(&workshop.cache(), &[wrong_key], &Silent).unwrap().findings.len() > 7);
}

/// The lock of everything in `packages`.
fn lock(found: &[dumbc::cache::Found]) -> Lock {
    let packages = found.iter().map(|found| {
        let info = found.info.info();
        let package = LockedPackage {
            nar_hash: info.nar_hash,
            nar_size: info.nar_size,
            references: info.references.clone(),
            signatures: info.signatures.iter().map(ToString::to_string).collect(),
            content_address: info.content_address.clone(),
            deriver: None,
            channel: Some("ours".into()),
            source: Some(found.source.clone()),
        };
        (info.path.clone(), package)
    });
    Lock { packages: packages.collect(), ..Lock::default() }
}

#[test]
fn a_mirror_has_all_that_is_locked_with_its_signatures() {
    let mut packages = Packages::new("ours-1");
    let library = packages.add("library", &[], b"1");
    let addressed = packages.add_addressed("addressed", &[], b"2");
    let root = packages.add("root", &[&library, &addressed], b"3");
    packages.add("unrelated", &[], b"4");
    let server = packages.serve();
    let keys = [packages.public_key()];
    let set = reader().cache(&server.url("/"), &keys).open();
    let lock = lock(&closure(&set, &root).unwrap());
    let workshop = workshop();
    let run = || {
        let writer = CacheWriter::open(&workshop.cache()).unwrap();
        mirror(&to_mirror(&lock), &keys, &set, &writer, "xz:0".parse().unwrap(), &Told::default())
    };
    let first = run().unwrap();
    assert_eq!((first.copied, first.present), (3, 0));
    assert!(workshop.findings(&keys).is_empty());
    let before = server.seen().len();
    assert_eq!((run().unwrap().copied, run().unwrap().present), (0, 3));
    assert_eq!(server.seen().len(), before, "what is there is not fetched again");
    let place = workshop.cache();
    let copy = reader().cache(place.to_str().unwrap(), &keys).open();
    assert_eq!(closure(&copy, &root).unwrap().len(), 3);
}

/// Nix copies `path` out of `cache` into a store below `root`, trusting `key` alone.
fn nix_copy(cache: &Path, root: &Path, key: &PublicKey, path: &StorePath) -> Output {
    Command::new("nix")
        .args(["--extra-experimental-features", "nix-command", "copy", "--from"])
        .arg(format!("file://{}", cache.display()))
        .args(["--to", &format!("local?root={}", root.display())])
        .args(["--option", "trusted-public-keys", &key.to_string(), "--option", "require-sigs", "true"])
        .arg(path.to_string())
        .env_remove("NIX_REMOTE")
        .env("HOME", root.parent().unwrap())
        .output()
        .unwrap()
}

fn nix_is_here() -> bool {
    Command::new("nix").arg("--version").output().is_ok() || skipped::<()>("nix is not installed").is_some()
}

fn assert_succeeded(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn nix_copies_what_is_added_here() {
    if !nix_is_here() {
        return;
    }
    let key = key("ours-1");
    for packing in ["zstd", "xz", "gzip", "bzip2", "none"] {
        let workshop = workshop();
        let add = |source: &Path, name| workshop.try_add(source, name, Some(&key), &[], packing).unwrap();
        let shell = add(&workshop.program("shell", "/none"), "sh-1.0");
        let hello = add(&workshop.program("hello", &shell.path.to_string()), "hello-1.0");
        let root = workshop.path("root");
        assert_succeeded(&nix_copy(&workshop.cache(), &root, &key.public_key(), &hello.path));
        let copied = root.join(&shell.path.to_string()[1..]).join("bin/hello");
        assert!(fs::read_to_string(&copied).unwrap().contains("echo hello"));
        assert_eq!(fs::metadata(&copied).unwrap().permissions().mode() & 0o777, 0o555);
        let verified = Command::new("nix-store")
            .args(["--store", &format!("local?root={}", root.display()), "--verify", "--check-contents"])
            .env_remove("NIX_REMOTE")
            .output()
            .unwrap();
        assert_succeeded(&verified);
    }
}

#[test]
fn nix_copies_what_is_mirrored_here_by_its_signature() {
    if !nix_is_here() {
        return;
    }
    let mut packages = Packages::new("ours-1");
    let library = packages.add("library", &[], b"1");
    let root = packages.add("root", &[&library], b"2");
    let server = packages.serve();
    let keys = [packages.public_key()];
    let set = reader().cache(&server.url("/"), &keys).open();
    let workshop = workshop();
    let writer = CacheWriter::open(&workshop.cache()).unwrap();
    let lock = lock(&closure(&set, &root).unwrap());
    mirror(&to_mirror(&lock), &keys, &set, &writer, "zstd".parse().unwrap(), &Silent).unwrap();
    assert_succeeded(&nix_copy(&workshop.cache(), &workshop.path("store"), &keys[0], &root));
    let other = key("theirs-1").public_key();
    assert!(!nix_copy(&workshop.cache(), &workshop.path("other"), &other, &root).status.success());
}
