//! Runs the program as a user does.

use std::ffi::OsStr;
use std::io::{Seek as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use super::runtime;

/// A command line of `dumbc`, about to run.
pub(crate) struct Dumbc {
    command: Command,
}

/// What came of a command line.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Dumbc {
    /// `dumbc -C directory arguments…`, with a store of its own, and nothing of the surroundings.
    pub(crate) fn new(directory: &Path, store: &Path, arguments: &[&str]) -> Self {
        Self::through(Command::new(env!("CARGO_BIN_EXE_dumbc")), directory, store, arguments)
    }

    /// The same, with nothing but its owner allowed to touch new files.
    pub(crate) fn with_umask_077(directory: &Path, store: &Path, arguments: &[&str]) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", "umask 077 && exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_dumbc")]);
        Self::through(shell, directory, store, arguments)
    }

    fn through(mut command: Command, directory: &Path, store: &Path, arguments: &[&str]) -> Self {
        command.arg("-C").arg(directory).args(arguments).env("DUMBC_STORE", store).stdin(Stdio::null());
        for variable in ["CI", "SOURCE_DATE_EPOCH", "DUMBC_LOG", "DUMBC_STORE_UNTRUSTED", "XDG_CACHE_HOME", "NETRC"] {
            command.env_remove(variable);
        }
        command.envs(runtime::idle().iter().map(|(name, path)| (name, path)));
        for variable in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            command.env_remove(variable);
        }
        Self { command }
    }

    /// Takes variables of the surroundings away whose names begin so.
    pub(crate) fn without_prefix(mut self, prefix: &str) -> Self {
        let names = std::env::vars_os().map(|(name, _)| name);
        for name in names.filter(|name| name.to_string_lossy().starts_with(prefix)) {
            self.command.env_remove(name);
        }
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Gives it this on stdin.
    pub(crate) fn input(mut self, text: &str) -> Self {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file.rewind().unwrap();
        self.command.stdin(file);
        self
    }

    /// Starts it and does not wait. What it says is lost.
    pub(crate) fn spawn(mut self) -> Child {
        self.command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    pub(crate) fn run(mut self) -> Outcome {
        let Output { status, stdout, stderr } = self.command.output().unwrap();
        Outcome { code: status.code(), stdout, stderr: String::from_utf8_lossy(&stderr).into_owned() }
    }

    /// Runs what must succeed.
    pub(crate) fn ok(self) -> Outcome {
        let outcome = self.run();
        assert_eq!(outcome.code, Some(0), "{outcome}");
        outcome
    }

    /// Runs what must end with this exit code.
    pub(crate) fn fails(self, code: i32) -> Outcome {
        let outcome = self.run();
        assert_eq!(outcome.code, Some(code), "{outcome}");
        outcome
    }
}

impl Outcome {
    /// Standard output as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.stdout.clone()).unwrap()
    }

    /// The one JSON document on standard output, whose version is 1.
    pub(crate) fn json(&self) -> serde_json::Value {
        let document: serde_json::Value =
            serde_json::from_slice(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"));
        assert_eq!(document["version"], 1, "{self}");
        document
    }

    /// Standard error must have all of these.
    pub(crate) fn says(&self, texts: &[&str]) -> &Self {
        for text in texts {
            assert!(self.stderr.contains(text), "`{text}` is missing from:\n{self}");
        }
        self
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let stdout = String::from_utf8_lossy(&self.stdout[..self.stdout.len().min(4000)]);
        write!(formatter, "exit code {:?}\n--- stdout\n{stdout}\n--- stderr\n{}", self.code, self.stderr)
    }
}
