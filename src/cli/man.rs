//! `dumbc man`: manual pages, made of what `--help` tells.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::CommandFactory as _;

use super::{Cli, Context};

/// Arguments of `dumbc man`.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  dumbc man | man -l -\n  dumbc man --output ~/.local/share/man/man1")]
pub(super) struct Args {
    /// Write dumbc.1 and a page for every verb into this folder
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let Some(folder) = &args.output else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command()).render(&mut page)?;
        return context.text(page);
    };
    std::fs::create_dir_all(folder).with_context(|| format!("can't make `{}`", folder.display()))?;
    clap_mangen::generate_to(Cli::command(), folder)
        .with_context(|| format!("can't write manual pages to `{}`", folder.display()))
}
