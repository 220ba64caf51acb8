//! `dumbc boot`: the entrypoint of an image.

use std::ffi::OsString;
#[cfg(feature = "build")]
use std::path::PathBuf;
use std::process::Command;

use crate::machine::boot::{self, Ground, Ready, Start};
use crate::machine::prepared::{Foreground, Prepared, Warning};
use crate::machine::process::{self, Session};
use crate::progress::Progress;

use super::context::Context;

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

/// Gives the machine's exit code.
pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<u8> {
    #[cfg(feature = "build")]
    if let Some(image) = &args.explain {
        return super::explain::run(image, context).map(|()| 0);
    }
    let start = Start {
        arguments: args.command.clone(),
        environment: std::env::vars_os().collect(),
        uid: rustix::process::geteuid().as_raw(),
        teller: &mut |warning| tell(warning, context.progress.as_ref()),
    };
    let Ready { prepared, foreground, lock } = boot::prepare(&Ground::system(), start)?;
    let code = supervise(&prepared, foreground.as_ref())?;
    drop(lock);
    Ok(code)
}

fn tell(warning: &Warning, progress: &dyn Progress) {
    match &warning.help {
        Some(help) => progress.warn(&format!("{} ({help})", warning.message)),
        None => progress.warn(&warning.message),
    }
}

/// Runs the foreground process to its end.
fn supervise(prepared: &Prepared, foreground: Option<&Foreground>) -> anyhow::Result<u8> {
    let Some(foreground) = foreground else {
        loop {
            std::thread::park();
        }
    };
    let mut environment = prepared.environment.clone();
    let account = &foreground.account;
    for (name, value) in
        [("HOME", &account.home), ("USER", &account.name), ("LOGNAME", &account.name), ("SHELL", &account.shell)]
    {
        environment.insert(name.to_owned(), value.clone());
    }
    for name in prepared.plan.entrypoint.iter().flat_map(|entrypoint| &entrypoint.secrets) {
        environment.extend(prepared.secrets.0.get(name).map(|value| (name.clone(), value.clone())));
    }
    let mut command: Command = process::command(account, &foreground.command, &environment, Session::Inherited);
    let status = command
        .stdin(std::process::Stdio::inherit())
        .stdout(std::process::Stdio::inherit())
        .stderr(std::process::Stdio::inherit())
        .status()?;
    let signal = std::os::unix::process::ExitStatusExt::signal(&status).map(|signal| signal + 128);
    Ok(status.code().or(signal).and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
