//! `dumbc add` and `dumbc remove`: a user's own packages, inside the machine.

use crate::failure::Class;
use crate::machine::rebuild::{self, Options, RebuildError};

use super::context::Context;
use super::failure::Failure;
use super::rebuild::{carry_out, inside};

/// Add packages to your home, inside a machine: edits ~/.config/dumbc/home.toml, then rebuilds
#[derive(clap::Args)]
pub(super) struct AddArgs {
    /// As in `packages`: ripgrep, unstable#neovim, python3@3.12, openssl^bin,dev
    #[arg(value_name = "PACKAGE", required = true)]
    packages: Vec<String>,
}

/// Remove packages from your home, inside a machine: edits ~/.config/dumbc/home.toml, then rebuilds
#[derive(clap::Args)]
pub(super) struct RemoveArgs {
    /// Their names, or requests as home.toml has them
    #[arg(value_name = "PACKAGE", required = true)]
    packages: Vec<String>,
}

pub(super) fn add(args: &AddArgs, context: &Context) -> anyhow::Result<()> {
    edit(context, |text| {
        let (text, added) = rebuild::add(text, &args.packages)?;
        Ok((text, !added.is_empty()))
    })
}

pub(super) fn remove(args: &RemoveArgs, context: &Context) -> anyhow::Result<()> {
    edit(context, |text| {
        let (text, removed) = rebuild::remove(text, &args.packages)?;
        if removed.is_empty() {
            let names: Vec<String> = args.packages.iter().map(|name| format!("`{name}`")).collect();
            let names = names.join(", ");
            return Err(format!("it has no {names}; what the image gives is taken out by `without = [...]`"));
        }
        Ok((text, true))
    })
}

/// Edits the user's file, rebuilds, and puts the file back where that fails.
fn edit(context: &Context, change: impl FnOnce(&str) -> Result<(String, bool), String>) -> anyhow::Result<()> {
    let inside = inside().map_err(for_inside)?;
    inside.write_stub()?;
    let before = inside.read_own()?;
    let path = inside.own_path();
    let (after, changed) = change(&before).map_err(|reason| RebuildError::Edit { path: path.clone(), reason })?;
    if changed {
        inside.write_own(&after)?;
    } else {
        context.progress.note("home.toml has them already");
    }
    let built = carry_out(&Options::default(), context);
    // Whoever has edited the file meanwhile keeps that.
    if built.is_err() && changed && inside.read_own().is_ok_and(|now| now == after) {
        inside.write_own(&before)?;
        context.progress.note(&format!("{} is as it was before", path.display()));
    }
    built
}

fn for_inside(error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref::<RebuildError>() {
        Some(RebuildError::NoMachine(_)) => {
            Failure::new(Class::Usage, "this changes the home of a user inside a machine, and this is none")
                .help("on the host, edit `packages` of system.toml or home.toml, and build")
                .into()
        }
        _ => error,
    }
}
