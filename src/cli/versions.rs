//! `dumbc versions`: every version of a package that anybody knows.

use serde::Serialize;

use crate::channel::known::Version;
use crate::channel::sources;

use super::context::Context;
use super::figures::{Align, table};
use super::known;

/// List the versions of a package: the channel's own, and those that other revisions of nixpkgs had
#[derive(clap::Args)]
#[command(after_help = "\
`*` stands before those of the channel itself. Another revision's version brings a C library of its own: `dumbc lock` says how \
much that is.

Examples:
  dumbc versions python3
  dumbc versions nodejs --channel nixos-26.05 --json")]
pub(super) struct Args {
    /// A name, with its channel where that is not the default one: unstable#nodejs
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    known: known::Args,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    version: u32,
    versions: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    version: &'a str,
    /// Its attribute where it is from.
    attribute: Option<&'a str>,
    /// The release, the suite or the revision.
    origin: Option<&'a str>,
    date: Option<&'a str>,
    /// Whether the channel itself has it.
    here: bool,
    /// Whether its store paths can be had without further asking.
    has_paths: bool,
}

/// Asks and prints, the newest first.
pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let opened = args.known.open(context)?;
    let sources = sources(&opened.machine, opened.settings.clone());
    let known = opened.known(&sources, context);
    let named = opened.named(&args.name, &known)?;
    let versions = known.versions(&named.channel, &named.attribute)?;
    if context.json {
        return context.document(&Report { version: 1, versions: versions.iter().map(row).collect() });
    }
    context.text(text(&versions))
}

fn row(version: &Version) -> Row<'_> {
    Row {
        version: &version.version,
        attribute: version.attribute.as_deref(),
        origin: version.origin.as_deref(),
        date: version.date.as_deref(),
        here: version.here,
        has_paths: version.has_paths,
    }
}

fn text(versions: &[Version]) -> String {
    let row = |version: &Version| {
        [
            if version.here { "*" } else { " " }.to_owned(),
            version.version.clone(),
            version.attribute.clone().unwrap_or_default(),
            version.origin.clone().unwrap_or_default(),
            version.date.clone().unwrap_or_default(),
        ]
    };
    table([Align::Left; 5], &versions.iter().map(row).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_channels_own_are_marked() {
        let version = |version: &str, here| Version {
            version: version.to_owned(),
            attribute: Some("python3".to_owned()),
            origin: Some(if here { "nixos-26.05" } else { "nixpkgs ee09932c" }.to_owned()),
            date: (!here).then(|| "2025-11-23".to_owned()),
            here,
            has_paths: true,
        };
        insta::assert_snapshot!(text(&[version("3.13", true), version("3.9", false)]), @r"
        *  3.13  python3  nixos-26.05
           3.9   python3  nixpkgs ee09932c  2025-11-23
        ");
    }
}
