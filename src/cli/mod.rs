//! The command line: a file per verb; settings, progress and reports. The only place that prints.
//!
//! Data goes to stdout, narration to stderr. Errors end here: [`report`] draws them, [`failure`] decides the exit code.

mod build;
mod cache;
mod changes;
mod check;
mod completions;
mod context;
mod exit;
mod failure;
mod figures;
mod gc;
mod init;
mod lock;
mod locking;
mod machine;
mod man;
mod options;
mod output;
mod plan;
mod progress;
mod project;
mod report;
mod scaffold;
mod schema;
mod shell;
mod size;
mod update;
mod verify;
mod why;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use context::Context;
use options::Options;

/// Container images from packages that are already built.
///
/// Three TOML files say what a machine holds: system.toml, users.toml and home.toml. dumbc looks their packages up in Debian
/// archives and Nix binary caches, pins the answers in dumbc.lock, and writes a container image, without apt, Nix, Docker or root.
#[derive(Parser)]
#[command(name = "dumbc", version, max_term_width = 100, propagate_version = true)]
#[command(disable_help_subcommand = true, subcommand_required = true, arg_required_else_help = true)]
#[command(
    after_help = "A first machine: `dumbc init machine`, edit machine/system.toml, `dumbc -C machine build`.\n\n\
    Exit codes: 0 done; 1 other; 2 usage or configuration; 3 unknown name; 4 stale lock; 5 network; 6 trust; \
    7 credentials; 10 differs. With --json, errors come as a document on stdout too.\n\n\
    Variables: DUMBC_STORE is the store's folder, by default ~/.cache/dumbc. DUMBC_STORE_UNTRUSTED=1 proves what others may \
    have put there. DUMBC_LOG=debug (or dumbc::cache=trace, …) logs to stderr. SOURCE_DATE_EPOCH is the image's time. \
    CI implies --locked where there is a lock."
)]
struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write a first set of the three files
    Init(init::Args),
    /// Find what is wrong with the three files
    Check(check::Args),
    Build(build::Args),
    /// Pin what the files ask for in dumbc.lock
    Lock(lock::Args),
    /// Move what dumbc.lock pins, and tell what changes
    Update(update::Args),
    Plan(plan::Args),
    Why(why::Args),
    Size(size::Args),
    Verify(verify::Args),
    /// Make, fill and check binary caches of one's own
    Cache(cache::Args),
    Gc(gc::Args),
    Machine(machine::Args),
    Shell(shell::Args),
    /// Print JSON Schema of a file, or the manual of all keys
    Schema(schema::Args),
    /// Print a completion script for a shell
    Completions(completions::Args),
    /// Print the manual page, or write one per verb
    Man(man::Args),
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    ExitCode::from(run(std::env::args_os().collect()))
}

/// Runs a command line and gives its exit code.
fn run(arguments: Vec<OsString>) -> u8 {
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
        Ok(()) => 0,
        Err(error) => exit::code(&error).unwrap_or_else(|| report.end(&error, cli.options.json)),
    }
}

fn dispatch(command: &Command, context: &Context) -> anyhow::Result<()> {
    match command {
        Command::Build(args) => build::run(args, context),
        Command::Lock(args) => lock::run(args, context),
        Command::Update(args) => update::run(args, context),
        Command::Plan(args) => plan::run(args, context),
        Command::Why(args) => why::run(args, context),
        Command::Size(args) => size::run(args, context),
        Command::Cache(args) => cache::run(args, context),
        Command::Verify(args) => verify::run(args, context),
        Command::Gc(args) => gc::run(args, context),
        Command::Machine(args) => machine::run(args, context),
        Command::Shell(args) => shell::run(args),
        Command::Init(args) => init::run(args, context),
        Command::Check(args) => check::run(args, context),
        Command::Schema(args) => schema::run(args, context),
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

    fn exit_code(arguments: &[&str]) -> u8 {
        run(std::iter::once("dumbc").chain(arguments.iter().copied()).map(OsString::from).collect())
    }

    #[test]
    fn exit_codes_tell_usage_and_configuration() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().display().to_string();
        assert_eq!(exit_code(&["--version"]), 0);
        assert_eq!(exit_code(&["frobnicate"]), 2);
        assert_eq!(exit_code(&["-C", &format!("{path}/absent"), "check"]), 2);
        assert_eq!(exit_code(&["-C", &path, "--quiet", "check"]), 2, "there is no system.toml");
        assert_eq!(exit_code(&["-C", &path, "--quiet", "init"]), 0);
        assert_eq!(exit_code(&["-C", &path, "--quiet", "check", "--json"]), 0);
        assert_eq!(exit_code(&["-C", &path, "--quiet", "init"]), 2, "nothing is overwritten");
        Ok(())
    }

    #[test]
    fn global_options_stand_before_and_after_the_verb() {
        for arguments in [["dumbc", "--json", "completions", "bash"], ["dumbc", "completions", "bash", "--json"]] {
            assert!(Cli::try_parse_from(arguments).is_ok_and(|cli| cli.options.json));
        }
    }
}
