//! home.toml, and `home` of a user: Home Manager's option names.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::source::At;
use super::{Free, HomeDaemon, Program, VariableValue};

/// What every user finds at home.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "home.toml")]
pub(in super::super) struct HomeTable {
    /// Packages of the user's own, written as in system.toml. Stands above the first table.
    #[serde(default)]
    #[schemars(example = ["ripgrep", "fd", "unstable#neovim"])]
    pub(in super::super) packages: Vec<At<String>>,

    /// Packages, daemons and programs' plugins taken out of what home.toml gives.
    #[serde(default)]
    #[schemars(example = ["fd"])]
    pub(in super::super) without: Vec<At<String>>,

    /// `false`: home.toml does not reach this user.
    #[schemars(extend("default" = true))]
    pub(in super::super) inherit: Option<At<bool>>,

    /// A file that stands in the way is kept under its name with this extension. Absent: it stays, and ours is skipped.
    #[schemars(example = &"backup")]
    pub(in super::super) backup_extension: Option<At<String>>,

    /// Environment variables of the user's sessions.
    #[serde(default, rename = "sessionVariables")]
    #[schemars(example = BTreeMap::from([("EDITOR", "nvim")]))]
    pub(in super::super) session_variables: BTreeMap<At<String>, At<VariableValue>>,

    /// Folders put before the user's PATH.
    #[serde(default, rename = "sessionPath")]
    #[schemars(example = ["$HOME/.local/bin"])]
    pub(in super::super) session_path: Vec<At<String>>,

    /// Aliases of the user's shells.
    #[serde(default, rename = "shellAliases")]
    #[schemars(example = BTreeMap::from([("ll", "ls -la")]))]
    pub(in super::super) shell_aliases: BTreeMap<At<String>, At<String>>,

    /// Files, by their path below the home.
    #[serde(default)]
    pub(in super::super) file: BTreeMap<At<String>, HomeFile>,

    /// The XDG folders.
    pub(in super::super) xdg: Option<Xdg>,

    /// Programs with their configuration, as Home Manager names them and their options.
    #[serde(default)]
    pub(in super::super) programs: BTreeMap<At<String>, At<Program>>,

    /// Daemons of the user's own.
    #[serde(default)]
    pub(in super::super) daemons: BTreeMap<At<String>, HomeDaemon>,
}

/// The XDG folders.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Xdg {
    /// Files, by their path below `~/.config`.
    #[serde(default, rename = "configFile")]
    pub(in super::super) config_file: BTreeMap<At<String>, HomeFile>,
}

/// A file of the home. It has one of `text`, `source`, `json`, `toml`, `yaml`, `ini` and `gitconfig`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in super::super) struct HomeFile {
    /// The file's text. `${pkgs.NAME}` is a package's store path.
    pub(in super::super) text: Option<At<String>>,

    /// A file or folder: a path of the project, or an absolute one.
    #[schemars(example = &"./dots/tmux.conf")]
    pub(in super::super) source: Option<At<String>>,

    /// Data, written as JSON.
    pub(in super::super) json: Option<At<Free>>,

    /// Data, written as TOML.
    #[schemars(with = "Option<BTreeMap<String, Free>>")]
    pub(in super::super) toml: Option<At<Free>>,

    /// Data, written as YAML.
    pub(in super::super) yaml: Option<At<Free>>,

    /// Sections of keys, written as an INI file.
    #[schemars(with = "Option<BTreeMap<String, BTreeMap<String, Free>>>")]
    pub(in super::super) ini: Option<At<Free>>,

    /// Sections of keys, written as git does it; `section.subsection` becomes `[section "subsection"]`.
    #[schemars(with = "Option<BTreeMap<String, BTreeMap<String, Free>>>")]
    pub(in super::super) gitconfig: Option<At<Free>>,

    /// Make the file executable. By default as the source is.
    #[expect(dead_code, reason = "its shape is checked; a generation reads the home's settings")]
    pub(in super::super) executable: Option<At<bool>>,

    /// Replace a file of the user's own that stands in the way.
    #[schemars(extend("default" = false))]
    #[expect(dead_code, reason = "its shape is checked; a generation reads the home's settings")]
    pub(in super::super) force: Option<At<bool>>,

    /// Link the source folder's files one by one, so that others may lie beside them.
    #[schemars(extend("default" = false))]
    pub(in super::super) recursive: Option<At<bool>>,
}
