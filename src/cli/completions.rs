//! `dumbc completions`: scripts that shells complete with.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{Cli, Context};

/// Arguments of `dumbc completions`.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    dumbc completions bash > ~/.local/share/bash-completion/completions/dumbc\n  \
    dumbc completions zsh > \"${fpath[1]}/_dumbc\"\n  \
    dumbc completions fish > ~/.config/fish/completions/dumbc.fish")]
pub(super) struct Args {
    /// The shell that reads the script
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    // Into memory first: the generator panics where it can't write.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "dumbc", &mut script);
    context.text(script)
}
