//! Why a file can't be taken over.

use crate::failure::{Class, Classified};

/// A file that can't be taken over, or a TOML file that can't be changed.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Neither name nor content tell what it is.
    #[error("{origin} is of no kind that can be imported")]
    UnknownKind {
        /// The file, as the user knows it.
        origin: String,
    },
    /// It is no JSON of the shape that its kind has.
    #[error("{origin} is no {kind}: {source}")]
    Json {
        /// The file, as the user knows it.
        origin: String,
        /// What it should be.
        kind: &'static str,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// Its format is one that is not known.
    #[error("{origin} is of version {version}, and only version 1 is known")]
    Version {
        /// The file, as the user knows it.
        origin: String,
        /// What it says.
        version: String,
    },
    /// It is no Nix.
    #[error("{origin}, line {line}: {reason}")]
    Nix {
        /// The file, as the user knows it.
        origin: String,
        /// From 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// system.toml is no TOML, or one of its keys is of the wrong type.
    #[error("system.toml can't be changed: {0}")]
    Edit(String),
    /// A channel of that name is there, and another one.
    #[error("system.toml has a channel `{0}` already, which is another one")]
    ChannelTaken(String),
}

impl Classified for ImportError {
    fn class(&self) -> Class {
        Class::Usage
    }

    fn help(&self) -> Option<String> {
        let help = match self {
            Self::UnknownKind { .. } => "say what it is: --from devbox, flox, eval-jobs, paths or nix",
            Self::Json { .. } => "--from says what a file is, where its name misleads",
            Self::Version { .. } => "let the tool that wrote it write it anew",
            Self::Nix { .. } => "`nix-instantiate --parse` tells more of what is wrong with a Nix file",
            Self::Edit(_) => "`dumbc check` tells more; nothing was written",
            Self::ChannelTaken(_) => "--channel names the new one; nothing was written",
        };
        Some(help.to_owned())
    }
}
