//! `dumbc machine`: asks and changes the machine that runs here.

use clap::Subcommand;

use super::adopt;
use super::context::Context;

/// See and steer the machine that runs here, from inside
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Adopt(adopt::Args),
}

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    match &args.verb {
        Verb::Adopt(args) => adopt::run(args, context),
    }
}
