//! The command line: a file per verb; settings, progress and reports. The only place that prints.
//!
//! Data goes to stdout, narration to stderr. Errors end here: [`report`] draws them, [`failure`] decides the exit code.

mod adopt;
#[cfg(feature = "build")]
mod attach;
#[cfg_attr(not(feature = "build"), path = "without_bars.rs")]
mod bars;
mod boot;
#[cfg(feature = "build")]
mod build;
#[cfg(feature = "build")]
mod built;
#[cfg(feature = "build")]
mod cache;
mod changes;
#[cfg(feature = "build")]
mod check;
#[cfg(feature = "build")]
mod completions;
mod context;
#[cfg(feature = "build")]
mod deploy;
#[cfg(feature = "build")]
mod diff;
#[cfg(feature = "build")]
mod editing;
#[cfg(feature = "build")]
mod emit;
#[cfg(feature = "build")]
mod engine;
mod exit;
#[cfg(feature = "build")]
mod explain;
mod failure;
mod figures;
#[cfg(feature = "build")]
mod gc;
mod home;
mod home_verbs;
#[cfg(feature = "build")]
mod import;
#[cfg(feature = "build")]
mod info;
#[cfg(feature = "build")]
mod init;
#[cfg(feature = "build")]
mod inspect;
#[cfg(feature = "build")]
mod keys;
#[cfg(feature = "build")]
mod known;
#[cfg(feature = "build")]
mod load;
#[cfg(feature = "build")]
mod lock;
#[cfg(feature = "build")]
mod locking;
mod machine;
#[cfg(feature = "build")]
mod making;
#[cfg(feature = "build")]
mod man;
mod options;
mod output;
mod packages;
#[cfg(feature = "build")]
mod plan;
mod progress;
#[cfg(feature = "build")]
mod project;
#[cfg(feature = "build")]
mod push;
mod rebuild;
#[cfg(feature = "build")]
mod registry;
mod report;
#[cfg(feature = "build")]
mod run;
#[cfg(feature = "build")]
mod runtime;
#[cfg(feature = "build")]
mod sbom;
#[cfg(feature = "build")]
mod scaffold;
#[cfg(feature = "build")]
mod schema;
#[cfg(feature = "build")]
mod search;
mod shell;
#[cfg(feature = "build")]
mod size;
mod store_verbs;
#[cfg(feature = "build")]
mod update;
#[cfg(feature = "build")]
mod verify;
#[cfg(feature = "build")]
mod versions;
#[cfg(feature = "build")]
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
#[cfg_attr(
    feature = "build",
    expect(clippy::large_enum_variant, reason = "there is one of it, and clap takes no box here")
)]
enum Command {
    #[cfg(feature = "build")]
    #[command(flatten)]
    Making(making::Command),
    Home(home::Args),
    Machine(machine::Args),
    Rebuild(rebuild::Args),
    Add(packages::AddArgs),
    Remove(packages::RemoveArgs),
    Boot(boot::Args),
    Shell(shell::Args),
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    ExitCode::from(run(by_name(std::env::args_os().collect())))
}

/// A link called `rebuild` is that verb.
fn by_name(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let called = arguments.first().map(std::path::Path::new).and_then(std::path::Path::file_name);
    if called.is_some_and(|name| name == "rebuild") {
        arguments.insert(1, OsString::from("rebuild"));
    }
    arguments
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
        Err(error) => exit::code(&error).unwrap_or_else(|| {
            let class = report.end(&error, cli.options.json);
            exit::of_program(&error).unwrap_or(class)
        }),
    }
}

fn dispatch(command: &Command, context: &Context) -> anyhow::Result<()> {
    match command {
        #[cfg(feature = "build")]
        Command::Making(command) => making::dispatch(command, context),
        Command::Home(args) => home::run(args, context),
        Command::Machine(args) => machine::run(args, context),
        Command::Rebuild(args) => rebuild::run(args, context),
        Command::Add(args) => packages::add(args, context),
        Command::Remove(args) => packages::remove(args, context),
        Command::Boot(args) => boot::run(args, context),
        Command::Shell(args) => shell::run(args),
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
    fn a_link_called_rebuild_is_that_verb() {
        let called = |words: &[&str]| by_name(words.iter().map(OsString::from).collect());
        assert_eq!(called(&["/usr/bin/rebuild", "--list"]), ["/usr/bin/rebuild", "rebuild", "--list"]);
        assert_eq!(called(&["dumbc", "rebuild"]), ["dumbc", "rebuild"]);
        assert!(called(&[]).is_empty());
    }

    #[test]
    fn global_options_stand_before_and_after_the_verb() {
        for arguments in [["dumbc", "--json", "completions", "bash"], ["dumbc", "completions", "bash", "--json"]] {
            assert!(Cli::try_parse_from(arguments).is_ok_and(|cli| cli.options.json));
        }
    }
}
