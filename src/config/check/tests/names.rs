//! Users, groups, channels, packages, images.

use super::findings;
use crate::config::{FileOwner, Owner, RunAs};

#[test]
fn numbers_are_given_once() {
    let found = findings(
        r"
[groups]
build = 2000
other = 2000
bob = 5
carol = 1001
x = 0
nogroup = 7
",
        r"
[alice]
uid = 1001
[zoe]
uid = 1001
[bob]
uid = 1002
[dave]
uid = 1003
gid = 1002
[eve]
uid = 1004
gid = 2000
[fay]
uid = 0
[gil]
uid = 65534
[hal]
uid = 30001
[ida]
uid = 4294967295
",
        "",
    );
    insta::assert_snapshot!(found, @r"
        system.toml:3:9 gid 2000 belongs to `build` already
            give `other` another number
        system.toml:4:7 `bob` is a user, whose group has gid 1002
            write 1002, or give the group another name
        system.toml:5:9 gid 1001 is that of the user `alice`
            give `carol` another number
        system.toml:6:5 gid 0 is reserved for root
            numbers from 1000 to 29999 are free for people
        system.toml:6:5 gid 0 is that of the user `fay`
            give `x` another number
        system.toml:7:1 the name `nogroup` is reserved
            every image has it already; choose another name
        users.toml:4:7 uid 1001 belongs to `alice` already
            give `zoe` another number
        users.toml:9:7 gid 1002 is that of `bob` too
            declare a group for both in system.toml: `[groups]`, `NAME = 1002`
        users.toml:14:7 uid 0 is reserved for root
            numbers from 1000 to 29999 are free for people
        users.toml:16:7 uid 65534 is reserved for nobody
            numbers from 1000 to 29999 are free for people
        users.toml:18:7 uid 30001 is reserved for Nix's build users
            numbers from 1000 to 29999 are free for people
        users.toml:20:7 `ida.uid` is out of range
            it can be from 0 to 4294967294
    ");
}

#[test]
fn names_are_reserved_or_malformed() {
    let found = findings(
        r#"
[groups]
root = 9
Wheel = 10
[daemons.entrypoint]
command = ["x"]
[daemons."a b"]
command = ["x"]
[channels."a b"]
"#,
        r#"
[root]
uid = 5
[nobody]
uid = 6
[nixbld1]
uid = 7
[Alice]
uid = 8
["a:b"]
uid = 9
"#,
        "",
    );
    insta::assert_snapshot!(found, @r"
        system.toml:2:1 the name `root` is reserved
            every image has it already; choose another name
        system.toml:2:8 `root` is a user, whose group has gid 5
            write 5, or give the group another name
        system.toml:2:8 gid 9 is that of the user `a:b`
            give `root` another number
        system.toml:3:1 `Wheel` can't be a group's name
            use lower case letters, digits, `_` and `-`, a letter first, 32 at most
        system.toml:4:10 the name `entrypoint` is reserved
            the machine has a unit of this name itself; choose another
        system.toml:6:10 `a b` can't be a daemon's name
            use letters, digits, `-`, `_` and `.`, 64 at most
        system.toml:8:11 `a b` can't be a channel's name
            use letters, digits, `-`, `_` and `.`
        users.toml:1:2 the name `root` is reserved
            every image has it already; choose another name
        users.toml:3:2 the name `nobody` is reserved
            every image has it already; choose another name
        users.toml:5:2 the name `nixbld1` is reserved
            every image has it already; choose another name
        users.toml:7:2 `Alice` can't be a user's name
            use lower case letters, digits, `_` and `-`, a letter first, 32 at most
        users.toml:9:2 `a:b` can't be a user's name
            use lower case letters, digits, `_` and `-`, a letter first, 32 at most
    ");
}

#[test]
fn undeclared_users_and_groups() {
    let found = findings(
        r#"
[entrypoint]
command = ["x"]
user = "alcie"
[daemons.a]
command = ["a"]
user = ["alice", "bob"]
[daemons.b]
command = ["b"]
user = "65532"
[files."/a"]
text = ""
owner = "carol"
[files."/b"]
text = ""
owner = "alice:stuff"
[groups]
staff = 2000
"#,
        r"
[alice]
uid = 1000
groups = ['wheel', 'staf', 'docker', 'staff', 'staff']
",
        "",
    );
    insta::assert_snapshot!(found, @r"
        system.toml:3:8 no user `alcie` is declared
            did you mean `alice`?
        system.toml:6:18 no user `bob` is declared
            the only user is `alice`
        system.toml:9:8 no user `65532` is declared
            for a number, leave out the quotes: 65532
        system.toml:12:9 no user `carol` is declared
            the only user is `alice`
        system.toml:15:9 no group `stuff` is declared
            did you mean `staff`?
        users.toml:3:20 no group `staf` is declared
            did you mean `staff`?
        users.toml:3:28 no group `docker` is declared
            declare it in system.toml: `[groups]`, `docker = 2000`
        users.toml:3:47 warning: `staff` is named twice
    ");
}

/// Which accounts packages bring, shows when they are there.
#[test]
fn accounts_of_debian_packages_are_taken_on_trust() {
    let system = r#"
[channels.debian]
suite = "bookworm"
[entrypoint]
command = ["x"]
user = "www-data"
[daemons.a]
command = ["a"]
user = ["alice", "postgres"]
[daemons.b]
command = ["b"]
user = "65532"
[files."/a"]
text = ""
owner = "root:adm"
[files."/b"]
text = ""
owner = "alice:Stuff"
[files."/c"]
text = ""
owner = "alice"
[persist]
paths = [{ path = "/var/lib/x", owner = "postgres" }]
"#;
    let users = "[alice]\nuid = 1000\ngroups = ['sudo', 'wheel', 'postgres', 'no:pe']\n";
    insta::assert_snapshot!(findings(system, users, ""), @r"
        system.toml:11:8 no user `65532` is declared
            for a number, leave out the quotes: 65532
        system.toml:17:9 no group `Stuff` is declared
            the only group is `wheel`
        users.toml:3:40 no group `no:pe` is declared
            declare it in system.toml: `[groups]`, `no:pe = 2000`
    ");
    let right = system.replace("\"65532\"", "65532").replace(":Stuff", ":ssl-cert");
    let loaded = super::load(&right, &users.replace(", 'no:pe'", ""), "");
    let machine = loaded.machine.expect("no errors");
    assert_eq!(machine.entrypoint.map(|unit| unit.user), Some(RunAs::User("www-data".to_owned())));
    let owners: Vec<_> = machine.files.iter().map(|file| &file.owner).collect();
    let named = |owner: &FileOwner, wanted: (&str, Option<&str>)| {
        matches!(owner,
        FileOwner::Named { user, group, place: Some(_) } if (user.as_str(), group.as_deref()) == wanted)
    };
    assert!(named(owners[0], ("root", Some("adm"))) && named(owners[1], ("alice", Some("ssl-cert"))), "{owners:?}");
    assert_eq!(owners[2].known(), Some(Owner { uid: 1000, gid: 1000 }));
    assert!(named(&machine.persist.paths[0].owner, ("postgres", None)));
    assert_eq!(machine.groups.into_keys().collect::<Vec<_>>(), ["wheel"]);
}

#[test]
fn packages_in_text() {
    let found = findings(
        r#"
packages = ["git", "x#jq", "jq", "x#git", "python3@3.11", "python3@3.12"]
channel = "x"
[channels.x]
index = "./i"
keys = ["k:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]
[image]
name = "box"
env = { A = "${pkgs.gti}/bin", B = "${pkgs.git", C = "$${pkgs.nothing}", D = "é ${pkgs.nothing-like-it}", E = "${pkgs.python3}", F = "${pkgs.x#jq}${pkgs.jq}${pkgs.git}" }
"#,
        "",
        "",
    );
    insta::assert_snapshot!(found, @r"
        system.toml:1:28 warning: `jq` is requested twice
            remove one of them
        system.toml:1:34 warning: `x#git` is requested twice
            remove one of them
        system.toml:8:14 no package `gti` is requested
            did you mean `git`?
        system.toml:8:37 `${pkgs.` has no closing `}`
            write `${pkgs.NAME}`, or `$${pkgs.` for these very characters
        system.toml:8:81 no package `nothing-like-it` is requested
            requested packages are `git`, `jq`, `python3`
        system.toml:8:112 `${pkgs.python3}` can be `python3@3.11` or `python3@3.12`
            name a channel before it, `channel#name`, or request one of them only
    ");
}

#[test]
fn channels() {
    let found = findings(
        r#"
channel = "nixpgks"
packages = ["git", "unstabel#git", "git", "e#jq", "jq", "nixpkgs#git", "a b", "nope#x"]
[channels.nixpkgs]
release = "nixos-26.05"
index = "./x"
keys = ["x"]
[channels.unstable]
index = "http://example.org/i"
[channels.c]
index-hash = "x"
mirror = "host"
keyring = "x"
[channels.d]
suite = "book worm"
mirror = "nowhere"
[channels.e]
index = "ftp://x"
index-hash = "sha256:zz"
caches = ["gopher://x", "file://rel", "", "https://"]
keys = ["a:AAAA", "b:????"]
"#,
        "",
        r"
packages = ['debian#x', 'd#git']
",
    );
    insta::assert_snapshot!(found, @r#"
        system.toml:1:11 no channel `nixpgks` is declared
            did you mean `nixpkgs`?
        system.toml:2:20 no channel `unstabel` is declared
            did you mean `unstable`?
        system.toml:2:36 warning: `git` is requested twice
            remove one of them
        system.toml:2:72 `a b` is not a package request: it has a space
            a request is `name`, `channel#name@version^output,output`, a store path, or `./path`
        system.toml:2:79 no channel `nope` is declared
            channels are `c`, `d`, `e`, `nixpkgs`, `unstable`
        system.toml:5:9 a channel has one source of names: `index` stands beside another
            make two channels of it
        system.toml:6:9 `x` is no public key
            a key is `name:` and 32 bytes in base64 (44 characters), as `nix key convert-secret-to-public` and `dumbc cache keygen` print it
        system.toml:7:11 warning: nothing in channel `unstable` is trusted, as it has no keys
            add `keys = ["name:base64…"]`; `allow-unsigned = true` takes content-addressed paths without one
        system.toml:8:9 an index over plain http needs `index-hash`
            anybody on the way could change it: use https, or pin it with `index-hash = "sha256:…"`
        system.toml:10:14 `index-hash` says nothing without `index`
            add `index`, or remove `index-hash`
        system.toml:11:10 `mirror` says nothing without `suite`
            add `suite`, or remove `mirror`
        system.toml:12:11 `keyring` says nothing without `suite`
            add `suite`, or remove `keyring`
        system.toml:14:9 `book worm` can't name part of a Debian archive
        system.toml:15:10 `nowhere` can't be a mirror
            it can be "host", https://…, http://…, file:///…, or a path such as ./debian
        system.toml:17:9 `ftp://x` can't be an index
            it can be https://…, s3://…, gs://…, azblob://…, file:///…, or a path relative to the project
        system.toml:18:14 `sha256:zz` is no SHA-256
            write `sha256:` and 64 hexadecimal digits, or 52 characters of nix32
        system.toml:19:11 `gopher://x` can't be a cache
            it can be https://…, http://…, file:///…, s3://…, gs://…, azblob://…, or a path relative to the project
        system.toml:19:25 `file://rel` can't be a cache
            file:// is followed by an absolute path; write a relative one without it
        system.toml:19:39 `` can't be a cache
            it can be https://…, http://…, file:///…, s3://…, gs://…, azblob://…, or a path relative to the project
        system.toml:19:43 `https://` can't be a cache
            it can be https://…, http://…, file:///…, s3://…, gs://…, azblob://…, or a path relative to the project
        system.toml:20:9 `a:AAAA` is no public key
            a key is `name:` and 32 bytes in base64 (44 characters), as `nix key convert-secret-to-public` and `dumbc cache keygen` print it
        system.toml:20:19 `b:????` is no public key
            a key is `name:` and 32 bytes in base64 (44 characters), as `nix key convert-secret-to-public` and `dumbc cache keygen` print it
        home.toml:1:13 no channel `debian` is declared
            channels are `c`, `d`, `e`, `nixpkgs`, `unstable`
        home.toml:1:25 note: `d#git` goes to the whole machine, as Debian's packages do
            write it in `packages` of system.toml, and this note is gone
    "#);
}

#[test]
fn debian_archives_and_their_packages() {
    let found = findings(
        r#"
channel = "debian"
packages = ["g++-12", "Git", "git^doc", "python3@3.11", "odd#less", "less@1:590"]
[channels.debian]
suite = ["bookworm", "bookworm-security"]
components = ["main", "non free"]
mirror = ["https://mirror.example.org/debian", "ftp://x", "./debian"]
snapshot = "https://snapshot.example.org"
recommends = true
[channels.odd]
suite = []
mirror = "elsewhere"
[channels.stray]
recommends = true
snapshot = "x"
[image]
name = "box"
env = { EDITOR = "${pkgs.g++-12}/bin/vim" }
[machine]
path = ["/usr/bin", "bin", "/usr/bin/"]
"#,
        "
[alice]
uid = 1000
home.packages = ['less', 'python3@3.11']
",
        "
packages = ['less', 'odd#less']
",
    );
    insta::assert_snapshot!(found, @r#"
        system.toml:2:23 `Git` is not a Debian package's name
            Debian's names have lower-case letters, digits, `+`, `-` and `.`
        system.toml:2:30 Debian's packages have no outputs
            remove `^…`; what belongs to it may be a package of its own: libgit-dev
        system.toml:5:23 `non free` can't name part of a Debian archive
        system.toml:6:10 a channel has a mirror or a snapshot, not both
            `snapshot` stands in place of `mirror`: remove one
        system.toml:10:9 `suite` is a string, or a list of strings
        system.toml:11:10 `elsewhere` can't be a mirror
            it can be "host", https://…, http://…, file:///…, or a path such as ./debian
        system.toml:13:14 `recommends` says nothing without `suite`
            add `suite`, or remove `recommends`
        system.toml:14:12 `snapshot` says nothing without `suite`
            add `suite`, or remove `snapshot`
        system.toml:17:19 `g++-12` is a Debian package, which has no folder of its own
            write the path at which it stands, such as /usr/bin
        system.toml:19:21 `bin` can't be a folder of commands
            write an absolute path, such as /usr/bin
        system.toml:19:28 `/usr/bin/` can't be a folder of commands
            write an absolute path, such as /usr/bin
        home.toml:1:13 note: `less` goes to the whole machine, as Debian's packages do
            write it in `packages` of system.toml, and this note is gone
    "#);
}

#[test]
fn a_channel_for_plain_names() {
    let found = findings(
        r#"
packages = ["git"]
"#,
        "",
        "",
    );
    insta::assert_snapshot!(found, @r"
        system.toml:1:13 no channel says where this name comes from
            declare one: `[channels.NAME]` with `index`, `caches` and `keys`
    ");
}

#[test]
fn one_of_two_channels() {
    let found = findings(
        r#"
packages = ["git"]
[channels.a]
index = "./a"
allow-unsigned = true
[channels.b]
index = "./b"
allow-unsigned = true
"#,
        "",
        "",
    );
    insta::assert_snapshot!(found, @r#"
        system.toml:1:13 no channel says where this name comes from
            say at the top of system.toml where plain names come from: channel = "NAME"
    "#);
}

#[test]
fn image_settings() {
    let found = findings(
        r#"
[image]
name = "Lazy"
tag = "-x"
systems = []
registry = "https://x"
env = { "" = "", "A=B" = "" }
labels = { "" = "", "a b" = "" }
[machine]
hostname = "a_b"
timezone = "../x"
locale = "a b"
"#,
        "",
        "",
    );
    insta::assert_snapshot!(found, @r#"
        system.toml:2:8 `Lazy` can't be an image's name
            use lower case letters and digits, with single `-`, `_` or `.` between
        system.toml:3:7 `-x` can't be a tag
            use letters, digits, `_`, `.` and `-`, 128 at most
        system.toml:4:11 an image needs a system
            write systems = ["x86_64-linux"]
        system.toml:5:12 `https://x` can't be a registry
            write a host, maybe with a port and a prefix: registry.example.org:5000/team
        system.toml:6:9 `` can't be a variable's name
            a name is not empty and has no `=`
        system.toml:6:18 `A=B` can't be a variable's name
            a name is not empty and has no `=`
        system.toml:7:12 `` can't be a label's name
            a label is named like org.opencontainers.image.source, without spaces
        system.toml:7:21 `a b` can't be a label's name
            a label is named like org.opencontainers.image.source, without spaces
        system.toml:9:12 `a_b` can't be a host's name
            use letters, digits and `-`, in parts of at most 63, 64 in all
        system.toml:10:12 `../x` is no time zone
            name it as tzdata does: Europe/Berlin
        system.toml:11:10 `a b` is no locale
            name it like C.UTF-8 or de_DE.UTF-8
    "#);
}

#[test]
fn fly_apps() {
    let found = findings(
        r#"
[image]
name = "lazy_coder"
registry = "registry.fly.io"
systems = ["x86_64-linux", "x86_64-linux"]
"#,
        "",
        "",
    );
    insta::assert_snapshot!(found, @r"
        system.toml:2:8 `lazy_coder` can't be a Fly app's name
            Fly's apps have lower case letters, digits and `-` only
        system.toml:4:28 warning: `x86_64-linux` is named twice
            remove one of them
    ");
}
