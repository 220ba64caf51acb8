//! Why a home was not rebuilt.

use std::io;
use std::path::PathBuf;

use crate::config::Diagnostic;
use crate::failure::{Class, Classified};
use crate::home::generation::HomeError;
use crate::machine::activation::ActivationError;
use crate::machine::plan::PlanError;
use crate::machine::service::ClientError;
use crate::nix::StorePath;
use crate::{channel, config};

/// Why a home was not rebuilt. Nothing is changed then, unless it says so.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// This is no machine.
    #[error("`{}` is not there: this is no machine that dumbc has booted", .0.display())]
    NoMachine(PathBuf),
    /// Its plan is not to be understood.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The caller is none of the machine's declared users.
    #[error("user {0} has no home that this machine makes")]
    NoUser(u32),
    /// A file.
    #[error("can't {action} `{}`", .path.display())]
    Io {
        /// "read", "write"
        action: &'static str,
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file of the image's that makes no sense.
    #[error("`{}` is damaged: {reason}", .path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Findings in the user's own file.
    #[error("found {} in the home", config::count_errors(.0))]
    Findings(Vec<Diagnostic>),
    /// A package of a Debian archive.
    #[error("`{0}` is a package of a Debian archive, which only the image can have")]
    Debian(String),
    /// A request that names no channel of the machine.
    #[error("`{0}` names a channel that this machine does not have")]
    NoChannel(String),
    /// A request that no package answers.
    #[error(transparent)]
    Request(#[from] config::ParseRequestError),
    /// No network is to be used, and some answers are not known.
    #[error("{} not known yet, and `--offline` asks nobody", listed(.0))]
    Offline(Vec<String>),
    /// Names.
    #[error(transparent)]
    Channel(#[from] channel::Error),
    /// The lock beside the user's file.
    #[error(transparent)]
    Lock(#[from] channel::LockError),
    /// The store service.
    #[error(transparent)]
    Service(#[from] ClientError),
    /// The home itself.
    #[error(transparent)]
    Activation(#[from] ActivationError),
    /// No generation follows from the files and the packages.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// What was made could not be sent.
    #[error("the new home can't be put together")]
    Make(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The service computed another path.
    #[error("the store service took the new home for {found}, not {expected}")]
    OtherPath {
        /// What was made.
        expected: StorePath,
        /// What it became.
        found: StorePath,
    },
    /// Somebody rebuilds already.
    #[error("another rebuild of this home is going on")]
    Running,
    /// An edit that can't be made.
    #[error("can't change `{}`: {reason}", .path.display())]
    Edit {
        /// The user's file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
}

fn listed(requests: &[String]) -> String {
    let names: Vec<String> = requests.iter().map(|request| format!("`{request}`")).collect();
    format!("{} {}", names.join(", "), if names.len() == 1 { "is" } else { "are" })
}

impl RebuildError {
    /// For `map_err` on what the disk answers.
    pub(super) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }

    /// What it found in the user's file.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        match self {
            Self::Findings(findings) => findings,
            Self::Channel(error) => error.diagnostics(),
            Self::Home(error) => error.diagnostics(),
            _ => &[],
        }
    }
}

impl Classified for RebuildError {
    fn class(&self) -> Class {
        match self {
            Self::Channel(error) => error.class(),
            Self::Lock(error) => error.class(),
            Self::Home(error) => error.class(),
            Self::Service(error) => error.class(),
            Self::Activation(error) => error.class(),
            Self::Offline(_) => Class::Network,
            Self::Findings(_) | Self::Debian(_) | Self::NoChannel(_) | Self::Request(_) | Self::Edit { .. } => {
                Class::Usage
            }
            Self::NoMachine(_) | Self::NoUser(_) => Class::Usage,
            _ => Class::Other,
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Plan(error) => error.help(),
            Self::NoMachine(_) => Some("on the host, edit home.toml and build the image again".to_owned()),
            Self::NoUser(_) => Some("as root, name a user: `rebuild --user NAME`".to_owned()),
            Self::Debian(_) => Some("add it to system.toml and build the image again".to_owned()),
            Self::Offline(_) => Some("run `rebuild` once with a network".to_owned()),
            Self::Channel(error) => error.help(),
            Self::Lock(error) => error.help(),
            Self::Home(error) => error.help(),
            Self::Service(error) => error.help(),
            Self::Activation(error) => error.help(),
            Self::Running => Some("wait for it".to_owned()),
            _ => None,
        }
    }
}
