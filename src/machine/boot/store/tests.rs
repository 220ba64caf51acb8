use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use super::clean::{Deed, Entry, decide};
use super::*;
use crate::machine::boot::mounting::Mounting;
use crate::machine::boot::mounting::doubles::{Refusing, Remembering};
use crate::nix::{PathInfo, Sha256};

const ONE: &str = "00000000000000000000000000000000-one";
const TWO: &str = "11111111111111111111111111111111-two";
const OLD: &str = "22222222222222222222222222222222-old";
const FREE: &str = "55555555555555555555555555555555-free";

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn only_what_is_registered_lies_over_the_image() {
    let registered = names(&[ONE]);
    let decided = |name, entry, has_nix| decide(name, entry, &registered, has_nix);
    assert_eq!(decided(ONE, Entry::Folder, false), Some(Deed::Unmark));
    assert_eq!(decided(ONE, Entry::Leaf, false), None);
    assert_eq!(decided(TWO, Entry::Folder, false), Some(Deed::Remove));
    assert_eq!(decided(".half-written", Entry::Leaf, false), Some(Deed::Remove));
    assert_eq!(decided(TWO, Entry::Folder, true), Some(Deed::Unmark), "Nix's own");
    assert_eq!(decided(ONE, Entry::Whiteout, true), Some(Deed::Remove));
}

#[test]
fn links_are_made_kept_and_removed() {
    let volume = Path::new("/data/nix/store");
    let leads = |name: &str| Some(volume.join(name));
    let store: BTreeMap<String, Option<PathBuf>> = [
        (ONE.to_owned(), leads(ONE)),
        (OLD.to_owned(), leads(OLD)),
        ("33333333333333333333333333333333-image".to_owned(), None),
        ("44444444444444444444444444444444-link".to_owned(), Some("/nix/store/elsewhere".into())),
    ]
    .into();
    let image = "33333333333333333333333333333333-image";
    let wanted = links::Wanted { registered: names(&[ONE, TWO, FREE, image]), needed: names(&[TWO, image]) };
    assert_eq!(
        links::plan(&store, &wanted, volume),
        [links::Deed::Unlink(OLD.to_owned()), links::Deed::Link(TWO.to_owned())]
    );
}

/// What registers a path that refers to others.
fn register(root: &Path, name: &str, references: &[&str]) {
    let path = |name: &&str| StorePath::from_base_name(name).unwrap();
    let info = PathInfo {
        path: path(&name),
        nar_hash: Sha256::of(name.as_bytes()),
        nar_size: 120,
        references: references.iter().map(path).collect(),
        signatures: Vec::new(),
        content_address: None,
    };
    fs::write(root.join("data/dumbc/registered").join(name), service::registered_text(&info)).unwrap();
}

/// A root with three registered paths on its volume, and one that is not. A generation of alice's is the first, which needs the second.
fn root() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for folder in ["nix/store", "data/nix/work", "data/dumbc/registered", "data/dumbc/users/alice/generations"] {
        fs::create_dir_all(root.path().join(folder)).unwrap();
    }
    symlink(Path::new(STORE_DIR).join(ONE), root.path().join("data/dumbc/users/alice/generations/1")).unwrap();
    for name in [ONE, TWO, OLD, FREE] {
        fs::create_dir_all(root.path().join("data/nix/store").join(name).join("bin")).unwrap();
    }
    for (name, references) in [(ONE, &[ONE, TWO][..]), (TWO, &[]), (FREE, &[OLD])] {
        register(root.path(), name, references);
    }
    fs::write(root.path().join("data/dumbc/registered/no store path"), "").unwrap();
    root
}

fn stood(root: &Path, mounting: impl Mounting + 'static, volume: &Volume) -> (StoreWay, Vec<String>) {
    let mut told = Vec::new();
    let mut teller = |warning: &crate::machine::prepared::Warning| told.push(warning.message.clone());
    let ground = Ground::new(root, mounting);
    let way = stand(&ground, &MountTable::default(), volume, false, &mut Journal::new(&mut teller));
    (way, told)
}

fn volume(kind: Kind, writable: bool) -> Volume {
    Volume { layout: Layout::new("/data"), kind, writable, lock: None }
}

fn is_link(root: &Path, name: &str) -> bool {
    let link = root.join("nix/store").join(name);
    link.read_link().is_ok_and(|target| target == Path::new("/data/nix/store").join(name))
}

#[test]
fn without_the_right_to_mount_paths_are_linked() {
    let root = root();
    for _ in 0..2 {
        let stood = stood(root.path(), Refusing, &volume(Kind::Mounted, true));
        assert_eq!(stood, (StoreWay::Links, vec![]));
        assert!(is_link(root.path(), ONE) && is_link(root.path(), TWO) && !is_link(root.path(), OLD));
        assert!(!root.path().join("data/nix/store").join(OLD).exists());
        assert!(!is_link(root.path(), FREE) && root.path().join("data/nix/store").join(FREE).exists());
    }
    // As the store service does it, for whoever needs it later.
    symlink(Path::new("/data/nix/store").join(FREE), root.path().join("nix/store").join(FREE)).unwrap();
    fs::remove_file(root.path().join("data/dumbc/registered").join(TWO)).unwrap();
    stood(root.path(), Refusing, &volume(Kind::Mounted, true));
    assert!(is_link(root.path(), ONE) && !root.path().join("nix/store").join(TWO).is_symlink());
    assert!(is_link(root.path(), FREE), "who is valid keeps its link");
}

#[test]
fn a_read_only_volume_is_linked_and_not_cleaned() {
    let root = root();
    let mounts = Remembering::default();
    assert_eq!(stood(root.path(), mounts.clone(), &volume(Kind::Mounted, false)).0, StoreWay::Links);
    assert!(mounts.0.lock().unwrap().is_empty());
    assert!(is_link(root.path(), ONE) && root.path().join("data/nix/store").join(OLD).exists());
}

#[test]
fn a_real_volume_lies_over_the_store() {
    let root = root();
    let mounts = Remembering::default();
    assert_eq!(stood(root.path(), mounts.clone(), &volume(Kind::Mounted, true)).0, StoreWay::Overlay);
    assert!(matches!(mounts.0.lock().unwrap().as_slice(), [Mount::Overlay { .. }]));
    assert_eq!(stood(root.path(), mounts.clone(), &volume(Kind::Folder, true)).0, StoreWay::Links);
}

#[test]
fn what_could_not_be_registered_is_no_reason_to_remove() {
    let root = root();
    fs::remove_dir_all(root.path().join("data/dumbc/registered")).unwrap();
    symlink("/proc/self/mem", root.path().join("data/dumbc/registered")).unwrap();
    let (way, told) = stood(root.path(), Refusing, &volume(Kind::Mounted, true));
    assert_eq!((way, told.len()), (StoreWay::Links, 1), "{told:?}");
    assert!(root.path().join("data/nix/store").join(OLD).exists());
}

#[test]
fn ten_thousand_packages_that_no_home_needs_are_no_wait() {
    let root = root();
    for number in 0..10_000 {
        let name = format!("{number:032}-package").replace('e', "f");
        fs::create_dir(root.path().join("data/nix/store").join(&name)).unwrap();
        fs::write(root.path().join("data/dumbc/registered").join(&name), "").unwrap();
    }
    stood(root.path(), Refusing, &volume(Kind::Mounted, true));
    stood(root.path(), Refusing, &volume(Kind::Mounted, true));
    assert_eq!(fs::read_dir(root.path().join("nix/store")).unwrap().count(), 2);
}
