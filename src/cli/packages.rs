//! `dumbc add` and `dumbc remove`: packages of a project's files, or inside a machine the user's own.

use crate::config::{self, EditError, Edited, PackageList};
use crate::machine::rebuild::{Options, RebuildError};

use super::context::Context;
#[cfg(feature = "build")]
use super::editing;
use super::rebuild::{carry_out, inside};

/// Add packages: to the project's files and dumbc.lock, or inside a machine to your home
///
/// In a folder with a system.toml they go to its `packages`, or to those of home.toml or users.toml, and into dumbc.lock; nothing is
/// written unless every name is known. Inside a machine they go to ~/.config/dumbc/home.toml, and the home is rebuilt.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    dumbc add git jq                    # to system.toml\n  \
    dumbc add python3@3.12 --user alice # to `[alice.home]` of users.toml; another version is replaced\n  \
    dumbc add ripgrep --home --dry-run  # what it would cost every user")]
pub(super) struct AddArgs {
    /// As in `packages`: ripgrep, unstable#neovim, python3@3.12, openssl^bin,dev
    #[arg(value_name = "PACKAGE", required = true)]
    packages: Vec<String>,
    #[cfg(feature = "build")]
    #[command(flatten)]
    editing: editing::Args,
}

/// Remove packages: from the project's files and dumbc.lock, or inside a machine from your home
#[derive(clap::Args)]
pub(super) struct RemoveArgs {
    /// Their names, or requests as the file has them
    #[arg(value_name = "PACKAGE", required = true)]
    packages: Vec<String>,
    #[cfg(feature = "build")]
    #[command(flatten)]
    editing: editing::Args,
}

pub(super) fn add(args: &AddArgs, context: &Context) -> anyhow::Result<()> {
    #[cfg(feature = "build")]
    if args.editing.is_for_project(context)? {
        return args.editing.add(&args.packages, context);
    }
    edit(context, |text| config::add(text, PackageList::TOP, &args.packages))
}

pub(super) fn remove(args: &RemoveArgs, context: &Context) -> anyhow::Result<()> {
    #[cfg(feature = "build")]
    if args.editing.is_for_project(context)? {
        return args.editing.remove(&args.packages, context);
    }
    edit(context, |text| config::remove(text, PackageList::TOP, &args.packages))
}

/// Edits the user's file, rebuilds, and puts the file back where that fails.
fn edit(context: &Context, change: impl FnOnce(&str) -> Result<Edited, EditError>) -> anyhow::Result<()> {
    let inside = inside()?;
    inside.write_stub()?;
    let before = inside.read_own()?;
    let path = inside.own_path();
    let refused = |reason| RebuildError::Edit { path: path.clone(), reason };
    let edited = change(&before).map_err(|error| refused(error.to_string()))?;
    if !edited.missing.is_empty() {
        let names = missing(&edited);
        return Err(
            refused(format!("it has no {names}; what the image gives is taken out by `without = [...]`")).into()
        );
    }
    if edited.is_change() {
        inside.write_own(&edited.text)?;
    } else {
        context.progress.note("home.toml has them already");
    }
    for (old, new) in &edited.replaced {
        context.progress.note(&format!("`{new}` takes the place of `{old}`"));
    }
    let built = carry_out(&Options::default(), context);
    // Whoever has edited the file meanwhile keeps that.
    if built.is_err() && edited.is_change() && inside.read_own().is_ok_and(|now| now == edited.text) {
        inside.write_own(&before)?;
        context.progress.note(&format!("{} is as it was before", path.display()));
    }
    built
}

/// What was not found, with what may have been meant.
pub(super) fn missing(edited: &Edited) -> String {
    let name = |(name, near): &(String, Option<String>)| match near {
        Some(near) => format!("`{name}` (did you mean `{near}`?)"),
        None => format!("`{name}`"),
    };
    edited.missing.iter().map(name).collect::<Vec<_>>().join(", ")
}
