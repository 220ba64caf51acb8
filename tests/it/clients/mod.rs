//! An image of real packages in the hands of the programs that will read it.

pub(crate) mod containerd;
pub(crate) mod docker;
mod image;
mod load;
mod nix;
pub(crate) mod podman;
mod run;
mod skopeo;
mod umoci;

use std::ffi::OsStr;
use std::process::{Command, Stdio};

use crate::support::skipped;

/// Commands that must work inside, and what they must print.
const COMMANDS: [(&[&str], &str); 7] = [
    (&["git", "--version"], "git version 2."),
    (&["rg", "--version"], "ripgrep "),
    (&["curl", "--version"], "libcurl/"),
    (&["sqlite3", ":memory:", "select 6 * 7"], "42"),
    (&["jq", "-n", "[1, 2] | add"], "3"),
    (&["sh", "-c", "echo $HOME; id -u; ls -ld /tmp"], "drwxrwxrwt"),
    (&["sh", "-c", "cd /tmp && git init -q r && cd r && echo hay > f && git add f && rg -c hay"], "f:1"),
];

/// Whether a program is there.
pub(crate) fn has(program: &str) -> Option<()> {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if found.is_ok() { Some(()) } else { skipped(&format!("{program} is not installed")) }
}

pub(crate) fn is_root() -> Option<()> {
    if rustix::process::geteuid().is_root() { Some(()) } else { skipped("it needs root") }
}

/// Runs what must succeed, and yields what it printed.
pub(crate) fn run(program: &str, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> String {
    output(Command::new(program).args(arguments))
}

/// The same, for a command with more to it.
pub(crate) fn output(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{stdout}\n{stderr}", output.status);
    stdout.into_owned()
}
