//! The entrypoint and daemons.

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::source::At;
use super::RunAsValue;

/// What the image runs.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in super::super) struct Entrypoint {
    /// The program and its arguments. `./bin/web` is a path of the project, `${pkgs.git}/bin/git` one in a package.
    #[schemars(required, example = ["./bin/web", "--port", "8080"])]
    pub(in super::super) command: Option<At<Vec<At<String>>>>,

    /// As whom it runs: a name (a declared user's, or one that a Debian package brings, such as `www-data`), or a number that
    /// nobody declared.
    #[schemars(extend("default" = "root"))]
    pub(in super::super) user: Option<At<RunAsValue>>,

    /// The TCP port that it listens on.
    #[schemars(range(min = 1, max = 65535), example = 8080)]
    pub(in super::super) port: Option<At<u16>>,

    /// More TCP ports that it listens on.
    #[serde(default)]
    #[schemars(inner(range(min = 1, max = 65535)))]
    pub(in super::super) ports: Vec<At<u16>>,

    /// Secrets that it sees as variables. Only those who name a secret see it.
    #[serde(default)]
    #[schemars(example = ["DATABASE_URL"])]
    pub(in super::super) secrets: Vec<At<String>>,

    /// Secrets that it gets as files below `/run/secrets`, readable by its user only.
    #[serde(default)]
    #[schemars(example = ["TS_AUTHKEY"])]
    pub(in super::super) secret_files: Vec<At<String>>,

    /// How to see that it is well.
    pub(in super::super) health: Option<At<Health>>,

    /// How it is stopped.
    pub(in super::super) stop: Option<Stop>,

    /// Daemons that must be ready before it starts.
    #[serde(default)]
    pub(in super::super) after: Vec<At<String>>,

    /// How to see that it is ready. It has one key.
    pub(in super::super) ready: Option<At<Ready>>,
}

/// What runs beside the entrypoint.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in super::super) struct Daemon {
    /// The program and its arguments. `./bin/sync.sh` is a path of the project.
    #[schemars(required, example = ["sshd", "-D", "-e"])]
    pub(in super::super) command: Option<At<Vec<At<String>>>>,

    /// As whom it runs: a user's name, a list of names, or `"*"`: once for each user.
    #[schemars(extend("default" = "root"))]
    pub(in super::super) user: Option<At<RunAsValue>>,

    /// TCP ports that it listens on.
    #[serde(default)]
    #[schemars(inner(range(min = 1, max = 65535)), example = [22])]
    pub(in super::super) ports: Vec<At<u16>>,

    /// Secrets that it sees as variables.
    #[serde(default)]
    pub(in super::super) secrets: Vec<At<String>>,

    /// Secrets that it gets as files below `/run/secrets`, readable by its user only.
    #[serde(default)]
    #[schemars(example = ["TS_AUTHKEY"])]
    pub(in super::super) secret_files: Vec<At<String>>,

    /// How to see that it is well.
    pub(in super::super) health: Option<At<Health>>,

    /// How it is stopped.
    pub(in super::super) stop: Option<Stop>,

    /// It runs once, to its end.
    #[schemars(extend("default" = false))]
    pub(in super::super) oneshot: Option<At<bool>>,

    /// Daemons that must be ready before it starts; a oneshot is ready when it has ended well.
    #[serde(default)]
    #[schemars(example = ["tailscaled"])]
    pub(in super::super) after: Vec<At<String>>,

    /// How to see that it is ready. It has one key.
    pub(in super::super) ready: Option<At<Ready>>,

    /// When it is started again.
    #[schemars(extend("default" = "on-failure"))]
    pub(in super::super) restart: Option<At<RestartName>>,
}

/// A daemon of a user's own; it runs as that user.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in super::super) struct HomeDaemon {
    /// The program and its arguments.
    #[schemars(required, example = ["notes-server"])]
    pub(in super::super) command: Option<At<Vec<At<String>>>>,

    /// TCP ports that it listens on.
    #[serde(default)]
    #[schemars(inner(range(min = 1024, max = 65535)))]
    pub(in super::super) ports: Vec<At<u16>>,

    /// How to see that it is well.
    pub(in super::super) health: Option<At<Health>>,

    /// How it is stopped.
    pub(in super::super) stop: Option<Stop>,

    /// It runs once, to its end.
    #[schemars(extend("default" = false))]
    pub(in super::super) oneshot: Option<At<bool>>,

    /// The user's daemons that must be ready before it starts.
    #[serde(default)]
    pub(in super::super) after: Vec<At<String>>,

    /// How to see that it is ready. It has one key.
    pub(in super::super) ready: Option<At<Ready>>,

    /// When it is started again.
    #[schemars(extend("default" = "on-failure"))]
    pub(in super::super) restart: Option<At<RestartName>>,
}

/// How to see that a unit is well: `http` or `command`.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in super::super) struct Health {
    /// A path to GET on the unit's port.
    #[schemars(example = &"/healthz")]
    pub(in super::super) http: Option<At<String>>,

    /// A command that must succeed.
    pub(in super::super) command: Option<At<Vec<At<String>>>>,

    /// Between two looks.
    #[schemars(extend("default" = "30s"))]
    pub(in super::super) interval: Option<At<String>>,

    /// After the start, before failures count.
    #[schemars(extend("default" = "10s"))]
    pub(in super::super) grace: Option<At<String>>,
}

/// How a unit is stopped.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in super::super) struct Stop {
    /// The signal that asks it to stop.
    #[schemars(extend("default" = "SIGTERM"))]
    pub(in super::super) signal: Option<At<Signal>>,

    /// From the signal until it is killed.
    #[schemars(extend("default" = "10s"))]
    pub(in super::super) grace: Option<At<String>>,
}

/// How to see that a unit is ready: one of these.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in super::super) struct Ready {
    /// It listens on this TCP port.
    #[schemars(range(min = 1, max = 65535))]
    pub(in super::super) port: Option<At<u16>>,

    /// This file exists.
    #[schemars(example = &"/run/tailscale/tailscaled.sock")]
    pub(in super::super) file: Option<At<String>>,

    /// This command succeeds.
    pub(in super::super) command: Option<At<Vec<At<String>>>>,

    /// It says so itself, as `sd_notify` does.
    pub(in super::super) notify: Option<At<bool>>,
}

/// When a unit is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in super::super) enum RestartName {
    OnFailure,
    Always,
    No,
}

/// Signals that ask a program to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(in super::super) enum Signal {
    SigTerm,
    SigInt,
    SigQuit,
    SigHup,
    SigUsr1,
    SigUsr2,
    SigWinch,
    SigKill,
    #[serde(rename = "SIGRTMIN+3")]
    SigRtMin3,
}

impl Signal {
    pub(in super::super) fn name(self) -> &'static str {
        match self {
            Self::SigTerm => "SIGTERM",
            Self::SigInt => "SIGINT",
            Self::SigQuit => "SIGQUIT",
            Self::SigHup => "SIGHUP",
            Self::SigUsr1 => "SIGUSR1",
            Self::SigUsr2 => "SIGUSR2",
            Self::SigWinch => "SIGWINCH",
            Self::SigKill => "SIGKILL",
            Self::SigRtMin3 => "SIGRTMIN+3",
        }
    }
}

impl From<Entrypoint> for Daemon {
    fn from(unit: Entrypoint) -> Self {
        Self {
            command: unit.command,
            user: unit.user,
            ports: unit.port.into_iter().chain(unit.ports).collect(),
            secrets: unit.secrets,
            secret_files: unit.secret_files,
            health: unit.health,
            stop: unit.stop,
            oneshot: None,
            after: unit.after,
            ready: unit.ready,
            restart: None,
        }
    }
}

impl From<HomeDaemon> for Daemon {
    fn from(unit: HomeDaemon) -> Self {
        Self {
            command: unit.command,
            user: None,
            ports: unit.ports,
            secrets: Vec::new(),
            secret_files: Vec::new(),
            health: unit.health,
            stop: unit.stop,
            oneshot: unit.oneshot,
            after: unit.after,
            ready: unit.ready,
            restart: unit.restart,
        }
    }
}
