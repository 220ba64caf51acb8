//! The entrypoint and daemons, and text with packages in it.

use std::time::Duration;

use crate::config::Place;
use crate::nix::StorePath;

/// Text in which `${pkgs.NAME}` stands for a package's store path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Template {
    /// In order.
    pub parts: Vec<Part>,
    /// Where it stands.
    pub place: Option<Place>,
}

/// A piece of a [`Template`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// As it is.
    Text(String),
    /// The store path of a requested package, by its attribute or `channel#attribute`.
    Package(String),
}

impl Template {
    /// A template without packages.
    #[must_use]
    pub fn literal(text: &str) -> Self {
        Self { parts: vec![Part::Text(text.to_owned())], place: None }
    }

    /// Puts store paths in; `lookup` answers `None` for a package that nothing requests.
    ///
    /// # Errors
    /// The name that `lookup` does not know.
    pub fn render(&self, lookup: impl Fn(&str) -> Option<StorePath>) -> Result<String, String> {
        self.parts.iter().try_fold(String::new(), |text, part| match part {
            Part::Text(literal) => Ok(text + literal),
            Part::Package(name) => lookup(name).map(|path| text + &path.to_string()).ok_or_else(|| name.clone()),
        })
    }
}

/// The entrypoint or a daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// The program and its arguments; never empty.
    pub command: Vec<Argument>,
    /// As whom it runs.
    pub user: RunAs,
    /// Where that is said.
    pub user_place: Option<Place>,
    /// Ports that it listens on, TCP.
    pub ports: Vec<u16>,
    /// Secrets that only it (and others that name them) sees, as variables.
    pub secrets: Vec<String>,
    /// Secrets that it gets as files below `/run/secrets`.
    pub secret_files: Vec<String>,
    /// How to see that it is well.
    pub health: Option<Health>,
    /// How it is stopped.
    pub stop: Stop,
    /// Runs once, to its end.
    pub oneshot: bool,
    /// Units that must be ready before this one starts.
    pub after: Vec<String>,
    /// How to see that it is ready.
    pub ready: Option<Ready>,
    /// When it is started again.
    pub restart: Restart,
    /// Where the table stands.
    pub place: Option<Place>,
}

/// One word of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argument {
    /// Text, with packages in it.
    Text(Template),
    /// A path of the project, which becomes a store path.
    Local {
        /// As written: `./bin/web`.
        path: String,
        /// Where it stands.
        place: Option<Place>,
    },
}

/// As whom a unit runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunAs {
    /// `root`, or absent.
    Root,
    /// A declared user, or one that a Debian package brings.
    User(String),
    /// A number that nobody declared.
    Uid(u32),
    /// Once for each of these.
    Users(Vec<String>),
    /// `"*"`: once for each declared user.
    EveryUser,
}

/// How to see that a unit is well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// A path to GET on the unit's port.
    pub http: Option<String>,
    /// A command that must succeed.
    pub command: Vec<Argument>,
    /// Between two looks.
    pub interval: Duration,
    /// After the start, before failures count.
    pub grace: Duration,
}

/// How a unit is stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// `SIGTERM`, …
    pub signal: String,
    /// From the signal to SIGKILL.
    pub grace: Duration,
}

/// How to see that a unit is ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ready {
    /// It listens on this port.
    Port(u16),
    /// This file exists.
    File(String),
    /// This command succeeds.
    Command(Vec<Argument>),
    /// It says so itself (`sd_notify`).
    Notify,
}

/// When a unit is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Restart {
    /// After a failure.
    #[default]
    OnFailure,
    /// After every end.
    Always,
    /// Never.
    No,
}
