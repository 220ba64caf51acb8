//! `dumbc lock`: dumbc.lock made, or made to fit the files.

use crate::channel::Mode;

use super::context::Context;
use super::locking::{self, Form};

/// Arguments of `dumbc lock`.
#[derive(clap::Args)]
#[command(after_help = "\
dumbc.lock pins, for each request and system, the store path that answers it, and every package of its closure with \
hash, size and signatures. Commit it: whoever builds with it gets the same image. What is locked stays as it is; \
`dumbc update` moves it.

Examples:
  dumbc lock            after a change of system.toml, or of a merge of dumbc.lock
  dumbc lock --json     what was added and dropped, for a script")]
pub(super) struct Args {
    #[command(flatten)]
    locking: locking::Args,
}

/// Makes dumbc.lock fit the files and tells what that changed.
pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let resolution = locking::resolve(context, &Mode::Extend, &args.locking)?;
    locking::finish(context, &resolution, true, Form::Lines)
}
