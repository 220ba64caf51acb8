//! What verbs have in common that build images: findings are drawn, and the lock is kept.

use serde::Serialize;

use crate::build::{Built, PreviousOf, Project};
use crate::channel::{Mode, NewPackages};
use crate::config::{Diagnostic, Severity, System};

use super::context::Context;

/// What became of dumbc.lock, for `--json`.
#[derive(Serialize)]
pub(super) struct LockReport {
    written: bool,
    added: NewPackages,
}

/// Images for `systems`; tells what is odd about them, and writes the lock where it changed.
pub(super) fn images(
    project: &Project<'_>,
    mode: &Mode,
    systems: &[System],
    replan: bool,
    context: &Context,
) -> anyhow::Result<(Built, LockReport)> {
    finished(project, mode, project.images(mode, systems, replan)?, context)
}

/// The same for images that go to where `previous` ones are.
pub(super) fn images_over(
    project: &Project<'_>,
    mode: &Mode,
    (systems, replan): (&[System], bool),
    previous: &PreviousOf<'_>,
    context: &Context,
) -> anyhow::Result<(Built, LockReport)> {
    finished(project, mode, project.images_over(mode, systems, replan, previous)?, context)
}

fn finished(
    project: &Project<'_>,
    mode: &Mode,
    built: Built,
    context: &Context,
) -> anyhow::Result<(Built, LockReport)> {
    context.diagnose(&built.findings.iter().map(as_warning).collect::<Vec<_>>());
    let written = keep_lock(project, mode, &built, context)?;
    let lock = LockReport { written, added: built.changes.new };
    Ok((built, lock))
}

/// The image is whole, even where what it should run is not in it: that is for `dumbc check` to refuse.
fn as_warning(finding: &Diagnostic) -> Diagnostic {
    Diagnostic { severity: Severity::Warning, ..finding.clone() }
}

/// Writes the lock where it changed, and says so.
fn keep_lock(project: &Project<'_>, mode: &Mode, built: &Built, context: &Context) -> anyhow::Result<bool> {
    if *mode == Mode::Locked {
        if built.has_new_ids {
            let users = "users that packages create got numbers that dumbc.lock does not pin";
            context.progress.note(&format!("{users}: build once without `--locked`, and commit it"));
        }
        return Ok(false);
    }
    if !built.lock.write(&project.lock_path())? {
        return Ok(false);
    }
    if !built.changes.is_empty() {
        context.progress.note(&format!("dumbc.lock: {}", built.changes.summary()));
    }
    Ok(true)
}
