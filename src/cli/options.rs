//! The options that every verb has, and what they and the environment make of the terminal.

use std::ffi::OsString;
use std::io::{IsTerminal as _, stderr};
use std::path::PathBuf;

use anyhow::Context as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::failure::Class;

use super::context::Context;
use super::failure::Failure;
use super::progress::Narrator;

/// Options that stand before or after any verb.
#[derive(clap::Args)]
#[command(next_help_heading = "Options of every verb")]
pub(super) struct Options {
    /// The project's folder, where system.toml lies [default: the current folder]
    #[arg(
        short = 'C',
        long = "directory",
        value_name = "DIR",
        global = true,
        default_value = ".",
        hide_default_value = true
    )]
    directory: PathBuf,

    /// Print one JSON document with a `version` instead of text; errors come in it too
    #[arg(long, global = true)]
    pub(super) json: bool,

    /// Don't narrate: data, warnings and errors only
    #[arg(short, long, global = true)]
    quiet: bool,

    /// Colour what goes to stderr
    #[arg(long, value_name = "WHEN", global = true, value_enum, default_value_t = Colour::Auto, hide_default_value = true)]
    color: Colour,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Colour {
    /// On a terminal, unless the variable `NO_COLOR` is set
    Auto,
    /// Also into files and pipes
    Always,
    /// Nowhere
    Never,
}

impl Options {
    /// Whether stderr gets colours.
    pub(super) fn colour(&self) -> bool {
        match self.color {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => stderr().is_terminal() && !is_set("NO_COLOR") && !is_dumb(),
        }
    }

    /// What the verb gets.
    pub(super) fn context(&self) -> anyhow::Result<Context> {
        let logging = start_logging(self.colour())?;
        let bars = stderr().is_terminal() && !is_dumb() && !logging;
        let directory = std::path::absolute(&self.directory).context("can't find the current folder")?;
        if !directory.is_dir() {
            return Err(Failure::new(Class::Usage, format!("`{}` is no folder", self.directory.display()))
                .help("-C names the folder that holds system.toml")
                .into());
        }
        Ok(Context::new(directory, self.json, Narrator::new(self.quiet, bars, self.colour())))
    }
}

/// Whether `--json` stands among the arguments; for errors that come before they are parsed.
pub(super) fn asks_for_json(arguments: &[OsString]) -> bool {
    arguments.iter().skip(1).take_while(|argument| *argument != "--").any(|argument| argument == "--json")
}

/// Logs to stderr what `DUMBC_LOG` asks for; says whether it asks for anything.
fn start_logging(colour: bool) -> anyhow::Result<bool> {
    let Some(directives) = std::env::var_os("DUMBC_LOG").filter(|value| !value.is_empty()) else { return Ok(false) };
    let filter = directives.to_string_lossy().parse::<Targets>().map_err(|error| {
        Failure::new(Class::Usage, format!("DUMBC_LOG can't be understood: {error}"))
            .help("write a level (debug), or module=level pairs with commas between: dumbc::cache=trace,info")
    })?;
    // A second subscriber in one process (tests) is refused; the first one goes on.
    let lines = tracing_subscriber::fmt::layer().with_writer(stderr).with_ansi(colour);
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
    Ok(true)
}

fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| !value.is_empty())
}

fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|value| value == "dumb")
}
