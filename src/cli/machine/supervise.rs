//! The last steps of booting alone: units of a plan, in this file system as it is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;

use crate::boot::Layout;
use crate::machine::plan::read_plan;
use crate::machine::prepared::Foreground;
use crate::machine::supervisor::{self, live, setup};

use super::super::exit::Exit;

#[derive(clap::Args)]
pub(super) struct Args {
    /// The boot plan
    #[arg(long, value_name = "FILE")]
    plan: PathBuf,
    /// Don't start daemons
    #[arg(long)]
    alone: bool,
    /// What to run in the foreground
    #[arg(value_name = "COMMAND", last = true)]
    command: Vec<String>,
}

pub(super) fn run(args: &Args, run: &Path) -> anyhow::Result<()> {
    let plan = read_plan(&args.plan)?;
    let entrypoint = plan.entrypoint.clone();
    let account = entrypoint.as_ref().map(|unit| unit.account.clone());
    let command =
        if args.command.is_empty() { entrypoint.map(|unit| unit.command) } else { Some(args.command.clone()) };
    let foreground =
        command.zip(account).map(|(command, account)| Foreground { command, account, daemons: !args.alone });
    let layout = Layout::new(&plan.volume);
    let home = |user: &String, of_image: &str| {
        let (number, path) = live::generation(&layout, user, of_image);
        let generation = number.map_or_else(|| "image".to_owned(), |number| number.to_string());
        let manifest = live::read_manifest(&path);
        (user.clone(), setup::Home { generation, manifest, ..setup::Home::default() })
    };
    let homes = plan.users.iter().map(|(user, declared)| home(user, &declared.generation)).collect();
    let (secrets, environment) = secrets(&plan);
    let setup = setup::Setup {
        homes,
        layout,
        environment,
        secrets,
        foreground,
        service: None,
        run: run.to_owned(),
        store: "none".to_owned(),
        steps: Vec::new(),
        warnings: Vec::new(),
        started: Instant::now(),
        plan,
    };
    Exit::with(supervisor::run_setup(setup).context("the machine can't be supervised")?)
}

/// This process's environment: what units name as their secrets, and the rest.
fn secrets(plan: &crate::boot::BootPlan) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    let units = || plan.entrypoint.iter().chain(&plan.daemons);
    let is_secret = |name: &String| units().any(|unit| unit.secrets.contains(name) || unit.secret_files.contains(name));
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .partition(|(name, _)| is_secret(name))
}
