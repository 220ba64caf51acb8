//! `dumbc sbom`: what an image is made of, for people and scanners.

use std::path::PathBuf;

use crate::channel::Mode;
use crate::config::System;
use crate::export::replace_file;
use crate::image::codec::Codec;
use crate::sbom::Format;

use super::context::Context;
use super::project;

/// Print what the image is made of, as SPDX or CycloneDX
#[derive(clap::Args)]
#[command(after_help = "\
From dumbc.lock: every package with its version, hash, size and what it depends on. What Debian's packages say of themselves, \
licences among it, is told where they are in the store, after a build. Nothing is fetched, and the document is the one that a \
build puts into the image.

Examples:
  dumbc sbom | jq -r '.packages[] | .name + \" \" + .versionInfo'
  dumbc sbom --format cyclonedx -o lazycoder.cdx.json
  dumbc sbom -o lazycoder.spdx.json && grype sbom:lazycoder.spdx.json")]
pub(super) struct Args {
    /// spdx (2.3) or cyclonedx (1.6) [default: as system.toml has it, else spdx]
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,

    /// For this system [default: the first of system.toml]
    #[arg(long, value_name = "SYSTEM", value_parser = project::system)]
    system: Option<System>,

    /// Write a file instead of stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let opened = project::Args::offline().open(context)?;
    let system = opened.systems(args.system.as_slice())?[0];
    let project = opened.project(Codec::default(), context);
    let lock = project.resolve(&Mode::Locked)?.lock;
    let sbom = project.sbom(&lock, system)?;
    let format = args.format.or(opened.machine.image.sbom).unwrap_or(Format::Spdx);
    let document = sbom.document(format)?;
    let Some(path) = &args.output else { return context.text([document.as_slice(), b"\n"].concat()) };
    replace_file(path, |out| Ok(out.write_all(&document)?))?;
    context.progress.note(&format!("{} is written: {} packages", path.display(), sbom.packages.len()));
    Ok(())
}
