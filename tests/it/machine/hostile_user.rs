//! A user of a machine who is up to no good: nothing is gained, and everything goes on.

use std::process::Command;

use crate::clients::has;
use crate::support::server::{Fault, Server};

use super::container::{Container, MOUNT, Machine};

/// `storm SOCKET COUNT` sends standard input over so many connections at once, and prints what the last one answers. With a third
/// word it holds them for ever.
const STORM: &str = r#"#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>
int main(int count, char **words) {
    static char text[4 << 20], answer[1 << 16];
    size_t length = fread(text, 1, sizeof text, stdin);
    int most = atoi(words[2]), last = -1, opened = 0;
    struct rlimit limit = { 4096, 4096 };
    setrlimit(RLIMIT_NOFILE, &limit);
    for (int i = 0; i < most; i++) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        strncpy(address.sun_path, words[1], sizeof address.sun_path - 1);
        int to = socket(AF_UNIX, SOCK_STREAM, 0);
        if (to < 0 || connect(to, (void *)&address, sizeof address) < 0) continue;
        struct timeval patience = { 20, 0 };
        setsockopt(to, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        setsockopt(to, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        send(to, text, length, MSG_NOSIGNAL);
        last = to;
        opened++;
    }
    if (count > 3) pause();
    if (most == 1) shutdown(last, SHUT_WR);
    ssize_t got;
    while ((got = read(last, answer, sizeof answer)) > 0) fwrite(answer, 1, got, stdout);
    printf("\nopened %d\n", opened);
    return 0;
}
"#;

/// Documents of the store service are framed by their length.
const SEND: &str = r#"send() { { printf "$(printf '\\%03o\\%03o\\%03o\\%03o' 0 0 $((${#1} / 256)) $((${#1} % 256)))"; printf '%s' "$1"; } \
    | storm /run/dumbc/store.sock 1; }; "#;

/// The same for the supervisor.
const ASK: &str = r#"ask() { printf '%s\n' "$1" | storm /run/dumbc/control.sock 1; }; "#;

const HOME: &str = "[daemons.calm]\ncommand = [\"sleep\", \"1000\"]\n";

fn storm() -> Option<Vec<u8>> {
    has("cc")?;
    let folder = tempfile::tempdir().unwrap();
    let (source, program) = (folder.path().join("storm.c"), folder.path().join("storm"));
    std::fs::write(&source, STORM).unwrap();
    let compiled = Command::new("cc").args(["-static", "-O", "-w", "-o"]).arg(&program).arg(&source).status().unwrap();
    compiled.success().then(|| std::fs::read(program).unwrap())
}

#[track_caller]
fn says(text: &str, all: &[&str]) {
    for part in all {
        assert!(text.contains(part), "`{part}` is missing from:\n{text}");
    }
}

#[test]
fn a_user_gains_nothing() {
    let Some(machine) = Machine::new() else { return };
    let Some(storm) = storm() else { return };
    machine.cache.add("storm-1", &[("bin/storm", &storm)]);
    let good = machine.cache.add("good-1", &[("bin/good", b"#!/bin/sh\necho good\n")]);
    let liar = machine.cache.add("liar-1", &[("bin/liar", b"#!/bin/sh\necho liar\n")]);
    let unsigned = machine.cache.add("unsigned-1", &[("bin/unsigned", b"#!/bin/sh\n")]);
    unsign(&machine, &unsigned);
    let nar = format!("/{}", machine.cache.nar(&liar).strip_prefix(machine.cache.folder()).unwrap().display());
    let flips =
        (0..20).fold(Server::start().folder(&machine.cache.folder()), |server, _| server.fault(&nar, Fault::Flip(40)));
    let tables =
        "[daemons.guard]\ncommand = [\"sleep\", \"1000\"]\n[persist]\nstore-limit = \"64MiB\"\n[boot]\nenable = true\n";
    machine.project.system_at(&machine.cache, &flips.url(""), "[\"busybox\", \"storm\"]", tables);
    machine.file("users.toml", "[alice]\nuid = 1000\n\n[bob]\nuid = 1001\n").file("home.toml", HOME);
    let image = machine.load();
    let index = format!("{0}:{0}:ro", machine.cache.folder().display());
    for options in [&[][..], &MOUNT[..]] {
        let container = image.start_in("--network=host", &[&["-v", &index, "-v", "/data"], options].concat());
        assert!(container.soon("test -S /run/dumbc/store.sock && dumbc machine status | grep 'calm@bob.*running'"));
        packages(&container, &good, &liar, &unsigned);
        others(&container);
        floods(&container);
        let status = container.shell("root", "dumbc machine status --all");
        assert!(status.lines().any(|line| line.starts_with("store ") && line.contains("running")), "{status}");
        assert!(!status.contains("started again"), "nothing of the machine's had to be started again:\n{status}");
        links(&container);
        says(&container.tries("bob", "dumbc add good && good"), &["is live", "good", "code 0"]);
    }
}

/// Takes the signature off.
fn unsign(machine: &Machine, path: &str) {
    let hash = &path["/nix/store/".len()..][..32];
    let file = machine.cache.folder().join(format!("{hash}.narinfo"));
    let text = std::fs::read_to_string(&file).unwrap();
    let kept = text.lines().filter(|line| !line.starts_with("Sig:") && !line.starts_with("CA:"));
    std::fs::write(file, kept.collect::<Vec<_>>().join("\n") + "\n").unwrap();
}

fn packages(container: &Container, good: &str, liar: &str, unsigned: &str) {
    let name = |path: &str| path["/nix/store/".len()..].to_owned();
    for (package, path) in [("unsigned", unsigned), ("liar", liar)] {
        let refused = container.tries("alice", &format!("dumbc add {package}"));
        assert!(!refused.contains("code 0"), "{refused}");
        container.shell(
            "root",
            &format!("! ls -d /nix/store/{0} /data/nix/store/{0} /data/dumbc/registered/{0} 2>/dev/null", name(path)),
        );
    }
    // Nobody's own channel or cache is asked.
    let own = "mkdir -p ~/.config/dumbc; printf '[channels.mine]\\ncaches = [\"/tmp\"]\\n' > ~/.config/dumbc/home.toml; rebuild";
    says(&container.tries("alice", own), &["unknown key `channels`", "code 2"]);
    for source in ["/etc/shadow", "/data/dumbc/lock", "/home/bob/.secret", "./link"] {
        container
            .shell("root", "echo secret > /home/bob/.secret; chown bob /home/bob/.secret; chmod 600 /home/bob/.secret");
        let text = format!(
            "ln -sf /etc/shadow ~/.config/dumbc/link; printf '[file.\".x\"]\\nsource = \"{source}\"\\n' > ~/.config/dumbc/home.toml"
        );
        let refused = container.tries("alice", &format!("{text}; rebuild; cat ~/.x"));
        assert!(
            !refused.contains("secret\n") && !refused.contains("root:") && refused.contains("code 1"),
            "{source}: {refused}"
        );
    }
    container.shell("alice", "rm ~/.config/dumbc/home.toml");
    assert!(good.starts_with("/nix/store/"));
}

/// What is another's, or the machine's.
fn others(container: &Container) {
    let own = "mkdir -p ~/.config/dumbc; echo 'sessionVariables.B = \"1\"' > ~/.config/dumbc/home.toml; rebuild";
    says(&container.tries("bob", own), &["is live"]);
    assert!(container.soon("dumbc machine status | grep 'calm@bob.*running'"));
    let pids = || container.shell("root", "dumbc --json machine status --all | grep -o '\"pid\": *[0-9]*'");
    let before = pids();
    for unit in ["calm@bob", "guard", "store"] {
        says(
            &container.tries("alice", &format!("dumbc machine restart {unit}")),
            &["there is no unit", "of yours", "code 1"],
        );
        says(
            &container.tries("alice", &format!("dumbc machine logs {unit}")),
            &["there is no unit", "of yours", "code 1"],
        );
    }
    let ask = |text: &str| container.shell("alice", &format!("{ASK} ask '{text}'"));
    says(&ask("{\"reload-home\":{\"user\":\"bob\"}}"), &["is nobody whose home you may change"]);
    says(&ask("{\"restart\":{\"unit\":\"../guard\"}}"), &["there is no unit"]);
    let send = |text: &str| container.shell("alice", &format!("{SEND} send '{text}'"));
    let bobs = container.shell("root", "readlink /data/dumbc/users/bob/generations/1");
    says(&send(&format!("{{\"commit\":{{\"generation\":\"{}\"}}}}", bobs.trim())), &["can't be the home of `alice`"]);
    says(
        &send(&format!("{{\"commit\":{{\"generation\":\"{}\",\"user\":\"bob\"}}}}", bobs.trim())),
        &["only root may do this"],
    );
    says(&send("{\"fetch\":{\"paths\":[\"/etc/shadow\"]}}"), &["makes no sense"]);
    says(&send("{\"add\":{\"name\":\"glibc-2.40\",\"references\":[],\"size\":9}}"), &["is no name for it"]);
    says(&send("{\"add\":{\"name\":\"home-bob\",\"references\":[],\"size\":9}}"), &["is no name for it"]);
    says(&send("{\"add\":{\"name\":\"home-path\",\"references\":[],\"size\":9999999999}}"), &["it has more than"]);
    says(&container.tries("alice", "dumbc home activate --generation /etc --home /home/bob"), &["code 1"]);
    assert_eq!(before, pids(), "nothing was started again");
    assert_eq!(container.shell("root", "ls /data/dumbc/users/alice/generations 2>/dev/null; true"), "");
}

/// More than anybody needs: long, many, and never ending.
fn floods(container: &Container) {
    for socket in ["store", "control"] {
        let at = format!("/run/dumbc/{socket}.sock");
        for (what, count) in [("/dev/zero", 1), ("/nix/store/*-storm-1/bin/storm", 1000)] {
            let told = container.shell("alice", &format!("head -c 3000000 {what} | storm {at} {count}; true"));
            says(&told, &["opened "]);
        }
        let held = format!(
            "printf '' | storm {at} 1000 hold > /tmp/held 2>&1 & \
            until grep -q ^storm /proc/[0-9]*/comm 2>/dev/null; do :; done"
        );
        container.shell("alice", &held);
        // Others are served all the while.
        says(
            &container.tries("bob", "rebuild --list; dumbc machine status"),
            &["image  /nix/store/", "calm@bob", "code 0"],
        );
        says(&container.tries("root", "dumbc machine status"), &["guard", "code 0"]);
        container.shell(
            "root",
            "for p in /proc/[0-9]*; do grep -q '^storm' $p/comm 2>/dev/null && kill ${p#/proc/}; done; true",
        );
    }
}

/// Folders of the home become links to what is root's or another's, and back, while homes are made.
fn links(container: &Container) {
    let turn = "while :; do for d in .config .local .local/state .local/state/dumbc; do \
        mv ~/$d ~/$d.away 2>/dev/null && ln -s /etc ~/$d 2>/dev/null; rm -f ~/$d 2>/dev/null; ln -s /data/dumbc ~/$d 2>/dev/null; rm -f ~/$d; \
        ln -s /home/bob ~/$d 2>/dev/null; rm -f ~/$d; mv ~/$d.away ~/$d 2>/dev/null; done; done";
    container
        .shell("alice", "mkdir -p ~/.config/dumbc; echo 'file.\".evil\".text = \"evil\"' > ~/.config/dumbc/home.toml");
    let names = |container: &Container| container.shell("root", "ls -AR /etc /home/bob");
    let was = names(container);
    container.shell("alice", &format!("({turn}) > /dev/null 2>&1 & echo $! > /tmp/turning"));
    for _ in 0..8 {
        container.tries("alice", "rebuild --force");
    }
    container.shell("alice", "kill -9 $(cat /tmp/turning)");
    let _ = container.docker(&["restart", "-t", "5", &container.id]).output();
    assert!(container.soon("test -S /run/dumbc/store.sock"), "{}", container.logs());
    assert_eq!(was, names(container));
    container.shell("root", "! find /etc /data/dumbc /home/bob -name '*evil*' 2>/dev/null | grep .");
}
