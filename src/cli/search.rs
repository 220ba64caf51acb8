//! `dumbc search`: packages by words.

use serde::Serialize;

use crate::channel::known::Offered;
use crate::channel::sources;

use super::context::Context;
use super::figures::{Align, bytes, table};
use super::known;

/// Find packages by words in their names, commands and descriptions
#[derive(clap::Args)]
#[command(after_help = "\
All channels of system.toml are asked, without one that of nixos-unstable. A size is that of what is locked, with all that it needs; of \
a Debian package, its own.

Examples:
  dumbc search json query
  dumbc search ripgrep --channel nixos-26.05
  dumbc search git --limit 5 --json")]
pub(super) struct Args {
    /// Words that must all be there, in any case
    #[arg(value_name = "WORD", required = true)]
    words: Vec<String>,
    /// Show at most this many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    limit: u16,
    #[command(flatten)]
    known: known::Args,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    version: u32,
    packages: Vec<Package<'a>>,
}

#[derive(Serialize)]
struct Package<'a> {
    channel: &'a str,
    attribute: &'a str,
    version: Option<&'a str>,
    description: Option<&'a str>,
    hindrance: Option<&'a str>,
    /// Bytes, where known.
    size: Option<u64>,
}

/// Searches and prints what fits, the best first.
pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let opened = args.known.open(context)?;
    let sources = sources(&opened.machine, opened.settings.clone());
    let known = opened.known(&sources, context);
    let channels = opened.channels(&known);
    let found = known.search(&channels, &args.words, args.limit.into())?;
    if context.json {
        return context.document(&Report { version: 1, packages: found.iter().map(package).collect() });
    }
    if found.is_empty() {
        context.progress.note(&format!("no package of {} fits", channels.join(", ")));
    }
    context.text(text(&found))
}

fn package(offered: &Offered) -> Package<'_> {
    Package {
        channel: &offered.channel,
        attribute: &offered.attribute,
        version: offered.version.as_deref(),
        description: offered.description.as_deref(),
        hindrance: offered.hindrance.as_deref(),
        size: offered.size,
    }
}

/// A line for each.
fn text(found: &[Offered]) -> String {
    let row = |offered: &Offered| {
        let parts = [offered.hindrance.as_deref(), offered.description.as_deref()];
        [
            offered.attribute.clone(),
            offered.version.clone().unwrap_or_default(),
            offered.channel.clone(),
            offered.size.map(bytes).unwrap_or_default(),
            parts.into_iter().flatten().collect::<Vec<_>>().join(": "),
        ]
    };
    let align = [Align::Left, Align::Left, Align::Left, Align::Right, Align::Left];
    table(align, &found.iter().map(row).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_a_line() {
        let offered = |attribute: &str, size, hindrance: Option<&str>| Offered {
            channel: "nixpkgs".to_owned(),
            attribute: attribute.to_owned(),
            version: Some("1.0".to_owned()),
            description: Some("A thing\u{1b}[2J".to_owned()),
            hindrance: hindrance.map(str::to_owned),
            size,
        };
        let text = text(&[offered("git", Some(31_000_000), None), offered("steam", None, Some("is unfree"))]);
        insta::assert_snapshot!(text, @r"
        git    1.0  nixpkgs  31.0 MB  A thing�[2J
        steam  1.0  nixpkgs           is unfree: A thing�[2J
        ");
    }
}
