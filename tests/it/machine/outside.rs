//! A machine that boots, as those see it who run it: `dumbc run`, `dumbc try`, and what is told of its image.

use serde_json::Value;

use super::container::Machine;
use crate::clients::output;
use crate::support::command::Outcome;
use crate::support::runtime;

/// The entrypoint asks the daemon beside it, and counts its runs at home.
const TABLES: &str = r#"
[image]
name = "outside"
[entrypoint]
command = ["sh", "-c", "until wget -q -O- http://127.0.0.1:8080/; do sleep 0.1; done; echo x >>~/runs; wc -l <~/runs; exit 7"]
user = "alice"
stop = { signal = "SIGTERM", grace = "5s" }
[daemons.web]
command = ["httpd", "-f", "-p", "8080", "-h", "/srv/site"]
ports = [8080]
[files."/srv/site/index.html"]
text = "hello from a daemon\n"
"#;

fn dumbc(machine: &Machine, arguments: &[&str]) -> Outcome {
    let (verb, rest) = arguments.split_first().unwrap();
    // There is no bridge.
    let network = ["--engine", "docker", "--engine-option=--network=none"];
    let arguments = [&[*verb], &network[..], rest].concat();
    let dumbc = machine.project.dumbc(&arguments).env("DOCKER_HOST", machine.daemon.host());
    dumbc.env("DUMBC_RUNTIME_X86_64_LINUX", runtime::real()).run()
}

#[test]
fn run_starts_all_of_it_and_try_only_a_command() {
    let Some(machine) = Machine::new() else { return };
    machine.system(&[], TABLES).file("users.toml", "[alice]\nuid = 1000\n[bob]\nuid = 1001\n");
    for runs in ["1", "2"] {
        let ran = dumbc(&machine, &["run", "--rm"]);
        assert_eq!((ran.code, ran.text()), (Some(7), format!("hello from a daemon\n{runs}\n")), "{ran}");
    }
    let volumes = output(machine.daemon.docker().args(["volume", "ls", "--quiet", "--filter", "name=outside-data"]));
    assert_eq!(volumes, "outside-data\n");
    let other = dumbc(&machine, &["run", "--rm", "--", "sh", "-c", "id -un; wc -l <~/runs; ps | grep -c [h]ttpd"]);
    assert_eq!(other.text(), "alice\n2\n0\n", "{other}");

    let script = "id -un; echo $HOME; ls -A ~; ps | grep -c [h]ttpd";
    let tried = dumbc(&machine, &["try", "--", "sh", "-c", script]).text();
    assert!(tried.starts_with("alice\n/home/alice\n") && tried.ends_with("\n0\n"), "{tried}");
    assert!(!tried.contains("runs"), "there is no volume: {tried}");
    let bob =
        dumbc(&machine, &["try", "--user", "bob", "--", "sh", "-c", "id -un; echo $HOME; touch ~/x && echo written"]);
    assert_eq!((bob.code, bob.text().as_str()), (Some(0), "bob\n/home/bob\nwritten\n"), "{bob}");
    let shell = dumbc(&machine, &["try"]);
    assert_eq!((shell.code, shell.text().as_str()), (Some(0), ""), "{shell}");
}

#[test]
fn a_real_image_is_explained_and_verified() {
    let Some(machine) = Machine::new() else { return };
    machine.system(&[], TABLES).file("users.toml", "[alice]\nuid = 1000\n");
    let project = &machine.project;
    let (one, two) = (project.build("one.tar.gz", &[]), project.build("two.oci", &["--format", "oci-dir"]));
    for built in [&one, &two] {
        let path = built.path.to_str().unwrap();
        let told = project.dumbc(&["boot", "--explain", path]).ok().text();
        assert!(["alice", "  web: /", "8080"].iter().all(|word| told.contains(word)), "{told}");
        let plan: Value = project.dumbc(&["boot", "--explain", path, "--json"]).ok().json();
        assert_eq!(plan["daemons"][0]["name"], "web");
        assert!(plan["runtime"].as_str().unwrap().ends_with("-dumbc-runtime/bin/dumbc"), "{plan}");
    }
    let lock = project.path("dumbc.lock");
    let arguments = ["verify", one.path.to_str().unwrap(), "--lock", lock.to_str().unwrap(), "--json"];
    let verified = project.dumbc(&arguments).ok().json();
    // busybox and the runtime; the system environment and a home.
    assert_eq!(verified["store_paths"], serde_json::json!({ "as_locked": 2, "not_in_the_lock": 2 }));
    // What the image weighs and why, the runtime and homes left out: they are no packages of a request.
    for arguments in [&["why", "busybox"][..], &["size"], &["plan"], &["check"]] {
        project.dumbc(arguments).ok();
    }
}
