//! `dumbc update`: locked answers asked again.

use crate::channel::Mode;

use super::context::Context;
use super::locking;

/// Arguments of `dumbc update`.
#[derive(clap::Args)]
#[command(after_help = "\
Without names everything is asked again. What changes is told by package: `~` another version, `=` the same version \
from another build, `+` new, `-` gone; then what a push and a pull will have to move.

Examples:
  dumbc update --dry-run    what would change
  dumbc update git jq       these requests only, with what they need
  dumbc update base         the image that `from` of [image] names
  dumbc update runtime      the program that boots the image: this dumbc, or what --runtime names
  dumbc update --replan     and let the next build choose layers afresh")]
pub(super) struct Args {
    /// Requests to ask again, by their text in system.toml or their attribute; `runtime` is the program that boots images, `base`
    /// the image that this one stands on.
    /// All where none is named
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Tell what would change, and change nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Forget the layers: the next build plans them afresh
    #[arg(long)]
    replan: bool,
    #[command(flatten)]
    locking: locking::Args,
}

/// Asks again and tells what changes.
pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let mut resolution = locking::resolve(context, &Mode::Update(args.names.clone()), &args.locking)?;
    if args.replan {
        resolution.lock.layers.clear();
    }
    locking::finish(context, &resolution, !args.dry_run)
}
