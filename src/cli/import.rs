//! `dumbc import`: what another tool's files say, in ours.

mod input;
mod nix;
mod packages;

use std::path::PathBuf;

use similar::TextDiff;

use crate::failure::Class;
use crate::import::Kind;

use super::context::Context;
use super::failure::Failure;
use super::locking;

/// Take over what another tool's files say: locks with store paths, or Nix files with literals
#[derive(clap::Args)]
#[command(after_help = "\
devbox.lock, flox's manifest.lock, lines of nix-eval-jobs: packages with their store paths. They become an index in the \
project, a channel in system.toml that names it, requests, and answers in dumbc.lock.
Store paths, a line each: requests for these very paths.
system.nix, users.nix, home.nix: literals become system.toml, users.toml and home.toml; all else stands there as comments, \
with its line. Nothing is evaluated.

Files that are there are never overwritten; system.toml keeps its comments and order. Nothing is written before the \
caches have answered for everything.

Examples:
  dumbc import devbox.lock --dry-run
  dumbc import .flox/env/manifest.lock
  nix-eval-jobs --flake .#packages | dumbc import - --cache https://cache.example.org --key ours-1:…
  nix path-info ./result | dumbc import -
  dumbc import system.nix users.nix home.nix")]
pub(super) struct Args {
    /// What to take over; `-` is stdin
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// What the files are: devbox, flox, eval-jobs, paths or nix. By default what their names and contents say
    #[arg(long, value_name = "KIND", value_parser = kind)]
    from: Option<Kind>,

    /// The new channel's name, and that of its index. By default devbox, flox or imported
    #[arg(long, value_name = "NAME", value_parser = name)]
    channel: Option<String>,

    /// A binary cache that has the packages; by default NixOS's. Several where it is given several times
    #[arg(long, value_name = "URL", requires = "key")]
    cache: Vec<String>,

    /// A public key that signs them, name:base64
    #[arg(long, value_name = "KEY", requires = "cache")]
    key: Vec<String>,

    /// The NixOS channel that answers names of Nix files
    #[arg(long, value_name = "RELEASE", default_value = "nixos-unstable", value_parser = name)]
    release: String,

    /// Print what would change, write nothing, and ask nobody
    #[arg(long)]
    dry_run: bool,

    /// Put a new index in the place of one that an earlier import wrote
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    locking: locking::Args,
}

/// Reads the files and takes them over.
pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let inputs = input::read_all(&args.files, args.from, context)?;
    let nix = inputs.iter().filter(|input| input.kind == Kind::Nix).count();
    match nix {
        0 => packages::run(args, &inputs, context),
        _ if nix == inputs.len() => nix::run(args, &inputs, context),
        _ => {
            let message = "Nix files and others can't be imported in one run";
            Err(Failure::new(Class::Usage, message).help("import the Nix files first, then the others").into())
        }
    }
}

fn kind(text: &str) -> Result<Kind, String> {
    let names = || Kind::ALL.map(Kind::name).join(", ");
    Kind::from_name(text).ok_or_else(|| format!("it is one of {}", names()))
}

/// A name that channels, releases and files can have.
fn name(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let good = text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(allowed);
    if good { Ok(text.to_owned()) } else { Err("use letters, digits, `-`, `_` and `.`".to_owned()) }
}

/// From one text to another, as `diff -u` has it.
fn difference(name: &str, before: &str, after: &str) -> String {
    let header = (format!("a/{name}"), format!("b/{name}"));
    TextDiff::from_lines(before, after).unified_diff().header(&header.0, &header.1).to_string()
}
