//! Secrets reach whom the files name, and nobody else.

use super::container::{Container, Machine};

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
    assert_eq!(container.stop(), 0);
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
