//! `dumbc machine`: asks the machine that runs here.

mod health;
mod status;
mod supervise;

use std::path::PathBuf;

use clap::Subcommand;
use serde::Deserialize;

use crate::boot::RUN;
use crate::machine::supervisor::control::{Request, Status, client};

use super::adopt;
use super::context::Context;
use super::store_verbs;

/// See and steer the machine that runs here, from inside
#[derive(clap::Args)]
pub(super) struct Args {
    /// The folder of the machine's sockets
    #[arg(long, global = true, hide = true, default_value = RUN)]
    run: PathBuf,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    #[command(flatten)]
    Store(store_verbs::Verb),
    Adopt(adopt::Args),
    /// How units and homes are, and what booting took
    Status(StatusArgs),
    /// What a unit said last
    Logs(LogsArgs),
    /// Start a unit again, whatever became of it
    Restart(RestartArgs),
    Health(health::Args),
    /// Supervise the units of a boot plan, as booting does in its last steps
    #[command(hide = true)]
    Supervise(supervise::Args),
}

#[derive(clap::Args)]
#[command(
    after_help = "People see their own units in full, and of the system's their names and states; root sees all."
)]
struct StatusArgs {
    /// The machine's own units and the boot's steps, too
    #[arg(long)]
    all: bool,
}

#[derive(clap::Args)]
struct LogsArgs {
    /// The unit's name
    #[arg(value_name = "NAME")]
    unit: String,
    /// Go on with what it says from now on
    #[arg(short, long)]
    follow: bool,
    /// At most so many lines
    #[arg(short = 'n', long, value_name = "N", default_value_t = 100)]
    lines: u64,
}

#[derive(clap::Args)]
struct RestartArgs {
    /// The unit's name
    #[arg(value_name = "NAME")]
    unit: String,
}

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    match &args.verb {
        Verb::Store(verb) => store_verbs::run(verb, context),
        Verb::Adopt(args) => adopt::run(args, context),
        Verb::Status(status) => show_status(args, status, context),
        Verb::Logs(logs) => show_logs(args, logs, context),
        Verb::Restart(restart) => {
            client::ask(&args.run, &Request::Restart { unit: restart.unit.clone() })?;
            Ok(())
        }
        Verb::Health(health) => health::run(health, &args.run),
        Verb::Supervise(supervise) => supervise::run(supervise, &args.run),
    }
}

fn show_status(args: &Args, verb: &StatusArgs, context: &Context) -> anyhow::Result<()> {
    let mut status: Status = serde_json::from_value(client::ask(&args.run, &Request::Status {})?.value)?;
    status.units.retain(|unit| verb.all || !unit.internal);
    if context.json { context.document(&status) } else { context.text(status::render(&status, verb.all)) }
}

/// A line as the machine gives it.
#[derive(Deserialize)]
struct Line {
    message: String,
}

fn show_logs(args: &Args, verb: &LogsArgs, context: &Context) -> anyhow::Result<()> {
    let LogsArgs { unit, lines, follow } = verb;
    let request = Request::Logs { unit: unit.clone(), lines: *lines, follow: *follow };
    client::ask(&args.run, &request)?.each_line(|line| {
        if context.json {
            return context.line(line);
        }
        let line: Line = serde_json::from_slice(line.as_bytes())?;
        context.line(line.message)
    })
}
