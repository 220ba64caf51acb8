use super::*;
use crate::deb::{PackageFacts, PackageName};
use crate::root::sample;

fn path(text: &str) -> ImagePath {
    ImagePath::new(text.as_bytes()).unwrap()
}

fn declared(target: &str, entries: &[(&str, &str)]) -> Declared {
    let mut tree = sample::tree(entries);
    tree.retain(|at, _| at.starts_with(&path(target)));
    Declared { target: path(target), tree, owner: crate::config::FileOwner::default() }
}

fn omitted(omitted: &Omitted) -> Vec<String> {
    omitted.iter().flat_map(|(index, paths)| paths.iter().map(move |path| format!("{index} {path}"))).collect()
}

#[test]
fn aliases_stand_where_packages_are_and_everything_moves_below_usr() {
    let mut generated =
        sample::tree(&[("bin/sh", "-> dash"), ("usr/bin/env", "-> x"), ("lib64/ld", "x"), ("etc/hosts", "text")]);
    let merged = sample::merged(&[("usr/lib64/ld.so", "x")]);
    put_aliases(&mut generated, &merged);
    insta::assert_snapshot!(sample::lines(&generated), @"
    0755 0:0 //
    0777 0:0 /bin -> usr/bin
    0755 0:0 /etc/
    0644 0:0 /etc/hosts 4 bytes
    0777 0:0 /lib -> usr/lib
    0777 0:0 /lib64 -> usr/lib64
    0777 0:0 /sbin -> usr/sbin
    0755 0:0 /usr/
    0755 0:0 /usr/bin/
    0777 0:0 /usr/bin/env -> x
    0777 0:0 /usr/bin/sh -> dash
    0755 0:0 /usr/lib/
    0755 0:0 /usr/lib64/
    0755 0:0 /usr/lib64/ld 1 bytes
    0755 0:0 /usr/sbin/
    ");
}

#[test]
fn generated_files_give_way_but_for_the_machines_own() {
    let entries = [
        ("etc/os-release", "-> ../usr/lib/os-release"),
        ("etc/passwd", "root"),
        ("etc/timezone", "UTC"),
        ("tmp", "dir"),
        ("var/log", "dir"),
        ("var/empty", "dir"),
        ("var/mail/x", "letter"),
    ];
    let mut generated = sample::tree(&entries);
    for (at, mode) in [("tmp", 0o1777), ("var/log", 0o700)] {
        generated.insert(path(at), (Metadata::root(mode), Node::Directory));
    }
    let mut merged = sample::merged(&[
        ("etc/os-release", "debian"),
        ("etc/passwd", "hostile"),
        ("tmp", "dir"),
        ("var/log/dpkg.log", "log"),
        ("var/empty", "-> ../run/sshd"),
        ("var/mail", "-> spool/mail"),
    ]);
    merged.get_mut(&path("var/log")).unwrap().metadata = Metadata { mode: 0o2775, uid: 0, gid: 4 };
    let out = give_way(&mut generated, &mut merged);
    assert_eq!(omitted(&out), ["0 /etc/passwd"]);
    assert_eq!(merged[&path("tmp")].metadata.mode, 0o1777);
    assert!(!merged.contains_key(&path("etc/passwd")));
    insta::assert_snapshot!(sample::lines(&generated), @"
    0755 0:0 //
    0755 0:0 /etc/
    0644 0:0 /etc/passwd 4 bytes
    0644 0:0 /etc/timezone 3 bytes
    1777 0:0 /tmp/
    0755 0:0 /var/
    2775 0:4 /var/log/
    0755 0:0 /var/mail/
    0644 0:0 /var/mail/x 6 bytes
    ");
}

#[test]
fn a_folder_in_the_place_of_the_machines_own_file_is_left_to_be_refused() {
    let mut generated = sample::tree(&[("etc/shadow", "root"), ("etc/zone", "x")]);
    let mut merged = sample::merged(&[("etc/shadow/x", "x"), ("etc/zone/x", "x")]);
    assert!(give_way(&mut generated, &mut merged).is_empty());
    assert!(generated.contains_key(&path("etc/shadow")) && !generated.contains_key(&path("etc/zone")));
}

#[test]
fn declared_files_move_below_usr() {
    let moved = declared_below_usr(vec![
        declared("sbin/tool", &[("sbin/tool", "x")]),
        declared("lib", &[("lib/a", "1"), ("lib/b/c", "2")]),
        declared("etc/x", &[("etc/x", "3")]),
        declared("bin", &[("bin", "-> usr/bin")]),
    ]);
    let moved: Vec<_> =
        moved.unwrap().into_iter().map(|one| (one.target.to_string(), sample::lines(&one.tree))).collect();
    let expected = [
        ("/bin", "0777 0:0 /bin -> usr/bin\n"),
        ("/etc/x", "0644 0:0 /etc/x 1 bytes\n"),
        (
            "/usr/lib",
            "0755 0:0 /usr/lib/\n0644 0:0 /usr/lib/a 1 bytes\n0755 0:0 /usr/lib/b/\n0644 0:0 /usr/lib/b/c 1 bytes\n",
        ),
        ("/usr/sbin/tool", "0755 0:0 /usr/sbin/tool 1 bytes\n"),
    ];
    assert_eq!(moved, expected.map(|(target, lines)| (target.to_owned(), lines.to_owned())));
}

#[test]
fn declared_files_that_meet_below_usr_are_refused() {
    let messages =
        |declared| declared_below_usr(declared).unwrap_err().into_iter().map(|wrong| wrong.message).collect::<Vec<_>>();
    let found = messages(vec![declared("bin/x", &[("bin/x", "1")]), declared("usr/bin/x", &[("usr/bin/x", "2")])]);
    assert_eq!(found, ["[files.\"/usr/bin/x\"] and [files.\"/usr/bin/x\"] both bring /usr/bin/x"]);
    let found = messages(vec![declared("", &[("bin/x", "1"), ("usr/bin/x", "2")])]);
    assert_eq!(found, ["[files.\"/\"] brings /usr/bin/x twice: as itself and by the link /usr"]);
}

#[test]
fn declared_files_replace_packages_files() {
    let mut merged = sample::merged(&[
        ("etc/motd", "text"),
        ("etc/nginx/sites/default", "text"),
        ("etc/nginx/nginx.conf", "text"),
        ("srv/www/index.html", "text"),
        ("var/run", "-> /run"),
    ]);
    merged.get_mut(&path("etc/motd")).unwrap().origin = path("etc/motd.distrib");
    merged.get_mut(&path("etc/nginx")).unwrap().metadata = Metadata { mode: 0o750, uid: 0, gid: 33 };
    let (facts, name) = (PackageFacts::default(), "nginx-common".parse::<PackageName>().unwrap());
    let (_, listing) = sample::package("nginx", &[]);
    let package =
        Package { name: &name, architecture: "all", version: "1", requested: true, listing: &listing, facts: &facts };
    let mut entries = [
        declared("etc/motd", &[("etc/motd", "hello")]),
        declared("etc/nginx", &[("etc/nginx/sites", "no folder")]),
        declared("srv/www", &[("srv/www/app.js", "text")]),
        declared("var/run/pid", &[("var/run/pid", "1")]),
    ];
    entries[2].tree.get_mut(&path("srv/www")).unwrap().0 = Metadata { mode: 0o755, uid: 1000, gid: 1000 };
    let (replaced, out) = replace(&mut merged, &[package], &mut entries);
    assert_eq!(
        replaced.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "[files.\"/etc/motd\"] replaces /etc/motd of the package nginx-common",
            "[files.\"/etc/nginx\"] replaces /etc/nginx/sites/default of the package nginx-common",
            "[files.\"/var/run/pid\"] replaces /var/run of the package nginx-common",
        ]
    );
    assert_eq!(omitted(&out), ["0 /etc/motd.distrib", "0 /etc/nginx/sites/default", "0 /var/run"]);
    let left: Vec<_> = merged.keys().map(ToString::to_string).collect();
    let expected = ["/etc", "/etc/nginx", "/etc/nginx/nginx.conf", "/srv", "/srv/www", "/srv/www/index.html", "/var"];
    assert_eq!(left, expected);
    assert_eq!(entries[1].tree[&path("etc/nginx")].0, Metadata { mode: 0o750, uid: 0, gid: 33 });
    assert_eq!(merged[&path("srv/www")].metadata.uid, 1000);
}
