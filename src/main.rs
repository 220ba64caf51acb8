//! The `dumbc` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    dumbc::cli::main()
}
