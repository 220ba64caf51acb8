//! The machine that the files describe: plain data, checked, all defaults filled in.

mod channel;
mod file;
mod image;
mod unit;

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Place, Places, Request};

pub use channel::{Channel, DebianArchive, Mirror, Names};
pub use file::{FileContent, FileEntry, FileOwner, Owner, Persist, PersistPath};
pub use image::{BaseReference, ImageSettings, SbomFormat, System};
pub use unit::{Argument, Health, Part, Ready, Restart, RunAs, Stop, Template, Unit};

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
