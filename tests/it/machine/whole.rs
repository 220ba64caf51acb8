//! Three users and four kinds of daemons, in every way a container can be: with and without the right to mount, a volume, and an init
//! above boot.

use serde_json::Value;

use super::container::{Container, Image, MOUNT, Machine};

const SYSTEM: &str = r#"
[entrypoint]
command = ["sh", "-c", "trap 'exit 7' TERM; echo the foreground runs as $USER in $PWD; while :; do sleep 0.1; done"]
user = "alice"
[daemons.each]
command = ["sh", "-c", "echo $USER has $GREETING in $HOME; exec sleep 1000"]
user = "*"
[daemons.crashing]
command = ["sh", "-c", "echo crashing; exit 3"]
[daemons.once]
command = ["sh", "-c", "sleep 0.3; touch /run/once"]
oneshot = true
[daemons.dependent]
command = ["sh", "-c", "test -e /run/once && echo after once; exec sleep 1000"]
after = ["once"]
"#;

const USERS: &str = "[alice]\nuid = 1000\n[bob]\nuid = 1001\n[carol]\nuid = 1002\n";

const HOME: &str = "sessionVariables.GREETING = \"hello\"\nfile.\".greeting\".text = \"from the image\"\n";

/// What a container is started with.
#[derive(Debug, Clone, Copy)]
struct Way {
    mounts: bool,
    volume: bool,
    init: bool,
}

impl Way {
    fn all() -> impl Iterator<Item = Self> {
        let is = |number: u8, bit: u8| number & bit != 0;
        (0..8).map(move |number| Self { mounts: is(number, 1), volume: is(number, 2), init: is(number, 4) })
    }

    fn start(self, image: &Image<'_>, volume: &str) -> Container {
        let mut options: Vec<&str> = if self.mounts { MOUNT.to_vec() } else { Vec::new() };
        if self.volume {
            options.extend(["-v", volume]);
        }
        if self.init {
            options.push("--init");
        }
        image.start(&options)
    }
}

fn status(container: &Container) -> Value {
    let output = container.exec("0", &["dumbc", "machine", "status", "--all", "--json"]);
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

fn state<'a>(status: &'a Value, unit: &str) -> &'a str {
    let mut units = status["units"].as_array().into_iter().flatten();
    units.find(|found| found["name"] == unit).and_then(|unit| unit["state"].as_str()).unwrap_or("absent")
}

/// Waits until the units are as they shall be; gives the status.
fn settled(container: &Container) -> Value {
    let expected = [
        ("each@alice", "running"),
        ("each@bob", "running"),
        ("each@carol", "running"),
        ("once", "done"),
        ("dependent", "running"),
        ("entrypoint", "running"),
        ("store", "running"),
    ];
    let mut last = Value::Null;
    let is_settled = crate::clients::docker::wait_for(|| {
        last = status(container);
        let runs = expected.iter().all(|(unit, wanted)| state(&last, unit) == *wanted);
        let crashing = last["units"].as_array().into_iter().flatten().find(|unit| unit["name"] == "crashing");
        let crashes = crashing.is_some_and(|unit| unit["restarts"].as_u64() > Some(1) && unit["last"] == "exit code 3");
        (runs && crashes).then_some(true)
    });
    assert!(is_settled, "{last:#}");
    last
}

#[test]
fn users_and_daemons_run_in_every_kind_of_container() {
    let Some(machine) = Machine::new() else { return };
    machine.system(&[], SYSTEM).file("users.toml", USERS).file("home.toml", HOME);
    let image = machine.load();
    for way in Way::all() {
        let volume = format!("whole-{}-{}:/data", u8::from(way.mounts), u8::from(way.init));
        let container = way.start(&image, &volume);
        check(&container, way);
        for user in ["alice", "bob", "carol"] {
            container.shell(user, "echo mine > ~/own");
        }
        let started = std::time::Instant::now();
        assert_eq!(container.stop(), 7, "{way:?}");
        assert!(started.elapsed().as_secs() < 10, "daemons stop in time: {way:?}");
        drop(container);
        let again = way.start(&image, &volume);
        let kept = if way.volume { "mine\n" } else { "" };
        settled(&again);
        assert_eq!(again.shell("bob", "cat ~/own 2>/dev/null || :"), kept, "{way:?}");
    }
}

fn check(container: &Container, way: Way) {
    let status = settled(container);
    // Where nobody names a volume, docker gives the image one that ends with the container.
    assert_eq!(status["store"], if way.mounts { "overlay" } else { "links" }, "{way:?}");
    let steps: Vec<&str> =
        status["steps"].as_array().unwrap().iter().map(|step| step["name"].as_str().unwrap()).collect();
    for step in ["file systems", "volume", "store", "homes", "secrets"] {
        assert!(steps.contains(&step), "{step} is missing from {steps:?}");
    }
    let logs = container.logs();
    for user in ["alice", "bob", "carol"] {
        let line = format!("{:<10} | {user} has hello in /home/{user}", format!("each@{user}"));
        assert!(logs.lines().any(|found| found == line), "`{line}` is missing from:\n{logs}");
        assert_eq!(
            container.shell(user, "cat ~/.greeting; echo; id -un; echo $GREETING"),
            format!("from the image\n{user}\nhello\n")
        );
        let runtime_folder = container.shell(user, "touch $XDG_RUNTIME_DIR/x && stat -c %a:%U $XDG_RUNTIME_DIR");
        assert_eq!(runtime_folder, format!("700:{user}\n"));
    }
    assert!(logs.contains("dependent  | after once\n"), "{logs}");
    // The foreground's output is untouched, and its folder is its home, wherever that leads.
    assert!(logs.contains("the foreground runs as alice in /home/alice\n"), "{logs}");
    let first = container.exec("0", &["cat", "/proc/1/comm"]).stdout;
    assert_eq!(first.starts_with(b"dumbc"), !way.init, "{way:?}: {}", String::from_utf8_lossy(&first));
}
