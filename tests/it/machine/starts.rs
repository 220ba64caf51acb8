//! A machine starts, does what it is told, and ends.

use super::container::{MOUNT, Machine};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn other_commands_run_with_homes_and_give_their_exit_code() {
    let Some(machine) = Machine::new() else { return };
    let unit = "[entrypoint]\ncommand = [\"sleep\", \"100\"]\nuser = \"alice\"\nsecrets = [\"TOKEN\"]\n";
    let daemon = "[daemons.other]\ncommand = [\"sleep\", \"100\"]\nsecrets = [\"OTHER\"]\n";
    machine.system(&[], &format!("{unit}{daemon}"));
    machine.file("users.toml", "[alice]\nuid = 1000\n[bob]\nuid = 1001\n").file("home.toml", "file.x.text = \"y\"\n");
    let image = machine.load();
    let output = image.run(&[], &["sh", "-c", "id -un; echo $HOME; cat ~/x; exit 7"]);
    assert_eq!(text(&output.stdout), "alice\n/home/alice\ny", "{output:?}");
    assert_eq!(output.status.code(), Some(7));

    // It has the entrypoint's secrets, nobody else's, and no daemons beside it.
    let secrets = ["-e", "TOKEN=one", "-e", "OTHER=two"];
    let output = image.run(&secrets, &["sh", "-c", "echo $TOKEN.$OTHER.; ps | grep -c '[s]leep 100'"]);
    assert_eq!(text(&output.stdout), "one..\n0\n", "{output:?}");
    assert_eq!(image.run(&[], &["absent-program"]).status.code(), Some(127));
    assert_eq!(image.run(&[], &["/etc/passwd"]).status.code(), Some(126));
    assert_eq!(image.run(&[], &["sh", "-c", "kill -KILL $$"]).status.code(), Some(137));

    // As another user, and where nothing but memory can be written.
    let output = image.run(&["-u", "1001"], &["id", "-u"]);
    assert_eq!((text(&output.stdout).as_str(), output.status.code()), ("1001\n", Some(0)), "{output:?}");
    let read_only = ["--read-only", "--tmpfs", "/run", "--tmpfs", "/tmp"];
    let output = image.run(&read_only, &["id", "-un"]);
    assert_eq!((text(&output.stdout).as_str(), output.status.code()), ("alice\n", Some(0)), "{output:?}");
    let output = image.run(&[&MOUNT[..], &read_only].concat(), &["sh", "-c", "cat ~/x; id -un"]);
    assert_eq!((text(&output.stdout).as_str(), output.status.code()), ("yalice\n", Some(0)), "{output:?}");
}

#[test]
fn steps_are_told_and_signals_arrive() {
    let Some(machine) = Machine::new() else { return };
    let script = "trap 'echo got hup' HUP; trap 'echo got usr1' USR1; trap 'echo got usr2' USR2; trap 'exit 3' TERM; \
                  echo up; while :; do sleep 0.1; done";
    machine.system(&[], &format!("[entrypoint]\ncommand = [\"sh\", \"-c\", \"{script}\"]\nuser = \"alice\"\n"));
    machine.file("users.toml", "[alice]\nuid = 1000\n");
    let image = machine.load();
    for options in [&["-e", "DUMBC_LOG=debug"][..], &["-e", "DUMBC_LOG=debug", "--init"]] {
        let container = image.start(options);
        let has = |line: &str| {
            let there = || container.logs().lines().any(|found| found == line).then_some(true);
            assert!(crate::clients::docker::wait_for(there), "`{line}` is missing");
        };
        has("up");
        for (signal, line) in [("SIGHUP", "got hup"), ("SIGUSR1", "got usr1"), ("SIGUSR2", "got usr2")] {
            assert!(container.docker(&["kill", "-s", signal, &container.id]).output().unwrap().status.success());
            has(line);
        }
        let logs = container.logs();
        for step in ["file systems", "folders", "volume", "store", "persist", "homes", "ssh key", "secrets"] {
            let is_step = |line: &str| line.contains("dumbc::boot") && line.contains(&format!("step=\"{step}\""));
            assert!(logs.lines().any(is_step), "{step} is missing from:\n{logs}");
        }
        assert_eq!(container.stop(), 3);
    }
}

#[test]
fn homes_stand_below_a_root_that_is_read_only() {
    let Some(machine) = Machine::new() else { return };
    machine.system(&[], "[daemons.calm]\ncommand = [\"sleep\", \"1000\"]\nuser = \"alice\"\n");
    machine.file("users.toml", "[alice]\nuid = 1000\n");
    machine.file("home.toml", "sessionVariables.GREETING = \"hello\"\n");
    let container =
        machine.load().start(&[&MOUNT[..], &["--read-only", "--tmpfs", "/run", "--tmpfs", "/tmp"]].concat());
    assert!(container.soon("test -S /run/dumbc/store.sock"));
    assert_eq!(container.shell("alice", "echo $GREETING; id -un"), "hello\nalice\n");
    assert_eq!(container.stop(), 0);
}
