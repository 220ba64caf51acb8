//! `dumbc update` and `dumbc outdated`: locked answers asked again.

use crate::channel::{Mode, Resolution};
use crate::failure::Class;

use super::context::Context;
use super::exit::Exit;
use super::locking::{self, Form};

/// Arguments of `dumbc update`.
#[derive(clap::Args)]
#[command(after_help = "\
Without names everything is asked again. What changes is told by package: `~` another version, `=` the same version \
from another build, `+` new, `-` gone; then what a push and a pull will have to move. Packages of a NixOS channel are of one \
release: where one moves, all do.

Examples:
  dumbc update --dry-run    what would change
  dumbc update git jq       these requests only, with what they need
  dumbc update nixpkgs      all of a channel
  dumbc update base         the image that `from` of [image] names
  dumbc update runtime      the program that boots the image: this dumbc, or what --runtime names
  dumbc update --replan     and let the next build choose layers afresh
  dumbc update --markdown   the text of a change request")]
pub(super) struct Args {
    /// Requests to ask again, by their text in system.toml or their attribute, or all of a channel; `runtime` is the program that
    /// boots images, `base` the image that this one stands on.
    /// All where none is named
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Tell what would change, and change nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Forget the layers: the next build plans them afresh
    #[arg(long)]
    replan: bool,
    /// Print Markdown
    #[arg(long)]
    markdown: bool,
    #[command(flatten)]
    locking: locking::Args,
}

/// Arguments of `dumbc outdated`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  dumbc outdated               what `dumbc update` would change
  dumbc outdated --exit-code   for a script: 10 where something would change
  dumbc outdated --json        every change, with what caused rebuilds")]
pub(super) struct OutdatedArgs {
    /// Requests or channels to ask about. All where none is named
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// End with 10 where an update would change something
    #[arg(long)]
    exit_code: bool,
    /// Print Markdown
    #[arg(long)]
    markdown: bool,
    #[command(flatten)]
    locking: locking::Args,
}

/// Asks again and tells what changes.
pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let mut resolution = ask(&args.names, &args.locking, context)?;
    if args.replan {
        resolution.lock.forget_layers();
    }
    locking::finish(context, &resolution, !args.dry_run, Form::of(args.markdown))
}

/// Asks again, writes nothing, and tells what an update would change.
pub(super) fn outdated(args: &OutdatedArgs, context: &Context) -> anyhow::Result<()> {
    let resolution = ask(&args.names, &args.locking, context)?;
    locking::finish(context, &resolution, false, Form::of(args.markdown))?;
    if args.exit_code && !resolution.changes.is_empty() { Exit::with(Class::Differs.exit_code()) } else { Ok(()) }
}

fn ask(names: &[String], locking: &locking::Args, context: &Context) -> anyhow::Result<Resolution> {
    let resolution = locking::resolve(context, &Mode::Update(names.to_vec()), locking)?;
    let moved = resolution.changes.channels.iter().filter(|channel| channel.together);
    for channel in moved.filter(|channel| !names.is_empty() && !names.contains(&channel.name)) {
        let name = &channel.name;
        context.progress.note(&format!("channel `{name}` moves as a whole: its packages are of one release"));
    }
    Ok(resolution)
}
