//! Units in a machine: their order, health, output, and who may ask for what.

use std::fs;

use super::container::{Container, Machine};
use crate::support::skipped;

const TABLES: &str = r#"
[daemons.by-port]
command = ["sh", "-c", "until test -e /tmp/go; do sleep 0.1; done; exec httpd -f -p 8080 -h /srv"]
user = "www"
ports = [8080]
ready = { port = 8080 }
health = { http = "/up", interval = "200ms", grace = "0s" }
[daemons.by-file]
command = ["sh", "-c", "touch /tmp/file; exec sleep 10000"]
ready = { file = "/tmp/file" }
after = ["by-port"]
[daemons.by-command]
command = ["sleep", "10000"]
ready = { command = ["test", "-e", "/tmp/file"] }
health = { command = ["test", "!", "-e", "/tmp/ill"], interval = "200ms", grace = "0s" }
after = ["by-file"]
[daemons.by-word]
command = ["sh", "-c", "ln -s $NOTIFY_SOCKET /dev/log; logger \"$(printf 'x\\nREADY=1')\"; exec sleep 10000"]
ready = { notify = true }
[daemons.once]
command = ["sh", "-c", "echo out; echo err >&2"]
oneshot = true
after = ["by-command"]
[daemons.each]
command = ["sh", "-c", "echo I am $USER; exec sleep 10000"]
user = "*"
after = ["once"]
[daemons.flood]
command = ["sh", "-c", "i=0; while test $i -lt 40000; do echo line $i of a flood of lines that is long enough; i=$((i+1)); done; echo over; exec sleep 10000"]
[files."/srv/up"]
text = "up"
"#;

const USERS: &str = "[alice]\nuid = 1000\n[bob]\nuid = 1001\n[www]\nuid = 1002\n";

const HOME: &str = "[daemons.notes]\ncommand = [\"sh\", \"-c\", \"echo notes of $USER; exec sleep 10000\"]\n";

#[test]
fn units_start_in_order_and_are_seen_by_whom_they_belong_to() {
    let Some(machine) = Machine::new() else { return };
    let logs = "[logs]\npersist = true\n";
    machine.system(&[], &format!("{TABLES}{logs}")).file("users.toml", USERS).file("home.toml", HOME);
    let image = machine.load();
    let folder = tempfile::tempdir().unwrap();
    let container = image.start(&["-v", &format!("{}:/data", folder.path().display())]);
    in_order(&container);
    healthy(&container);
    asked(&container);
    told(&container);
    assert_eq!(container.stop(), 0);
    let kept = fs::read_to_string(folder.path().join("dumbc/logs/each@alice.log")).unwrap();
    assert_eq!(kept, "I am alice\nI am alice\n", "alice has restarted it once");
}

fn reaches(container: &Container, unit: &str, state: &str) {
    let script = format!("dumbc machine status | grep -q '^{unit} .* {state} '");
    assert!(container.soon(&script), "{unit} never is {state}\n{}", container.inside("dumbc machine status"));
}

fn in_order(container: &Container) {
    reaches(container, "by-port", "starting");
    reaches(container, "each@alice", "waiting");
    container.inside("touch /tmp/go");
    for unit in ["by-port", "by-file", "by-command", "by-word", "each@alice", "each@bob", "notes@alice"] {
        reaches(container, unit, "running");
    }
    reaches(container, "once", "done");
}

fn healthy(container: &Container) {
    assert!(container.soon("dumbc machine health by-port && dumbc machine health by-command"));
    assert!(container.inside("dumbc machine health each@bob").is_empty(), "it runs, and nobody looks");
    let pid = container.inside("dumbc machine status | grep '^by-command'");
    container.inside("touch /tmp/ill");
    assert!(container.soon("! dumbc machine health by-command"));
    assert!(container.soon("dumbc machine status | grep '^by-command' | grep -q 'started again'"));
    container.inside("rm /tmp/ill");
    assert!(container.soon("dumbc machine health by-command"));
    assert_ne!(container.inside("dumbc machine status | grep '^by-command'"), pid);
    assert!(container.logs().contains("by-command is unwell: its command ends with exit code 1 (3 times)"));
    let unknown = container.exec("0", &["dumbc", "machine", "health", "absent"]);
    assert!(unknown.status.code() == Some(1), "{unknown:?}");
}

/// Everybody has their own, and root has all.
fn asked(container: &Container) {
    let ask = |user: &str, words: &[&str]| {
        let output = container.exec(user, &[&["dumbc", "machine"], words].concat());
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.code().unwrap(), text)
    };
    assert_eq!(ask("alice", &["logs", "each@alice"]), (0, "I am alice\n".to_owned()));
    assert_eq!(ask("alice", &["logs", "notes@alice"]), (0, "notes of alice\n".to_owned()));
    assert_eq!(ask("alice", &["restart", "each@alice"]).0, 0);
    for words in [["logs", "each@bob"], ["restart", "each@bob"], ["logs", "once"], ["restart", "store"], ["logs", "no"]]
    {
        let (code, text) = ask("alice", &words);
        assert!(code == 1 && text.contains("of yours"), "{words:?}: {code} {text}");
    }
    assert_eq!(ask("root", &["logs", "once"]).1, "out\nerr\n");
    assert_eq!(ask("root", &["restart", "notes@bob"]).0, 0);
    assert!(container.soon("test $(dumbc machine logs each@alice | wc -l) = 2"));
    assert!(container.soon("test $(dumbc machine logs notes@bob | wc -l) = 2"));
    let (_, hers) = ask("alice", &["status"]);
    let line = |unit: &str| hers.lines().find(|line| line.starts_with(unit)).map(str::to_owned);
    assert!(line("each@alice").is_some_and(|line| line.contains("pid ")), "{hers}");
    assert!(line("each@bob").is_some_and(|line| !line.contains("pid ")), "{hers}");
    assert!(line("notes@bob").is_none() && hers.contains("home of alice") && !hers.contains("home of bob"), "{hers}");
}

/// Lines have their unit before them; what is kept of a flood is its end.
fn told(container: &Container) {
    let logs = container.logs();
    for line in ["once        | out", "once        | err", "each@bob    | I am bob", "notes@alice | notes of alice"] {
        assert!(logs.lines().any(|found| found == line), "`{line}` is missing");
    }
    assert!(container.soon("dumbc machine logs -n 1 flood | grep -q over"));
    let kept: usize = container.inside("dumbc machine logs -n 1000000 flood | wc -c").trim().parse().unwrap();
    assert!((100_000..1 << 20).contains(&kept), "{kept}");
    assert_eq!(container.inside("dumbc machine logs -n 2 flood | wc -l").trim(), "2");
}

#[test]
fn lines_may_be_documents_and_the_foreground_is_left_alone() {
    let Some(machine) = Machine::new() else { return };
    let tables = r#"
[entrypoint]
command = ["sh", "-c", "echo foreground; exec sleep 10000"]
health = { command = ["test", "-e", "/tmp/well"], interval = "100ms", grace = "0s" }
[daemons.talker]
command = ["sh", "-c", "echo out; echo err >&2"]
oneshot = true
[logs]
format = "json"
"#;
    machine.system(&[], tables);
    let image = machine.load();
    let check = "dumbc machine health entrypoint";
    let container = image.start(&["--health-cmd", check, "--health-interval", "200ms", "--health-retries", "1"]);
    assert!(container.soon("dumbc machine status | grep -q '^talker .*done'"));
    let logs = container.logs();
    assert!(logs.lines().any(|line| line == "foreground"), "{logs}");
    let documents: Vec<serde_json::Value> = logs.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    for (stream, message) in [("stdout", "out"), ("stderr", "err")] {
        let is_it = |found: &&serde_json::Value| {
            found["unit"] == "talker" && found["stream"] == stream && found["message"] == message
        };
        let found = documents.iter().find(is_it).unwrap_or_else(|| panic!("{stream} is missing from\n{logs}"));
        assert!(found["time"].as_str().is_some_and(|time| time.ends_with('Z')), "{found}");
    }
    let health =
        || crate::clients::output(&mut container.docker(&["inspect", "-f", "{{.State.Health.Status}}", &container.id]));
    let becomes = |expected: &str| crate::clients::docker::wait_for(|| (health().trim() == expected).then_some(true));
    assert!(becomes("unhealthy"), "{}", health());
    container.inside("touch /tmp/well");
    assert!(becomes("healthy"), "{}", health());
}

/// In docker's own time. What passes in seconds on a computer whose clock skips waits is [`super::vm`]'s.
#[test]
fn a_unit_that_always_crashes_is_given_up_and_the_machine_goes_on() {
    if std::env::var_os("DUMBC_TEST_PATIENT").is_none() {
        skipped::<()>("the supervisor takes six minutes for it: DUMBC_TEST_PATIENT=1");
        return;
    }
    let Some(machine) = Machine::new() else { return };
    let tables = r#"
[daemons.broken]
command = ["sh", "-c", "echo broken on purpose; kill -SEGV $$"]
[daemons.steady]
command = ["sleep", "10000"]
"#;
    machine.system(&[], tables);
    let image = machine.load();
    let container = image.start(&[]);
    let is_up = || container.soon("dumbc machine status | grep -q '^broken .*gave up after 15 starts'");
    assert!((0..8).any(|_| is_up()), "{}", container.inside("dumbc machine status"));
    let told = "gave up after 15 starts in 6 min, ended: SIGSEGV; dumbc machine restart broken";
    assert!(container.inside("dumbc machine status").contains(told));
    assert!(container.logs().lines().any(|line| line.contains("broken") && line.contains(told)), "it is in the log");
    assert!(container.inside("cat /run/dumbc/banner").contains("broken"));
    reaches(&container, "steady", "running");
    // Whoever has mended it starts it anew.
    container.inside("dumbc machine restart broken");
    assert!(container.soon("dumbc machine status | grep '^broken' | grep -vq 'gave up'"));
    assert_eq!(container.stop(), 0);
}
