//! `dumbc build`: from the files to an image.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::build::{Destination, Summary};
use crate::config::System;
use crate::export::{self, Format};
use crate::failure::Class;
use crate::image::codec::Codec;

use super::built::{self, LockReport};
use super::context::Context;
use super::failure::Failure;
use super::figures::bytes;
use super::output::Output;
use super::project;

/// Build the image that system.toml, users.toml and home.toml describe
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    dumbc build                     # NAME.tar.gz, for docker load, podman load and others\n  \
    dumbc build -o - | docker load\n  \
    dumbc build --format oci-dir --compression zstd -o image\n  \
    dumbc build --locked --offline  # exactly what dumbc.lock says, from what is at hand\n\n\
    What the lock does not answer yet is looked up and added to it. Packages are fetched once; an unchanged build \
    asks the network for nothing. The store is ~/.cache/dumbc; DUMBC_STORE names another.")]
pub(super) struct Args {
    /// Write the image there; `-` is stdout [default: NAME.tar.gz, or as the format asks]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// What to write: archive (docker-archive and OCI layout in one), oci-archive, docker-archive or oci-dir
    #[arg(long, value_name = "FORMAT", default_value = "archive")]
    format: Format,

    /// gzip, zstd or none, with a level as in gzip:9
    #[arg(long, value_name = "CODEC", default_value = "gzip")]
    compression: Codec,

    /// Build for this system alone; may be given several times
    #[arg(long, value_name = "SYSTEM", value_parser = project::system)]
    system: Vec<System>,

    /// Choose layers afresh instead of keeping those that the lock remembers
    #[arg(long)]
    replan: bool,

    #[command(flatten)]
    project: project::Args,
}

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    #[serde(flatten)]
    summary: &'a Summary,
    lock: LockReport,
}

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let to_stdout = args.output.as_deref() == Some(Path::new("-"));
    if to_stdout && context.json {
        return Err(Failure::new(Class::Usage, "stdout can't hold both the image and --json").into());
    }
    let opened = args.project.open(context)?;
    let systems = opened.systems(&args.system)?;
    export::check(args.format, systems.len(), args.compression, to_stdout)?;
    let project = opened.project(args.compression, context);
    let mode = opened.mode();
    let (built, lock) = built::images(&project, &mode, &systems, args.replan, context)?;
    let name = &opened.machine.image.name;
    let default = || context.directory.join(args.format.default_file_name(name, args.compression));
    context.progress.begin("writing the image", None);
    let summary = if to_stdout {
        built.write(&project, args.format, Destination::Stream(&mut Output::stdout()))?
    } else {
        let path = args.output.clone().unwrap_or_else(default);
        built.write(&project, args.format, Destination::Path(&path))?
    };
    if context.json {
        return context.document(&Document { version: 1, summary: &summary, lock });
    }
    let text = render(&summary, &context.directory);
    if to_stdout {
        text.lines().for_each(|line| context.progress.note(line));
        return Ok(());
    }
    context.text(text)
}

fn render(summary: &Summary, directory: &Path) -> String {
    let mut lines = Vec::new();
    for image in &summary.images {
        lines.push(format!("{} for {}", summary.reference, image.system));
        lines.push(format!("  image ID         {}", image.image_id));
        lines.push(format!("  in the archive   {}", image.manifests.archive));
        if let Some(docker) = &image.manifests.docker {
            lines.push(format!("  in a registry    {docker} (Docker schema 2)"));
        }
        lines.push(format!("                   {} (OCI)", image.manifests.oci));
        let (uncompressed, compressed) = (bytes(image.uncompressed_size), bytes(image.compressed_size));
        lines.push(format!("  layers           {} ({} known before)", image.layers, image.layers_reused));
        lines.push(format!("  size             {uncompressed}, compressed {compressed}"));
    }
    if let Some(output) = &summary.output {
        let path = output.strip_prefix(directory).unwrap_or(output);
        let size = summary.size.map(|size| format!(" ({})", bytes(size))).unwrap_or_default();
        lines.push(format!("{}{size}", path.display()));
    }
    lines.join("\n") + "\n"
}
