//! `dumbc boot`: the entrypoint of an image.

use std::ffi::OsString;
#[cfg(feature = "build")]
use std::path::PathBuf;

use anyhow::Context as _;

use crate::machine::boot::{self, Ground, Ready, Start};
use crate::machine::computer;
use crate::machine::prepared::Warning;
use crate::machine::supervisor;
use crate::progress::Progress;

use super::context::Context;
use super::exit::Exit;

/// Start the machine of this image: its store, homes, daemons and foreground process
///
/// Runs inside an image, as its entrypoint. Without a command, or with the entrypoint's own, it is the whole machine; any other
/// command runs in the entrypoint's place, as its user, with homes and without daemons. The exit code is the command's.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  dumbc boot --explain machine.tar.gz\n  dumbc boot --explain machine.oci --json")]
pub(super) struct Args {
    /// Tell people what an image does when it boots, in place of booting: an archive, gzipped or not, the folder of an OCI
    /// layout, or an unpacked root folder; with --json its boot plan itself
    #[cfg(feature = "build")]
    #[arg(long, value_name = "IMAGE-OR-DIR", conflicts_with = "command")]
    explain: Option<PathBuf>,

    /// What runs in the foreground [default: the entrypoint's command]
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    #[cfg(feature = "build")]
    if let Some(image) = &args.explain {
        return super::explain::run(image, context);
    }
    let start = Start {
        arguments: args.command.clone(),
        environment: std::env::vars_os().collect(),
        uid: rustix::process::geteuid().as_raw(),
        teller: &mut |warning| tell(warning, context.progress.as_ref()),
    };
    let outcome = live(start, context.progress.as_ref());
    if computer::is_ours() {
        return end(outcome, context.progress.as_ref());
    }
    Exit::with(outcome?)
}

/// The whole life of a machine; gives its exit code.
fn live(start: Start<'_>, progress: &dyn Progress) -> anyhow::Result<u8> {
    let Ready { prepared, foreground, lock } = boot::prepare(&Ground::system(), start)?;
    if computer::is_ours()
        && let Err(error) = computer::name(&prepared.plan.hostname)
    {
        progress.warn(&format!("the computer's name can't be {}: {error}", prepared.plan.hostname));
    }
    let code = supervisor::run(prepared, foreground).context("the machine can't be supervised")?;
    drop(lock);
    Ok(code)
}

/// Nobody takes the exit code of a computer's first process: it is told, and the computer is off.
fn end(outcome: anyhow::Result<u8>, progress: &dyn Progress) -> anyhow::Result<()> {
    match outcome {
        Ok(code) => progress.note(&format!("the machine has ended with code {code}")),
        Err(error) => progress.warn(&format!("the machine can't run: {error:#}")),
    }
    computer::turn_off().context("the computer can't be turned off")?;
    Ok(())
}

fn tell(warning: &Warning, progress: &dyn Progress) {
    match &warning.help {
        Some(help) => progress.warn(&format!("{} ({help})", warning.message)),
        None => progress.warn(&warning.message),
    }
}
