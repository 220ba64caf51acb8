//! The command line: a file per verb; settings, progress and reports. The only place that prints.
//!
//! Data goes to stdout, narration to stderr. Errors end here: [`report`] draws them, [`failure`] decides the exit code.

#[expect(dead_code, reason = "wired in by the command enum")]
mod cache;
mod changes;
mod completions;
mod context;
mod failure;
mod figures;
#[expect(dead_code, reason = "wired in by the command enum")]
mod lock;
mod locking;
mod man;
mod options;
mod output;
#[expect(dead_code, reason = "wired in by the command enum")]
mod plan;
mod progress;
mod report;
#[expect(dead_code, reason = "wired in by the command enum")]
mod size;
#[expect(dead_code, reason = "wired in by the command enum")]
mod update;
#[expect(dead_code, reason = "wired in by the command enum")]
mod why;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use context::Context;
use options::Options;

/// Container images from packages that are already built.
///
/// Three TOML files say what a machine holds: system.toml, users.toml and home.toml. dumbc looks their packages up in Nix
/// binary caches, pins the answers in dumbc.lock, and writes a container image, without Nix, Docker or root.
#[derive(Parser)]
#[command(name = "dumbc", version, max_term_width = 100, propagate_version = true)]
#[command(disable_help_subcommand = true, subcommand_required = true, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 done; 1 other; 2 usage or configuration; 3 unknown name; 4 stale lock; 5 network;\n\
    6 trust; 7 credentials; 10 differs. With --json, errors come as a document on stdout too.\n\
    DUMBC_LOG=debug (or dumbc::cache=trace, …) logs to stderr."
)]
struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print a completion script for a shell
    Completions(completions::Args),
    /// Print the manual page, or write one per verb
    Man(man::Args),
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    run(std::env::args_os().collect())
}

fn run(arguments: Vec<OsString>) -> ExitCode {
    let json = options::asks_for_json(&arguments);
    let matches = match Cli::command().try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => return report::usage(&error, json),
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => return report::usage(&error, json),
    };
    let report = report::Report::new(cli.options.colour());
    let outcome = cli.options.context().and_then(|context| dispatch(&cli.command, &context));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report.end(&error, cli.options.json),
    }
}

fn dispatch(command: &Command, context: &Context) -> anyhow::Result<()> {
    match command {
        Command::Completions(args) => completions::run(args, context),
        Command::Man(args) => man::run(args, context),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_options_stand_before_and_after_the_verb() {
        for arguments in [["dumbc", "--json", "completions", "bash"], ["dumbc", "completions", "bash", "--json"]] {
            assert!(Cli::try_parse_from(arguments).is_ok_and(|cli| cli.options.json));
        }
    }
}
