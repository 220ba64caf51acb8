//! The supervisor with real processes: units of a plan, in this file system.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::clients::docker::wait_for;
use crate::support::skipped;

/// A folder with a plan and sockets.
struct Machine {
    folder: tempfile::TempDir,
    plan: Value,
}

/// One that runs.
struct Running<'machine> {
    machine: &'machine Machine,
    child: Option<Child>,
}

fn account() -> Value {
    let id = |flag: &str| -> u32 {
        let output = Command::new("id").arg(flag).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
    };
    json!({"name": "tester", "uid": id("-u"), "gid": id("-g"), "groups": [], "home": "/", "shell": "/bin/sh"})
}

fn unit(name: &str, script: &str) -> Value {
    json!({"name": name, "command": ["/bin/sh", "-c", script], "account": account(), "restart": "no",
        "stop": {"signal": "SIGTERM", "grace": 500}})
}

/// `unit` with other values for some keys.
fn with(mut unit: Value, keys: Value) -> Value {
    let Value::Object(keys) = keys else { panic!("an object") };
    unit.as_object_mut().unwrap().extend(keys);
    unit
}

impl Machine {
    /// `None`, said aloud, where there is no shell.
    fn new(entrypoint: Option<&str>, daemons: &[Value]) -> Option<Self> {
        if !Path::new("/bin/sh").exists() {
            return skipped("there is no /bin/sh");
        }
        let folder = tempfile::tempdir().unwrap();
        let mut plan = json!({
            "version": 1, "image": "m:latest", "system": "x86_64-linux", "hostname": "m", "runtime": "/r",
            "environment": {}, "path": ["/usr/bin", "/bin"], "volume": folder.path().join("data"), "persist": [],
            "folders": [], "users": {}, "daemons": daemons, "channels": {},
            "logs": {"json": false, "persist": false}, "user-rebuild": true
        });
        if let Some(script) = entrypoint {
            plan["entrypoint"] = unit("entrypoint", script);
        }
        Some(Self { folder, plan })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dumbc"));
        command.args(["machine", "--run"]).arg(self.folder.path().join("run")).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn start(&self, arguments: &[&str]) -> Running<'_> {
        let plan = self.folder.path().join("plan.json");
        std::fs::write(&plan, self.plan.to_string()).unwrap();
        let mut command = self.command(&["supervise", "--plan", plan.to_str().unwrap()]);
        let child = command.args(arguments).env("GREETING", "hello").env("TOKEN", "geheim").spawn().unwrap();
        Running { machine: self, child: Some(child) }
    }

    /// Runs to the end.
    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        self.start(arguments).end()
    }
}

impl Running<'_> {
    fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill").arg(format!("-{signal}")).arg(self.pid().to_string()).status();
        assert!(status.unwrap().success());
    }

    /// Waits for the end: exit code, standard output, standard error.
    fn end(mut self) -> (i32, String, String) {
        let Output { status, stdout, stderr } = self.child.take().unwrap().wait_with_output().unwrap();
        (status.code().unwrap(), text(stdout), text(stderr))
    }

    fn ask(&self, arguments: &[&str]) -> Output {
        self.machine.command(arguments).output().unwrap()
    }

    fn connect(&self) -> Option<UnixStream> {
        UnixStream::connect(self.machine.folder.path().join("run/control.sock")).ok()
    }

    fn status(&self) -> Option<Value> {
        serde_json::from_slice(&self.ask(&["status", "--json"]).stdout).ok()
    }

    /// Waits until a unit is in this state.
    fn reaches(&self, unit: &str, state: &str) -> Value {
        let until = Instant::now() + Duration::from_mins(1);
        while Instant::now() < until {
            let status = self.status().unwrap_or_default();
            let found = status["units"].as_array().into_iter().flatten().find(|found| found["name"] == unit).cloned();
            match found {
                Some(found) if found["state"] == state => return found,
                _ => std::thread::sleep(Duration::from_millis(20)),
            }
        }
        panic!("{unit} never was {state}: {:?}", self.status());
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[test]
fn exit_codes_are_the_foregrounds() {
    for (script, code) in [("exit 0", 0), ("exit 3", 3), ("kill -KILL $$", 137), ("kill -TERM $$", 143)] {
        let Some(machine) = Machine::new(Some(script), &[]) else { return };
        assert_eq!(machine.run(&[]).0, code, "{script}");
    }
    let Some(machine) = Machine::new(Some("exit 0"), &[]) else { return };
    let (code, stdout, stderr) = machine.run(&["--alone", "--", "sh", "-c", "echo $0 $GREETING; exit 4"]);
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (4, "sh hello\n", ""), "the output is untouched");
    assert_eq!(machine.run(&["--", "absent-program"]).0, 127);
    assert_eq!(machine.run(&["--", "/etc/passwd"]).0, 126);
}

#[test]
fn a_thousand_orphans_are_reaped() {
    let folder = tempfile::tempdir().unwrap();
    let script = format!(
        "cd {}; i=0; while [ $i -lt 1000 ]; do (echo >> ended &) ; i=$((i+1)); done; \
         until [ \"$(grep -c '' ended)\" = 1000 ]; do :; done; \
         zombies() {{ for f in /proc/[0-9]*/stat; do read -r l < $f && echo \"$l\"; done 2>/dev/null | grep -c \" Z $PPID \"; }}; \
         i=0; until [ \"$(zombies)\" = 0 ]; do i=$((i+1)); [ $i -lt 300 ] || exit 1; sleep 0.1; done",
        folder.path().display()
    );
    let Some(machine) = Machine::new(Some(&script), &[]) else { return };
    assert_eq!(machine.run(&[]).0, 0, "a zombie of ours is left");
}

#[test]
fn signals_reach_the_foreground_and_daemons_stop_in_time() {
    let stubborn = unit("stubborn", "trap '' TERM; echo up; while :; do sleep 0.1; done");
    let gentle = unit("gentle", "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.1; done");
    let folder = tempfile::tempdir().unwrap();
    let seen = |name: &str| wait_for(|| folder.path().join(name).exists().then_some(true));
    let script = format!(
        "cd {}; trap 'echo usr1; touch usr1' USR1; trap 'exit 9' TERM; echo up; touch up; while :; do sleep 0.1; done",
        folder.path().display()
    );
    let Some(machine) = Machine::new(Some(&script), &[stubborn, gentle]) else { return };
    let running = machine.start(&[]);
    for name in ["stubborn", "gentle"] {
        assert!(wait_for(|| text(running.ask(&["logs", name]).stdout).contains("up").then_some(true)), "{name}");
    }
    assert!(seen("up"));
    running.signal("USR1");
    assert!(seen("usr1"));
    let begun = Instant::now();
    running.signal("TERM");
    running.signal("TERM");
    let (code, stdout, stderr) = running.end();
    assert_eq!(code, 9);
    assert!(begun.elapsed() < Duration::from_secs(20));
    for line in ["up", "usr1", "stubborn   | up", "gentle     | bye"] {
        assert!(stdout.lines().any(|found| found == line), "`{line}` is missing from:\n{stdout}");
    }
    assert!(stderr.contains("stubborn did not stop within 0.5 s: killed"), "{stderr}");
}

#[test]
fn order_readiness_and_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let (go, ready) = (folder.path().join("go"), folder.path().join("ready"));
    let script = format!("until test -e {}; do sleep 0.05; done; touch {}", go.display(), ready.display());
    let first = with(
        unit("first", &format!("{script}; echo $TOKEN.; exec sleep 60")),
        json!({"ready": {"file": ready}, "secrets": ["TOKEN"]}),
    );
    let second = with(
        unit("second", &format!("test -e {} && echo $TOKEN.", ready.display())),
        json!({"oneshot": true, "after": ["first"]}),
    );
    let third = with(unit("third", "exec sleep 60"), json!({"after": ["second"], "secrets": ["ABSENT"]}));
    let Some(machine) = Machine::new(None, &[first, second, third]) else { return };
    let running = machine.start(&[]);
    running.reaches("first", "starting");
    running.reaches("second", "waiting");
    std::fs::write(go, "").unwrap();
    running.reaches("second", "done");
    let third = running.reaches("third", "down");
    assert!(third["why"].as_str().unwrap().contains("the secret ABSENT is missing; fly secrets set ABSENT"), "{third}");
    assert!(!running.status().unwrap().to_string().contains("geheim"));
    running.signal("TERM");
    let (code, stdout, stderr) = running.end();
    assert_eq!(code, 0);
    assert!(stdout.contains("first  | geheim.\n") && stdout.contains("second | .\n"), "{stdout}");
    assert!(stderr.contains("dumbc  | third stays down"), "{stderr}");
}

#[test]
fn units_are_restarted_shown_and_asked_for() {
    let counting = with(unit("counting", "echo hi; sleep 0.1; exit 3"), json!({"restart": "always"}));
    let Some(machine) = Machine::new(None, &[counting, unit("calm", "echo calm; exec sleep 60")]) else { return };
    let running = machine.start(&[]);
    running.reaches("counting", "restarting");
    let before = running.reaches("calm", "running")["pid"].clone();
    assert!(running.ask(&["restart", "calm"]).status.success());
    let until = Instant::now() + Duration::from_secs(20);
    while running.reaches("calm", "running")["pid"] == before {
        assert!(Instant::now() < until, "it is started again");
    }
    let logs = running.ask(&["logs", "calm"]);
    assert!(text(logs.stdout).starts_with("calm\n"));
    let refused = running.ask(&["logs", "absent"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(refused.stderr).contains("there is no unit `absent`"));
    let shown = text(running.ask(&["status"]).stdout);
    assert!(shown.starts_with("m:latest, up ") && shown.contains("counting"), "{shown}");
    let banner = std::fs::read_to_string(machine.folder.path().join("run/banner")).unwrap();
    assert_eq!(banner, "m:latest\n");
    running.signal("INT");
    assert_eq!(running.end().0, 0);
    let nobody = machine.command(&["status"]).output().unwrap();
    assert!(text(nobody.stderr).contains("no machine runs here"));
}

#[test]
fn hostile_clients_change_nothing() {
    let Some(machine) = Machine::new(None, &[unit("calm", "exec sleep 60")]) else { return };
    let running = machine.start(&[]);
    running.reaches("calm", "running");
    let mut oversized = running.connect().unwrap();
    let _ = oversized.write_all(&vec![b'x'; 200 << 10]);
    let mut answer = String::new();
    let _ = oversized.read_to_string(&mut answer);
    assert!(answer.is_empty() || answer.contains("a request has at most 65536 bytes"), "{answer}");
    for request in ["nonsense", "{\"status\":{\"x\":1}}", "{\"restart\":{\"unit\":\"../x\"}}", "[[[[", "\u{0}"] {
        let mut stream = running.connect().unwrap();
        stream.write_all(format!("{request}\n").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("{\"error\":"), "{answer}");
    }
    let many: Vec<_> = (0..1000).filter_map(|_| running.connect()).collect();
    assert!(many.len() > 100);
    drop(many);
    running.reaches("calm", "running");
    running.signal("TERM");
    assert_eq!(running.end().0, 0);
}
