//! `dumbc check`: what is wrong with the three files, all of it in one run.

use serde_json::json;

use crate::config::Machine;

use super::{Context, report};

/// Arguments of `dumbc check`.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  dumbc check\n  dumbc -C my-machine check --json\n\n\
    Exits with 2 where something is wrong, and with 0 where there are warnings only. Nothing is\n\
    fetched and nothing is built.")]
pub(super) struct Args {}

pub(super) fn run(_args: &Args, context: &Context) -> anyhow::Result<()> {
    let loaded = context.load()?;
    if context.json {
        let findings = |list: &[_]| list.iter().map(report::finding).collect::<Vec<_>>();
        return context.document(&json!({
            "version": 1,
            "diagnostics": findings(&loaded.warnings),
            "inactive": findings(&loaded.inactive),
        }));
    }
    for inactive in &loaded.inactive {
        context.progress.note(&report::one_line(inactive));
    }
    context.line(summary(&loaded.machine, loaded.warnings.len()))
}

/// `lazycoder: 8 packages, 2 users, 4 daemons; no errors, 1 warning`.
fn summary(machine: &Machine, warnings: usize) -> String {
    let parts = [
        (machine.packages.len(), "package"),
        (machine.users.len(), "user"),
        (machine.daemons.len(), "daemon"),
        (machine.files.len(), "file"),
    ];
    let parts: Vec<_> = parts.into_iter().filter(|(count, _)| *count > 0).map(|(n, what)| count(n, what)).collect();
    let holds = if parts.is_empty() { "an empty machine".to_owned() } else { parts.join(", ") };
    let warned = if warnings == 0 { String::new() } else { format!(", {}", count(warnings, "warning")) };
    format!("{}: {holds}; no errors{warned}", machine.image.name)
}

fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
