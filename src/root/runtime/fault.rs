//! Why a file is no runtime.

use std::io;

use crate::config::System;
use crate::failure::{Class, Classified};

use super::super::addressed::AddressError;
use super::choice::{Origin, variable};

/// Why there is no runtime.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// A file that somebody chose can't be one.
    #[error("{origin} can't be the runtime: it {unfit}")]
    Unfit {
        /// The file.
        origin: Origin,
        /// What is wrong with it.
        unfit: Unfit,
    },
    /// Two files for one system.
    #[error("{one} and {other} are both for {system}")]
    Twice {
        /// For which.
        system: System,
        /// The first.
        one: Origin,
        /// The second.
        other: Origin,
    },
    /// A file for a system that is not built.
    #[error("{origin} is for {system}, and no image for that is made")]
    Unneeded {
        /// The file.
        origin: Origin,
        /// What it is for.
        system: System,
    },
    /// Nobody chose one, and the program that runs is none.
    #[error("there is no runtime for {system}{}", because(.reason.as_ref()))]
    Missing {
        /// For which.
        system: System,
        /// What is wrong with the program that runs; `None`: its file is not known.
        reason: Option<Unfit>,
    },
    /// The file changed while it was read, or has no store path.
    #[error("the runtime can't be read")]
    Address(#[from] AddressError),
}

/// What is wrong with a file, to follow "it".
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// The disk, or no such file.
    #[error("can't be read: {0}")]
    Unreadable(#[from] io::Error),
    /// A folder, a pipe or a device.
    #[error("is no file")]
    NoFile,
    /// A script, an object, a program of another kind of system.
    #[error("is no ELF program")]
    NoProgram,
    /// Its headers.
    #[error("is not whole: {0}")]
    Damaged(String),
    /// Another machine's.
    #[error("is for {0}")]
    Machine(String),
    /// It needs what an image may not have: the dynamic linker.
    #[error("is not static, and needs {0}")]
    Dynamic(String),
    /// A file without an executable bit.
    #[error("is not executable")]
    NotExecutable,
}

fn because(reason: Option<&Unfit>) -> String {
    reason.map(|unfit| format!(": this program {unfit}")).unwrap_or_default()
}

impl Unfit {
    fn help(&self) -> Option<&'static str> {
        match self {
            Self::Unreadable(_) | Self::NoFile => None,
            Self::NotExecutable => Some("`chmod +x` makes it so"),
            _ => Some("a runtime is a static dumbc for the image's system: `just runtime` makes one for each"),
        }
    }
}

impl Classified for RuntimeError {
    fn class(&self) -> Class {
        match self {
            Self::Unfit { .. } | Self::Twice { .. } | Self::Unneeded { .. } | Self::Missing { .. } => Class::Usage,
            Self::Address(error) => error.class(),
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Unfit { unfit, .. } => unfit.help().map(str::to_owned),
            Self::Twice { .. } => Some("give `--runtime` once for each system".to_owned()),
            Self::Unneeded { system, .. } => {
                Some(format!("add \"{system}\" to `systems` of [image], or leave this `--runtime` out"))
            }
            Self::Missing { system, .. } => {
                let variable = variable(*system);
                Some(format!("give one with `--runtime FILE` or {variable}; `just runtime` makes one for each system"))
            }
            Self::Address(error) => error.help(),
        }
    }
}
