//! `dumbc push`: from the files to a registry.

mod report;

use std::path::Path;
use std::time::Instant;

use crate::build::{self, Previous};
use crate::channel::Mode;
use crate::cli::registry;
use crate::config::{Machine, System};
use crate::emit::fly_app;
use crate::export::{Asked, Push, PushFormat, Target, fly_systems, target};
use crate::image::codec::Codec;
use crate::nix::Sha256;
use crate::registry::{FLY_REGISTRY, Reference, Registry, fly_registry};

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

    /// Take unchanged layers over from this image of the repository, where their packages are not in the store
    /// [default: the one that dumbc.lock says was pushed last]
    #[arg(long, value_name = "DIGEST")]
    previous: Option<Sha256>,

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
    let Ready { opened, target, systems, format } = options.ready(reference, context)?;
    let beside = options.attach.ready(&target.reference.registry, target.is_fly)?;
    let registry = options.registry.client_for(&target.reference.registry, context, false)?;
    let project = opened.project(options.compression, context);
    let earlier = Earlier { registry: &registry, reference: &target.reference, asked: options.previous };
    let previous = |system| earlier.find(&project, system);
    let how = (&systems[..], options.replan);
    let (mut built, lock) = built::images_over(&project, &opened.mode(), how, &previous, context)?;
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
    if opened.mode() != Mode::Locked {
        built.lock.pushed.insert(earlier.repository(), pushed.digest);
        built.lock.write(&project.lock_path()).map_err(build::Error::from)?;
    }
    let attached = beside.put((&project, &built), (&registry, &target.reference), &pushed.manifests, &pushed.digest)?;
    let mut report = Report::new(&target, format, &built, &pushed, begin.elapsed(), lock);
    report.attached = attached;
    Ok(report)
}

/// Builds only, and leaves the lock alone: what [`push`] would push, by digest.
pub(super) fn preview(reference: Option<&str>, options: &Options, context: &Context) -> anyhow::Result<Reference> {
    let Ready { opened, target, systems, format } = options.ready(reference, context)?;
    let project = opened.project(options.compression, context);
    let built = project.images(&opened.mode(), &systems, options.replan)?;
    Ok(Reference { tag: None, digest: Some(format.digest(&built.images)?), ..target.reference })
}

/// What is known before anything is built.
struct Ready {
    opened: project::Opened,
    target: Target,
    systems: Vec<System>,
    format: PushFormat,
}

/// The image that the repository had before.
struct Earlier<'a> {
    registry: &'a Registry,
    reference: &'a Reference,
    /// What `--previous` says.
    asked: Option<Sha256>,
}

impl Earlier<'_> {
    /// What the lock calls the repository.
    fn repository(&self) -> String {
        format!("{}/{}", self.reference.registry, self.reference.repository)
    }

    /// The image for a system. One that the lock knows may be gone: that only costs time.
    fn find(&self, project: &build::Project<'_>, system: System) -> Result<Option<Previous>, build::Error> {
        let read = |digest| Previous::read(self.registry, self.reference, digest, system);
        if let Some(digest) = self.asked {
            return Ok(read(digest)?);
        }
        let Some(digest) = project.read_lock()?.and_then(|lock| lock.pushed.get(&self.repository()).copied()) else {
            return Ok(None);
        };
        Ok(read(digest).unwrap_or_else(|error| {
            let name = self.repository();
            project.progress.warn(&format!("nothing is taken over from {name}@{}: {error}", digest.oci()));
            None
        }))
    }
}

impl Options {
    fn ready(&self, reference: Option<&str>, context: &Context) -> anyhow::Result<Ready> {
        let opened = self.project.open(context)?;
        let target = self.target(reference, &opened.machine, context)?;
        let known = opened.systems(&self.system)?;
        let systems = if target.is_fly { fly_systems(&known, &self.system)? } else { known.clone() };
        let format = PushFormat::choose(self.format, self.compression, systems.len(), target.is_fly)?;
        if systems.len() < known.len() {
            let system = System::X86_64Linux;
            context.progress.note(&format!("only the image for {system} is pushed: Fly has no other machines"));
        }
        Ok(Ready { opened, target, systems, format })
    }

    fn target(&self, reference: Option<&str>, machine: &Machine, context: &Context) -> anyhow::Result<Target> {
        destination(reference, &self.tags, machine, context)
    }
}

/// Where a push goes: what is asked for, else what [image] says, else fly.toml's app.
pub(super) fn destination(
    reference: Option<&str>,
    tags: &[String],
    machine: &Machine,
    context: &Context,
) -> anyhow::Result<Target> {
    let host = fly_registry();
    let app = if reference.is_some() || machine.image.registry.is_some() {
        None
    } else {
        app(&context.directory.join("fly.toml"))?
    };
    let asked = Asked { reference, tags, fly_app: app.as_deref(), fly_hosts: &[&host, FLY_REGISTRY] };
    Ok(target(&machine.image, &asked)?)
}

/// The app of a fly.toml; `None`: it isn't there, or names none.
pub(super) fn app(path: &Path) -> anyhow::Result<Option<String>> {
    let Some(text) = emit::read(path)? else { return Ok(None) };
    fly_app(&text).map_err(|error| emit::diagnosed(error, Some(path), Some(&text)))
}
