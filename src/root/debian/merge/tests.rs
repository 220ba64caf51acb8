use proptest::prelude::*;

use super::super::sample::{Sample, deb, merged, path};
use super::merge as merge_all;
use super::*;
use crate::failure::Classified as _;

fn refusal(samples: &[&Sample]) -> String {
    merged(samples, &[], &[]).unwrap_err().to_string()
}

/// Whose file stands at a path.
fn owner<'a>(merge: &Merge, samples: &[&'a Sample], at: &str) -> &'a str {
    samples[merge.merged[&path(at)].package].name.as_str()
}

fn divert(package: &str, path: &str, to: &str) -> Diverted {
    Diverted { package: package.parse().unwrap(), path: path.to_owned(), to: to.to_owned() }
}

fn metadata(merge: &Merge, at: &str) -> (u32, u32, u32) {
    let Metadata { mode, uid, gid } = merge.merged[&path(at)].metadata;
    (mode, uid, gid)
}

#[test]
fn packages_that_share_folders_alone_stay_as_they_are() {
    let (one, two) = (deb("one", "", &[("usr/bin/a", "x")]), deb("two", "", &[("bin/b", "x"), ("etc", "dir")]));
    let merge = merged(&[&one, &two], &[], &[]).unwrap();
    assert!(merge.adjustments.is_empty());
    assert_eq!(merge.merged[&path("usr/bin/b")].package, 1);
    assert_eq!(merge.parents()[&path("usr/bin")], Metadata::root(0o755));
    assert!(!merge.merged.contains_key(&ImagePath::default()));
}

#[test]
fn a_replaced_file_leaves_its_package_and_its_list() {
    let old = deb("old", "", &[("bin", "dir"), ("bin/tool", "x"), ("bin/other", "x"), ("etc/tool", "text")]);
    let new = deb("new", "Replaces: gone, old (<< 2)\n", &[("usr/bin/tool", "#!")]);
    let samples = [&old, &new];
    let merge = merged(&samples, &[], &[]).unwrap();
    assert_eq!(owner(&merge, &samples, "usr/bin/tool"), "new");
    assert_eq!(owner(&merge, &samples, "usr/bin/other"), "old");
    let adjustments = &merge.adjustments[&old.name];
    assert_eq!(adjustments.omit, BTreeSet::from([path("usr/bin/tool")]));
    let list = &adjustments.content[&path("var/lib/dpkg/info/old.list")];
    assert_eq!(String::from_utf8_lossy(list), "/.\n/bin\n/bin/other\n/etc/tool\n");
    assert!(merge.is_replaced(&old.name, &path("usr/bin/tool")));
    assert_eq!(merge.adjustments.len(), 1);
}

#[test]
fn lists_of_packages_for_several_architectures_have_their_own_name() {
    let (old, new) = (deb("old", "Multi-Arch: same\n", &[("a", "x")]), deb("new", "Replaces: old\n", &[("a", "x")]));
    let merge = merged(&[&old, &new], &[], &[]).unwrap();
    assert_eq!(merge.adjustments[&old.name].content[&path("var/lib/dpkg/info/old:all.list")], b"/.\n");
    let gone = |_: usize, _: &ImagePath| Err(io::Error::from(io::ErrorKind::NotFound));
    let error = merge_all(&[old.package(), new.package()], &[], &[], &gone).unwrap_err();
    assert_eq!(error.to_string(), "can't read /var/lib/dpkg/info/old:all.list of the package old");
}

#[test]
fn an_unreadable_control_file_is_named() {
    let mut broken = deb("broken", "", &[]);
    broken.facts.control = "no field".to_owned();
    assert_eq!(refusal(&[&broken]), "the package broken has a control file that can't be read");
}

#[test]
fn files_of_two_packages_are_refused_where_neither_replaces_the_other() {
    let file = [("etc/motd", "text")];
    let one = deb("one", "Provides: virtual\n", &file);
    let error = merged(&[&deb("two", "", &file), &one], &[], &[]).unwrap_err();
    let said = "the packages one and two both bring /etc/motd, and neither says that it replaces the other";
    assert_eq!(error.to_string(), said);
    assert_eq!(error.help().unwrap(), "dpkg would refuse them together, too: do without one or without two");
    for fields in ["Replaces: one (<< 1.0)\n", "Replaces: virtual\n", "Replaces: one (>> 1.0), three\n"] {
        assert_eq!(refusal(&[&one, &deb("two", fields, &file)]), said, "{fields}");
    }
    let mutual = [&deb("one", "Replaces: two\n", &file), &deb("two", "Replaces: one\n", &file)];
    let said = "the packages one and two both bring /etc/motd, and each says that it replaces the other";
    assert_eq!(refusal(&mutual), said);
    let unreadable = deb("two", "Replaces: (one)\n", &file);
    assert_eq!(refusal(&[&one, &unreadable]), "the package two has a field `Replaces` that can't be read");
}

#[test]
fn of_three_the_one_stands_that_none_replaces() {
    let file = [("a", "x")];
    let (one, two) = (deb("one", "Replaces: two\n", &file), deb("two", "Replaces: three\n", &file));
    let samples = [&deb("three", "", &file), &two, &one];
    let merge = merged(&samples, &[], &[]).unwrap();
    assert_eq!(owner(&merge, &samples, "a"), "one");
    assert_eq!(merge.adjustments.keys().map(PackageName::as_str).collect::<Vec<_>>(), ["three", "two"]);
}

#[test]
fn links_to_one_folder_stand_for_each_other() {
    let one = deb("one", "", &[("usr/share/doc/x", "-> y"), ("usr/share/doc/y/text", "x")]);
    let two = deb("two", "", &[("usr/share/doc/x", "-> /usr/share/doc/y")]);
    let merge = merged(&[&two, &one], &[], &[]).unwrap();
    assert_eq!(merge.merged[&path("usr/share/doc/x")].package, 1);
    assert_eq!(merge.adjustments[&two.name].omit, BTreeSet::from([path("usr/share/doc/x")]));
    assert!(merge.adjustments[&two.name].content.is_empty());
    let elsewhere = deb("two", "", &[("usr/share/doc/x", "-> /usr/share/doc")]);
    assert!(refusal(&[&elsewhere, &one]).contains("both bring /usr/share/doc/x"));
    let nowhere = [&deb("one", "", &[("x", "-> y")]), &deb("two", "", &[("x", "-> y")])];
    assert!(refusal(&nowhere).contains("both bring /x"));
}

#[test]
fn diverted_files_make_room() {
    let dash = deb("dash", "", &[("bin/sh", "-> dash")]);
    let bash = deb("bash", "", &[("bin/sh", "-> bash"), ("bin/bash", "x")]);
    let samples = [&dash, &bash];
    let merge = merged(&samples, &[divert("dash", "/bin/sh", "/lib/away/sh.distrib")], &[]).unwrap();
    assert_eq!(owner(&merge, &samples, "usr/bin/sh"), "dash");
    assert_eq!(owner(&merge, &samples, "usr/lib/away/sh.distrib"), "bash");
    assert_eq!(metadata(&merge, "usr/lib/away"), (0o755, 0, 0));
    let adjustments = &merge.adjustments[&bash.name];
    assert_eq!(adjustments.rename, BTreeMap::from([(path("usr/bin/sh"), path("usr/lib/away/sh.distrib"))]));
    assert!(adjustments.omit.is_empty() && adjustments.content.is_empty());
    assert_eq!(merge.adjustments.len(), 1);
}

#[test]
fn diversions_that_contradict_are_refused() {
    let bash = deb("bash", "", &[("bin/sh", "-> bash"), ("bin/bash", "x"), ("etc", "dir")]);
    let refused = |diverted: &[Diverted]| merged(&[&bash], diverted, &[]).map_err(|error| error.to_string());
    let (one, two) = (divert("dash", "/bin/sh", "/bin/sh.1"), divert("posh", "/usr/bin/sh", "/bin/sh.1"));
    assert_eq!(refused(&[two, one.clone()]).unwrap_err(), "the packages dash and posh both divert /usr/bin/sh");
    assert!(refused(&[one.clone(), one]).is_ok());
    let below = divert("dash", "/bin/sh", "/bin/bash/sh");
    let said = "the package bash has a folder at /usr/bin/bash, where the package bash has a file";
    assert_eq!(refused(&[below]).unwrap_err(), said);
    assert!(refused(&[divert("dash", "/bin/sh", "/bin/bash")]).unwrap_err().contains("both bring /usr/bin/bash"));
    assert!(refused(&[divert("dash", "/bin/../sh", "/x")]).unwrap_err().starts_with("a script of the package dash"));
    assert!(refused(&[divert("dash", "/etc", "/etc.distrib")]).unwrap().adjustments.is_empty());
}

#[test]
fn files_go_where_another_packages_link_leads() {
    let base = deb("base", "", &[("run", "dir"), ("var/run", "-> /run"), ("var/lock", "-> run/deep/../lock")]);
    let daemon = deb("daemon", "", &[("var/run/daemon/pid", "x"), ("var/lock/x", "y"), ("run/lock", "dir")]);
    let merge = merged(&[&daemon, &base], &[], &[]).unwrap();
    let renamed = [("var/lock/x", "run/lock/x"), ("var/run/daemon/pid", "run/daemon/pid")];
    let renamed = renamed.map(|(from, to)| (path(from), path(to)));
    assert_eq!(merge.adjustments[&daemon.name].rename, BTreeMap::from(renamed));
    assert_eq!(merge.merged[&path("run/daemon")].origin, path("var/run/daemon"));
    assert!(matches!(merge.merged[&path("var/run")].kind, ListingKind::Symlink { .. }));
    assert!(!merge.merged.contains_key(&path("var/run/daemon")));
}

#[test]
fn links_that_move_are_followed_where_they_come_to_stand() {
    let one = deb("one", "", &[("a", "-> b"), ("b", "dir"), ("c", "dir")]);
    let two = deb("two", "", &[("a/link", "-> ../c")]);
    let three = deb("three", "", &[("b/link/file", "x")]);
    let merge = merged(&[&three, &two, &one], &[], &[]).unwrap();
    assert_eq!(merge.adjustments[&two.name].rename, BTreeMap::from([(path("a/link"), path("b/link"))]));
    assert_eq!(merge.adjustments[&three.name].rename, BTreeMap::from([(path("b/link/file"), path("c/file"))]));
}

#[test]
fn folders_and_what_is_none_are_refused() {
    let folder = deb("folder", "", &[("a/b/c", "x")]);
    let said = "the package folder has a folder at /a/b, where the package file has a file";
    assert_eq!(refusal(&[&folder, &deb("file", "Replaces: folder\n", &[("a/b", "x")])]), said);
    let link = |target: &str| refusal(&[&folder, &deb("link", "", &[("a/b", target), ("f", "x")])]);
    let said = |target: &str| {
        format!(
            "the package folder has a folder at /a/b, where the package link has a link to {target}, which is no folder"
        )
    };
    assert_eq!(link("-> /nowhere"), said("/nowhere"));
    assert_eq!(link("-> ../f"), said("/f"));
    assert_eq!(link("-> b"), "/a/b of the package folder lies behind links that lead in a circle");
}

#[test]
fn links_of_scripts_take_folders_along() {
    let base = deb("base-files", "", &[("run", "dir"), ("var/run", "dir"), ("var/lock", "dir")]);
    let base = base.with("var/lock", 0o1777, 0, 0);
    let daemon =
        deb("daemon", "", &[("var/run/daemon", "dir"), ("var/lock/x", "y")]).with("var/run/daemon", 0o750, 5, 5);
    let link = |path: &str, target: &str| Linked {
        package: base.name.clone(),
        path: path.to_owned(),
        target: target.to_owned(),
    };
    let linked = [link("/var/run", "/run"), link("/var/lock", "/run/lock"), link("/srv/www", "nowhere")];
    let merge = merged(&[&base, &daemon], &[], &linked).unwrap();
    assert!(!merge.merged.contains_key(&path("var/run")) && !merge.merged.contains_key(&path("srv/www")));
    assert_eq!(metadata(&merge, "run/lock"), (0o1777, 0, 0));
    assert_eq!(metadata(&merge, "run/daemon"), (0o750, 5, 5));
    assert_eq!(merge.adjustments[&daemon.name].rename, BTreeMap::from([(path("var/lock/x"), path("run/lock/x"))]));
}

#[test]
fn a_folder_is_as_base_files_says_or_as_it_is_special() {
    let folder = |name: &str, mode, uid, gid| deb(name, "", &[("a", "dir")]).with("a", mode, uid, gid);
    let base = folder("base-files", 0o755, 0, 0);
    let (plain, special) = (folder("plain", 0o755, 0, 0), folder("special", 0o2775, 0, 50));
    let (closed, open) = (folder("closed", 0o750, 0, 4), folder("open", 0o1777, 0, 0));
    let decided = |samples: &[&Sample]| {
        let merge = merged(samples, &[], &[]).unwrap();
        let reversed: Vec<_> = samples.iter().rev().copied().collect();
        let other = merged(&reversed, &[], &[]).unwrap();
        assert_eq!(owner(&merge, samples, "a"), owner(&other, &reversed, "a"));
        owner(&merge, samples, "a").to_owned()
    };
    assert_eq!(decided(&[&plain, &special]), "special");
    assert_eq!(decided(&[&special, &base, &plain, &closed]), "base-files");
    assert_eq!(decided(&[&open, &special, &closed, &plain]), "closed");
    assert_eq!(decided(&[&open, &special]), "special");
}

/// Packages that get in each other's way.
fn colliding() -> impl Strategy<Value = Vec<Sample>> {
    let at = prop::sample::select(vec!["a", "a/b", "a/b/c", "a/l", "d", "d/b", "d/b/c", "e/f", "bin/a", "usr/bin/a"]);
    let what = prop::sample::select(vec!["dir", "x", "-> d", "-> /d", "-> ../d", "-> b", "-> /e/f"]);
    let entries = prop::collection::btree_map(at, what, 0..5);
    let replaces = prop::sample::subsequence(vec!["p0", "p1", "p2", "p3"], 0..4);
    prop::collection::vec((entries, replaces), 1..4).prop_map(|packages| {
        let sample = |(number, (entries, replaces)): (usize, (BTreeMap<&str, &str>, Vec<&str>))| {
            // A package of its own is a tree: nothing lies below its files and links, nothing stands twice.
            let mut whole: Vec<(&str, &str)> = Vec::new();
            for (at, what) in entries {
                let canonical = canonical_path(at.as_bytes()).unwrap();
                let free = whole.iter().all(|(other, what)| {
                    let other = canonical_path(other.as_bytes()).unwrap();
                    (*what == "dir" || !canonical.starts_with(&other)) && canonical != other
                });
                whole.extend(free.then_some((at, what)));
            }
            let fields = format!("Replaces: {}\n", replaces.join(", "));
            deb(&format!("p{number}"), if replaces.is_empty() { "" } else { &fields }, &whole)
        };
        packages.into_iter().enumerate().map(sample).collect()
    })
}

/// The merged tree with names instead of indices.
fn named(merge: &Merge, samples: &[&Sample]) -> BTreeMap<ImagePath, (PackageName, Placed)> {
    let named = |(path, placed): (&ImagePath, &Placed)| {
        let name = samples[placed.package].name.clone();
        (path.clone(), (name, Placed { package: 0, ..placed.clone() }))
    };
    merge.merged.iter().map(named).collect()
}

proptest! {
    #[test]
    fn the_packages_order_does_not_matter(samples in colliding()) {
        let forth: Vec<&Sample> = samples.iter().collect();
        let back: Vec<&Sample> = samples.iter().rev().collect();
        let diverted = [divert("p0", "/a/b", "/e/g"), divert("p1", "/d", "/g")];
        match (merged(&forth, &diverted, &[]), merged(&back, &diverted, &[])) {
            (Ok(one), Ok(other)) => {
                prop_assert_eq!(named(&one, &forth), named(&other, &back));
                prop_assert_eq!(one.adjustments, other.adjustments);
            }
            (Err(one), Err(other)) => prop_assert_eq!(one.to_string(), other.to_string()),
            (one, other) => prop_assert!(false, "{:?} and {:?}", one, other),
        }
    }

    #[test]
    fn every_file_stands_or_is_omitted_and_only_once(samples in colliding()) {
        let samples: Vec<&Sample> = samples.iter().collect();
        let Ok(merge) = merged(&samples, &[divert("p0", "/a/b", "/e/g")], &[]) else { return Ok(()) };
        for (index, sample) in samples.iter().enumerate() {
            let none = Adjustments::default();
            let adjustments = merge.adjustments.get(&sample.name).unwrap_or(&none);
            prop_assert!(!adjustments.is_empty() || !merge.adjustments.contains_key(&sample.name));
            for entry in sample.listing.entries().iter().filter(|entry| entry.kind != ListingKind::Directory) {
                let stands = |(at, placed): (&ImagePath, &Placed)| {
                    (placed.package == index && placed.origin == entry.path).then(|| at.clone())
                };
                let standing: Vec<ImagePath> = merge.merged.iter().filter_map(stands).collect();
                let omitted = usize::from(adjustments.omit.contains(&entry.path));
                prop_assert_eq!(standing.len() + omitted, 1);
                let renamed = standing.into_iter().find(|at| *at != entry.path);
                prop_assert_eq!(adjustments.rename.get(&entry.path), renamed.as_ref());
            }
        }
        for path in merge.merged.keys() {
            let parent = path.parent().unwrap();
            prop_assert!(parent.is_root() || merge.merged[&parent].kind == ListingKind::Directory);
        }
    }
}
