use std::fs;
use std::os::unix::fs::{MetadataExt as _, lchown, symlink};

use super::*;
use crate::boot::{PlanPath, PlanUser};
use crate::machine::boot::tests::{account, plan as sample};

fn machine() -> BootPlan {
    let mut plan = sample();
    let user = PlanUser { account: account("alice", 2000), generation: String::new() };
    plan.users.insert("alice".to_owned(), user);
    plan.persist = vec![PlanPath { path: "/var/lib/app".to_owned(), uid: 2000, gid: 2000, mode: 0o700 }];
    plan
}

#[test]
fn unknown_users_and_homes_are_told() {
    let root = tempfile::tempdir().unwrap();
    let ground = Ground::new(root.path(), crate::machine::boot::Kernel);
    assert!(matches!(plan(&ground, &machine(), "bob"), Err(Error::Unknown { .. })));
    assert!(matches!(plan(&ground, &machine(), "alice"), Err(Error::NoHome { .. })));
}

#[test]
fn what_was_the_formers_becomes_the_users() {
    if !rustix::process::geteuid().is_root() {
        crate::root::sample::skipped("only root can give files away");
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let ground = Ground::new(root.path(), crate::machine::boot::Kernel);
    let at = |path: &str| root.path().join(path);
    fs::create_dir_all(at("data/homes/alice/below")).unwrap();
    fs::create_dir_all(at("data/state/var/lib/app")).unwrap();
    fs::write(at("data/secret"), "root's").unwrap();
    fs::write(at("data/homes/alice/below/file"), "").unwrap();
    symlink("/data/secret", at("data/homes/alice/link")).unwrap();
    symlink(at("data/secret"), at("data/homes/alice/out")).unwrap();
    fs::hard_link(at("data/secret"), at("data/homes/alice/second-name")).unwrap();
    for path in ["", "/below", "/below/file", "/link", "/out"] {
        lchown(at(&format!("data/homes/alice{path}")), Some(1000), Some(1000)).unwrap();
    }
    lchown(at("data/state/var/lib/app"), Some(1000), Some(50)).unwrap();
    let adoption = plan(&ground, &machine(), "alice").unwrap();
    assert_eq!((adoption.uid, adoption.paths.len()), (1000, 2));
    let adopted = adopt(&ground, &adoption).unwrap();
    assert_eq!(adopted, Adopted { changed: 6, others: 1 });
    let owner = |path: &str| at(path).symlink_metadata().map(|there| (there.uid(), there.gid())).unwrap();
    assert_eq!(owner("data/homes/alice/below/file"), (2000, 2000));
    assert_eq!(owner("data/homes/alice/link"), (2000, 2000));
    assert_eq!(owner("data/state/var/lib/app"), (2000, 50), "a group of others stays");
    assert_eq!(owner("data/secret"), (0, 0));
    assert_eq!(plan(&ground, &machine(), "alice").unwrap().uid, 2000);
}
