//! Machines out of text, for tests.

use std::path::Path;

use super::Outside;
use crate::config;

/// A machine with something of everything.
pub(crate) const FULL: &str = r#"
packages = ["bash"]
[image]
name = "lazycoder"
[entrypoint]
command = ["web", "--port", "8080"]
port = 8080
ports = [9090]
secrets = ["DATABASE_URL"]
health = { http = "/healthz", interval = "30s", grace = "10s" }
stop = { signal = "SIGTERM", grace = "20s" }
[daemons.sshd]
command = ["sshd", "-D", "-e"]
ports = [22]
[daemons.up]
command = ["up"]
after = ["sshd"]
secrets = ["DATABASE_URL"]
secret-files = ["TS_AUTHKEY"]
stop = { grace = "40s" }
[persist]
store-limit = "4GiB"
[boot]
enable = true
"#;

/// It is only its entrypoint.
pub(crate) fn without_boot() -> String {
    FULL.replace("enable = true", "enable = false")
}

/// The machine of a system.toml.
pub(crate) fn of(system: &str) -> Outside {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("system.toml"),
        format!("channel = \"c\"\n{system}\n[channels.c]\nindex = \"i\"\n"),
    )
    .unwrap();
    std::fs::write(folder.path().join("i"), "").unwrap();
    Outside::of(&machine(folder.path()), &|_| None)
}

fn machine(folder: &Path) -> config::Machine {
    let loaded = config::load(folder);
    loaded.machine.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics))
}
