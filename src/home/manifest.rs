//! What a generation says of itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::boot::PlanUnit;

/// The manifest's name in a generation.
pub const MANIFEST: &str = "manifest.json";

/// The folder of a generation that holds the home's files, at their paths below the home.
pub const FILES: &str = "files";

/// The link in a generation to the union of the packages.
pub const PROFILE: &str = "path";

/// What shells read for the session's variables.
pub const SESSION_VARIABLES: &str = "session-variables.sh";

/// The link to the live generation, below the home. The home's links lead through it, so that one rename changes all of them.
pub const LIVE: &str = ".local/state/dumbc/generation";

/// Read by activation, by the supervisor, and by whoever asks what is there. A generation of a newer version is not activated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Manifest {
    /// [`Manifest::VERSION`]
    pub version: u32,
    /// Whose home it is.
    pub user: String,
    /// Every link of the home, by its path below it.
    pub files: BTreeMap<String, ManifestFile>,
    /// Variables of sessions and daemons, references to others (`$HOME`) put in.
    pub session_variables: BTreeMap<String, String>,
    /// Folders that go before PATH, absolute.
    pub session_path: Vec<String>,
    /// A file in the way is kept under its name with this extension.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_extension: Option<String>,
    /// Daemons of the user's own.
    pub daemons: Vec<PlanUnit>,
    /// Requests with the store paths that answer them, as the user's next rebuild keeps them.
    pub packages: BTreeMap<String, Vec<String>>,
}

/// A link of the home.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ManifestFile {
    /// It takes the place of a file of the user's own.
    #[serde(default)]
    pub force: bool,
}

impl Manifest {
    /// The version of what is written now.
    pub const VERSION: u32 = 1;
}
