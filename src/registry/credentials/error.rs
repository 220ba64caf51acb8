//! Why credentials can't be had.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use crate::failure::{Class, Classified};

/// Credentials that are there, or should be, and can't be used. No message holds what a store holds.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// A store can't be read.
    #[error("the credentials in {} can't be read", path.display())]
    Unreadable {
        /// The store.
        path: PathBuf,
        /// As the system says it.
        #[source]
        source: io::Error,
    },
    /// A store is larger than any that a program writes.
    #[error("{} has more than {limit} bytes, too many for a store of credentials", path.display())]
    TooLarge {
        /// The store.
        path: PathBuf,
        /// Bytes that are read at most.
        limit: u64,
    },
    /// A store is not what its format says.
    #[error("the credentials in {} are malformed: {reason}", path.display())]
    Malformed {
        /// The store.
        path: PathBuf,
        /// What is wrong, and where; nothing of the content.
        reason: String,
    },
    /// A login that makes no sense.
    #[error("the credentials from {origin} make no sense: {reason}")]
    Login {
        /// Where they come from: `--creds`, the name of a variable.
        origin: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
    /// A store asks a program whose name is none.
    #[error("{} names a credential helper with characters that none has", path.display())]
    HelperName {
        /// The store.
        path: PathBuf,
    },
    /// A store asks a program that is not there.
    #[error("{} leaves the credentials for {server} to `{program}`, which is not installed", path.display())]
    NoHelper {
        /// The store.
        path: PathBuf,
        /// `docker-credential-…`
        program: String,
        /// What was to be asked for.
        server: String,
    },
    /// A helper can't be started or spoken with.
    #[error("`{program}` can't be asked for the credentials for {server}")]
    HelperIo {
        /// `docker-credential-…`
        program: String,
        /// What was to be asked for.
        server: String,
        /// As the system says it.
        #[source]
        source: io::Error,
    },
    /// A helper failed. What it said may be a secret, and is not repeated.
    #[error("`{program}` failed when it was asked for the credentials for {server} ({status})")]
    HelperFailed {
        /// `docker-credential-…`
        program: String,
        /// What was asked for.
        server: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// A helper does not end.
    #[error("`{program}` did not give the credentials for {server} within {} s", limit.as_secs())]
    HelperSlow {
        /// `docker-credential-…`
        program: String,
        /// What was asked for.
        server: String,
        /// How long it may take.
        limit: Duration,
    },
    /// A helper's answer is not what its protocol says.
    #[error("`{program}` gave no such answer for {server} as a credential helper should")]
    HelperAnswer {
        /// `docker-credential-…`
        program: String,
        /// What was asked for.
        server: String,
    },
}

impl Classified for CredentialsError {
    fn class(&self) -> Class {
        match self {
            Self::Login { .. } => Class::Usage,
            _ => Class::Credentials,
        }
    }

    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Unreadable { path, .. } => format!("make {} readable, or log in again", path.display()),
            Self::TooLarge { path, .. } | Self::Malformed { path, .. } => {
                format!("correct {}, or move it away and log in again", path.display())
            }
            Self::Login { .. } => "give USER:PASSWORD, or USER with `--password-stdin`".to_owned(),
            Self::HelperName { path } => format!("correct `credsStore` and `credHelpers` in {}", path.display()),
            Self::NoHelper { path, program, .. } => {
                format!("install {program}, or take it out of {} and log in again", path.display())
            }
            Self::HelperIo { program, server, .. }
            | Self::HelperFailed { program, server, .. }
            | Self::HelperSlow { program, server, .. }
            | Self::HelperAnswer { program, server, .. } => {
                format!("`echo {server} | {program} get` shows what it does; `--creds` does without it")
            }
        };
        Some(help)
    }
}
