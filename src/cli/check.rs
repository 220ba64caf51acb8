//! `dumbc check`: what is wrong with the three files, all of it in one run.

use serde_json::json;

use crate::build::PlanChoice;
use crate::channel::Mode;
use crate::config::{Machine, Severity};
use crate::failure::{Class, Classified as _};
use crate::image::codec::Codec;

use super::failure::Failure;
use super::figures::counted;
use super::{Context, project, report};

/// Arguments of `dumbc check`.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  dumbc check\n  dumbc -C my-machine check --json\n\n\
    Exits with 2 where something is wrong, and with 0 where there are warnings only. Nothing is \
    fetched and nothing is built: packages are looked at (every command is on its user's PATH, \
    interpreters exist, machine types fit) where they are locked and in the store.")]
pub(super) struct Args {}

pub(super) fn run(_args: &Args, context: &Context) -> anyhow::Result<()> {
    let loaded = context.load()?;
    let packages = look_at_packages(&loaded.machine, context)?;
    if context.json {
        let findings = |list: &[_]| list.iter().map(report::finding).collect::<Vec<_>>();
        return context.document(&json!({
            "version": 1,
            "diagnostics": findings(&loaded.warnings),
            "inactive": findings(&loaded.inactive),
            "packages": packages,
        }));
    }
    for inactive in &loaded.inactive {
        context.progress.note(&report::one_line(inactive));
    }
    context.line(summary(&loaded.machine, loaded.warnings.len()))
}

/// How far what is locked was looked at.
#[derive(Clone, Copy, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
enum Packages {
    /// Commands, shebangs, interpreters and machine types are as they should be.
    Checked,
    /// There is no lock, or it does not answer everything.
    NotLocked,
    /// Packages are not in the store.
    NotFetched,
}

/// Looks at what is locked, where all of it is in the store. Findings are errors.
fn look_at_packages(machine: &Machine, context: &Context) -> anyhow::Result<Packages> {
    let opened = project::Args::offline().open_loaded(machine.clone())?;
    let project = opened.project(Codec::default(), context);
    let lock = match project.resolve(&Mode::Locked) {
        Ok(resolution) => resolution.lock,
        Err(error) if error.class() == Class::StaleLock => {
            context
                .progress
                .note("dumbc.lock does not answer the files yet, so packages were not checked: run `dumbc lock`");
            return Ok(Packages::NotLocked);
        }
        Err(error) => return Err(error.into()),
    };
    let mut found = Vec::new();
    for &system in &machine.image.systems {
        let planned = project.plan(&lock, system, PlanChoice::default())?;
        let Some(findings) = project.findings(&lock, system, planned)? else {
            context
                .progress
                .note("not all packages are in the store yet, so they were not checked: `dumbc build` does that");
            return Ok(Packages::NotFetched);
        };
        found.extend(findings);
    }
    let (errors, warnings): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|finding| finding.severity == Severity::Error);
    if !errors.is_empty() {
        return Err(Failure::diagnosed(Class::Usage, errors.into_iter().chain(warnings).collect()).into());
    }
    context.diagnose(&warnings);
    Ok(Packages::Checked)
}

/// `lazycoder: 8 packages, 2 users, 4 daemons; no errors, 1 warning`.
fn summary(machine: &Machine, warnings: usize) -> String {
    let parts = [
        (machine.packages.len(), "package"),
        (machine.users.len(), "user"),
        (machine.daemons.len(), "daemon"),
        (machine.files.len(), "file"),
    ];
    let parts: Vec<_> = parts.into_iter().filter(|(count, _)| *count > 0).map(|(n, what)| counted(n, what)).collect();
    let holds = if parts.is_empty() { "an empty machine".to_owned() } else { parts.join(", ") };
    let warned = if warnings == 0 { String::new() } else { format!(", {}", counted(warnings, "warning")) };
    format!("{}: {holds}; no errors{warned}", machine.image.name)
}
