//! `dumbc machine`: the machine that runs here.

use clap::Subcommand;

use super::adopt;
use super::context::Context;
use super::store_verbs;

/// See and steer the machine that runs here, from inside
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    #[command(flatten)]
    Store(store_verbs::Verb),
    Adopt(adopt::Args),
}

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    match &args.verb {
        Verb::Store(verb) => store_verbs::run(verb, context),
        Verb::Adopt(args) => adopt::run(args, context),
    }
}
