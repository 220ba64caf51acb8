//! `dumbc home`: homes of users.

use clap::Subcommand;

use super::context::Context;
use super::home_verbs;

/// See and change homes of users
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    #[command(flatten)]
    Inside(home_verbs::Verb),
}

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    match &args.verb {
        Verb::Inside(verb) => home_verbs::run(verb, context),
    }
}
