//! `dumbc inspect`: what an image is.

use std::fmt::Write as _;

use serde::Serialize;

use crate::boot::{BootPlan, PLAN_VERSION};
use crate::config::System;
use crate::failure::Class;
use crate::origin::documents::{Configuration, Run};
use crate::origin::{Depth, ImagePackage, Location, Origin, OriginImage, Packages};

use super::context::Context;
use super::failure::Failure;
use super::figures::{Align, bytes, counted, table};
use super::registry;

/// So many packages are told.
const LISTED: usize = 40;

/// Tell what an image is: in a registry, an archive or an OCI layout
///
/// From a registry only documents are fetched, and of images that dumbc made the small layers that list their packages.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    dumbc inspect registry.example.org/team/app:1\n  \
    dumbc inspect machine.tar.gz --layers\n  \
    dumbc inspect ./machine.oci --system aarch64-linux --config")]
pub(super) struct Args {
    /// A reference, an archive (docker's or OCI's, compressed or not), or the folder of an OCI layout
    image: String,

    /// Only the image for this system
    #[arg(long, value_name = "SYSTEM", value_parser = super::project::system)]
    system: Option<System>,

    /// List the layers, too
    #[arg(long)]
    layers: bool,

    /// Print the configuration as it lies there
    #[arg(long, conflicts_with_all = ["raw", "layers"])]
    config: bool,

    /// Print the index or manifest as it lies there
    #[arg(long, conflicts_with = "layers")]
    raw: bool,

    #[command(flatten)]
    registry: registry::Args,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Document {
    version: u32,
    reference: String,
    digest: Option<String>,
    images: Vec<Told>,
}

/// An image.
#[derive(Serialize)]
struct Told {
    platform: String,
    image_id: String,
    manifest: Option<String>,
    media_type: Option<String>,
    names: Vec<String>,
    size: u64,
    uncompressed_size: Option<u64>,
    created: Option<String>,
    user: String,
    env: Vec<String>,
    entrypoint: Vec<String>,
    command: Vec<String>,
    working_dir: String,
    stop_signal: Option<String>,
    ports: Vec<String>,
    volumes: Vec<String>,
    labels: std::collections::BTreeMap<String, String>,
    annotations: std::collections::BTreeMap<String, String>,
    layers: Vec<ToldLayer>,
    packages: std::collections::BTreeSet<ImagePackage>,
    packages_are_complete: bool,
    boot: Option<Boot>,
}

#[derive(Serialize)]
struct ToldLayer {
    digest: String,
    diff_id: String,
    size: u64,
    media_type: String,
    created_by: String,
    comment: String,
}

/// What it does when it boots, in short.
#[derive(Serialize)]
struct Boot {
    hostname: String,
    runtime: String,
    foreground: Vec<String>,
    daemons: Vec<String>,
    users: Vec<String>,
    volume: String,
}

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let location = Location::parse(&args.image, &std::env::current_dir()?)?;
    let registry = args.registry.client(context, false)?;
    let origin = Origin::open_for(&location, &registry, args.system)?;
    let images = chosen(&origin, args.system, &location)?;
    if args.raw && args.system.is_none() {
        return context.text(origin.document());
    }
    if args.raw || args.config {
        return context.text(document_of(&origin, &images, args.raw)?);
    }
    let told = images.iter().map(|image| tell(&origin, image)).collect::<anyhow::Result<Vec<_>>>()?;
    let digest = origin.digest().map(|digest| digest.oci());
    let document = Document { version: 1, reference: location.to_string(), digest, images: told };
    if context.json { context.document(&document) } else { context.text(render(&document, args.layers)) }
}

/// The images of an origin, or the one for a system.
pub(super) fn chosen<'o>(
    origin: &'o Origin<'_>,
    system: Option<System>,
    location: &Location,
) -> anyhow::Result<Vec<&'o OriginImage>> {
    let Some(system) = system else { return Ok(origin.images().iter().collect()) };
    let found = origin.image(system).ok_or_else(|| {
        let message = format!("{location} has no image for {system}");
        Failure::new(Class::Usage, message).help("`dumbc inspect` without `--system` tells which there are")
    })?;
    Ok(vec![found])
}

/// The manifest or configuration of one image, as it lies there.
fn document_of(origin: &Origin<'_>, images: &[&OriginImage], manifest: bool) -> anyhow::Result<Vec<u8>> {
    let [image] = images else {
        let message = format!("there are {}", counted(images.len(), "image"));
        return Err(Failure::new(Class::Usage, message).help("choose one with `--system`").into());
    };
    if !manifest {
        return Ok(image.config.clone());
    }
    let found = origin.manifests().iter().find(|(digest, ..)| Some(*digest) == image.manifest);
    let none = || Failure::new(Class::Usage, "it has no manifest: it is a docker-archive");
    Ok(found.ok_or_else(none)?.2.clone())
}

fn tell(origin: &Origin<'_>, image: &OriginImage) -> anyhow::Result<Told> {
    let configuration = origin.configuration(image)?;
    let Packages { packages, are_complete, boot_plan } = origin.packages(image, Depth::Cheap)?;
    let steps = configuration.layer_steps();
    let layer = |(at, layer): (usize, &crate::origin::OriginLayer)| ToldLayer {
        digest: layer.digest.oci(),
        diff_id: layer.diff_id.oci(),
        size: layer.size,
        media_type: layer.media_type.clone(),
        created_by: steps.get(at).map(|step| step.created_by.clone()).unwrap_or_default(),
        comment: steps.get(at).map(|step| step.comment.clone()).unwrap_or_default(),
    };
    let is_plain = image.layers.iter().all(|layer| layer.digest == layer.diff_id);
    let layers = image.layers.iter().enumerate().map(layer).collect();
    let Configuration { created, config, .. } = configuration;
    let Run { user, env, entrypoint, cmd, exposed_ports, volumes, working_dir, labels, stop_signal } = config;
    Ok(Told {
        platform: image.platform.clone(),
        image_id: image.id().oci(),
        manifest: image.manifest.map(|digest| digest.oci()),
        media_type: image.media_type.clone(),
        names: image.names.clone(),
        size: image.size(),
        uncompressed_size: is_plain.then(|| image.size()),
        ports: exposed_ports.into_iter().collect(),
        volumes: volumes.into_iter().collect(),
        command: cmd,
        annotations: image.annotations.clone(),
        packages_are_complete: are_complete,
        boot: boot_plan.as_deref().and_then(boot),
        created,
        user,
        env,
        entrypoint,
        working_dir,
        stop_signal,
        labels,
        layers,
        packages,
    })
}

/// What a plan says in short; nothing of one that another version of dumbc wrote.
fn boot(plan: &[u8]) -> Option<Boot> {
    let plan: BootPlan = serde_json::from_slice(plan).ok().filter(|plan: &BootPlan| plan.version == PLAN_VERSION)?;
    Some(Boot {
        hostname: plan.hostname,
        runtime: plan.runtime,
        foreground: plan.entrypoint.map(|unit| unit.command).unwrap_or_default(),
        daemons: plan.daemons.into_iter().map(|unit| unit.name).collect(),
        users: plan.users.into_keys().collect(),
        volume: plan.volume,
    })
}

fn render(document: &Document, with_layers: bool) -> String {
    let mut text = format!("{}\n", document.reference);
    if let Some(digest) = &document.digest {
        let _ = writeln!(text, "digest {digest}");
    }
    for image in &document.images {
        let _ = write!(text, "\n{}\n{}", image.platform, table([Align::Left; 2], &rows(image)));
        if with_layers {
            let _ = write!(text, "  layers, the lowest first:\n{}", layers(image));
        }
        text += &packages(image);
    }
    text.chars().map(|c| if c.is_control() && c != '\n' { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

fn rows(image: &Told) -> Vec<[String; 2]> {
    let words =
        |words: &[String]| shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "));
    let layers = counted(image.layers.len(), "layer");
    let unpacked = if image.uncompressed_size.is_some() { ", uncompressed" } else { "" };
    let mut rows = vec![("image ID", image.image_id.clone())];
    let mut add = |name, value: String| {
        if !value.is_empty() {
            rows.push((name, value));
        }
    };
    add("manifest", image.manifest.clone().unwrap_or_default());
    add("names", image.names.join(", "));
    add("size", format!("{} in {layers}{unpacked}", bytes(image.size)));
    add("created", image.created.clone().unwrap_or_default());
    add("user", image.user.clone());
    add("entrypoint", words(&image.entrypoint));
    add("command", words(&image.command));
    add("working dir", image.working_dir.clone());
    add("stop signal", image.stop_signal.clone().unwrap_or_default());
    add("ports", image.ports.join(", "));
    add("volumes", image.volumes.join(", "));
    image.env.iter().for_each(|variable| add("env", variable.clone()));
    image.labels.iter().for_each(|(name, value)| add("label", format!("{name}={value}")));
    if let Some(boot) = &image.boot {
        add("boots as", boot.hostname.clone());
        add("runs", words(&boot.foreground));
        add("daemons", boot.daemons.join(", "));
        add("users", boot.users.join(", "));
        add("keeps", boot.volume.clone());
    }
    rows.into_iter().map(|(name, value)| [format!("  {name}"), value]).collect()
}

fn layers(image: &Told) -> String {
    let short = |digest: &str| digest.chars().take(19).collect::<String>();
    let said = |layer: &ToldLayer| if layer.comment.is_empty() { &layer.created_by } else { &layer.comment }.clone();
    let row = |layer: &ToldLayer| [format!("    {}", short(&layer.digest)), bytes(layer.size), said(layer)];
    let rows = image.layers.iter().map(row).collect::<Vec<_>>();
    table([Align::Left, Align::Right, Align::Left], &rows)
}

fn packages(image: &Told) -> String {
    if image.packages.is_empty() {
        return String::new();
    }
    let known = if image.packages_are_complete { "" } else { " that layers name; there may be more" };
    let row = |package: &ImagePackage| {
        let size = package.size.map(bytes).unwrap_or_default();
        [format!("    {}", package.name), package.version.clone().unwrap_or_default(), size]
    };
    let rows = image.packages.iter().take(LISTED).map(row).collect::<Vec<_>>();
    let more = match image.packages.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!("    … and {more} more, which --json lists\n"),
    };
    let count = counted(image.packages.len(), "package");
    format!("  {count}{known}:\n{}{more}", table([Align::Left, Align::Left, Align::Right], &rows))
}
