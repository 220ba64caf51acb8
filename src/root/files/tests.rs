mod debian;

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::overlay::{Declared, declared_files, overlay};
use super::*;
use crate::config::{FileContent, FileEntry, Owner, Part, RunAs, Template};
use crate::image::listing::Listing;
use crate::root::sample;
use crate::root::view::{NO_PACKAGES, View};

fn path(text: &str) -> ImagePath {
    ImagePath::new(text.as_bytes()).unwrap()
}

/// Packages with an environment over them, made by hand: `bin` and `share` of the one package.
fn packages(entries: &[(&str, &str)]) -> (StorePath, StorePath, BTreeMap<StorePath, Listing>) {
    let (package, listing) = sample::package("tools-1.0", entries);
    let (environment, links) = sample::package("system-path", &[("bin", &format!("-> {package}/bin"))]);
    (package.clone(), environment.clone(), BTreeMap::from([(package, listing), (environment, links)]))
}

fn everything() -> Vec<(&'static str, &'static str)> {
    vec![
        ("bin/bash", "x"),
        ("bin/sh", "-> bash"),
        ("bin/env", "x"),
        ("etc/ssl/certs/ca-bundle.crt", "bundle"),
        ("share/zoneinfo/Europe/Berlin", "zone"),
        ("lib/locale/locale-archive", "archive"),
    ]
}

fn generate(machine: &Machine, entries: &[(&str, &str)]) -> (RootFiles, BTreeMap<String, String>) {
    let (package, environment, listings) = packages(entries);
    let view = View { trees: &[], packages: &listings, merged: &NO_PACKAGES };
    let supplies = Supplies::find(view, Some(&environment), &[&package], &machine.timezone);
    let variables = environment_variables(machine, &supplies, &|_| None).unwrap();
    (root_files(machine, Some(&environment), &supplies, &variables), variables)
}

fn text(files: &RootFiles, at: &str) -> String {
    match &files.tree[&path(at)].1 {
        Node::File(content) => String::from_utf8(content.clone()).unwrap(),
        other => panic!("{at} is {other:?}"),
    }
}

fn messages(diagnostics: &[Diagnostic]) -> Vec<String> {
    diagnostics.iter().map(|diagnostic| diagnostic.message.clone()).collect()
}

#[test]
fn a_machine_with_everything() {
    let mut machine = sample::machine();
    machine.timezone = "Europe/Berlin".to_owned();
    machine.locale = "de_DE.UTF-8".to_owned();
    let (files, _) = generate(&machine, &everything());
    assert_eq!(messages(&files.diagnostics), Vec::<String>::new());
    insta::assert_snapshot!(sample::lines(&files.tree), @"
    0755 0:0 /bin/
    0777 0:0 /bin/sh -> /etc/profiles/system/bin/sh
    0755 0:0 /data/
    0755 0:0 /dev/
    0755 0:0 /etc/
    0644 0:0 /etc/group 132 bytes
    0600 0:0 /etc/gshadow 110 bytes
    0644 0:0 /etc/hostname 7 bytes
    0644 0:0 /etc/hosts 61 bytes
    0644 0:0 /etc/locale.conf 17 bytes
    0777 0:0 /etc/localtime -> /nix/store/2lj7bn54yw7r0x523sq6f73r8vhr06by-tools-1.0/share/zoneinfo/Europe/Berlin
    0444 0:0 /etc/machine-id 0 bytes
    0644 0:0 /etc/nsswitch.conf 132 bytes
    0644 0:0 /etc/os-release 102 bytes
    0644 0:0 /etc/passwd 196 bytes
    0644 0:0 /etc/profile 762 bytes
    0755 0:0 /etc/profile.d/
    0755 0:0 /etc/profiles/
    0777 0:0 /etc/profiles/system -> /nix/store/3kmqa2gb00cqh8f0mbnfgnv3nd860abm-system-path
    0644 0:0 /etc/resolv.conf 0 bytes
    0600 0:0 /etc/shadow 45 bytes
    0644 0:0 /etc/shells 66 bytes
    0755 0:0 /etc/ssl/
    0755 0:0 /etc/ssl/certs/
    0777 0:0 /etc/ssl/certs/ca-bundle.crt -> /nix/store/2lj7bn54yw7r0x523sq6f73r8vhr06by-tools-1.0/etc/ssl/certs/ca-bundle.crt
    0777 0:0 /etc/ssl/certs/ca-certificates.crt -> /nix/store/2lj7bn54yw7r0x523sq6f73r8vhr06by-tools-1.0/etc/ssl/certs/ca-bundle.crt
    0644 0:0 /etc/timezone 14 bytes
    0777 0:0 /etc/zoneinfo -> /nix/store/2lj7bn54yw7r0x523sq6f73r8vhr06by-tools-1.0/share/zoneinfo
    0755 0:0 /home/
    0700 1000:1000 /home/alice/
    0555 0:0 /proc/
    0700 0:0 /root/
    0755 0:0 /run/
    0555 0:0 /sys/
    1777 0:0 /tmp/
    0755 0:0 /usr/
    0755 0:0 /usr/bin/
    0777 0:0 /usr/bin/env -> /etc/profiles/system/bin/env
    0755 0:0 /var/
    0755 0:0 /var/cache/
    0555 0:0 /var/empty/
    0755 0:0 /var/lib/
    0755 0:0 /var/log/
    0777 0:0 /var/run -> /run
    1777 0:0 /var/tmp/
    ");
}

#[test]
fn accounts() {
    let mut machine = sample::machine();
    machine.entrypoint = Some(sample::unit(&["server"], RunAs::Uid(65532)));
    machine.daemons.insert("other".to_owned(), sample::unit(&["server"], RunAs::Uid(70)));
    let (files, variables) = generate(&machine, &everything());
    insta::assert_snapshot!(text(&files, "etc/passwd"), @"
    root:x:0:0:System administrator:/root:/etc/profiles/system/bin/bash
    user70:x:70:70::/home/user70:/etc/profiles/system/bin/bash
    alice:x:1000:1000::/home/alice:/etc/profiles/system/bin/bash
    nonroot:x:65532:65532::/home/nonroot:/etc/profiles/system/bin/bash
    nobody:x:65534:65534:Unprivileged account:/var/empty:/sbin/nologin
    ");
    insta::assert_snapshot!(text(&files, "etc/group"), @"
    root:x:0:
    wheel:x:1:alice
    kmem:x:2:
    adm:x:4:
    tty:x:5:
    disk:x:6:
    audio:x:17:
    video:x:26:
    user70:x:70:
    users:x:100:
    alice:x:1000:
    nonroot:x:65532:
    nogroup:x:65534:
    ");
    insta::assert_snapshot!(text(&files, "etc/shadow"), @"
    root:*:::::::
    user70:*:::::::
    alice:*:::::::
    nonroot:*:::::::
    nobody:*:::::::
    ");
    insta::assert_snapshot!(text(&files, "etc/shells"), @"
    /bin/sh
    /etc/profiles/system/bin/bash
    /etc/profiles/system/bin/sh
    ");
    assert_eq!((&*variables["HOME"], &*variables["USER"]), ("/home/nonroot", "nonroot"));
    assert_eq!(files.tree[&path("home/nonroot")].0, Metadata { mode: 0o700, uid: 65532, gid: 65532 });
}

#[test]
fn texts() {
    let (files, _) = generate(&sample::machine(), &everything());
    insta::assert_snapshot!(text(&files, "etc/os-release"), @r#"
    NAME=dumbc
    ID=dumbc
    PRETTY_NAME="sample (dumbc)"
    VARIANT="sample"
    VARIANT_ID=sample
    ANSI_COLOR="1;34"
    "#);
    insta::assert_snapshot!(text(&files, "etc/profile"), @r#"
    # Read by login shells.
    [ -n "${LANG+set}" ] || LANG='C.UTF-8'
    export LANG
    [ -n "${LOCALE_ARCHIVE+set}" ] || LOCALE_ARCHIVE='/nix/store/2lj7bn54yw7r0x523sq6f73r8vhr06by-tools-1.0/lib/locale/locale-archive'
    export LOCALE_ARCHIVE
    [ -n "${NIX_SSL_CERT_FILE+set}" ] || NIX_SSL_CERT_FILE='/etc/ssl/certs/ca-bundle.crt'
    export NIX_SSL_CERT_FILE
    PATH='/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/etc/profiles/system/bin'
    export PATH
    [ -n "${SSL_CERT_FILE+set}" ] || SSL_CERT_FILE='/etc/ssl/certs/ca-bundle.crt'
    export SSL_CERT_FILE
    for script in /etc/profile.d/*.sh; do
      if [ -r "$script" ]; then . "$script"; fi
    done
    unset script
    "#);
}

#[test]
fn an_empty_machine_still_has_utc_and_no_dangling_links() {
    let mut machine = sample::machine();
    let (files, variables) = generate(&machine, &[("bin/hello", "x")]);
    assert_eq!(messages(&files.diagnostics), Vec::<String>::new());
    for absent in ["bin/sh", "usr/bin/env", "etc/ssl/certs/ca-bundle.crt", "etc/zoneinfo"] {
        assert!(!files.tree.contains_key(&path(absent)), "{absent}");
    }
    assert!(!variables.contains_key("SSL_CERT_FILE"));
    let Node::File(zone) = &files.tree[&path("etc/localtime")].1 else { panic!("no file") };
    assert!(zone.starts_with(b"TZif2") && zone.ends_with(b"UTC\0\nUTC0\n"));
    assert_eq!(zone.len(), 2 * (44 + 6 + 4) + 6);

    machine.timezone = "Europe/Berlin".to_owned();
    machine.locale = "de_DE.UTF-8".to_owned();
    machine.users.get_mut("alice").unwrap().groups.push("build".to_owned());
    let (files, _) = generate(&machine, &[("bin/hello", "x")]);
    assert_eq!(
        messages(&files.diagnostics),
        [
            "no package has the time zone `Europe/Berlin` (share/zoneinfo/Europe/Berlin)",
            "user `alice` is in the group `build`, which does not exist",
            "no package has the locale `de_DE.UTF-8` (lib/locale/locale-archive)",
        ]
    );
}

#[test]
fn a_bundle_that_was_made_is_a_file() {
    let machine = sample::machine();
    let supplies = Supplies { made_bundle: Some(b"certificates".to_vec()), ..Supplies::default() };
    let variables = environment_variables(&machine, &supplies, &|_| None).unwrap();
    assert_eq!(variables["SSL_CERT_FILE"], "/etc/ssl/certs/ca-bundle.crt");
    let files = root_files(&machine, Some(&sample::store_path("system-path")), &supplies, &variables);
    assert_eq!(text(&files, "etc/ssl/certs/ca-bundle.crt"), "certificates");
}

#[test]
fn a_timezone_leads_nowhere_else() {
    let mut machine = sample::machine();
    machine.timezone = "../../bin/bash".to_owned();
    let (files, _) = generate(&machine, &everything());
    assert!(!files.tree.contains_key(&path("etc/localtime")));
    assert_eq!(files.diagnostics.len(), 1);
}

#[test]
fn the_users_variables_win() {
    let mut machine = sample::machine();
    let package = sample::store_path("tools-1.0");
    let template =
        Template { parts: vec![Part::Package("tools".to_owned()), Part::Text("/x".to_owned())], place: None };
    machine.image.env = BTreeMap::from([("LANG".to_owned(), Template::literal("C")), ("TOOLS".to_owned(), template)]);
    let supplies = Supplies::default();
    let lookup = |name: &str| (name == "tools").then(|| package.clone());
    let variables = environment_variables(&machine, &supplies, &lookup).unwrap();
    assert_eq!((&*variables["LANG"], &variables["TOOLS"]), ("C", &format!("{package}/x")));
    assert_eq!(variables["PATH"], machine.path.join(":"));
    let wrong = environment_variables(&machine, &supplies, &|_| None).unwrap_err();
    assert_eq!(messages(&wrong), ["`${pkgs.tools}` names a package that is not requested"]);
}

fn entry(target: &str, content: FileContent) -> FileEntry {
    let target = target.to_owned();
    FileEntry { target, content, mode: None, owner: Owner::default(), exclude: Vec::new(), place: None }
}

fn literal(text: &str) -> FileContent {
    FileContent::Text(Template::literal(text))
}

#[test]
fn declared_files_replace_generated_ones() {
    let project = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(project.path().join("skeleton/app")).unwrap();
    std::fs::write(project.path().join("skeleton/.profile"), "").unwrap();
    let mut machine = sample::machine();
    machine.project = project.path().to_owned();
    let home = entry("/home/alice", FileContent::Source("./skeleton".to_owned()));
    machine.files = vec![
        FileEntry { owner: Owner { uid: 1000, gid: 1000 }, ..home },
        entry("/etc/hosts", literal("127.0.0.1 me\n")),
        entry("/etc/ssl", literal("no folder")),
        entry("/var/run/app.pid", literal("1")),
        entry("/tmp", FileContent::Source("./skeleton/app".to_owned())),
    ];
    let (mut files, _) = generate(&machine, &everything());
    let mut declared = declared_files(&machine, &|_| None).unwrap();
    let replaced = overlay(&mut files.tree, &mut declared);
    let replaced: Vec<_> = replaced.iter().map(ToString::to_string).collect();
    assert_eq!(
        replaced,
        [
            "[files.\"/etc/hosts\"] replaces the generated /etc/hosts",
            "[files.\"/etc/ssl\"] replaces the generated /etc/ssl/certs/ca-bundle.crt",
            "[files.\"/etc/ssl\"] replaces the generated /etc/ssl/certs/ca-certificates.crt",
            "[files.\"/var/run/app.pid\"] replaces the generated /var/run",
        ]
    );
    let metadata = |at: &str| {
        let found = declared.iter().filter_map(|file| file.tree.get(&path(at))).map(|(metadata, _)| *metadata);
        found.collect::<Vec<_>>()
    };
    assert_eq!(metadata("home/alice"), [Metadata { mode: 0o700, uid: 1000, gid: 1000 }]);
    assert_eq!(metadata("tmp"), [Metadata::root(0o1777)]);
    let mut units: Vec<(&str, &Tree)> = declared.iter().map(|file| ("declared", &file.tree)).collect();
    units.push(("generated", &files.tree));
    let claims = units.iter().map(|(name, tree)| (*name, crate::root::parents::claims_of_tree(tree)));
    assert!(crate::root::parents::parents(claims).is_ok());
}

#[test]
fn declared_files_that_meet_agree_or_are_refused() {
    let project = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(project.path().join("srv/site/sub")).unwrap();
    std::fs::create_dir_all(project.path().join("site")).unwrap();
    std::fs::write(project.path().join("srv/site/index"), "").unwrap();
    let mut machine = sample::machine();
    machine.project = project.path().to_owned();
    let site = entry("/srv/site", FileContent::Source("./site".to_owned()));
    machine.files = vec![
        entry("/srv", FileContent::Source("./srv".to_owned())),
        FileEntry { owner: Owner { uid: 1000, gid: 1000 }, ..site },
    ];
    let declared = declared_files(&machine, &|_| None).unwrap();
    let owners: Vec<u32> = declared.iter().map(|Declared { tree, .. }| tree[&path("srv/site")].0.uid).collect();
    assert_eq!(owners, [1000, 1000]);

    machine.files.push(entry("/srv/site/index", literal("")));
    machine.files.push(entry("/gone", FileContent::Source("./gone".to_owned())));
    machine.files.push(entry("/out", FileContent::Source("../out".to_owned())));
    machine.files.push(entry(
        "/text",
        FileContent::Text(Template { parts: vec![Part::Package("git".to_owned())], place: None }),
    ));
    let wrong = declared_files(&machine, &|_| None).unwrap_err();
    let gone = |name: &str| -> PathBuf { project.path().join(name) };
    let wrong = messages(&wrong);
    assert_eq!(wrong[0], format!("`{}` does not exist", gone("gone").display()));
    assert!(wrong[1].starts_with("`../out` leaves the project"), "{wrong:?}");
    assert_eq!(wrong[2], "`${pkgs.git}` names a package that is not requested");
    assert_eq!(wrong[3], "[files.\"/srv\"] and [files.\"/srv/site/index\"] both bring /srv/site/index");
}
