use super::super::test_support::path;
use super::*;
use crate::cache::NarSource;
use crate::nix::Sha256;

const X86: System = System::X86_64Linux;

/// A lock with a request for each package (its file a tenth of its NAR), named by the attribute given.
fn lock(packages: &[(&str, &str, u64)]) -> Lock {
    let mut lock = Lock::default();
    for (attribute, name, nar_size) in packages {
        let (plain, version) = split_version(name);
        let source = NarSource {
            cache: "cache".to_owned(),
            url: "nar/x".to_owned(),
            compression: "zstd".to_owned(),
            file_hash: None,
            file_size: Some(nar_size / 10),
        };
        lock.packages.insert(
            path(name),
            LockedPackage {
                nar_hash: Sha256::of(b""),
                nar_size: *nar_size,
                references: Vec::new(),
                signatures: Vec::new(),
                content_address: None,
                deriver: None,
                channel: None,
                source: Some(source),
            },
        );
        lock.requests.insert(
            (X86, (*attribute).to_owned()),
            LockedRequest {
                channel: None,
                name: plain.to_owned(),
                version: version.map(str::to_owned),
                outputs: vec![("out".to_owned(), path(name))],
                deb: None,
                origin: None,
            },
        );
    }
    lock
}

/// `kind name from -> to, before -> after`
fn told(changes: &[Change]) -> Vec<String> {
    let line = |change: &Change| {
        let (from, to) = (change.from.join(","), change.to.join(","));
        let Sizes { before, after } = change.size;
        format!("{:?} {} {from} -> {to}, {before} -> {after}", change.kind, change.name)
    };
    changes.iter().map(line).collect()
}

#[test]
fn every_way_to_change_is_told() {
    let old = lock(&[("a", "a-1.0", 100), ("b", "b-1.0", 200), ("c", "c-1", 300)]);
    let mut new = lock(&[("a", "a-2.0", 150), ("c", "c-1", 300), ("d", "d-4", 400)]);
    let rebuilt = path("c-1.rebuilt");
    let package = new.packages.remove(&path("c-1")).expect("c");
    new.packages.insert(rebuilt.clone(), package);
    new.requests.get_mut(&(X86, "c".to_owned())).expect("c").outputs[0].1 = rebuilt;
    let changes = Changes::between(&old, &new);
    assert_eq!(
        told(&changes.requests),
        [
            "Updated a 1.0 -> 2.0, 100 -> 150",
            "Removed b 1.0 -> , 200 -> 0",
            "Rebuilt c 1 -> 1, 300 -> 300",
            "Added d  -> 4, 0 -> 400"
        ]
    );
    assert_eq!(changes.summary(), "1 request added, 1 removed, 1 updated, 1 rebuilt; 3 new packages");
    assert_eq!(changes.packages.len(), 4);
    assert_eq!(changes.total, Sizes { before: 600, after: 850 });
    assert_eq!(changes.new, NewPackages { count: 3, size: 850, file_size: Some(85) });
}

#[test]
fn hints_are_no_changes_and_unknown_sizes_stay_unknown() {
    let old = lock(&[("a", "a-1.0", 100)]);
    let mut new = old.clone();
    new.packages.get_mut(&path("a-1.0")).expect("a").source = None;
    let changes = Changes::between(&old, &new);
    assert!(changes.is_empty());
    assert_eq!(changes.summary(), "no request changed; 0 new packages");
    assert_eq!(changes.new, NewPackages { count: 0, size: 0, file_size: Some(0) });
    assert_eq!(Changes::between(&Lock::default(), &new).new.file_size, None);
}

#[test]
fn several_builds_of_a_package_count_together() {
    let old = lock(&[("a", "glibc-2.36", 100)]);
    let new = lock(&[("a", "glibc-2.36", 100), ("b", "glibc-2.40", 120)]);
    assert_eq!(told(&Changes::between(&old, &new).packages), ["Updated glibc 2.36 -> 2.36,2.40, 100 -> 220"]);
}

#[test]
fn what_is_rebuilt_tells_what_moved_it() {
    let all = [("git", "git-2", 4), ("curl", "curl-8", 3), ("ssl", "ssl-3.0", 2), ("libc", "libc-2", 1)];
    let uses = |lock: &mut Lock, path_of: &dyn Fn(&str) -> StorePath, ssl: &str| {
        for (user, used) in [("git-2", "curl-8"), ("curl-8", ssl), (ssl, "libc-2"), ("git-2", "libc-2")] {
            lock.packages.get_mut(&path_of(user)).expect(user).references.push(path_of(used));
        }
    };
    let mut old = lock(&all);
    uses(&mut old, &path, "ssl-3.0");
    // Another ssl: curl and git have the same version and another path.
    let mut new = lock(&[("git", "git-2", 4), ("curl", "curl-8", 3), ("ssl", "ssl-3.1", 2), ("libc", "libc-2", 1)]);
    for (attribute, name) in [("git", "git-2"), ("curl", "curl-8"), ("ssl", "ssl-3.1")] {
        let package = new.packages.remove(&path(name)).expect(name);
        let again = new_path(name);
        new.packages.insert(again.clone(), package);
        new.requests.get_mut(&(X86, attribute.to_owned())).expect(name).outputs[0].1 = again;
    }
    uses(&mut new, &new_path, "ssl-3.1");
    let changes = Changes::between(&old, &new);
    let because = |changes: &[Change]| -> Vec<String> {
        changes
            .iter()
            .map(|change| format!("{:?} {}: {}", change.kind, change.name, change.because.join(",")))
            .collect()
    };
    let expected = ["Rebuilt curl: ssl", "Rebuilt git: ssl", "Updated ssl: "];
    assert_eq!(because(&changes.requests), expected);
    assert_eq!(because(&changes.packages), expected);
    // A cycle, which only somebody who made the lock up can have written, is survived.
    let curl = new.packages.get_mut(&new_path("curl-8")).expect("curl");
    curl.references.push(new_path("git-2"));
    assert_eq!(Changes::between(&old, &new).requests.len(), 3);
}

#[test]
fn debian_packages_tell_who_depends_on_them() {
    let deb = |depends: &[&str]| LockedDeb {
        version: "1-1".parse().expect("a version"),
        architecture: "amd64".to_owned(),
        source: "source".parse().expect("a name"),
        file: "pool/x.deb".to_owned(),
        size: 1,
        sha256: Sha256::of(depends.concat().as_bytes()),
        installed_size: 10,
        depends: depends.iter().map(|name| name.parse().expect("a name")).collect(),
        suite: "bookworm".to_owned(),
        channel: "debian".to_owned(),
    };
    let mut new = lock(&[("git", "git-2", 4)]);
    for (name, depends) in [("curl", &["libcurl4", "libc6"][..]), ("libcurl4", &["libc6"]), ("libc6", &["libc6"])] {
        new.debs.insert((X86, name.parse().expect("a name")), deb(depends));
    }
    let asked =
        LockedRequest { deb: Some("curl".parse().expect("a name")), ..new.requests[&(X86, "git".to_owned())].clone() };
    new.requests.insert((X86, "debian#curl".to_owned()), LockedRequest { outputs: Vec::new(), ..asked });
    let because = |old: &Lock| -> Vec<String> {
        let changes = Changes::between(old, &new).packages;
        changes.iter().map(|change| format!("{}: {}", change.name, change.because.join(","))).collect()
    };
    assert_eq!(because(&Lock::default()), ["curl: ", "git: ", "libc6: curl,libcurl4", "libcurl4: curl"]);
    assert!(because(&new).is_empty());
}

/// Where a package is that was built anew; libc is where it was.
fn new_path(name: &str) -> StorePath {
    if name == "libc-2" { path(name) } else { StorePath::from_parts([7; 20], name).expect("a name") }
}

#[test]
fn a_channel_moves_from_release_to_release() {
    let locked = |name: &str| {
        let mut lock = Lock::default();
        let release = super::super::lock::LockedRelease {
            wanted: "nixos-26.05".to_owned(),
            name: name.to_owned(),
            revision: "0".repeat(40),
            evaluation: 1,
        };
        let channel = LockedChannel { index_hash: None, archive: None, release: Some(release) };
        lock.channels.insert("nixpkgs".to_owned(), channel);
        lock
    };
    let changes = Changes::between(&locked("nixos-26.05.1.a"), &locked("nixos-26.05.2.b"));
    assert!(changes.is_empty(), "what nobody notices is no change");
    let [change] = &changes.channels[..] else { panic!("one channel moved") };
    assert_eq!((&*change.from, &*change.to, change.together), ("nixos-26.05.1.a", "nixos-26.05.2.b", true));
    assert!(Changes::between(&locked("same"), &locked("same")).channels.is_empty());
}
