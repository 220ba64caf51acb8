use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};

use super::*;
use crate::boot::Layout;
use crate::machine::boot::mounting::doubles::Refusing;
use crate::machine::boot::volume::Kind;

fn me() -> (u32, u32) {
    (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw())
}

fn path(path: &str) -> PlanPath {
    PlanPath { path: path.to_owned(), uid: me().0, gid: me().1, mode: 0o750 }
}

fn root() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("data/lost+found")).unwrap();
    fs::create_dir_all(root.path().join("var/lib/app/below")).unwrap();
    fs::write(root.path().join("var/lib/app/below/seed"), "image's").unwrap();
    root
}

fn stood(root: &Path, paths: &[PlanPath], writable: bool) -> Vec<String> {
    let volume = Volume { layout: Layout::new("/data"), kind: Kind::Mounted, writable, lock: None };
    let mut told = Vec::new();
    let mut teller = |warning: &crate::machine::prepared::Warning| told.push(warning.message.clone());
    let ground = Ground::new(root, Refusing);
    stand(&ground, &MountTable::default(), &volume, paths, &mut Journal::new(&mut teller));
    told
}

#[test]
fn folders_and_files_are_seeded_once() {
    let root = root();
    fs::create_dir_all(root.path().join("etc")).unwrap();
    fs::write(root.path().join("etc/settings"), "image's").unwrap();
    let paths = [path("/var/lib/app"), path("/var/lib/new"), path("/etc/settings")];
    assert!(stood(root.path(), &paths, true).is_empty());
    let state = root.path().join("data/state");
    assert_eq!(fs::read(state.join("var/lib/app/below/seed")).unwrap(), b"image's");
    assert_eq!(fs::read(state.join("etc/settings")).unwrap(), b"image's");
    assert_eq!(state.join("var/lib/new").metadata().unwrap().mode() & 0o7777, 0o750);
    assert_eq!(root.path().join("var/lib/app").read_link().unwrap(), Path::new("/data/state/var/lib/app"));

    // A new container of a new image.
    fs::write(state.join("etc/settings"), "mine").unwrap();
    fs::remove_file(root.path().join("etc/settings")).unwrap();
    fs::write(root.path().join("etc/settings"), "image's").unwrap();
    assert!(stood(root.path(), &paths, true).is_empty());
    assert_eq!(fs::read(state.join("etc/settings")).unwrap(), b"mine");
    assert_eq!(root.path().join("etc/settings").read_link().unwrap(), Path::new("/data/state/etc/settings"));
}

#[test]
fn what_a_killed_run_left_does_not_count() {
    let root = root();
    let half = root.path().join("data/state/var/lib/.dumbc-new-app/below");
    fs::create_dir_all(&half).unwrap();
    fs::write(half.join("junk"), "").unwrap();
    assert!(stood(root.path(), &[path("/var/lib/app")], true).is_empty());
    let kept = root.path().join("data/state/var/lib/app/below");
    assert!(kept.join("seed").exists() && !kept.join("junk").exists());
}

#[test]
fn links_on_the_volume_lead_nowhere() {
    let (root, elsewhere) = (root(), tempfile::tempdir().unwrap());
    fs::create_dir_all(root.path().join("data/state/var")).unwrap();
    symlink(elsewhere.path(), root.path().join("data/state/var/lib")).unwrap();
    let told = stood(root.path(), &[path("/var/lib/app")], true);
    assert!(told.len() == 1 && told[0].contains("/var/lib/app is not kept"), "{told:?}");
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    assert!(root.path().join("var/lib/app/below/seed").exists(), "the image's stays where it is");
}

#[test]
fn a_volume_that_can_not_be_written_leaves_the_images() {
    let root = root();
    let told = stood(root.path(), &[path("/var/lib/app")], false);
    assert_eq!(told.len(), 1);
    assert!(root.path().join("var/lib/app/below/seed").exists());
}

#[test]
fn foreign_ownership_is_told() {
    let root = root();
    stood(root.path(), &[path("/var/lib/app")], true);
    let told = stood(root.path(), &[PlanPath { uid: me().0 + 5, ..path("/var/lib/app") }], true);
    assert!(told.len() == 1 && told[0].contains("belongs to"), "{told:?}");
}

#[test]
fn the_volume_is_not_kept_in_itself() {
    let root = root();
    assert_eq!(stood(root.path(), &[path("/data/x"), path("/")], true).len(), 2);
}
