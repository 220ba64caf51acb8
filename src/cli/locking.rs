//! What `lock` and `update` share: from the project's files to a lock that fits them.

use serde::Serialize;

use crate::build::{pin_base, pin_runtimes};
use crate::cache::Settings;
use crate::channel::{self, Changes, LOCK_FILE, Lock, Mode, Resolution};
use crate::config::{self, Machine};
use crate::store::Store;

use super::changes;
use super::context::Context;
use super::{project, registry, runtime};

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    version: u32,
    /// Whether dumbc.lock was written.
    written: bool,
    changes: &'a Changes,
}

/// What `lock` and `update` take beside their own arguments.
#[derive(clap::Args)]
#[group(id = "locking")]
pub(super) struct Args {
    /// Use no network: only what is locked, remembered, or in folders of this machine
    #[arg(long)]
    offline: bool,

    #[command(flatten)]
    runtime: runtime::Args,
}

/// Resolves what the files of the project ask for.
pub(super) fn resolve(context: &Context, mode: &Mode, args: &Args) -> anyhow::Result<Resolution> {
    let (machine, warnings) = config::load(&context.directory).into_machine()?;
    context.diagnose(&warnings);
    resolve_machine(context, &machine, mode, args)
}

/// The same for files that were read already.
pub(super) fn resolve_machine(
    context: &Context,
    machine: &Machine,
    mode: &Mode,
    args: &Args,
) -> anyhow::Result<Resolution> {
    let old = Lock::read(&context.directory.join(LOCK_FILE))?;
    let sources = channel::sources(machine, settings(args.offline)?);
    let mut resolution = channel::resolve(machine, old.as_ref(), mode, &sources, &*context.progress)?;
    pin_runtimes(&mut resolution.lock, machine, mode, &args.runtime.choice()?, &*context.progress)?;
    let offline = args.offline;
    if *mode != Mode::Locked {
        pin_base(&mut resolution.lock, machine, mode, &|| registry::anybody(offline), &*context.progress)?;
    }
    let changes = Changes::between(&old.unwrap_or_default(), &resolution.lock);
    Ok(Resolution { changes, ..resolution })
}

fn settings(offline: bool) -> anyhow::Result<Settings> {
    let state = Store::state_dir_of(&Store::default_root()?);
    Ok(Settings { untrusted: project::is_untrusted(), ..Settings::new(offline, state) })
}

/// How changes are told to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Lines for a terminal.
    Lines,
    /// Markdown, for the text of a change request.
    Markdown,
}

impl Form {
    pub(super) fn of(markdown: bool) -> Self {
        if markdown { Self::Markdown } else { Self::Lines }
    }
}

/// Writes the lock, unless only its changes are wanted, and tells them.
pub(super) fn finish(context: &Context, resolution: &Resolution, write: bool, form: Form) -> anyhow::Result<()> {
    let Resolution { lock, changes, .. } = resolution;
    let written = write && lock.write(&context.directory.join(LOCK_FILE))?;
    if context.json {
        return context.document(&Report { version: 1, written, changes });
    }
    context.text(match form {
        Form::Lines => changes::text(changes),
        Form::Markdown => changes::markdown::of(changes),
    })?;
    context.progress.note(match (written, changes.is_empty()) {
        (true, _) => "dumbc.lock is written",
        (false, true) if changes.channels.is_empty() || write => "dumbc.lock is up to date",
        (false, true) => "a newer release changes no package",
        (false, false) => "dumbc.lock is left as it was",
    });
    Ok(())
}
