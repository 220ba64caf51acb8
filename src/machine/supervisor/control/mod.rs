//! What can be asked of a running machine, over its control socket.
//!
//! A connection is one request, a line of JSON, and its answer, lines of JSON: one [`Answer`], and after the `ok` of logs a
//! [`LogLine`] each. Whoever asks is known by the socket's peer credentials.

pub mod client;
pub(super) mod server;

use serde::{Deserialize, Serialize};

use super::output::Stream;

/// The socket's name in [`crate::boot::RUN`].
pub const SOCKET: &str = "control.sock";

/// The longest request, in bytes.
pub const LONGEST_REQUEST: usize = 64 << 10;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// How the machine is: a [`Status`].
    Status {},
    /// What a unit said last.
    Logs {
        /// Its name.
        unit: String,
        /// At most so many lines.
        lines: u64,
        /// And what it says from now on.
        #[serde(default)]
        follow: bool,
    },
    /// Start a unit again.
    Restart {
        /// Its name.
        unit: String,
    },
    /// What the machine was started with, without what any unit names as its secret: variables by name, for root alone.
    Environment {},
    /// Take the daemons of a user's live generation for those that run.
    ReloadHome {
        /// Whose.
        user: String,
    },
}

/// What comes first of every answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It is done; what was asked for.
    Ok(serde_json::Value),
    /// It is not done, and why.
    Error(String),
}

/// A line that a unit said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogLine<'line> {
    /// Where it came from.
    pub stream: Stream,
    /// The line. What is no UTF-8 is replaced.
    pub message: std::borrow::Cow<'line, str>,
}

/// How a machine is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Status {
    /// 1
    pub version: u32,
    /// The image's name and tag.
    pub image: String,
    /// Milliseconds since the machine started.
    pub uptime: u64,
    /// It is on its way down.
    pub stopping: bool,
    /// How the volume's store paths come into `/nix/store`: `overlay`, `links`.
    pub store: String,
    /// The boot's steps.
    pub steps: Vec<StepStatus>,
    /// What did not go well.
    pub warnings: Vec<WarningStatus>,
    /// Units by name.
    pub units: Vec<UnitStatus>,
    /// Homes by user: one's own, or all for root.
    pub users: Vec<UserStatus>,
}

/// A step of the boot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepStatus {
    /// `store`, `homes`.
    pub name: String,
    /// What it took.
    pub microseconds: u64,
}

/// Something that did not go well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WarningStatus {
    /// What happened.
    pub message: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// How a unit is. Of others' units, people see name and state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct UnitStatus {
    /// Its name.
    pub name: String,
    /// As whom it runs.
    pub user: String,
    /// `waiting`, `starting`, `running`, `done`, `restarting`, `stopping`, `down`.
    pub state: String,
    /// It is the machine's own.
    #[serde(default)]
    pub internal: bool,
    /// Its main process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<i32>,
    /// Milliseconds that it has been in this state.
    pub since: u64,
    /// How often it was started again by itself.
    pub restarts: u64,
    /// How its last process ended: `exit code 3`, `SIGKILL`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// `unknown` (nobody has looked yet), `well`, `failing`, `unwell`; absent: it has no `health`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<String>,
    /// What it says of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub says: Option<String>,
    /// Why it is down, or waits in vain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// How a home is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct UserStatus {
    /// Login name.
    pub name: String,
    /// The live generation's number, or `image`.
    pub generation: String,
    /// Files of the user's own that stood in the way.
    pub skipped: Vec<String>,
    /// Why the user's units stay down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<String>,
}
