//! Secrets reach whom the files name, and nobody else.

use super::container::Machine;

const TABLES: &str = r#"
[daemons.named]
command = ["sh", "-c", "echo named; exec sleep 10000"]
user = "alice"
secrets = ["TOKEN"]
[daemons.filed]
command = ["sh", "-c", "test \"$(cat /run/secrets/CERT)\" = zertifikat && echo read; exec sleep 10000"]
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

/// Prints the environment of a unit's process.
const ENVIRONMENT: &str = r#"of() { pid=$(dumbc machine status | grep "^$1 " | sed 's/.*pid \([0-9]*\).*/\1/'); tr '\0' '\n' < /proc/$pid/environ; }"#;

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
    let of = |unit: &str| container.inside(&format!("{ENVIRONMENT}; of {unit}"));
    for (unit, token) in [("named", true), ("filed", false), ("others", false)] {
        let environment = of(unit);
        assert!(environment.contains("OPEN=offen\n"), "what nobody names is everybody's: {unit} has\n{environment}");
        assert_eq!(environment.contains("TOKEN=geheim\n"), token, "{unit} has\n{environment}");
        assert!(!environment.contains("zertifikat"), "{unit} has\n{environment}");
    }
    files(&container);
    missing(&container);

    // Nobody but root may look into others' processes, and of theirs root finds one that has it: the machine's first aside.
    let holders = "for f in /proc/[0-9]*/environ; do grep -lq geheim $f && echo $f; done 2>/dev/null";
    let bobs = container.exec("bob", &["sh", "-c", holders]);
    assert_eq!(String::from_utf8_lossy(&bobs.stdout).trim(), "", "{bobs:?}");
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

fn files(container: &super::container::Container) {
    assert!(container.soon("dumbc machine logs filed | grep -q read"));
    assert_eq!(container.inside("stat -c '%a %U' /run/secrets/CERT"), "400 alice\n");
    assert_eq!(container.inside("stat -f -c %T /run/secrets"), "tmpfs\n");
    let read = |user: &str| container.exec(user, &["cat", "/run/secrets/CERT"]).status.success();
    assert!(read("alice") && !read("bob"));
    assert!(!container.exec("bob", &["ls", "/run/secrets"]).status.success());
}

fn missing(container: &super::container::Container) {
    let status = container.inside("dumbc machine status");
    let line = |unit: &str| status.lines().find(|line| line.starts_with(unit)).unwrap_or_default();
    assert!(line("wanting").contains("the secret ABSENT is missing; fly secrets set ABSENT"), "{status}");
    assert!(line("dependent").contains("wanting"), "{status}");
    assert!(container.logs().contains("the secret ABSENT is not set: wanting can't run without it"));
    assert!(container.inside("cat /run/dumbc/banner").contains("wanting"));
}
