use super::*;
use crate::channel::LockedPackage;
use crate::nix::StorePath;

/// A lock with packages of these names, each built from `build`.
fn lock(packages: &[(&str, u8)]) -> Lock {
    let package = LockedPackage {
        nar_hash: Sha256::of(b""),
        nar_size: 1,
        references: Vec::new(),
        signatures: Vec::new(),
        content_address: None,
        deriver: None,
        channel: None,
        source: None,
    };
    let path = |(name, build): &(&str, u8)| StorePath::from_parts([*build; 20], name).expect("a name");
    Lock { packages: packages.iter().map(|entry| (path(entry), package.clone())).collect(), ..Lock::default() }
}

fn counts(revisions: &[&[(&str, u8)]]) -> Counts {
    let mut counts = Counts::default();
    revisions.iter().rev().for_each(|packages| counts.add_older(count::builds(&lock(packages))));
    counts
}

#[test]
fn what_changes_often_weighs_more() {
    let history: &[&[(&str, u8)]] = &[
        &[("git-1", 1), ("glibc-2", 1)],
        &[("git-2", 2), ("glibc-2", 1)],
        &[("git-2", 3), ("glibc-2", 1), ("jq-1", 1)],
        &[("git-3", 4), ("glibc-2", 1), ("jq-1", 1)],
    ];
    let counts = counts(history);
    // By Laplace: 4 of 5, 1 of 5, 1 of 3.
    assert_eq!(
        ["git", "glibc", "jq", "hello"].map(|key| counts.rate(key)),
        [Some(800_000), Some(200_000), Some(333_333), None]
    );
    let learnt = weights(&counts, &lock(&[("git-3", 4), ("glibc-2", 1), ("jq-1", 1), ("hello-1", 1)])).expect("known");
    assert_eq!(learnt.commits, 4);
    // The mean is 4 of 9; hello is not known, and so weighs as the average does.
    let told: Vec<_> = learnt.weights.iter().map(|(name, weight)| (name.as_str(), *weight)).collect();
    assert_eq!(told, [("git", 1800), ("glibc", 450), ("jq", 750)]);
}

#[test]
fn one_revision_tells_nothing() {
    let packages: &[(&str, u8)] = &[("git-1", 1)];
    assert_eq!(weights(&counts(&[packages]), &lock(packages)), None);
    assert_eq!(weights(&Counts::default(), &Lock::default()), None);
}

#[test]
fn weights_have_two_digits() {
    for (exact, rounded) in [(0, 1), (7, 7), (99, 99), (104, 100), (1_849, 1_800), (996, 1_000), (u64::MAX, 1_000_000)]
    {
        assert_eq!(two_digits(exact), rounded, "{exact}");
    }
}

#[test]
fn counts_are_kept_for_the_very_history() -> std::io::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("below").join("counts.json");
    let counted = counts(&[&[("git-1", 1)], &[("git-2", 2)]]);
    count::write(&file, "history", &counted)?;
    let known = count::read(&file, "history").expect("it was kept");
    assert_eq!((known.revisions, known.rate("git")), (2, counted.rate("git")));
    assert!(count::read(&file, "another").is_none());
    std::fs::write(&file, "{")?;
    assert!(count::read(&file, "history").is_none());
    Ok(())
}
