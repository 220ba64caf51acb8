use super::super::merge::Linked;
use super::super::sample::{Sample, deb, merged, packages, path};
use super::*;
use crate::image::adjust::Adjustments;

fn metadata(path: &str, user: Option<&str>, group: Option<&str>, mode: Option<u32>) -> Action {
    let (user, group) = (user.map(str::to_owned), group.map(str::to_owned));
    Action::Metadata { path: path.to_owned(), user, group, mode }
}

fn recorded(path: &str, user: &str, group: &str, mode: u32) -> Action {
    Action::StatOverride { path: path.to_owned(), user: user.to_owned(), group: group.to_owned(), mode }
}

fn capability(path: &str, capabilities: &str) -> Action {
    Action::Capability { path: path.to_owned(), capabilities: capabilities.to_owned() }
}

fn lookup(owner: Owner<'_>) -> Option<u32> {
    match owner {
        Owner::User("root") | Owner::Group("root") => Some(0),
        Owner::User("www") => Some(33),
        Owner::Group("crontab") => Some(101),
        Owner::Group("messagebus") => Some(102),
        _ => None,
    }
}

fn applied(samples: &[&Sample], actions: &[Action]) -> (Merge, Overrides) {
    let linked: [Linked; 0] = [];
    let mut merge = merged(samples, &[], &linked).unwrap();
    let who = "cron".parse().unwrap();
    let overrides =
        override_files(&mut merge, &packages(samples), actions.iter().map(|action| (&who, action)), &lookup);
    (merge, overrides)
}

fn cron() -> Sample {
    let entries = [("usr/bin/crontab", "x"), ("bin/ping", "x"), ("bin/ping4", "-> ping"), ("var/spool/cron", "dir")];
    deb("cron", "", &entries)
}

fn adjustments(merge: &Merge) -> Adjustments {
    merge.adjustments.get(&"cron".parse::<PackageName>().unwrap()).cloned().unwrap_or_default()
}

#[test]
fn dpkgs_overrides_reach_files_and_its_database() {
    let cron = cron();
    let tab = metadata("/usr/bin/crontab", Some("root"), Some("crontab"), Some(0o2755));
    let noted = recorded("/usr/bin/crontab", "root", "crontab", 0o2755);
    // What `chown` and `chmod` did, dpkg doesn't remember.
    let chowned = metadata("/bin/ping", Some("root"), Some("crontab"), Some(0o2755));
    let (merge, overrides) = applied(&[&cron], &[tab, noted, chowned]);
    let expected = Metadata { mode: 0o2755, uid: 0, gid: 101 };
    assert_eq!(merge.merged[&path("usr/bin/crontab")].metadata, expected);
    assert_eq!(adjustments(&merge).metadata[&path("usr/bin/crontab")], expected);
    assert!(overrides.findings.is_empty());
    let noted = overrides.stat_overrides.iter().map(|one| (one.path.as_str(), one.mode)).collect::<Vec<_>>();
    assert_eq!(noted, [("/usr/bin/crontab", 0o2755)]);
}

#[test]
fn folders_change_in_the_tree_alone() {
    let cron = cron();
    let (merge, overrides) = applied(&[&cron], &[metadata("/var/spool/cron/", None, Some("crontab"), Some(0o1730))]);
    assert_eq!(merge.merged[&path("var/spool/cron")].metadata, Metadata { mode: 0o1730, uid: 0, gid: 101 });
    assert!(merge.adjustments.is_empty());
    assert_eq!(overrides, Overrides::default());
}

#[test]
fn another_owner_takes_setuid_and_capabilities_away() {
    let cron = cron().with("usr/bin/crontab", 0o4755, 0, 0);
    let chown = metadata("/usr/bin/crontab", Some("www"), None, None);
    let (merge, _) = applied(&[&cron], std::slice::from_ref(&chown));
    assert_eq!(merge.merged[&path("usr/bin/crontab")].metadata, Metadata { mode: 0o755, uid: 33, gid: 0 });
    let given = capability("/usr/bin/crontab", "cap_setuid+ep");
    let (merge, _) = applied(&[&cron], &[given.clone(), chown.clone()]);
    assert!(adjustments(&merge).capabilities.is_empty());
    let (merge, _) = applied(&[&cron], &[chown, given]);
    assert_eq!(adjustments(&merge).capabilities.len(), 1);
    let mode = metadata("/usr/bin/crontab", None, None, Some(0o4700));
    let (merge, _) = applied(&[&cron], &[mode]);
    assert_eq!(merge.merged[&path("usr/bin/crontab")].metadata.mode, 0o4700);
}

#[test]
fn paths_lead_through_links_to_the_package_that_has_the_file() {
    let cron = cron();
    let base = deb("base", "", &[("run", "dir"), ("var/run", "-> /run"), ("usr/share/p", "-> ../bin/ping4")]);
    let moved = deb("moved", "", &[("var/run/file", "text")]);
    let actions = [capability("/usr/share/p", "cap_net_raw+ep"), metadata("/var/run/file", Some("#7"), None, None)];
    let (merge, overrides) = applied(&[&cron, &base, &moved], &actions);
    assert!(overrides.findings.is_empty(), "{:?}", overrides.findings);
    assert!(adjustments(&merge).capabilities.contains_key(&path("usr/bin/ping")));
    // By its path in the package's own fragment.
    assert_eq!(merge.adjustments[&moved.name].metadata[&path("var/run/file")].uid, 7);
    assert_eq!(merge.merged[&path("run/file")].metadata.uid, 7);
}

#[test]
fn what_cannot_be_done_is_told() {
    let cron = cron();
    let actions = [
        metadata("/nobodys", Some("root"), Some("root"), Some(0o700)),
        recorded("/nobodys", "root", "root", 0o700),
        recorded("/usr/bin/crontab", "nemo", "root", 0o700),
        recorded("/usr/bin/crontab", "root", "ro ot", 0o700),
        metadata("/usr/bin/crontab", Some("nemo"), Some("root"), Some(0o700)),
        metadata("/usr/bin/crontab", None, Some("nogroup"), None),
        capability("/usr/bin/crontab", "cap_fly+ep"),
        capability("/var/spool/cron", "cap_kill+ep"),
    ];
    let (merge, overrides) = applied(&[&cron], &actions);
    assert!(merge.adjustments.is_empty());
    let findings: Vec<_> = overrides.findings.iter().map(ToString::to_string).collect();
    let expected = [
        "cron changes /nobodys, which no package brings",
        "cron gives /usr/bin/crontab to the user nemo, who is not in the image",
        "cron gives /usr/bin/crontab to the group nogroup, which is not in the image",
        "cron gives capabilities to /usr/bin/crontab: `cap_fly+ep` are no capabilities of a file: a name is unknown",
        "cron changes /var/spool/cron, which no package brings",
    ];
    assert_eq!(findings, expected);
    // dpkg fails on a database that names an unknown user; a path that isn't there is fine.
    assert_eq!(overrides.stat_overrides.len(), 1);
}

#[test]
fn circles_end() {
    let cron = deb("cron", "", &[("a", "-> b"), ("b", "-> a")]);
    let (_, overrides) = applied(&[&cron], &[metadata("/a", None, None, Some(0o700))]);
    assert_eq!(overrides.findings.len(), 1);
}

#[test]
fn the_last_override_of_a_path_stands() {
    let cron = cron();
    let over = |mode| recorded("/usr/bin/crontab", "root", "root", mode);
    let (_, overrides) = applied(&[&cron], &[over(0o700), over(0o711)]);
    assert_eq!(overrides.stat_overrides.iter().map(|one| one.mode).collect::<Vec<_>>(), [0o711]);
}
