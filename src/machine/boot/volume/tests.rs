use std::fs;

use super::*;
use crate::machine::boot::mounting::doubles::Refusing;
use crate::machine::prepared::Warning;

const FOLDER: Look = Look { is_mounted: false, is_read_only: false, is_full: false, is_root_read_only: false };
const MOUNTED: Look = Look { is_mounted: true, ..FOLDER };

fn decided(look: Look) -> (Kind, bool, usize) {
    let plan = plan(look, "/data", true);
    (plan.kind, plan.writable, plan.warnings.len())
}

#[test]
fn each_look_has_its_meaning() {
    assert_eq!(decided(MOUNTED), (Kind::Mounted, true, 0));
    assert_eq!(decided(Look { is_read_only: true, ..MOUNTED }), (Kind::Mounted, false, 1));
    assert_eq!(decided(Look { is_full: true, ..MOUNTED }), (Kind::Mounted, true, 1));
    assert_eq!(decided(FOLDER), (Kind::Folder, true, 1));
    // The container's disk is not the volume's matter.
    assert_eq!(decided(Look { is_full: true, ..FOLDER }), (Kind::Folder, true, 1));
    let read_only = Look { is_read_only: true, is_root_read_only: true, ..FOLDER };
    assert_eq!(decided(read_only), (Kind::Memory, true, 1));
    assert_eq!(plan(read_only, "/data", false).place, "/run/dumbc/volume");
    assert!(plan(FOLDER, "/data", false).warnings.is_empty(), "nothing would be kept");
}

fn taken(root: &Path) -> (Result<Volume, Error>, Vec<Warning>) {
    let (mut told, ground) = (Vec::new(), Ground::new(root, Refusing));
    let mut teller = |warning: &Warning| told.push(warning.clone());
    let plan = plan(MOUNTED, "/data", true);
    let volume = take(&ground, plan, "/data", &mut Journal::new(&mut teller));
    (volume, told)
}

#[test]
fn one_machine_at_a_time() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("data")).unwrap();
    let (first, told) = taken(root.path());
    assert!(first.is_ok() && told.is_empty(), "{told:?}");
    let (second, _) = taken(root.path());
    let error = second.unwrap_err();
    assert!(matches!(error, Error::Locked { .. }) && crate::failure::Classified::help(&error).is_some());
    drop(first);
    assert!(taken(root.path()).0.is_ok());
}

#[test]
fn the_version_is_raised_and_never_lowered() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("data/lost+found")).unwrap();
    let version = root.path().join("data/dumbc/version");
    taken(root.path()).0.unwrap();
    assert_eq!(fs::read_to_string(&version).unwrap(), "1\n");
    for (before, after, warnings) in [("0\n", "1\n", 0), ("1\n", "1\n", 0), ("7\n", "7\n", 1), ("odd", "1\n", 0)] {
        fs::write(&version, before).unwrap();
        let (volume, told) = taken(root.path());
        assert!(volume.is_ok());
        assert_eq!((fs::read_to_string(&version).unwrap().as_str(), told.len()), (after, warnings));
    }
}

#[test]
fn a_link_in_the_locks_place_is_not_followed() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("data/dumbc")).unwrap();
    let victim = root.path().join("victim");
    std::os::unix::fs::symlink(&victim, root.path().join("data/dumbc/lock")).unwrap();
    let (volume, told) = taken(root.path());
    assert!(volume.is_ok_and(|volume| volume.lock.is_none()) && told.len() == 1 && !victim.exists());
}
