//! The machine that the files describe: plain data, checked, all defaults filled in.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::nix::StorePath;

use super::{Place, Places, Request};

/// What `system.toml`, `users.toml` and `home.toml` say, checked.
#[derive(Debug, Clone)]
pub struct Machine {
    /// The folder that holds the files; absolute.
    pub project: PathBuf,
    /// Where plain names come from.
    pub default_channel: Option<String>,
    /// The system's packages, in the order written.
    pub packages: Vec<Request>,
    /// Sources of names, by name.
    pub channels: BTreeMap<String, Channel>,
    /// `[image]`
    pub image: ImageSettings,
    /// `[machine] hostname`; the image's name where absent.
    pub hostname: String,
    /// `[machine] timezone`, e.g. `Europe/Berlin`; `UTC` where absent.
    pub timezone: String,
    /// `[machine] locale`; `C.UTF-8` where absent.
    pub locale: String,
    /// `[machine] path`: folders of commands, first to last; absolute, never empty.
    pub path: Vec<String>,
    /// `[entrypoint]`
    pub entrypoint: Option<Unit>,
    /// `[daemons.NAME]`
    pub daemons: BTreeMap<String, Unit>,
    /// `[files."/target"]`, by target.
    pub files: Vec<FileEntry>,
    /// `[groups]`: name to gid.
    pub groups: BTreeMap<String, u32>,
    /// `[persist]`
    pub persist: Persist,
    /// `[nix]`; `None` where the table is absent.
    pub nix: Option<NixSettings>,
    /// `[boot]`
    pub boot: Boot,
    /// `[logs]`
    pub logs: LogSettings,
    /// users.toml, by name.
    pub users: BTreeMap<String, User>,
    /// home.toml.
    pub home: Home,
}

/// A source of names, with the caches and keys that go with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Where its names come from.
    pub names: Names,
    /// Binary caches, in the order written; `https://…`, `file://…`, `s3://…`, `gs://…`, `azblob://…`, or a path relative to the project.
    pub caches: Vec<String>,
    /// Public keys, `name:base64`.
    pub keys: Vec<String>,
    /// Take content-addressed paths without a signature.
    pub allow_unsigned: bool,
    /// Where the table stands.
    pub place: Option<Place>,
}

/// Where a channel's names come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Names {
    /// An index of one's own: a URL, or a path relative to the project.
    Index {
        /// `index`
        location: String,
        /// `index-hash`: required where the index comes over plain http.
        hash: Option<crate::nix::Sha256>,
    },
    /// A NixOS channel.
    NixosRelease {
        /// A channel (`nixos-26.05`) or an exact release.
        name: String,
        /// The release of that channel that was made of this revision: hexadecimal digits.
        revision: Option<String>,
    },
    /// A Debian archive.
    Debian(DebianArchive),
    /// Caches and keys only: for store paths.
    None,
}

/// A Debian archive, as a channel names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DebianArchive {
    /// In the order written, never empty: `bookworm`, `bookworm-security`.
    pub suites: Vec<String>,
    /// Never empty: `main`, …
    pub components: Vec<String>,
    /// Where it lies.
    pub mirror: Mirror,
    /// A file with the keys that sign it, absolute or relative to the project.
    pub keyring: Option<String>,
    /// Take what packages recommend, too.
    pub recommends: bool,
}

/// Where a Debian archive lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mirror {
    /// Where this machine's apt says.
    Host,
    /// Folders that hold `dists` and `pool`: URLs, or paths relative to the project. Each suite is in the first that has it.
    Places(Vec<String>),
    /// The same of an archive that stands still: its indices don't expire.
    Snapshots(Vec<String>),
}

/// The image that ours stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseReference {
    /// A reference, or the path of an archive or of the folder of an OCI layout, as it is written; the lock knows it by that.
    pub written: String,
    /// Where it stands.
    pub place: Option<Place>,
}

/// `[image]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageSettings {
    /// The image's name, and the Fly app's.
    pub name: String,
    /// `latest` where absent.
    pub tag: String,
    /// Never empty; `x86_64-linux` where absent.
    pub systems: Vec<System>,
    /// Most layers there may be, base and generated ones included.
    pub layers: usize,
    /// The image that ours stands on.
    pub from: Option<BaseReference>,
    /// Where `push` goes.
    pub registry: Option<String>,
    /// Environment variables of the image's configuration.
    pub env: BTreeMap<String, Template>,
    /// Labels of the image's configuration.
    pub labels: BTreeMap<String, String>,
    /// How the image tells what it is made of; `None`: it doesn't.
    pub sbom: Option<SbomFormat>,
}

/// How it is told what an image is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SbomFormat {
    /// SPDX 2.3, JSON.
    Spdx,
    /// CycloneDX 1.6, JSON.
    CycloneDx,
}

/// A machine type and kernel, as Nix names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum System {
    /// `x86_64-linux`, OCI's `linux/amd64`
    X86_64Linux,
    /// `aarch64-linux`, OCI's `linux/arm64`
    Aarch64Linux,
}

impl System {
    /// Every system there is.
    pub const ALL: [Self; 2] = [Self::X86_64Linux, Self::Aarch64Linux];

    /// Nix's name: `x86_64-linux`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::X86_64Linux => "x86_64-linux",
            Self::Aarch64Linux => "aarch64-linux",
        }
    }

    /// OCI's architecture: `amd64`.
    #[must_use]
    pub const fn architecture(self) -> &'static str {
        match self {
            Self::X86_64Linux => "amd64",
            Self::Aarch64Linux => "arm64",
        }
    }

    /// From Nix's name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|system| system.name() == name)
    }
}

impl fmt::Display for System {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

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

/// A file or tree that goes to a target of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// Absolute, normalised: no `.`, `..`, double or trailing slash.
    pub target: String,
    /// Its content.
    pub content: FileContent,
    /// Permission bits; `None`: 0644, or 0755 by the executable bit. Applies to files, not to folders.
    pub mode: Option<u32>,
    /// A declared user, `root`, a number, or whom a Debian package brings.
    pub owner: FileOwner,
    /// Globs, relative to the source, of what stays out.
    pub exclude: Vec<String>,
    /// Where the table stands.
    pub place: Option<Place>,
}

/// What a `[files]` entry holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileContent {
    /// Text, with packages in it.
    Text(Template),
    /// A path of the project, or an absolute one.
    Source(String),
}

/// To whom a file belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Owner {
    /// User ID.
    pub uid: u32,
    /// Group ID.
    pub gid: u32,
}

/// To whom a file belongs, as the files say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileOwner {
    /// Numbers that the files tell.
    Known(Owner),
    /// Names that Debian's packages bring, or may bring: their numbers are known when the image is made.
    Named {
        /// Login name.
        user: String,
        /// A group's name; `None`: the user's own.
        group: Option<String>,
        /// Where it is said.
        place: Option<Place>,
    },
}

impl FileOwner {
    /// The numbers, where the files tell them.
    #[must_use]
    pub const fn known(&self) -> Option<Owner> {
        match self {
            Self::Known(owner) => Some(*owner),
            Self::Named { .. } => None,
        }
    }
}

impl From<Owner> for FileOwner {
    fn from(owner: Owner) -> Self {
        Self::Known(owner)
    }
}

impl Default for FileOwner {
    fn default() -> Self {
        Self::Known(Owner::default())
    }
}

/// `[persist]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Persist {
    /// Where the volume is mounted: `/data`.
    pub volume: String,
    /// Paths kept on it.
    pub paths: Vec<PersistPath>,
    /// Most bytes that users' store paths may take.
    pub store_limit: Option<u64>,
}

/// A path kept on the volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersistPath {
    /// Absolute.
    pub path: String,
    /// To whom it belongs.
    pub owner: FileOwner,
    /// Permission bits.
    pub mode: u32,
}

/// `[nix]`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NixSettings {
    /// Supervise nix-daemon.
    pub daemon: bool,
}

/// `[boot]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boot {
    /// The image boots: runtime, homes, Nix database.
    pub enable: bool,
    /// Users may `rebuild`.
    pub user_rebuild: bool,
}

/// `[logs]`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogSettings {
    /// A JSON document a line, in place of text with a prefix.
    pub json: bool,
    /// Kept on the volume, too.
    pub persist: bool,
}

/// A user of users.toml.
#[derive(Debug, Clone, PartialEq)]
pub struct User {
    /// User ID.
    pub uid: u32,
    /// Group ID; the uid unless said.
    pub gid: u32,
    /// The login shell: a command name or an absolute path.
    pub shell: Option<String>,
    /// Supplementary groups.
    pub groups: Vec<String>,
    /// Public keys for ssh.
    pub authorized_keys: Vec<String>,
    /// The user's own part of the home configuration.
    pub home: Home,
    /// Where the table stands.
    pub place: Option<Place>,
}

/// A home configuration, as far as an image without homes needs it: requests, and that the rest is well formed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Home {
    /// Packages, in the order written.
    pub packages: Vec<Request>,
    /// Taken out of what home.toml gives.
    pub without: Vec<String>,
    /// Everything else, as TOML, checked against the schema.
    pub settings: toml::Table,
    /// Where all of it stands.
    pub places: Places,
}
