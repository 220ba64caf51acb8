//! The command line: a file per verb; settings, progress and reports. The only place that prints.

#[expect(dead_code, reason = "wired in by the command enum")]
mod context;
mod figures;
#[expect(dead_code, reason = "wired in by the command enum")]
mod plan;
#[expect(dead_code, reason = "wired in by the command enum")]
mod size;
#[expect(dead_code, reason = "wired in by the command enum")]
mod why;

use std::process::ExitCode;

use context::Context;

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
