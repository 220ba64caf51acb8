//! Step 2: homes get their generation's links, each from a process of its user's.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;

use crate::boot::{BootPlan, Layout, PlanAccount};
use crate::home::manifest::LIVE;
use crate::machine::process::{self, Session};

use super::generation::Chosen;
use super::ground::Ground;
use super::run;
use super::small;

/// As long as one home may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// As many homes at a time.
const AT_A_TIME: usize = 16;

/// A home that stands, and the generation it should have.
pub(super) struct Home<'plan> {
    /// Whose.
    pub(super) account: &'plan PlanAccount,
    /// What to activate.
    pub(super) chosen: Chosen,
}

/// What `dumbc home activate` prints; more is passed over.
#[derive(Deserialize)]
struct Report {
    version: u32,
    #[serde(default)]
    skipped: Vec<Skipped>,
}

/// A file of a generation that was left alone: one of the user's own is in its place.
#[derive(Deserialize)]
struct Skipped {
    path: String,
}

/// What activating one gave: the files that were left alone.
pub(super) type Outcome = io::Result<Vec<String>>;

/// Brings all homes to their generations; outcomes in their order.
pub(super) fn all(ground: &Ground, layout: &Layout, plan: &BootPlan, homes: &[Home<'_>]) -> Vec<Outcome> {
    let mut outcomes = Vec::with_capacity(homes.len());
    for group in homes.chunks(AT_A_TIME) {
        std::thread::scope(|scope| {
            let one = |home| scope.spawn(move || one(ground, layout, plan, home));
            let running: Vec<_> = group.iter().map(one).collect();
            let broken = |_| Err(io::Error::other("it broke off"));
            outcomes.extend(running.into_iter().map(|thread| thread.join().unwrap_or_else(broken)));
        });
    }
    outcomes
}

/// Activates one, unless it was done already; gives the files that were left alone.
fn one(ground: &Ground, layout: &Layout, plan: &BootPlan, home: &Home<'_>) -> Outcome {
    let generation = &home.chosen.generation;
    let marker = ground.at(layout.activated(&home.account.name));
    let live = ground.at(&home.account.home).join(LIVE);
    let is_live = ground.behind(&home.account.home).join(LIVE).read_link().or_else(|_| live.read_link());
    let is_done = small::line(&marker).as_deref() == Some(generation.as_str());
    if is_done && is_live.is_ok_and(|target| target.to_str() == Some(generation)) {
        return Ok(Vec::new());
    }
    // Gone before, and back only after: a run that is killed between them is followed by a whole one.
    let _ = std::fs::remove_file(&marker);
    let skipped = activate(ground, plan, home.account, generation)?;
    if skipped.is_empty() {
        // Without it the next boot does the same once more, and that is all.
        let _ = marker.parent().map(std::fs::create_dir_all);
        let _ = small::write(&marker, generation);
    }
    Ok(skipped)
}

fn activate(ground: &Ground, plan: &BootPlan, account: &PlanAccount, generation: &str) -> Outcome {
    let runtime = runtime(ground, plan)?;
    let arguments = [&*runtime.to_string_lossy(), "home", "activate", "--generation", generation, "--boot"];
    let arguments = arguments.map(str::to_owned);
    let mut command = process::command(account, &arguments, &environment(plan, account), Session::Own);
    command.stderr(Stdio::inherit());
    let ended = run::to_its_end(command, PATIENCE)?;
    if !ended.status.success() {
        return Err(io::Error::other(run::told(ended.status)));
    }
    let report: Report = serde_json::from_slice(&ended.said)?;
    if report.version != 1 {
        return Err(io::Error::other(format!("its report is of version {}", report.version)));
    }
    Ok(report.skipped.into_iter().map(|skipped| skipped.path).collect())
}

/// The plan's runtime; this very program where the image's can't be seen, as it is dumbc too.
fn runtime(ground: &Ground, plan: &BootPlan) -> io::Result<PathBuf> {
    let declared = ground.at(&plan.runtime);
    if declared.exists() { Ok(declared) } else { std::env::current_exe() }
}

fn environment(plan: &BootPlan, account: &PlanAccount) -> BTreeMap<String, String> {
    let mut variables: BTreeMap<String, String> = [
        ("HOME", account.home.clone()),
        ("USER", account.name.clone()),
        ("LOGNAME", account.name.clone()),
        ("SHELL", account.shell.clone()),
        ("PATH", plan.path.join(":")),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    variables.extend(std::env::var("DUMBC_LOG").ok().map(|value| ("DUMBC_LOG".to_owned(), value)));
    variables
}
