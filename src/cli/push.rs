//! `dumbc push`: from the files to a registry.

mod report;

use std::time::Instant;

use crate::cli::registry;
use crate::config::{Machine, System};
use crate::emit::fly_app;
use crate::export::{Asked, Push, PushError, PushFormat, Target, fly_systems, target};
use crate::image::codec::Codec;
use crate::registry::{FLY_REGISTRY, fly_registry};

use super::context::Context;
use super::{attach, built, emit, project};

pub(super) use report::Report;

/// Push the image that system.toml, users.toml and home.toml describe to a registry
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    dumbc push                                   # to [image] registry, else to fly.toml's app\n  \
    dumbc push registry.example.org/team/app:1.2 --tag latest\n  \
    dumbc push --compression zstd                # smaller, for clients of recent years\n  \
    dumbc push --locked --offline                # what dumbc.lock says, from what is at hand\n\n\
    Builds first, as `dumbc build` does. Layers go from the store straight into the registry: what it has already is not \
    sent again, and what other repositories of it have is mounted. Tags move when all is there. `--offline` is about \
    packages; the registry is asked in any case. docs/registries.md tells more.")]
pub(super) struct Args {
    /// Where to: HOST/REPOSITORY[:TAG] [default: `registry` and `name` of [image], else the app of fly.toml]
    #[arg(value_name = "REF")]
    reference: Option<String>,

    #[command(flatten)]
    options: Options,
}

/// How images are pushed, for every verb that does.
#[derive(clap::Args)]
pub(super) struct Options {
    /// Call it so; may be given several times [default: REF's tag, else `tag` of [image]]
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,

    /// What to push: docker (one system, gzip) or oci [default: docker for Fly where it fits, else oci]
    #[arg(long, value_name = "FORMAT")]
    format: Option<PushFormat>,

    /// gzip, zstd or none, with a level as in gzip:9
    #[arg(long, value_name = "CODEC", default_value = "gzip")]
    compression: Codec,

    /// Push the image of this system alone; may be given several times
    #[arg(long, value_name = "SYSTEM", value_parser = project::system)]
    system: Vec<System>,

    /// Layers that are sent at a time
    #[arg(long, value_name = "N", default_value = "4", value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: u16,

    /// Look at every layer, and put every manifest, even where the tag names the image already
    #[arg(long)]
    force: bool,

    /// Choose layers afresh instead of keeping those that the lock remembers
    #[arg(long)]
    replan: bool,

    #[command(flatten)]
    attach: attach::Args,

    #[command(flatten)]
    registry: registry::Args,

    #[command(flatten)]
    project: project::Args,
}

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let report = push(args.reference.as_deref(), &args.options, context)?;
    if context.json { context.document(&report) } else { context.text(report.text()) }
}

/// Builds and pushes; `reference` is as on the command line.
pub(super) fn push(reference: Option<&str>, options: &Options, context: &Context) -> anyhow::Result<Report> {
    let opened = options.project.open(context)?;
    let target = options.target(reference, &opened.machine, context)?;
    let known = opened.systems(&options.system)?;
    let systems =
        if target.is_fly { fly_systems(&known, &options.system).map_err(PushError::from)? } else { known.clone() };
    let format = PushFormat::choose(options.format, options.compression, systems.len(), target.is_fly)?;
    if systems.len() < known.len() {
        context
            .progress
            .note(&format!("only the image for {} is pushed: Fly has no other machines", System::X86_64Linux));
    }
    let beside = options.attach.ready(&target.reference.registry, target.is_fly)?;
    let registry = options.registry.client_for(&target.reference.registry, context, false)?;
    let project = opened.project(options.compression, context);
    let (built, lock) = built::images(&project, &opened.mode(), &systems, options.replan, context)?;
    let begin = Instant::now();
    let push = Push {
        registry: &registry,
        reference: &target.reference,
        tags: &target.tags,
        format,
        jobs: options.jobs.into(),
        force: options.force,
        progress: &*context.progress,
    };
    let pushed = built.push(&project, &push)?;
    let attached = beside.put((&project, &built), (&registry, &target.reference), &pushed.manifests, &pushed.digest)?;
    let mut report = Report::new(&target, format, &built, pushed, begin.elapsed(), lock);
    report.attached = attached;
    Ok(report)
}

impl Options {
    fn target(&self, reference: Option<&str>, machine: &Machine, context: &Context) -> anyhow::Result<Target> {
        let host = fly_registry();
        let app = if reference.is_some() || machine.image.registry.is_some() { None } else { app(context)? };
        let asked = Asked { reference, tags: &self.tags, fly_app: app.as_deref(), fly_hosts: &[&host, FLY_REGISTRY] };
        Ok(target(&machine.image, &asked)?)
    }
}

/// The app of the project's fly.toml.
fn app(context: &Context) -> anyhow::Result<Option<String>> {
    let path = context.directory.join("fly.toml");
    let Some(text) = emit::read(path.clone())? else { return Ok(None) };
    fly_app(&text).map_err(|error| emit::diagnosed(error, Some(&path), Some(&text)))
}
