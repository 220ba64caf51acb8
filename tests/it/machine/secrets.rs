//! Secrets reach whom the files name, and nobody else.

use std::process::Command;

use super::container::{Container, Machine};
use crate::clients::output;

const TABLES: &str = r#"
[daemons.named]
command = ["sh", "-c", "echo named; exec sleep 10000"]
user = "alice"
secrets = ["TOKEN"]
[daemons.filed]
command = ["sh", "-c", "test -s /run/secrets/CERT && echo read; exec sleep 10000"]
user = "alice"
secret-files = ["CERT"]
[daemons.others]
command = ["sleep", "10000"]
user = "bob"
[daemons.wanting]
command = ["sleep", "10000"]
secrets = ["ABSENT"]
[daemons.dependent]
command = ["sleep", "10000"]
after = ["wanting"]
"#;

/// The environment of a unit's process, as its user sees it: root in a container is not let in.
fn environment(container: &Container, unit: &str, user: &str) -> String {
    let find = format!(r"dumbc machine status | sed -n 's/^{unit} .*pid \([0-9]*\).*/\1/p'");
    let place = format!("/proc/{}/environ", container.inside(&find).trim());
    let read = container.exec(user, &["cat", &place]);
    assert!(read.status.success(), "{read:?}");
    String::from_utf8_lossy(&read.stdout).replace('\0', "\n")
}

#[test]
fn only_who_names_a_secret_has_it() {
    let Some(machine) = Machine::new() else { return };
    machine.system(&[], TABLES).file("users.toml", "[alice]\nuid = 1000\n[bob]\nuid = 1001\n");
    let image = machine.load();
    let options = ["-e", "TOKEN=geheim", "-e", "CERT=zertifikat", "-e", "OPEN=offen"];
    let container = image.start(&options);
    for unit in ["named", "filed", "others"] {
        assert!(container.soon(&format!("dumbc machine status | grep -q '^{unit} .*running'")), "{unit}");
    }
    for (unit, user, token) in [("named", "alice", true), ("filed", "alice", false), ("others", "bob", false)] {
        let environment = environment(&container, unit, user);
        assert!(environment.contains("OPEN=offen\n"), "what nobody names is everybody's: {unit} has\n{environment}");
        assert_eq!(environment.contains("TOKEN=geheim\n"), token, "{unit} has\n{environment}");
        assert!(!environment.contains("zertifikat"), "{unit} has\n{environment}");
    }
    files(&container);
    missing(&container);

    // Nobody finds it in others' processes.
    let holders = "for f in /proc/[0-9]*/environ; do grep -q geheim $f && echo $f; done 2>/dev/null; true";
    assert_eq!(container.shell("bob", holders), "");
    let told = [
        container.inside("dumbc machine status --all; dumbc --json machine status --all"),
        container.inside("cat /etc/dumbc/boot.json /run/dumbc/banner; ps -o args"),
        container.inside("for u in named filed others store; do dumbc machine logs $u; done"),
        container.logs(),
    ];
    for text in told {
        assert!(!text.contains("geheim") && !text.contains("zertifikat"), "{text}");
    }
    // `docker exec` has all variables of the container, and hands on what is no unit's.
    let entered = container.shell("bob", "env");
    assert!(entered.contains("OPEN=offen\n") && !entered.contains("geheim"), "{entered}");
    root_enters(&container);
    in_no_layer(&machine, &container);
    assert_eq!(container.stop(), 0);

    let in_run = image.start(&[&options[..], &["--tmpfs", "/run"]].concat());
    files(&in_run);
    assert_eq!(in_run.inside("readlink /run/secrets || ls -d /dev/dumbc-* || echo in /run"), "in /run\n");
}

/// root has a login as users have: the machine's variables without secrets, and no others.
fn root_enters(container: &Container) {
    let entered = container.exec("0", &["dumbc", "shell", "root", "--", "sh", "-c", "cat /dev/null && pwd && env"]);
    let told = String::from_utf8_lossy(&entered.stdout).into_owned();
    assert!(entered.status.success() && told.starts_with("/root\n"), "{entered:?}");
    for line in ["HOME=/root", "USER=root", "LOGNAME=root", "XDG_RUNTIME_DIR=/run/user/0", "OPEN=offen"] {
        assert!(told.lines().any(|told| told == line), "{line} is missing from\n{told}");
    }
    assert!(!told.contains("geheim"), "{told}");
    let refused = container.exec("alice", &["dumbc", "shell", "root"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("only root may enter as `root`"), "{refused:?}");
}

/// Nothing may be mounted here and /run is in the container's layer: so files lie in memory that docker gives, and each start has a
/// folder of its own. A file that does lie in the layer shows that it is looked at.
fn in_no_layer(machine: &Machine, container: &Container) {
    let folder = container.inside("readlink /run/secrets");
    assert!(folder.starts_with("/dev/dumbc-secrets-"), "{folder}");
    output(&mut container.docker(&["restart", "-t", "30", &container.id]));
    assert!(container.soon("dumbc machine status | grep -q '^filed .*running'"));
    files(container);
    assert_ne!(container.inside("readlink /run/secrets"), folder);
    assert_eq!(container.inside("ls -d /dev/dumbc-secrets-* /dev/shm/dumbc-* 2>/dev/null | wc -l").trim(), "1");
    container.inside("echo kanari > /var/tmp/bird");

    let place = tempfile::tempdir_in(machine.project.beside("")).unwrap();
    let archive = place.path().join("saved.tar");
    let name = format!("{}-committed", &container.id[..12]);
    output(&mut container.docker(&["commit", &container.id, &name]));
    output(container.docker(&["save", "-o"]).arg(&archive).arg(&name));
    output(Command::new("tar").arg("-xf").arg(&archive).arg("-C").arg(place.path()));
    std::fs::remove_file(&archive).unwrap();
    output(container.docker(&["export", "-o"]).arg(place.path().join("exported")).arg(&container.id));
    output(&mut container.docker(&["rmi", &name]));
    let holders = |text: &str| {
        let found = Command::new("grep").args(["-rlaF", text]).arg(place.path()).output().unwrap();
        let found = String::from_utf8(found.stdout).unwrap();
        // Docker itself keeps the variables of `docker run -e` in a container's configuration, whose files are documents.
        let is_document = |path: &&str| std::fs::read(path).unwrap().starts_with(b"{");
        found.lines().filter(|path| !is_document(path)).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(holders("kanari").len(), 2, "the new layer, and the exported files");
    assert_eq!(holders("zertifikat"), [""; 0]);
}

fn files(container: &Container) {
    assert!(container.soon("dumbc machine logs filed | grep -q read"));
    assert_eq!(container.inside("stat -c '%a %U' /run/secrets/CERT"), "400 alice\n");
    let read = |user: &str| container.exec(user, &["cat", "/run/secrets/CERT"]).stdout;
    assert_eq!((read("alice"), read("bob")), (b"zertifikat".to_vec(), Vec::new()));
    assert!(!container.exec("bob", &["ls", "/run/secrets"]).status.success());
}

fn missing(container: &Container) {
    let status = container.inside("dumbc machine status");
    let line = |unit: &str| status.lines().find(|line| line.starts_with(unit)).unwrap_or_default();
    assert!(line("wanting").contains("the secret ABSENT is missing; fly secrets set ABSENT"), "{status}");
    assert!(line("dependent").contains("wanting"), "{status}");
    assert!(container.logs().contains("the secret ABSENT is not set: wanting can't run without it"));
    assert!(container.inside("cat /run/dumbc/banner").contains("wanting"));
}
