use std::fs;
use std::os::unix::fs::MetadataExt as _;

use super::*;
use crate::machine::boot::mounting::doubles::Refusing;
use crate::machine::boot::tests::{plan, unit};
use crate::machine::prepared::Warning;

fn sample() -> BootPlan {
    let mut plan = plan();
    let mut sshd = unit("tailscale-up", 0);
    sshd.secret_files = vec!["TS_AUTHKEY".to_owned()];
    let mut sync = unit("sync@alice", 1000);
    sync.secret_files = vec!["TS_AUTHKEY".to_owned(), "OTHER".to_owned()];
    let mut other = unit("sync@bob", 1001);
    other.secret_files = vec!["TS_AUTHKEY".to_owned()];
    plan.daemons = vec![sshd, sync, other];
    plan.entrypoint.as_mut().unwrap().secrets = vec!["DATABASE_URL".to_owned()];
    plan
}

fn variables() -> BTreeMap<String, String> {
    [("DATABASE_URL", "hunter2"), ("TS_AUTHKEY", "tskey"), ("LANG", "C")]
        .map(|(n, v)| (n.to_owned(), v.to_owned()))
        .into()
}

#[test]
fn what_a_unit_names_is_taken_from_everybody() {
    let (left, secrets) = part(&sample(), variables());
    assert_eq!(left.keys().collect::<Vec<_>>(), ["LANG"]);
    assert_eq!(secrets.0["DATABASE_URL"], "hunter2");
    let sample = sample();
    let missing = missing(&sample, &secrets).into_iter().map(|(name, units)| (name.to_owned(), units.len()));
    assert_eq!(missing.collect::<Vec<_>>(), [("OTHER".to_owned(), 1)]);
}

#[test]
fn files_belong_to_those_who_named_them() {
    let sample = sample();
    let readers = readers(&sample);
    let of: Vec<u32> = readers["TS_AUTHKEY"].iter().map(|owner| owner.uid).collect();
    assert_eq!(of, [1000, 1001, 0]);
    insta::assert_snapshot!(data_encoding::HEXLOWER.encode(&readable_by(&[1001])), @"0200000001000400ffffffff02000400e903000004000000ffffffff10000400ffffffff20000000ffffffff");
}

#[test]
fn files_are_written_and_values_never_told() {
    let root = tempfile::tempdir().unwrap();
    let sample = sample();
    let (_, secrets) = part(&sample, variables());
    let mut told = Vec::new();
    let mut teller = |warning: &Warning| told.push(format!("{warning:?}"));
    for _ in 0..2 {
        let ground = Ground::new(root.path(), Refusing);
        let mut notes = Journal::new(&mut teller);
        stand(&ground, &MountTable::default(), &sample, &secrets, &mut notes);
        tell(&sample, &secrets, &mut notes);
    }
    let file = root.path().join("run/secrets/TS_AUTHKEY");
    assert_eq!(fs::read(&file).unwrap(), b"tskey");
    assert_eq!(root.path().join("run/secrets").metadata().unwrap().mode() & 0o7777, 0o711);
    // The mask of an access control list shows as the group's bits.
    assert_eq!(file.metadata().unwrap().mode() & 0o7707, 0o400);
    if rustix::process::geteuid().is_root() {
        assert_eq!(file.metadata().unwrap().uid(), 1000);
    }
    assert!(!root.path().join("run/secrets/OTHER").exists());
    assert!(
        told.iter().all(|told| !told.contains("tskey"))
            && told.iter().any(|told| told.contains("fly secrets set OTHER")),
        "{told:?}"
    );
}
