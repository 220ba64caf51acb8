//! An exit code that is another program's.

use std::error::Error;
use std::fmt;

use crate::machine::shell::ShellError;

/// Ends the program with a code and without a word: whoever failed has said why.
#[derive(Debug)]
pub(super) struct Exit(u8);

impl Exit {
    /// `Ok` for 0.
    pub(super) fn with(code: u8) -> anyhow::Result<()> {
        if code == 0 { Ok(()) } else { Err(Self(code).into()) }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "exit code {}", self.0)
    }
}

impl Error for Exit {}

/// The code that an error stands for.
pub(super) fn code(error: &anyhow::Error) -> Option<u8> {
    error.downcast_ref::<Exit>().map(|exit| exit.0)
}

/// The code that a program which can't be started stands for, as shells have it, in place of our own; told it must be all the same.
pub(super) fn of_program(error: &anyhow::Error) -> Option<u8> {
    match error.downcast_ref::<ShellError>() {
        Some(ShellError::NotStarted { code, .. }) => Some(*code),
        _ => None,
    }
}
