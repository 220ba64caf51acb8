//! Daemons of a home as units of the boot plan.

use crate::boot::{PlanHealth, PlanReady, PlanUnit};
use crate::config::is_local_path;
use crate::image::ImagePath;
use crate::nix::StorePath;
use crate::root::view::Kind;

use super::super::finding::Finding;
use super::super::settings::{DaemonSettings, Settings};
use super::{Inputs, Source};

/// Finds a program: its absolute path.
type Find<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Where `name` is a command: in the home's packages, else in the system.
pub(super) fn command(name: &str, installed: &[StorePath], inputs: &Inputs<'_>) -> Option<String> {
    let inner = ImagePath::new(format!("bin/{name}").as_bytes()).ok()?;
    let own = installed.iter().find(|package| {
        let found = inputs.view.resolve(&ImagePath::from(*package).append(&inner));
        matches!(found, Some((_, Kind::File { .. })))
    });
    own.map(|package| format!("{package}/bin/{name}")).or_else(|| (inputs.system)(name))
}

/// All daemons, sorted by name: `notes@alice`.
pub(super) fn units(
    home: &Settings,
    inputs: &Inputs<'_>,
    find: &Find<'_>,
    findings: &mut Vec<Finding>,
) -> Vec<PlanUnit> {
    let mut units = Vec::new();
    for (name, daemon) in &home.daemons {
        match unit(name, daemon, inputs, find) {
            Ok(unit) => units.push(unit),
            Err(finding) => findings.push(finding),
        }
    }
    units
}

fn unit(name: &str, daemon: &DaemonSettings, inputs: &Inputs<'_>, find: &Find<'_>) -> Result<PlanUnit, Finding> {
    let user = &inputs.account.name;
    let words = |key: &str, words: &[String]| command_words(words, &["daemons", name, key], inputs, find);
    let health = match &daemon.health {
        Some(health) if !health.command.is_empty() => {
            Some(PlanHealth { command: words("health", &health.command)?, ..health.clone() })
        }
        health => health.clone(),
    };
    let ready = match &daemon.ready {
        Some(PlanReady::Command(command)) => Some(PlanReady::Command(words("ready", command)?)),
        ready => ready.clone(),
    };
    Ok(PlanUnit {
        name: format!("{name}@{user}"),
        command: words("command", &daemon.command)?,
        account: inputs.account.clone(),
        of_home: true,
        ports: daemon.ports.clone(),
        secrets: Vec::new(),
        secret_files: Vec::new(),
        after: daemon.after.iter().map(|after| format!("{after}@{user}")).collect(),
        ready,
        health,
        oneshot: daemon.oneshot,
        restart: daemon.restart,
        stop: daemon.stop.clone(),
    })
}

/// The words with local paths put in, the program absolute.
fn command_words(
    words: &[String],
    path: &[&str],
    inputs: &Inputs<'_>,
    find: &Find<'_>,
) -> Result<Vec<String>, Finding> {
    let local = |word: &String| match inputs.sources.get(word) {
        _ if !is_local_path(word) => Ok(word.clone()),
        Some(Source::Path(path)) => Ok(path.to_string()),
        Some(Source::Tree(_)) | None => {
            Err(Finding::error(path, format!("there is no `{word}`"), "correct the path, or make the file".to_owned()))
        }
    };
    let mut words = words.iter().map(local).collect::<Result<Vec<_>, _>>()?;
    if let Some(program) = words.first_mut().filter(|program| !program.starts_with('/')) {
        *program = find(program).ok_or_else(|| {
            let message = format!("no package of the home or the system has the command `{program}`");
            Finding::error(path, message, "add the package that brings it to `packages`".to_owned())
        })?;
    }
    Ok(words)
}
