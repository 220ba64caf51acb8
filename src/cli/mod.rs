//! The command line: a file per verb; settings, progress and reports. The only place that prints.

use std::process::ExitCode;

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
