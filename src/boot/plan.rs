//! The plan's shape.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the plan lies in an image.
pub const PLAN_PATH: &str = "/etc/dumbc/boot.json";

/// Every store path of the image, as `nix-store --load-db` reads it: path, NAR hash in base 16, size, deriver or an empty line,
/// the number of references, references.
pub const REGISTRATION_PATH: &str = "/etc/dumbc/registration";

/// What the homes of the image are made of: `USER.json`, a [`HomeBase`].
pub const HOMES_PATH: &str = "/etc/dumbc/homes";

/// The plan's version. A runtime reads plans of its own version only; it lies in the same image.
pub const PLAN_VERSION: u32 = 1;

/// What a machine does when it starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "boot plan")]
pub struct BootPlan {
    /// [`PLAN_VERSION`]
    pub version: u32,
    /// The image's name and tag: `machine:latest`.
    pub image: String,
    /// Nix's name of the system: `x86_64-linux`.
    pub system: String,
    /// The machine's name.
    pub hostname: String,
    /// The runtime: `/nix/store/…-dumbc-runtime/bin/dumbc`.
    pub runtime: String,
    /// The image's own environment, what login shells get too.
    pub environment: BTreeMap<String, String>,
    /// The system's folders of commands, first to last.
    pub path: Vec<String>,
    /// Where the volume is mounted: `/data`.
    pub volume: String,
    /// Paths kept on the volume.
    pub persist: Vec<PlanPath>,
    /// Most bytes that each user's store paths may take on the volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store_limit: Option<u64>,
    /// Folders that packages have where a file system may be mounted at start: below `/run`, `/tmp`, `/var/tmp`.
    pub folders: Vec<PlanPath>,
    /// Declared users, by name.
    pub users: BTreeMap<String, PlanUser>,
    /// What runs in the foreground; absent: the machine runs until it is told to stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<PlanUnit>,
    /// What runs beside it: an entry for each user where a daemon runs for several (`sync@alice`). Sorted by name.
    pub daemons: Vec<PlanUnit>,
    /// Sources of packages that users install.
    pub channels: BTreeMap<String, PlanChannel>,
    /// Where plain names come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_channel: Option<String>,
    /// How output looks.
    pub logs: PlanLogs,
    /// Nix's own daemon: the store path of the package that brings `bin/nix-daemon` and `bin/nix-store`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nix: Option<String>,
    /// Users may change their homes in the running machine.
    pub user_rebuild: bool,
}

impl BootPlan {
    /// Whether plain names are a Debian archive's, whose packages are the system's.
    #[must_use]
    pub fn has_debian_default(&self) -> bool {
        let default = self.default_channel.as_ref().and_then(|name| self.channels.get(name));
        default.is_some_and(|channel| channel.debian)
    }
}

/// A path with its owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PlanPath {
    /// Absolute.
    pub path: String,
    /// User ID.
    pub uid: u32,
    /// Group ID.
    pub gid: u32,
    /// Permission bits.
    pub mode: u32,
}

/// A declared user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PlanUser {
    /// As whom the user's processes run.
    pub account: PlanAccount,
    /// The image's generation of the home: a store path.
    pub generation: String,
}

/// As whom a process runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PlanAccount {
    /// Login name; the number where there is none.
    pub name: String,
    /// User ID.
    pub uid: u32,
    /// Primary group.
    pub gid: u32,
    /// All other groups, sorted.
    pub groups: Vec<u32>,
    /// Home folder, absolute.
    pub home: String,
    /// Login shell, absolute.
    pub shell: String,
}

impl PlanAccount {
    /// Root, where the image says nothing else of it.
    #[must_use]
    pub fn root() -> Self {
        let (home, shell) = ("/root".to_owned(), "/bin/sh".to_owned());
        Self { name: "root".to_owned(), uid: 0, gid: 0, groups: Vec::new(), home, shell }
    }
}

/// The entrypoint or a daemon, for one user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PlanUnit {
    /// `sshd`, `sync@alice`; `entrypoint`.
    pub name: String,
    /// The program, absolute, and its arguments. The program of an entrypoint is as written.
    pub command: Vec<String>,
    /// As whom it runs.
    pub account: PlanAccount,
    /// It is of a user's home, and not of the system.
    #[serde(default)]
    pub of_home: bool,
    /// Ports that it listens on, TCP.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<u16>,
    /// Secrets that it sees as variables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// Secrets that it gets as files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secret_files: Vec<String>,
    /// Names of units that must be ready before it starts; a oneshot is ready when it has ended well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    /// How to see that it is ready; absent: once it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<PlanReady>,
    /// How to see that it is well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<PlanHealth>,
    /// It runs once, to its end.
    #[serde(default)]
    pub oneshot: bool,
    /// When it is started again.
    pub restart: PlanRestart,
    /// How it is stopped.
    pub stop: PlanStop,
}

impl PlanUnit {
    /// A unit of which nothing is said but who runs it: no command, never started again, ten seconds to stop.
    #[must_use]
    pub fn bare(name: &str, account: &PlanAccount) -> Self {
        Self {
            name: name.to_owned(),
            command: Vec::new(),
            account: account.clone(),
            of_home: false,
            ports: Vec::new(),
            secrets: Vec::new(),
            secret_files: Vec::new(),
            after: Vec::new(),
            ready: None,
            health: None,
            oneshot: false,
            restart: PlanRestart::No,
            stop: PlanStop { signal: "SIGTERM".to_owned(), grace: 10_000 },
        }
    }
}

/// How to see that a unit is ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum PlanReady {
    /// It listens on this TCP port.
    Port(u16),
    /// This path exists.
    File(String),
    /// This command succeeds.
    Command(Vec<String>),
    /// It says so itself (`sd_notify`).
    Notify,
}

/// How to see that a unit is well: one of `http` and `command`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PlanHealth {
    /// A path to GET on the unit's first port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<String>,
    /// A command that must succeed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Milliseconds between two looks.
    pub interval: u64,
    /// Milliseconds after the start before failures count.
    pub grace: u64,
}

/// How a unit is stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PlanStop {
    /// `SIGTERM`, …
    pub signal: String,
    /// Milliseconds from the signal to SIGKILL.
    pub grace: u64,
}

/// When a unit is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PlanRestart {
    /// After a failure.
    OnFailure,
    /// After every end.
    Always,
    /// Never.
    No,
}

/// A source of packages in the running machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PlanChannel {
    /// An index of names: a URL or an absolute path. Absent: it has no names here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
    /// The index's digest, where it is pinned: `sha256:…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index_hash: Option<String>,
    /// Binary caches, first to last.
    pub caches: Vec<String>,
    /// Keys that sign its packages: `name:base64`.
    pub keys: Vec<String>,
    /// Take content-addressed paths without a signature.
    #[serde(default)]
    pub allow_unsigned: bool,
    /// It is a Debian archive: its packages are the system's only.
    #[serde(default)]
    pub debian: bool,
    /// The NixOS release that its names are of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<PlanRelease>,
}

/// A NixOS release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PlanRelease {
    /// `nixos-26.05.1234.0123456789ab`
    pub name: String,
    /// Hydra's number of the evaluation that built its packages.
    pub evaluation: u64,
}

/// How output looks, and whether it is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PlanLogs {
    /// Lines as JSON documents, in place of text with a prefix.
    pub json: bool,
    /// Kept on the volume, too.
    pub persist: bool,
}

/// What a user's home is made of in the image, so that it can be made again inside with the user's own part on top.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HomeBase {
    /// [`PLAN_VERSION`]
    pub version: u32,
    /// What is said of the home, the most general first: home.toml, then the user's table of users.toml. Of `inherit = false` there is
    /// only the latter.
    pub layers: Vec<HomeLayer>,
    /// Installed outputs by the request's text, the first the one that `${pkgs.NAME}` stands for.
    pub packages: BTreeMap<String, Vec<String>>,
    /// Store paths of what `source = "./…"` and commands name, by the text as written.
    pub sources: BTreeMap<String, String>,
}

/// One file's part of a home.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HomeLayer {
    /// What to call it: `home.toml`, `users.toml`.
    pub origin: String,
    /// The table, as home.toml has it.
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub table: toml::Table,
}
