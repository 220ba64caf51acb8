//! What kind of failure an error is: it decides the exit code.
//!
//! Each room has its own error enum; [`Classified`] is all that they share.

use std::error::Error;
use std::io;

/// The kinds of failure that scripts can tell apart. [`Class::exit_code`] is documented in `docs/exit-codes.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Anything without a code of its own: a full disk, a bug.
    Other,
    /// The command line or a configuration file is wrong.
    Usage,
    /// A package name that no channel knows.
    UnknownName,
    /// `dumbc.lock` is missing or does not answer what the files ask.
    StaleLock,
    /// A host can't be reached, or answers with an error.
    Network,
    /// A signature, hash or size that does not hold.
    Trust,
    /// A credential is missing or refused.
    Credentials,
    /// Two things that should be equal are not.
    Differs,
}

impl Class {
    /// The process's exit code for this class.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Other => 1,
            Self::Usage => 2,
            Self::UnknownName => 3,
            Self::StaleLock => 4,
            Self::Network => 5,
            Self::Trust => 6,
            Self::Credentials => 7,
            Self::Differs => 10,
        }
    }

    /// The name that `--json` reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::Usage => "usage",
            Self::UnknownName => "unknown-name",
            Self::StaleLock => "stale-lock",
            Self::Network => "network",
            Self::Trust => "trust",
            Self::Credentials => "credentials",
            Self::Differs => "differs",
        }
    }
}

/// An error that knows its [`Class`] and, where there is one, the remedy.
pub trait Classified {
    /// The class that decides the exit code.
    fn class(&self) -> Class;

    /// What the user can do about it: one sentence, without a full stop's prefix such as `help:`.
    fn help(&self) -> Option<String> {
        None
    }
}

/// What an I/O error carries, else `cause` itself: a reader in the middle of something can pass on another room's error in no
/// other way, and [`Error::source`] leaves it out.
#[must_use]
pub fn carried<'error>(mut cause: &'error (dyn Error + 'static)) -> &'error (dyn Error + 'static) {
    while let Some(inner) = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        cause = inner;
    }
    cause
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn io_errors_are_unwrapped_to_the_core() {
        let core = io::Error::from(io::ErrorKind::NotFound);
        let wrapped = io::Error::other(io::Error::other("the core"));
        assert_eq!(carried(&wrapped).to_string(), "the core");
        assert!(carried(&wrapped).downcast_ref::<io::Error>().is_none());
        assert!(carried(&core).is::<io::Error>());
    }
}
