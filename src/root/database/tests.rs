use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use super::*;
use crate::nix::ContentAddress;
use crate::root::addressed::Addressed;
use crate::root::sample;

fn valid(unit: &Addressed) -> ValidPath {
    ValidPath {
        path: unit.path.clone(),
        nar_hash: unit.nar_hash,
        nar_size: unit.nar_size,
        references: unit.references.clone(),
        deriver: None,
        content_address: Some(unit.content_address.to_string()),
        signatures: Vec::new(),
    }
}

fn two_units() -> (Addressed, Addressed) {
    let library = Addressed::of("library", sample::tree(&[("", "dir"), ("lib/so", "f")]), &[]).unwrap();
    let script = format!("#!/bin/sh\nexec {}/lib/so\n", library.path);
    let tree = sample::tree(&[("bin/run", &script), ("lib", &format!("-> {}/lib", library.path))]);
    let program = Addressed::of("program", tree, std::slice::from_ref(&library.path)).unwrap();
    assert_eq!(program.references, std::slice::from_ref(&library.path));
    (library, program)
}

#[test]
fn the_same_paths_give_the_same_bytes_in_any_order() {
    let (library, program) = two_units();
    let one = database(&[valid(&library), valid(&program)]).unwrap();
    let two = database(&[valid(&program), valid(&library)]).unwrap();
    assert_eq!(one, two);
    assert_eq!(&one[..16], b"SQLite format 3\0");
    assert_eq!(u16::from_be_bytes([one[16], one[17]]), 4096);
    // The journal mode that every reader can open from a read-only place.
    assert_eq!(&one[18..20], &[1, 1]);
}

#[test]
fn rows_say_what_the_paths_are() {
    let (library, program) = two_units();
    let mut itself = valid(&library);
    itself.references.push(library.path.clone());
    itself.content_address = Some("nonsense".to_owned());
    itself.deriver = Some("../nonsense".to_owned());
    itself.signatures = vec!["key-1:AAAA".to_owned(), "key-2:BBBB".to_owned()];
    let bytes = database(&[itself, valid(&program)]).unwrap();
    let mut connection = Connection::open_in_memory().unwrap();
    connection.deserialize_read_exact(rusqlite::MAIN_DB, bytes.as_slice(), bytes.len(), true).unwrap();
    let references: i64 = connection.query_row("select count(*) from Refs", [], |row| row.get(0)).unwrap();
    assert_eq!(references, 2);
    let row = |name: &str| -> Vec<Option<String>> {
        let columns = "hash, deriver, cast(narSize as text), sigs, ca, cast(registrationTime as text)";
        let query = format!("select {columns} from ValidPaths where path like '%-{name}'");
        connection.query_row(&query, [], |row| (0..6).map(|column| row.get(column)).collect()).unwrap()
    };
    let text = |text: &str| Some(text.to_owned());
    let hash = |unit: &Addressed| text(&format!("sha256:{}", unit.nar_hash.hex()));
    let size = |unit: &Addressed| text(&unit.nar_size.to_string());
    let signatures = text("key-1:AAAA key-2:BBBB");
    assert_eq!(row("library"), [hash(&library), None, size(&library), signatures, None, text("1")]);
    let address = text(&ContentAddress::Nar(program.nar_hash).to_string());
    assert_eq!(row("program"), [hash(&program), None, size(&program), None, address, text("1")]);
}

#[test]
fn a_reference_that_the_image_lacks_is_refused() {
    let (library, program) = two_units();
    let error = database(&[valid(&program)]).unwrap_err();
    assert!(error.to_string().contains(&library.path.to_string()), "{error}");
    let huge = ValidPath { nar_size: u64::MAX, ..valid(&library) };
    assert!(matches!(database(&[huge]), Err(DatabaseError::TooLarge { .. })));
}

#[test]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn real_nix_finds_every_path_valid() {
    let root = tempfile::tempdir().unwrap();
    let store = root.path().display().to_string();
    let nix = |arguments: &[&str]| {
        Command::new("nix-store").args(["--store", &store]).args(arguments).env_remove("NIX_REMOTE").output()
    };
    if Command::new("nix-store").arg("--version").output().is_err() {
        eprintln!("skipped: nix-store is not installed");
        return;
    }
    let (library, program) = two_units();
    let tree = nix_database(&[valid(&library), valid(&program)], &[&program.path]).unwrap();
    for tree in [&tree, &library.tree, &program.tree] {
        unpack(tree, root.path());
    }
    let verify = nix(&["--verify", "--check-contents"]).unwrap();
    let messages = String::from_utf8_lossy(&verify.stderr).into_owned();
    assert!(verify.status.success(), "{messages}");
    assert!(!messages.contains("error") && !messages.contains("disappeared"), "{messages}");
    let closure = nix(&["--query", "--requisites", &program.path.to_string()]).unwrap();
    let closure = String::from_utf8(closure.stdout).unwrap();
    assert_eq!(closure.lines().collect::<Vec<_>>(), [library.path.to_string(), program.path.to_string()]);
    let dead = nix(&["--gc", "--print-dead"]).unwrap();
    assert_eq!(String::from_utf8(dead.stdout).unwrap(), "", "the collector would take paths of the image");
    let changed = root.path().join(library.path.to_string().trim_start_matches('/')).join("lib/so");
    std::fs::set_permissions(&changed, std::fs::Permissions::from_mode(0o644)).unwrap();
    std::fs::write(&changed, "g").unwrap();
    assert!(!nix(&["--verify", "--check-contents"]).unwrap().status.success(), "nix looked at nothing");
}

fn unpack(tree: &Tree, root: &Path) {
    for (path, (metadata, node)) in tree {
        let place = root.join(std::str::from_utf8(path.as_bytes()).unwrap());
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        match node {
            Node::Directory => std::fs::create_dir_all(&place).unwrap(),
            Node::File(content) => std::fs::write(&place, content).unwrap(),
            Node::Symlink(target) => symlink(std::str::from_utf8(target).unwrap(), &place).unwrap(),
            Node::LocalFile { .. } => unreachable!("nothing here is local"),
        }
        if !matches!(node, Node::Symlink(_)) {
            std::fs::set_permissions(&place, std::fs::Permissions::from_mode(metadata.mode)).unwrap();
        }
    }
}
