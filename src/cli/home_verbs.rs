//! `dumbc home activate` and `dumbc home diff`: a home of the machine that runs here.

use std::path::PathBuf;

use clap::Subcommand;

use crate::failure::Class;
use crate::home::activation::Mode;
use crate::machine::activation::{Activation, activate};
use crate::machine::rebuild::{Options, Update};

use super::context::Context;
use super::failure::Failure;
use super::rebuild;

/// Verbs below `home` that are for inside of a machine.
#[derive(Subcommand)]
pub(super) enum Verb {
    /// Bring this user's home to a generation: booting does this
    #[command(hide = true)]
    Activate(ActivateArgs),
    /// Show what `rebuild` would change, with home.toml as it stands
    Diff(DiffArgs),
}

#[derive(clap::Args)]
pub(super) struct ActivateArgs {
    /// The generation
    #[arg(long, value_name = "PATH")]
    generation: PathBuf,
    /// Skip and name own files that are in the way, in place of refusing
    #[arg(long)]
    boot: bool,
    /// The home's folder [default: $HOME]
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
}

#[derive(clap::Args)]
pub(super) struct DiffArgs {
    /// Ask no network for names
    #[arg(long)]
    offline: bool,
}

pub(super) fn run(verb: &Verb, context: &Context) -> anyhow::Result<()> {
    match verb {
        Verb::Activate(args) => activate_home(args, context),
        Verb::Diff(args) => {
            let options = Options { dry_run: true, offline: args.offline, update: Update::Nothing, force: false };
            rebuild::carry_out(&options, context)
        }
    }
}

fn activate_home(args: &ActivateArgs, context: &Context) -> anyhow::Result<()> {
    let home = args.home.clone().or_else(|| std::env::var_os("HOME").map(PathBuf::from));
    let home = home.filter(|home| home.is_absolute()).ok_or_else(|| {
        Failure::new(Class::Usage, "no home: $HOME is not an absolute path").help("name one with --home")
    })?;
    let mode = if args.boot { Mode::Boot } else { Mode::Rebuild };
    let activation = Activation { home, generation: args.generation.clone(), mode, force: false, dry_run: false };
    context.document(&activate(&activation)?)
}
