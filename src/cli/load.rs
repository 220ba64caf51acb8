//! `dumbc load`: from the files into a daemon of docker or podman.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::config::System;
use crate::emit::EngineKind;
use crate::export::{Daemon, Image, ImageName, Load, Loaded, Surroundings};
use crate::failure::Class;
use crate::image::codec::Codec;
use crate::registry::Reference;

use super::built::{self, LockReport};
use super::context::Context;
use super::failure::Failure;
use super::figures::{bytes, counted};
use super::{engine, project};

/// Load the image that system.toml, users.toml and home.toml describe into docker or podman
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    dumbc load                       # into docker where it answers, else podman\n  \
    dumbc load --to podman --tag dev\n  \
    DOCKER_HOST=tcp://build-host:2376 dumbc load\n\n\
    Builds first, as `dumbc build` does. The image goes from the store straight through the daemon's socket: nothing where the \
    daemon has it already, and into docker's classic store only layers that it lacks. docs/load.md tells more.")]
pub(super) struct Args {
    /// docker or podman [default: the first that answers]
    #[arg(long, value_name = "ENGINE", value_parser = engine::kind)]
    to: Option<EngineKind>,

    /// Call it so; may be given several times [default: `tag` of [image]]
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,

    /// Load the image of this system [default: the daemon's]
    #[arg(long, value_name = "SYSTEM", value_parser = project::system)]
    system: Option<System>,

    /// Choose layers afresh instead of keeping those that the lock remembers
    #[arg(long)]
    replan: bool,

    #[command(flatten)]
    project: project::Args,
}

/// What loading did.
#[derive(Serialize)]
struct Report {
    version: u32,
    /// `name:tag`, the first.
    reference: String,
    tags: Vec<String>,
    image_id: String,
    system: &'static str,
    /// `docker` or `podman`, as it answers.
    engine: &'static str,
    /// Where it is.
    daemon: String,
    unchanged: bool,
    layers: Counts,
    /// Bytes that went through the socket.
    sent: u64,
    /// Bytes of all layers, as a daemon unpacks them.
    size: u64,
    milliseconds: u64,
    lock: LockReport,
}

#[derive(Serialize)]
struct Counts {
    sent: usize,
    left_out: usize,
}

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    args.tags.iter().try_for_each(|tag| Reference::check_tag(tag))?;
    let opened = args.project.open(context)?;
    let image = &opened.machine.image;
    // Who is not there should not be found missing after a long build.
    let daemon = Daemon::find(args.to, &Surroundings::from_environment())?;
    let system = args.system.map_or_else(|| system_for(&daemon, &image.systems), Ok)?;
    let systems = opened.systems(&[system])?;
    let names = names(&image.name, &args.tags, &image.tag);
    let project = opened.project(Codec::default(), context);
    let (built, lock) = built::images(&project, &opened.mode(), &systems, args.replan, context)?;
    let made = built.images.first().ok_or_else(|| anyhow::anyhow!("no image was built"))?;
    let begin = Instant::now();
    let load = Load { daemon: &daemon, names: &names, progress: &*context.progress };
    let loaded = built.load(&project, &load, made)?;
    let report = report(&load, made, loaded, begin.elapsed(), lock);
    if context.json { context.document(&report) } else { context.text(report.text()) }
}

/// The image that runs where the daemon does.
fn system_for(daemon: &Daemon, systems: &[System]) -> anyhow::Result<System> {
    if let Some(system) = daemon.system().filter(|system| systems.contains(system)) {
        return Ok(system);
    }
    let message = match daemon.system() {
        Some(system) => format!("{} runs {system}, and the image is not made for it", daemon.place()),
        None => format!("{} does not say for which system an image must be", daemon.place()),
    };
    let help = "choose one with `--system`, or add the daemon's to `systems` of [image]";
    Err(Failure::new(Class::Usage, message).help(help).into())
}

/// Each tag once, in order.
fn names(name: &str, tags: &[String], usual: &str) -> Vec<ImageName> {
    let mut names: Vec<ImageName> = Vec::new();
    for tag in tags {
        if names.iter().all(|name| name.tag != *tag) {
            names.push(ImageName { name: name.to_owned(), tag: tag.clone() });
        }
    }
    if names.is_empty() {
        names.push(ImageName { name: name.to_owned(), tag: usual.to_owned() });
    }
    names
}

fn report(load: &Load<'_>, image: &Image, loaded: Loaded, time: Duration, lock: LockReport) -> Report {
    let Loaded { sent, left_out, is_unchanged } = loaded;
    let count = image.layers.len();
    Report {
        version: 1,
        reference: load.names.first().map(ImageName::reference).unwrap_or_default(),
        tags: load.names.iter().map(|name| name.tag.clone()).collect(),
        image_id: image.id().oci(),
        system: image.system.name(),
        engine: load.daemon.kind().program(),
        daemon: load.daemon.place().to_owned(),
        unchanged: is_unchanged,
        layers: Counts { sent: if is_unchanged { 0 } else { count - left_out }, left_out },
        sent,
        size: image.layers.iter().map(|(layer, _)| layer.tar_size).sum(),
        milliseconds: u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
        lock,
    }
}

impl Report {
    fn text(&self) -> String {
        let mut lines = vec![format!("{} for {}, in {} at {}", self.reference, self.system, self.engine, self.daemon)];
        lines.push(format!("  image ID   {}", self.image_id));
        if self.unchanged {
            lines.push("  nothing to do: it is there already".to_owned());
        } else {
            let layers = format!("{} sent", counted(self.layers.sent, "layer"));
            let known = self.layers.left_out;
            let known = if known == 0 { String::new() } else { format!(", {known} there already") };
            let seconds = format!("{}.{:02} s", self.milliseconds / 1000, self.milliseconds % 1000 / 10);
            lines.push(format!("  layers     {layers}{known}"));
            lines.push(format!("  sent       {} of {} in {seconds}", bytes(self.sent), bytes(self.size)));
        }
        if self.tags.len() > 1 {
            lines.push(format!("  tags       {}", self.tags.join(", ")));
        }
        lines.join("\n") + "\n"
    }
}
