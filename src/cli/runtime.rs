//! `--runtime`: the program that boots images.

use std::path::PathBuf;

use anyhow::Context as _;

use crate::root::runtime::RuntimeChoice;

/// The option, for verbs that make images or locks.
#[derive(clap::Args)]
#[group(id = "runtimes")]
pub(super) struct Args {
    /// The program that boots the image: a static dumbc; may be given once for each system [default: this very program]
    #[arg(long, value_name = "FILE")]
    runtime: Vec<PathBuf>,
}

impl Args {
    /// Nothing is said.
    pub(super) const fn none() -> Self {
        Self { runtime: Vec::new() }
    }

    /// With what the environment and this program add.
    pub(super) fn choice(&self) -> anyhow::Result<RuntimeChoice> {
        let absolute = |path: &PathBuf| std::path::absolute(path).context("can't find the current folder");
        Ok(RuntimeChoice::of_process(self.runtime.iter().map(absolute).collect::<Result<_, _>>()?))
    }
}
