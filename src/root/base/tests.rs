//! Our files over a base with links, users and files of its own.

use super::accounts::BaseAccounts;
use super::place::{settle, settle_declared, settle_parents};
use super::*;
use crate::config::{FileOwner, Owner, User};
use crate::image::head::Parents;
use crate::image::tar::{Kind, TAIL, padding, write_header};
use crate::image::tree::{Metadata, Node, Tree};
use crate::root::files::accounts::Accounts;
use crate::root::files::overlay::Declared;
use crate::root::parents::{Claim, claims_of_tree};
use crate::root::sample;

fn path(text: &str) -> ImagePath {
    ImagePath::new(text.as_bytes()).unwrap()
}

/// A base by lines: `dir/ 2755 0:5`, `file=content`, `link->target`.
fn base(lines: &[&str]) -> Layered {
    let mut tar = Vec::new();
    for line in lines {
        if let Some((name, target)) = line.split_once("->") {
            write_header(&mut tar, name.as_bytes(), Kind::Symlink(target.as_bytes()), Metadata::root(0o777));
        } else if let Some((name, content)) = line.split_once('=') {
            let metadata = Metadata { mode: 0o640, uid: 0, gid: 42 };
            write_header(&mut tar, name.as_bytes(), Kind::File(content.len() as u64), metadata);
            tar.extend_from_slice(content.as_bytes());
            tar.extend_from_slice(padding(content.len() as u64));
        } else {
            let metadata = Metadata { mode: 0o2775, uid: 7, gid: 5 };
            write_header(&mut tar, line.trim_end_matches('/').as_bytes(), Kind::Directory, metadata);
        }
    }
    tar.extend_from_slice(&TAIL);
    let mut root = Layered::default();
    root.apply(&tar[..]).unwrap();
    root
}

fn merged_usr() -> Layered {
    base(&[
        "usr/",
        "usr/bin/",
        "bin->usr/bin",
        "usr/bin/sh=elf",
        "run/",
        "var/",
        "var/run->/run",
        "var/lib/",
        "etc/",
        "etc/profile=old",
        "etc/os-release=ID=other",
        "etc/hosts=own",
        "etc/resolv.conf->../run/resolv.conf",
        "etc/shadow=root:x:1::::::",
        "home/",
        "loop->loop",
        "lib/",
    ])
}

fn told(tree: &Tree) -> Vec<String> {
    let line = |(path, (metadata, node)): (&ImagePath, &(Metadata, Node))| match node {
        Node::Symlink(target) => format!("{path} -> {}", String::from_utf8_lossy(target)),
        Node::Directory => format!("{path}/ {:o} {}", metadata.mode, metadata.uid),
        _ => format!("{path} {:o} {}", metadata.mode, metadata.gid),
    };
    tree.iter().map(line).collect()
}

#[test]
fn generated_files_go_through_links_and_leave_what_is_there() {
    let base = merged_usr();
    let mut tree = sample::tree(&[
        ("bin/sh", "-> /etc/profiles/system/bin/sh"),
        ("var/run", "-> /run"),
        ("var/run/app/x", "data"),
        ("home", "dir"),
        ("etc/os-release", "ID=dumbc"),
        ("etc/profile", "PATH=/x"),
        ("etc/hosts", "ours"),
        ("etc/resolv.conf", ""),
        ("etc/shadow", "root:*"),
        ("etc/hostname", "box"),
        ("srv", "dir"),
        ("lib", "-> usr/lib"),
    ]);
    tree.remove(&path(""));
    settle(&mut tree, &base, "the root").unwrap();
    let expected = [
        "/etc/hostname 644 0",
        "/etc/profile.d/zz-dumbc.sh 644 0",
        "/etc/resolv.conf 644 0",
        "/etc/shadow 640 42",
        "/run/app/ 755 0",
        "/run/app/x 644 0",
        "/srv/ 755 0",
        "/usr/bin/sh -> /etc/profiles/system/bin/sh",
    ];
    assert_eq!(told(&tree), expected);
    let again = told(&tree);
    settle(&mut tree, &base, "the root").unwrap();
    assert_eq!(told(&tree), again, "a second time changes nothing");
}

#[test]
fn what_has_no_place_is_an_error_that_names_both() {
    let refused = |entries: &[(&str, &str)]| {
        let mut tree = sample::tree(entries);
        tree.remove(&path(""));
        settle(&mut tree, &merged_usr(), "the root").unwrap_err().to_string()
    };
    assert_eq!(
        refused(&[("etc/hosts", "dir")]),
        "the root needs a folder at /etc/hosts, where the base image has a file"
    );
    assert_eq!(refused(&[("home", "text")]), "the root brings /home, where the base image has a folder");
    let nowhere = "the root needs /loop, and the base image has a file on the way there, or a circle of links";
    assert_eq!(refused(&[("loop/x", "text")]), nowhere);
}

#[test]
fn declared_files_win_and_go_through_links_too() {
    let mut tree = sample::tree(&[("bin/tool", "#!x"), ("etc/os-release", "mine"), ("home/a", "dir")]);
    tree.remove(&path(""));
    tree.insert(path("var/lib"), (Metadata { mode: 0o755, uid: 9, gid: 9 }, Node::Directory));
    let mut declared = Declared { target: path("bin"), tree, owner: FileOwner::Known(Owner::default()) };
    settle_declared(&mut declared, &merged_usr()).unwrap();
    let expected = ["/etc/os-release 644 0", "/home/a/ 755 0", "/usr/bin/tool 755 0", "/var/lib/ 2775 9"];
    assert_eq!(told(&declared.tree), expected);
}

#[test]
fn heads_keep_the_bases_folders_and_never_a_link() {
    let store_path = sample::store_path("git");
    let unit = |name: &str, path: &str| {
        let claims = vec![(ImagePath::new(path.as_bytes()).unwrap(), Claim::Own)];
        vec![(name.to_owned(), claims)]
    };
    let parents =
        |folders: &[&str]| -> Parents { folders.iter().map(|folder| (path(folder), Metadata::root(0o755))).collect() };
    let mut shared = parents(&["usr", "usr/bin", "srv"]);
    settle_parents(&mut shared, &merged_usr(), &unit("root", "usr/bin/x")).unwrap();
    assert_eq!(shared[&path("usr/bin")], Metadata { mode: 0o2775, uid: 7, gid: 5 });
    assert_eq!(shared[&path("srv")], Metadata::root(0o755));
    let linked = base(&["mnt/", "nix->mnt"]);
    let units = unit(&store_path.to_string(), &store_path.to_string());
    let refused = settle_parents(&mut parents(&["nix", "nix/store"]), &linked, &units).unwrap_err().to_string();
    assert_eq!(refused, format!("{store_path} needs a folder at /nix, where the base image has a link to mnt"));
    let refused = settle_parents(&mut parents(&["usr"]), &merged_usr(), &unit("a package", "usr/bin")).unwrap_err();
    assert_eq!(refused.to_string(), "a package brings /usr/bin, where the base image has a folder");
    let tree = Tree::from([(path("usr/bin"), (Metadata::root(0o755), Node::File(Vec::new())))]);
    let units = vec![("[files.\"/usr/bin\"]".to_owned(), claims_of_tree(&tree).collect())];
    settle_parents(&mut parents(&["usr"]), &merged_usr(), &units).unwrap();
}

#[test]
fn users_and_groups_of_both_are_there_and_ours_win_by_name() {
    let base = base(&[
        "etc/passwd=root:x:0:0:Boss:/root:/bin/ash\nodd line\napp:x:1000:1000::/srv:/bin/false\nold:x:7:7::/:/bin/sh\n",
        "etc/group=root:x:0:\napp:x:1000:\nwheel:x:10:old\n",
        "etc/shadow=root:$6$x:1::::::\napp:!:1::::::\n",
        "usr/bin/zsh=elf",
        "etc/shells=# comment\n/bin/ash\n",
        "bin/sh=elf",
    ]);
    let mut machine = sample::machine();
    let alice = machine.users["alice"].clone();
    let user = |id| User { uid: id, gid: id, ..alice.clone() };
    machine.users = [("app".to_owned(), user(1001)), ("dev".to_owned(), user(7))].into();
    let mut supplies = Supplies::default();
    supply(&base, &mut supplies, "UTC").unwrap();
    let accounts = Accounts::of(&machine, &supplies);
    let passwd = accounts.passwd();
    assert!(passwd.starts_with("root:x:0:0:Boss:/root:/bin/ash\nold:x:7:7::/:/bin/sh\ndev:x:7:7:"), "{passwd}");
    assert!(passwd.contains("\napp:x:1001:1001::/home/app:") && passwd.contains("\nnobody:x:65534:"), "{passwd}");
    assert!(!passwd.contains("app:x:1000"), "{passwd}");
    let shadow = accounts.shadow();
    assert!(shadow.contains("root:$6$x:1::::::\n") && shadow.contains("app:*:::::::\n"), "{shadow}");
    let group = accounts.group();
    assert!(group.contains("wheel:x:10:app,dev,old\n") && group.contains("\napp:x:1001:\n"), "{group}");
    assert!(!group.contains("app:x:1000"), "{group}");
    let known = supplies.base.as_ref().unwrap();
    assert_eq!(known.login_shells["zsh"], "/usr/bin/zsh");
    assert_eq!(known.shells, ["/bin/ash"]);
    let clashes: Vec<_> = known.clashes(&machine).into_iter().map(|clash| clash.message).collect();
    assert_eq!(clashes, ["user `dev` and the base image's `old` share uid 7"]);
    assert!(has_shell(&base) && !has_dpkg(&base));
    assert_eq!(BaseAccounts::of(&Layered::default()).unwrap(), BaseAccounts::default());
}
