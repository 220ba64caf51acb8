//! Why a machine does not start.

use std::io;

use crate::failure::{Class, Classified};
use crate::machine::plan::PlanError;

/// Without what it names, nothing useful can run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no plan, or not one of this dumbc.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// An argument is no text.
    #[error("the argument {argument:?} is not UTF-8")]
    Argument {
        /// As given.
        argument: std::ffi::OsString,
    },
    /// Another machine runs on the volume.
    #[error("another machine is running on the volume {volume}")]
    Locked {
        /// Where it is mounted.
        volume: String,
    },
    /// There is no place for homes and state.
    #[error("there is no volume at {volume}, and nothing can be written in its place at {place}")]
    NoPlace {
        /// Where the volume would be.
        volume: String,
        /// What was tried.
        place: String,
        /// Why it can't be.
        source: io::Error,
    },
    /// The entrypoint's user has no home.
    #[error("the entrypoint's user {user} can't be served: {reason}")]
    Foreground {
        /// The user's name.
        user: String,
        /// Why.
        reason: String,
        /// What to do.
        help: String,
    },
    /// Nothing can run as the user that this was started as.
    #[error("started as user {uid}, this image has nothing to run")]
    NotRoot {
        /// The user.
        uid: u32,
    },
}

impl Classified for Error {
    fn class(&self) -> Class {
        match self {
            Self::Argument { .. } | Self::NotRoot { .. } => Class::Usage,
            _ => Class::Other,
        }
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::Plan(error) => return error.help(),
            Self::Argument { .. } => return None,
            Self::Locked { .. } => {
                "go into that machine with `docker exec` or `fly ssh console`, stop it, or give this one a volume \
                                    of its own"
                    .to_owned()
            }
            Self::NoPlace { volume, .. } => {
                format!("mount a volume at {volume}, or memory at /run: `docker run --tmpfs /run --tmpfs /tmp …`")
            }
            Self::Foreground { help, .. } => help.clone(),
            Self::NotRoot { .. } => "start it as root (without `docker run -u`), or say what to run".to_owned(),
        })
    }
}
