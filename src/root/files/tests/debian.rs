//! Root files of a machine with Debian packages, with and without packages of Nix's beside them.

use super::*;
use crate::config::User;
use crate::root::debian::base::{DebianBase, Origin};
use crate::root::debian::replace::{give_way, put_aliases};
use crate::root::debian::users::{Creations, allocate};
use crate::root::debian::{Action, Merged, NewUser};

const FILES: [(&str, &str); 10] = [
    ("usr/lib/locale/C.utf8/LC_CTYPE", "letters"),
    ("usr/bin/bash", "x"),
    ("usr/bin/dash", "x"),
    ("usr/bin/sh", "-> dash"),
    ("usr/bin/env", "x"),
    ("usr/lib64/ld.so", "x"),
    ("usr/share/zoneinfo/Europe/Berlin", "zone"),
    ("usr/share/debianutils/shells.d/bash", "/bin/bash"),
    ("etc/ssl/certs/ca-certificates.crt", "bundle"),
    ("usr/lib/locale/de_DE.utf8/LC_TIME", "days"),
];

fn origin() -> Origin {
    Origin { origin: "Debian".to_owned(), codename: "bookworm".to_owned(), version: Some("12.12".to_owned()) }
}

fn actions() -> Vec<Action> {
    let text = |text: &str| Some(text.to_owned());
    let postgres = NewUser {
        name: "postgres".to_owned(),
        home: text("/var/lib/postgresql"),
        shell: text("/bin/bash"),
        description: "PostgreSQL administrator".to_owned(),
        ..NewUser::default()
    };
    let sshd =
        NewUser { name: "sshd".to_owned(), group: text("nogroup"), home: text("/run/sshd"), ..NewUser::default() };
    let group = Action::Group { name: "ssl-cert".to_owned(), gid: None };
    let member = Action::Membership { user: "postgres".to_owned(), group: "ssl-cert".to_owned() };
    vec![Action::User(postgres), Action::User(sshd), group, member]
}

/// Supplies of `merged` and of Nix packages with `entries`.
fn supplies(machine: &Machine, merged: &Merged, entries: &[(&str, &str)], actions: &[Action]) -> Supplies {
    let (package, environment, listings) = packages(entries);
    let view = View { trees: &[], packages: &listings, merged };
    let mut creations = Creations::default();
    creations.add("any", actions);
    let accounts = allocate(machine, &creations, &mut BTreeMap::new()).unwrap().accounts;
    let read = |_: &ImagePath, _: u64, _: usize| Ok(Some(b"/bin/bash\n".to_vec()));
    let debian = DebianBase::find(machine, view, &[], &read, accounts, origin()).unwrap();
    let found = Supplies::find(view, Some(&environment), &[&package], &machine.timezone);
    Supplies { debian: Some(debian), ..found }
}

fn files(machine: &Machine, supplies: &Supplies) -> (RootFiles, BTreeMap<String, String>) {
    let variables = environment_variables(machine, supplies, &|_| None).unwrap();
    (root_files(machine, Some(&sample::store_path("system-path")), supplies, &variables), variables)
}

fn berlin() -> Machine {
    let mut machine = sample::machine();
    machine.timezone = "Europe/Berlin".to_owned();
    machine.locale = "de_DE.UTF-8".to_owned();
    machine
}

#[test]
fn everything_from_debian() {
    let machine = berlin();
    let mut merged = sample::merged(&FILES);
    let supplies = supplies(&machine, &merged, &[], &actions());
    let (mut files, variables) = files(&machine, &supplies);
    assert_eq!(messages(&files.diagnostics), Vec::<String>::new());
    put_aliases(&mut files.tree, &merged);
    assert!(give_way(&mut files.tree, &mut merged).is_empty());
    insta::assert_snapshot!(sample::lines(&files.tree), @"
    0777 0:0 /bin -> usr/bin
    0755 0:0 /data/
    0755 0:0 /dev/
    0755 0:0 /etc/
    0644 0:0 /etc/debian_version 6 bytes
    0755 0:0 /etc/default/
    0644 0:0 /etc/default/locale 17 bytes
    0644 0:0 /etc/group 506 bytes
    0640 0:42 /etc/gshadow 423 bytes
    0644 0:0 /etc/hostname 7 bytes
    0644 0:0 /etc/hosts 61 bytes
    0644 0:0 /etc/locale.conf 17 bytes
    0777 0:0 /etc/localtime -> /usr/share/zoneinfo/Europe/Berlin
    0444 0:0 /etc/machine-id 0 bytes
    0644 0:0 /etc/nsswitch.conf 132 bytes
    0644 0:0 /etc/os-release 158 bytes
    0644 0:0 /etc/passwd 1000 bytes
    0644 0:0 /etc/profile 560 bytes
    0755 0:0 /etc/profile.d/
    0755 0:0 /etc/profiles/
    0777 0:0 /etc/profiles/system -> /nix/store/3kmqa2gb00cqh8f0mbnfgnv3nd860abm-system-path
    0644 0:0 /etc/resolv.conf 0 bytes
    0640 0:42 /etc/shadow 305 bytes
    0644 0:0 /etc/shells 66 bytes
    0755 0:0 /etc/ssl/
    0755 0:0 /etc/ssl/certs/
    0777 0:0 /etc/ssl/certs/ca-bundle.crt -> /etc/ssl/certs/ca-certificates.crt
    0644 0:0 /etc/timezone 14 bytes
    0755 0:0 /home/
    0700 1000:1000 /home/alice/
    0777 0:0 /lib -> usr/lib
    0777 0:0 /lib64 -> usr/lib64
    0555 0:0 /proc/
    0700 0:0 /root/
    0755 0:0 /run/
    0777 0:0 /sbin -> usr/sbin
    0555 0:0 /sys/
    1777 0:0 /tmp/
    0755 0:0 /usr/
    0755 0:0 /usr/bin/
    0755 0:0 /usr/lib/
    0755 0:0 /usr/lib64/
    0755 0:0 /usr/sbin/
    0755 0:0 /var/
    0755 0:0 /var/cache/
    0555 0:0 /var/empty/
    0755 0:0 /var/lib/
    0755 0:0 /var/log/
    0777 0:0 /var/run -> /run
    1777 0:0 /var/tmp/
    ");
    assert_eq!(variables["SSL_CERT_FILE"], "/etc/ssl/certs/ca-bundle.crt");
    assert_eq!(variables["TZDIR"], "/usr/share/zoneinfo");
    insta::assert_snapshot!(text(&files, "etc/shells"), @"
    # /etc/shells: valid login shells
    /bin/bash
    /usr/bin/bash
    /bin/sh
    ");
    insta::assert_snapshot!(text(&files, "etc/os-release"), @r#"
    NAME="Debian GNU/Linux"
    ID=debian
    VERSION_ID="12"
    VERSION_CODENAME=bookworm
    PRETTY_NAME="sample (dumbc)"
    VARIANT="sample"
    VARIANT_ID=sample
    ANSI_COLOR="1;34"
    "#);
}

#[test]
fn accounts_are_debians_the_packages_and_the_users() {
    let mut machine = sample::machine();
    machine.groups.insert("wheel".to_owned(), 1);
    machine.users.get_mut("alice").unwrap().groups.extend(["sudo".to_owned(), "ssl-cert".to_owned()]);
    let supplies = supplies(&machine, &sample::merged(&FILES), &[], &actions());
    let (files, _) = files(&machine, &supplies);
    assert_eq!(messages(&files.diagnostics), Vec::<String>::new());
    insta::assert_snapshot!(text(&files, "etc/passwd"), @"
    root:x:0:0:root:/root:/bin/bash
    daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
    bin:x:2:2:bin:/bin:/usr/sbin/nologin
    sys:x:3:3:sys:/dev:/usr/sbin/nologin
    sync:x:4:65534:sync:/bin:/bin/sync
    games:x:5:60:games:/usr/games:/usr/sbin/nologin
    man:x:6:12:man:/var/cache/man:/usr/sbin/nologin
    lp:x:7:7:lp:/var/spool/lpd:/usr/sbin/nologin
    mail:x:8:8:mail:/var/mail:/usr/sbin/nologin
    news:x:9:9:news:/var/spool/news:/usr/sbin/nologin
    uucp:x:10:10:uucp:/var/spool/uucp:/usr/sbin/nologin
    proxy:x:13:13:proxy:/bin:/usr/sbin/nologin
    www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
    backup:x:34:34:backup:/var/backups:/usr/sbin/nologin
    list:x:38:38:Mailing List Manager:/var/list:/usr/sbin/nologin
    irc:x:39:39:ircd:/run/ircd:/usr/sbin/nologin
    _apt:x:42:65534::/nonexistent:/usr/sbin/nologin
    sshd:x:100:65534::/run/sshd:/usr/sbin/nologin
    postgres:x:101:101:PostgreSQL administrator:/var/lib/postgresql:/bin/bash
    alice:x:1000:1000::/home/alice:/bin/bash
    nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
    ");
    let groups = text(&files, "etc/group");
    let own = groups.lines().filter(|line| line.contains(":x:10") || !line.ends_with(':'));
    insta::assert_snapshot!(own.collect::<Vec<_>>().join("\n"), @"
    uucp:x:10:
    sudo:x:27:alice
    users:x:100:
    postgres:x:101:
    ssl-cert:x:102:alice,postgres
    wheel:x:103:alice
    alice:x:1000:
    ");
    assert!(text(&files, "etc/shadow").contains("\npostgres:*:::::::\n"));
    assert!(text(&files, "etc/gshadow").contains("\nssl-cert:*::alice,postgres\n"));
    let accounts = Accounts::of(&machine, &supplies);
    assert_eq!((accounts.uid_of("www-data"), accounts.gid_of("shadow")), (Some(33), Some(42)));
    assert_eq!((accounts.uid_of("absent"), accounts.gid_of("absent")), (None, None));
    assert!(!files.tree.contains_key(&path("var/lib/postgresql")));
}

#[test]
fn a_declared_user_takes_the_packages_home_and_shell() {
    let mut machine = sample::machine();
    let alice = machine.users["alice"].clone();
    let postgres = User { uid: 2000, gid: 2000, shell: None, groups: Vec::new(), ..alice };
    machine.users.insert("postgres".to_owned(), postgres);
    let supplies = supplies(&machine, &sample::merged(&FILES), &[], &actions());
    let accounts = Accounts::of(&machine, &supplies);
    let account = accounts.by_name("postgres").unwrap();
    let found = (account.uid, account.gid, account.home.as_str(), account.shell.as_str());
    assert_eq!(found, (2000, 2000, "/var/lib/postgresql", "/bin/bash"));
    assert_eq!(accounts.gid_of("postgres"), Some(2000));
    assert!(!accounts.homes.contains("postgres") && accounts.homes.contains("alice"));
}

#[test]
fn both_sources_what_stands_in_usr_wins() {
    let machine = sample::machine();
    let nothing = sample::merged(&[("usr/bin/hello", "x")]);
    let from_nix = supplies(&machine, &nothing, &everything(), &[]);
    assert_eq!(from_nix.sh.as_deref(), Some("/etc/profiles/system/bin/sh"));
    assert_eq!(Accounts::of(&machine, &from_nix).users[0].shell, "/etc/profiles/system/bin/bash");
    let without_sh = sample::merged(&[("usr/bin/dash", "x"), ("usr/bin/bash", "x")]);
    let both = supplies(&machine, &without_sh, &everything(), &[]);
    assert_eq!(
        (both.sh.as_deref(), both.env.as_deref()),
        (Some("/usr/bin/dash"), Some("/etc/profiles/system/bin/env"))
    );
    let accounts = Accounts::of(&machine, &both);
    assert_eq!(accounts.by_name("alice").unwrap().shell, "/bin/bash");
    let (files, _) = files(&machine, &both);
    assert_eq!(files.tree[&path("bin/sh")].1, Node::Symlink(b"/usr/bin/dash".to_vec()));
    let expected = "# /etc/shells: valid login shells|/bin/bash|/bin/sh|/etc/profiles/system/bin/bash|/etc/profiles/system/bin/sh|";
    assert_eq!(text(&files, "etc/shells").replace('\n', "|"), expected);
}

#[test]
fn what_is_missing_is_told_in_debians_words() {
    let mut machine = berlin();
    machine.users.get_mut("alice").unwrap().groups = vec!["docker".to_owned()];
    let supplies = supplies(&machine, &sample::merged(&[("usr/bin/hello", "x")]), &[], &[]);
    let (files, _) = files(&machine, &supplies);
    let helps: Vec<_> = files.diagnostics.iter().map(|found| found.help.clone().unwrap_or_default()).collect();
    assert_eq!(
        helps,
        [
            "add \"tzdata\" to `packages`, or correct `timezone` below `[machine]`",
            "add the package that does, or declare it in system.toml: `[groups]`, `docker = 2000`",
            "add \"locales-all\" to `packages`, or take \"C.UTF-8\"",
        ]
    );
}

#[test]
fn other_origins_keep_their_names_and_versions() {
    let ubuntu =
        Origin { origin: "Ubuntu".to_owned(), codename: "jammy".to_owned(), version: Some("22.04".to_owned()) };
    let hostile = Origin { origin: "a\"\nID=b".to_owned(), codename: "x\ny".to_owned(), version: None };
    let machine = sample::machine();
    let release = |origin: Origin| {
        let base = DebianBase { origin, ..DebianBase::default() };
        let text = crate::root::files::text::os_release(&machine, Some(&base));
        text.lines().take_while(|line| !line.starts_with("PRETTY")).collect::<Vec<_>>().join("|")
    };
    assert_eq!(release(ubuntu), "NAME=\"Ubuntu\"|ID=ubuntu|VERSION_ID=\"22.04\"|VERSION_CODENAME=jammy");
    assert_eq!(release(hostile), "NAME=\"a\\\"ID=b\"|ID=a--id-b|VERSION_CODENAME=x-y");
}

#[test]
fn scanners_can_tell_the_release() {
    let machine = sample::machine();
    let told = |name: &str, version: Option<&str>| {
        let mut supplies = supplies(&machine, &sample::merged(&[]), &[], &[]);
        let version = version.map(str::to_owned);
        let origin = Origin { origin: name.to_owned(), codename: "name".to_owned(), version };
        supplies.debian.as_mut().unwrap().origin = origin;
        let (files, _) = files(&machine, &supplies);
        let found =
            ["etc/debian_version", "etc/lsb-release"].into_iter().filter(|name| files.tree.contains_key(&path(name)));
        found.fold(String::new(), |all, name| all + name + ": " + &text(&files, name))
    };
    assert_eq!(told("Debian", Some("12.12")), "etc/debian_version: 12.12\n");
    assert_eq!(told("Debian", None), "etc/debian_version: name/sid\n");
    assert_eq!(
        told("Ubuntu", Some("24.04")),
        "etc/lsb-release: DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=24.04\nDISTRIB_CODENAME=name\n"
    );
    assert_eq!(told("Example", Some("1")), "");
}
