//! Images that have nothing but dumbc's own files: no shell, no packages.

use super::container::Machine;
use crate::clients::has;
use crate::support::project::program;

#[test]
fn a_machine_without_any_package_boots() {
    let Some(machine) = Machine::new() else { return };
    machine.project.system(&machine.cache, "[]", "[boot]\nenable = true\n");
    machine.file("users.toml", "[alice]\nuid = 1000\n").file("home.toml", "file.x.text = \"y\"\n");
    let container = machine.load().start(&[]);
    let is_up = crate::clients::docker::wait_for(|| {
        let status = container.exec("0", &["dumbc", "machine", "status", "--all"]);
        String::from_utf8_lossy(&status.stdout).contains("store  root  running").then_some(true)
    });
    assert!(is_up, "{}", container.logs());
    let home = container.exec("0", &["dumbc", "home", "show", "alice"]);
    assert!(home.status.success(), "{home:?}");
    // Nothing runs as root here, and root can enter all the same.
    let status = container.exec("0", &["dumbc", "shell", "root", "--", "dumbc", "machine", "status"]);
    assert!(status.status.success(), "{status:?}");
    assert_eq!(container.stop(), 0, "who has no foreground was told to stop, and did");

    // A program of the project is all that runs.
    let tables = "[entrypoint]\ncommand = [\"./bin/web\", \"there\"]\nuser = \"alice\"\n[boot]\nenable = true\n";
    machine.project.system(&machine.cache, "[]", tables).file("bin/web", program());
    let output = machine.load().run(&[], &[]);
    if has("cc").is_some() {
        assert_eq!(String::from_utf8_lossy(&output.stdout), "hello there\n", "{output:?}");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
}
