use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::deb::{PackageFacts, PackageName};
use crate::image::listing::{Listing, ListingEntry, ListingKind};
use crate::image::tree::Metadata;

use super::super::{Alternative, NewUser};
use super::*;

/// A package with scripts, on a machine with other files.
#[derive(Default)]
struct Machine {
    facts: PackageFacts,
    own: Vec<&'static str>,
    others: BTreeSet<&'static str>,
}

impl Machine {
    fn with(script: &str) -> Self {
        Self::default().script("postinst", script)
    }

    fn script(mut self, member: &str, script: &str) -> Self {
        self.facts.members.insert(member.to_owned(), Member::Text(format!("#!/bin/sh\nset -e\n{script}\n")));
        self
    }

    fn own(mut self, path: &'static str) -> Self {
        self.own.push(path);
        self
    }

    fn other(mut self, path: &'static str) -> Self {
        self.others.insert(path);
        self
    }

    fn actions(&self) -> Vec<Action> {
        let name = "sample".parse::<PackageName>().unwrap();
        let listing = listing(&self.own);
        let package = Package {
            name: &name,
            architecture: "amd64",
            version: "1.0",
            requested: true,
            listing: &listing,
            facts: &self.facts,
        };
        let exists = |path: &ImagePath| {
            listing.get(path).is_some() || self.others.iter().any(|other| *other == path.to_string())
        };
        actions(&package, "amd64", &exists)
    }
}

/// Files at absolute paths; a path that ends in `/` is a folder.
fn listing(paths: &[&str]) -> Listing {
    let mut entries = BTreeMap::new();
    let mut put = |path: ImagePath, kind| {
        entries.entry(path.clone()).or_insert(ListingEntry { path, kind, metadata: Metadata::root(0o755) });
    };
    for text in paths {
        let path = ImagePath::new(text.trim_end_matches('/').as_bytes()).unwrap();
        let mut above = path.parent();
        while let Some(folder) = above {
            above = folder.parent();
            put(folder, ListingKind::Directory);
        }
        let file = ListingKind::File { executable: true, size: 1 };
        put(path, if text.ends_with('/') { ListingKind::Directory } else { file });
    }
    put(ImagePath::default(), ListingKind::Directory);
    Listing::new(entries.into_values().collect()).unwrap()
}

fn directory(path: &str) -> Action {
    Action::Directory { path: path.to_owned(), user: None, group: None, mode: None }
}

fn file(path: &str, content: &str) -> Action {
    let (path, content) = (path.to_owned(), content.to_owned());
    Action::File { path, content, user: None, group: None, mode: None }
}

fn run(script: &str) -> Vec<Action> {
    Machine::with(script).actions()
}

/// The folders that a script makes: what tests tell which way it went by.
fn went(script: &str) -> String {
    let names = run(script).into_iter().map(|action| match action {
        Action::Directory { path, .. } => path[1..].to_owned(),
        Action::Unknown { line, .. } => format!("?{line}"),
        other => format!("{other:?}"),
    });
    names.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_fresh_installation_is_configured() {
    assert_eq!(went("case \"$1\" in configure) mkdir /a ;; *) mkdir /b ;; esac"), "a");
    assert_eq!(went("if [ \"$1\" = configure ] && [ -z \"$2\" ]; then mkdir /a; else mkdir /b; fi"), "a");
    assert_eq!(went("[ -n \"$2\" ] || mkdir /a\nif dpkg --compare-versions \"$2\" lt-nl 2.0; then mkdir /b; fi"), "a");
    assert_eq!(went("test $# -eq 2 && mkdir /a\n[ -d /run/systemd/system ] && mkdir /b\nexit 0\nmkdir /c"), "a");
    assert_eq!(went("[ -z \"${DPKG_ROOT:-}\" ] && mkdir \"/$DPKG_MAINTSCRIPT_PACKAGE\""), "sample");
}

#[test]
fn the_shells_words() {
    assert_eq!(went("x=a; y=\"$x b\"; for i in $y 'c d'; do mkdir \"/$i\"; done"), "a b c d");
    assert_eq!(went("f() { local x=$2; mkdir /$1$x; }; x=z; f a b; mkdir /$x"), "ab z");
    assert_eq!(went("x=/usr/share/doc/a.txt; mkdir /${x##*/} /$(basename $x .txt) /`dirname a/b`"), "a.txt a");
    assert_eq!(went("mkdir /${unset:-a} /${unset:+b}c; : ${x:=d}; mkdir /$x; mkdir /${#x}"), "a c d 1");
    assert_eq!(
        went("set -- a b; shift; mkdir /$1; while read x y; do mkdir /$y; done <<EOF\n1 c\n2 d$1\nEOF"),
        "b c db"
    );
    assert_eq!(
        went("mkdir /a \\\n  /b # mkdir /c\n! false && mkdir /d; (exit 1); { mkdir /e; } > /dev/null 2>&1"),
        "a b d e"
    );
    assert_eq!(went("i=0; until [ $i = xx ]; do i=x${i#0}; mkdir /$i; done; eval 'mkdir /'\"$i\"y"), "x xx xxy");
}

#[test]
fn what_is_unknown_is_followed_both_ways_and_said() {
    assert_eq!(went("if grep -q x /etc/passwd; then mkdir /a; else mkdir /b; fi"), "a b ?3");
    // Ways that end in failure aren't gone, and explanations aren't worth a doubt.
    assert_eq!(went("if grep -q x /etc/passwd; then exit 1; fi; mkdir /a"), "a");
    assert_eq!(went("grep -q x /etc/passwd || exit 1; mkdir /a"), "a");
    assert!(matches!(&run("grep -q x /etc/passwd && ldconfig")[..], [Action::Explained { .. }]));
    assert_eq!(went("x=$(frobnicate); [ -n \"$x\" ] && mkdir /a"), "?3 a");
}

#[test]
fn only_commands_that_nobody_knows_are_doubted() {
    let actions = run("ldconfig\n\nfrobnicate --all \\\n  now\nldconfig");
    let unknown = Action::Unknown { script: "postinst".to_owned(), line: 5, text: "frobnicate --all".to_owned() };
    assert!(
        matches!(&actions[..], [Action::Explained { command, .. }, doubt] if command == "ldconfig" && *doubt == unknown)
    );
    let long = run(&format!("frobnicate {}", "é".repeat(200)));
    assert!(matches!(&long[..], [Action::Unknown { text, .. }] if text.chars().count() == 100));
    let perl = Machine::default().script("preinst", "").actions();
    assert!(perl.is_empty());
    let mut machine = Machine::default();
    machine.facts.members.insert("postinst".to_owned(), Member::Text("#!/usr/bin/perl -w\nexit".to_owned()));
    machine.facts.members.insert("preinst".to_owned(), Member::Binary(3));
    assert_eq!(machine.actions().len(), 2);
    assert!(matches!(&run("if true; then")[..], [Action::Unknown { text, .. }] if text.starts_with("not understood")));
}

#[test]
fn files_of_the_image_decide() {
    let script = "if command -v setcap >/dev/null; then setcap cap_net_raw+ep /bin/ping; else chmod u+s /bin/ping; fi";
    let ping = Machine::with(script).own("/usr/bin/ping");
    let (path, mode) = ("/usr/bin/ping".to_owned(), Some(0o4755));
    assert_eq!(ping.actions(), [Action::Metadata { path: path.clone(), user: None, group: None, mode }]);
    let capabilities = "cap_net_raw+ep".to_owned();
    assert_eq!(ping.other("/usr/sbin/setcap").actions(), [Action::Capability { path, capabilities }]);
    let copies =
        Machine::with("cp -p /usr/share/x /etc/x\n[ -e /etc/x ] && ln -s x /etc/y").own("/usr/share/x").actions();
    let copy = Action::Copy { from: "/usr/share/x".to_owned(), to: "/etc/x".to_owned() };
    let link = Action::Symlink { path: "/etc/y".to_owned(), target: "x".to_owned() };
    assert_eq!(copies, [copy, link]);
    let preinst = Machine::default().script("preinst", "[ -e /etc/x ] && mkdir /a").own("/etc/x");
    assert!(preinst.actions().is_empty());
}

#[test]
fn users_and_groups() {
    let actions = run("getent passwd messagebus >/dev/null || adduser --system --quiet --home /var/lib/m --group --gecos 'M,,' messagebus
        getent group adm || addgroup --system adm
        id messagebus && adduser messagebus adm
        useradd -r -g daemon -d /var/lib/n -s /bin/false -c N n");
    let user = |name: &str, group: Option<&str>, home: &str, shell: Option<&str>, description: &str| {
        Action::User(NewUser {
            name: name.to_owned(),
            uid: None,
            group: group.map(str::to_owned),
            home: Some(home.to_owned()),
            shell: shell.map(str::to_owned),
            description: description.to_owned(),
        })
    };
    let owner = Some("messagebus".to_owned());
    assert_eq!(
        actions,
        [
            user("messagebus", None, "/var/lib/m", None, "M"),
            Action::Directory { path: "/var/lib/m".to_owned(), user: owner.clone(), group: owner, mode: Some(0o755) },
            Action::Membership { user: "messagebus".to_owned(), group: "adm".to_owned() },
            user("n", Some("daemon"), "/var/lib/n", Some("/bin/false"), "N"),
        ]
    );
}

#[test]
fn owners_modes_overrides_and_diversions() {
    let script = "if ! dpkg-statoverride --list /usr/bin/x >/dev/null; then dpkg-statoverride --update --add root mail 2755 /usr/bin/x; fi
        mkdir -p /var/log/x; chown x:adm /var/log/x; chmod 02750 /var/log/x
        touch /var/log/x/log; chown x: /var/log/x/log; chmod 0640 /var/log/x/log
        chmod 755 /usr/bin/x2
        dpkg-divert --package sample --add --rename --divert /usr/bin/y.real /usr/bin/y";
    let actions = Machine::with(script).own("/usr/bin/x").own("/usr/bin/x2").actions();
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        actions,
        [
            Action::Metadata {
                path: "/usr/bin/x".to_owned(),
                user: some("root"),
                group: some("mail"),
                mode: Some(0o2755)
            },
            Action::StatOverride {
                path: "/usr/bin/x".to_owned(),
                user: "root".to_owned(),
                group: "mail".to_owned(),
                mode: 0o2755
            },
            Action::Directory {
                path: "/var/log/x".to_owned(),
                user: some("x"),
                group: some("adm"),
                mode: Some(0o2750)
            },
            Action::File {
                path: "/var/log/x/log".to_owned(),
                content: String::new(),
                user: some("x"),
                group: some("x"),
                mode: Some(0o640)
            },
            Action::Diversion { path: "/usr/bin/y".to_owned(), to: "/usr/bin/y.real".to_owned() },
        ]
    );
}

#[test]
fn alternatives_from_loops_and_substitutions() {
    let script = "for i in vi view; do update-alternatives --install /usr/bin/$i $i /usr/bin/vim.basic 30 $(
        for l in de fr; do echo --slave /usr/share/man/$l/$i.1 $i.$l.1 /usr/share/man/$l/vim.1; done); done
        update-alternatives --remove vi /usr/bin/old";
    let group = |name: &str| {
        let follower = |l: &str| {
            [format!("/usr/share/man/{l}/{name}.1"), format!("{name}.{l}.1"), format!("/usr/share/man/{l}/vim.1")]
        };
        Action::Alternative(Alternative {
            link: format!("/usr/bin/{name}"),
            name: name.to_owned(),
            path: "/usr/bin/vim.basic".to_owned(),
            priority: 30,
            followers: vec![follower("de"), follower("fr")],
        })
    };
    assert_eq!(run(script), [group("vi"), group("view")]);
}

#[test]
fn files_that_are_written() {
    assert_eq!(run("cat > /etc/x <<'EOF'\na $b\nEOF\necho c >> /etc/x"), [file("/etc/x", "a $b\nc\n")]);
    assert_eq!(run("t=$(mktemp); echo a > $t; mv $t /etc/x"), [file("/etc/x", "a\n")]);
    assert_eq!(run("echo a > /etc/x; rm -f /etc/x; mkdir /b"), [directory("/b")]);
    assert!(matches!(&run("echo x > /etc/shells")[..], [Action::Explained { .. }]));
    assert_eq!(went("date > /etc/x; date > /tmp/x; date > /run/x; mkdir /a"), "?3 a");
    assert!(run("rm -f /etc/old /var/lib/old; rmdir /etc/older || true").is_empty());
    assert_eq!(Machine::with("rm /usr/bin/x").own("/usr/bin/x").actions().len(), 1);
}

#[test]
fn debconf_answers_with_the_templates_defaults() {
    let mut machine = Machine::with(
        ". /usr/share/debconf/confmodule\ndb_get x/y && [ \"$RET\" = yes ] && mkdir /a\ndb_get x/z || mkdir /b",
    );
    machine
        .facts
        .members
        .insert("templates".to_owned(), Member::Text("Template: x/y\nType: string\nDefault: yes\n".to_owned()));
    assert_eq!(machine.actions(), [directory("/a"), directory("/b")]);
}

#[test]
fn umask_decides_about_new_files() {
    let machine = Machine::with("umask 066\ntouch /etc/secret\numask 022\ntouch /etc/open");
    let modes = machine.actions().into_iter().map(|action| match action {
        Action::File { path, mode, .. } => (path, mode),
        other => panic!("{other:?}"),
    });
    let expected = [("/etc/secret".to_owned(), Some(0o600)), ("/etc/open".to_owned(), Some(0o644))];
    assert_eq!(modes.collect::<Vec<_>>(), expected);
}

#[test]
fn helpers_of_other_packages() {
    let machine = Machine::with("a2enmod -q ssl\nphp_invoke enmod 8.2 ALL opcache")
        .other("/etc/apache2/mods-available/ssl.load")
        .other("/usr/lib/php/8.2/sapi/cli");
    let link = |path: &str, target: &str| Action::Symlink { path: path.to_owned(), target: target.to_owned() };
    assert_eq!(
        machine.actions(),
        [
            link("/etc/apache2/mods-enabled/ssl.load", "../mods-available/ssl.load"),
            link("/etc/php/8.2/cli/conf.d/10-opcache.ini", "/etc/php/8.2/mods-available/opcache.ini"),
        ]
    );
}

#[test]
fn hostile_scripts_end() {
    for script in [
        "f() { f; }; f",
        "f() { f; f; }; f",
        "while :; do :; done",
        "while :; do mkdir /$x; x=$x$x$x.a; done",
        "x=a; while [ -n \"$x\" ]; do mkdir /${x%%.*}; x=${x#*.}abc; [ $x = b& b ]& y; done",
        "for a in $(seq 999); do for b in $(seq 999); do for c in $(seq 999); do x=$x$a; done; done; done",
        &"if x; then ".repeat(5000),
        &"$(".repeat(5000),
        &"`\\`".repeat(5000),
        &"((((".repeat(5000),
        &"${a:-".repeat(5000),
        &format!("if false; then :\n{}fi", "elif false; then :\n".repeat(20_000)),
        &format!("if [ $(x) ]; then :\n{}fi", "elif [ $(x) ]; then mkdir /a\n".repeat(5000)),
        &format!("[ {} 1 ]", "! ".repeat(5000)),
        &format!("x={}; case $x in {}) mkdir /a;; esac", "a".repeat(60_000), "*a".repeat(5000)),
        &format!("x={}; while :; do y=${{x%%*a*a*b}}; done", "a".repeat(60_000)),
        &format!("x=1; while :; do grep -q $x /etc/passwd && x=\"$x{}\"; done", "y".repeat(1000)),
        &format!("mkdir {}", "/a".repeat(50_000)),
        "eval 'eval \"eval \\\"mkdir /a\\\"\"'; x='eval \"$x\"'; eval \"$x\"",
    ] {
        let actions = run(script);
        assert!(actions.len() <= MOST_ACTIONS + 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Whatever a script is, it ends, and what is said of it is short.
    #[test]
    fn any_text_is_followed_to_an_end(
        words in proptest::collection::vec(prop_oneof![
            proptest::sample::select(vec![
                "if", "then", "elif", "else", "fi", "case", "in", "esac", ";;", "for", "while", "until", "do", "done", "{", "}", "(",
                ")", "f()", "$(", "`", "\"", "'", "\\", "$x", "${x", ":-", "%%", "#", "*", "[", "]", "=", "&&", "||", "|", ";", "\n",
                "!", "<<EOF", "\nEOF\n", ">", ">>", "2>&1", "x=1", "echo", "mkdir", "/a", "f", "eval", "$@", "set", "--", "read", "x",
                "exit", "return", "break", "local", "update-alternatives", "--install", "chmod", "u+s", "chown", "a:b", "ln", "-s",
                "cp", "mv", "rm", "find", "xargs", "sed", "s/a/b/", "adduser", "é", "\0",
            ]).prop_map(str::to_owned),
            "\\PC{0,4}",
        ], 0..60),
        glue in proptest::sample::select(vec![" ", "", "\n"]),
    ) {
        let machine = Machine::with(&words.join(glue)).own("/usr/bin/x").own("/etc/d/");
        let actions = machine.actions();
        prop_assert_eq!(&actions, &machine.actions());
        for action in actions {
            if let Action::Unknown { text, .. } = action {
                prop_assert!(text.chars().count() <= 100);
            }
        }
    }

    /// Words in single quotes stand for themselves.
    #[test]
    fn quoted_words_stay_as_they_are(word in "[ -&(-~é]{1,20}") {
        let actions = run(&format!("x='{word}'; echo \"$x\" > /etc/x"));
        let is_option = ["-n", "-e", "-ne", "-en"].contains(&word.as_str());
        prop_assume!(!is_option);
        prop_assert_eq!(actions, vec![file("/etc/x", &format!("{word}\n"))]);
    }
}
