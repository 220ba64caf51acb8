//! `dumbc boot`: the entrypoint of an image.

use std::ffi::OsString;
#[cfg(feature = "build")]
use std::path::PathBuf;

use anyhow::Context as _;

use crate::machine::boot::{self, Ground, Ready, Start};
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
    let Ready { prepared, foreground, lock } = boot::prepare(&Ground::system(), start)?;
    let code = supervisor::run(prepared, foreground).context("the machine can't be supervised")?;
    drop(lock);
    Exit::with(code)
}

fn tell(warning: &Warning, progress: &dyn Progress) {
    match &warning.help {
        Some(help) => progress.warn(&format!("{} ({help})", warning.message)),
        None => progress.warn(&warning.message),
    }
}
