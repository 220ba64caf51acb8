//! `dumbc diff`: what is different between two images, or two locks.

mod render;

use std::collections::BTreeSet;
use std::path::Path;

use serde::Serialize;

use crate::build::Destination;
use crate::channel::{Changes, Lock};
use crate::config::System;
use crate::export::Format;
use crate::failure::Class;
use crate::image::codec::Codec;
use crate::origin::{Difference, ImagePackage, Location, Origin, OriginImage, Side};
use crate::registry::Registry;

use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::{project, push, registry};

/// Tell what is different between two images: packages, files, configuration, layers, bytes to push
///
/// Each is a reference, an archive, the folder of an OCI layout, or a dumbc.lock, of which packages alone are compared. Layers that both
/// have are not opened; of others, those are read that can tell more than the images' own lists of packages.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    dumbc diff registry.example.org/app:1 registry.example.org/app:2\n  \
    dumbc diff --deployed --markdown\n  \
    dumbc diff old/dumbc.lock dumbc.lock --exit-code")]
pub(super) struct Args {
    /// The image before
    #[arg(value_name = "A", required_unless_present = "deployed", requires = "after")]
    before: Option<String>,

    /// The image after
    #[arg(value_name = "B")]
    after: Option<String>,

    /// What a push would change: compare what the registry has now with the project, which is built first
    ///
    /// The reference is that of `dumbc push` where none is given.
    #[arg(long, value_name = "REF", num_args = 0..=1, default_missing_value = "", conflicts_with = "before")]
    deployed: Option<String>,

    /// Only the images for this system
    #[arg(long, value_name = "SYSTEM", value_parser = project::system)]
    system: Option<System>,

    /// Print Markdown, fit for a comment on a pull request
    #[arg(long)]
    markdown: bool,

    /// Exit with 10 where anything differs
    #[arg(long)]
    exit_code: bool,

    #[command(flatten)]
    registry: registry::Args,

    #[command(flatten)]
    project: project::Args,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Document {
    version: u32,
    before: String,
    after: String,
    systems: Vec<OfSystem>,
    /// Platforms that only one side has.
    only_before: Vec<String>,
    only_after: Vec<String>,
    /// Where both are locks.
    #[serde(skip_serializing_if = "Option::is_none")]
    locks: Option<Changes>,
}

#[derive(Serialize)]
struct OfSystem {
    platform: String,
    #[serde(flatten)]
    difference: Difference,
}

/// A side, as it was named.
enum Opened<'r> {
    Origin(Box<Origin<'r>>),
    Lock(Box<Lock>),
}

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let registry = args.registry.client(context, false)?;
    let document = match (&args.deployed, &args.before, &args.after) {
        (Some(reference), ..) => deployed(args, reference, &registry, context)?,
        (None, Some(before), Some(after)) => {
            let (old, new) = (open(before, args.system, &registry)?, open(after, args.system, &registry)?);
            compare((before, &old), (after, &new), args.system)?
        }
        _ => return Err(Failure::new(Class::Usage, "two images are wanted").help("or give `--deployed`").into()),
    };
    if context.json {
        context.document(&document)?;
    } else if args.markdown {
        context.text(render::markdown(&document))?;
    } else {
        context.text(render::text(&document))?;
    }
    if args.exit_code && !document.is_empty() { Exit::with(Class::Differs.exit_code()) } else { Ok(()) }
}

impl Document {
    fn is_empty(&self) -> bool {
        let locks = self.locks.as_ref().is_none_or(Changes::is_empty);
        let alone = self.only_before.is_empty() && self.only_after.is_empty();
        locks && alone && self.systems.iter().all(|system| system.difference.is_empty())
    }
}

/// A lock by its name, else an image.
fn open<'r>(text: &str, system: Option<System>, registry: &'r Registry) -> anyhow::Result<Opened<'r>> {
    let here = std::env::current_dir()?;
    let path = here.join(text);
    if Path::new(text).extension().is_some_and(|extension| extension == "lock") && path.is_file() {
        let missing = || Failure::new(Class::Usage, format!("there is no file {}", path.display()));
        return Ok(Opened::Lock(Box::new(Lock::read(&path)?.ok_or_else(missing)?)));
    }
    let location = Location::parse(text, &here)?;
    Ok(Opened::Origin(Box::new(Origin::open_for(&location, registry, system)?)))
}

fn compare(
    (before, old): (&str, &Opened<'_>),
    (after, new): (&str, &Opened<'_>),
    system: Option<System>,
) -> anyhow::Result<Document> {
    let mut document = Document {
        version: 1,
        before: before.to_owned(),
        after: after.to_owned(),
        systems: Vec::new(),
        only_before: Vec::new(),
        only_after: Vec::new(),
        locks: None,
    };
    if let (Opened::Lock(old), Opened::Lock(new)) = (old, new) {
        document.locks = Some(Changes::between(old, new));
        return Ok(document);
    }
    let (old_platforms, new_platforms) = (old.platforms(system), new.platforms(system));
    document.only_before = old_platforms.difference(&new_platforms).cloned().collect();
    document.only_after = new_platforms.difference(&old_platforms).cloned().collect();
    for platform in old_platforms.intersection(&new_platforms) {
        let (old_packages, new_packages) = (old.packages(platform), new.packages(platform));
        let difference =
            Difference::between(old.side(platform, &old_packages), new.side(platform, &new_packages), platform)?;
        document.systems.push(OfSystem { platform: platform.clone(), difference });
    }
    if document.systems.is_empty() {
        let message = format!("{before} and {after} have no system in common");
        return Err(Failure::new(Class::Usage, message).help("`dumbc inspect` tells what they have").into());
    }
    Ok(document)
}

impl Opened<'_> {
    /// What there is, written one way: `arm64/v8` is `arm64`.
    fn platforms(&self, asked: Option<System>) -> BTreeSet<String> {
        let wanted = |system: &System| asked.is_none_or(|asked| asked == *system);
        match self {
            Self::Origin(origin) => {
                let images = origin.images().iter();
                let images = images.filter(|image| asked.is_none_or(|system| image.runs_on(system)));
                images.map(platform).collect()
            }
            Self::Lock(lock) => {
                let systems = System::ALL.into_iter().filter(wanted);
                let systems = systems.filter(|system| lock.requests.keys().any(|(of, _)| of == system));
                systems.map(|system| format!("linux/{}", system.architecture())).collect()
            }
        }
    }

    /// What a lock says of a platform.
    fn packages(&self, platform: &str) -> BTreeSet<ImagePackage> {
        let Self::Lock(lock) = self else { return BTreeSet::new() };
        let systems = System::ALL.into_iter();
        let of_platform = systems.filter(|system| platform == format!("linux/{}", system.architecture()));
        of_platform.flat_map(|system| locked(lock, system)).collect()
    }

    fn side<'s>(&'s self, wanted: &str, packages: &'s BTreeSet<ImagePackage>) -> Side<'s> {
        let image = |origin: &'s Origin<'_>| origin.images().iter().find(|image| platform(image) == wanted);
        match self {
            Self::Origin(origin) => match image(origin) {
                Some(image) => Side::Image(origin, image),
                None => Side::Packages(packages),
            },
            Self::Lock(_) => Side::Packages(packages),
        }
    }
}

fn platform(image: &OriginImage) -> String {
    let system = System::ALL.into_iter().find(|system| image.runs_on(*system));
    system.map_or_else(|| image.platform.clone(), |system| format!("linux/{}", system.architecture()))
}

/// Packages that a lock's requests lead to.
fn locked(lock: &Lock, system: System) -> Vec<ImagePackage> {
    // A lock that lacks a package is still worth comparing.
    let paths = lock.closure(lock.roots(system)).unwrap_or_else(|_| lock.roots(system));
    let paths = paths.iter().map(|path| ImagePackage::store_path(path, lock.packages.get(path).map(|it| it.nar_size)));
    let runtime = lock.runtimes.get(&system);
    let runtime = runtime.map(|runtime| ImagePackage::store_path(&runtime.path, Some(runtime.nar_size)));
    let debs = lock.debs(system).into_iter().map(|(name, deb)| {
        ImagePackage::debian(&name.to_string(), &deb.version.to_string(), &deb.architecture, Some(deb.installed_size))
    });
    paths.chain(runtime).chain(debs).collect()
}

/// What the registry has now, and what a push of the project would put there.
fn deployed(args: &Args, reference: &str, registry: &Registry, context: &Context) -> anyhow::Result<Document> {
    let opened = args.project.open(context)?;
    let asked = Some(reference).filter(|reference| !reference.is_empty());
    let reference = push::destination(asked, &[], &opened.machine, context)?.reference;
    let systems = opened.systems(args.system.as_slice())?;
    let location = Location::Registry(reference.clone());
    let old = Opened::Origin(Box::new(Origin::open_for(&location, registry, args.system)?));
    let project = opened.project(Codec::default(), context);
    let built = project.images(&opened.mode(), &systems, false)?;
    let folder = tempfile::tempdir_in(project.store.state_dir().parent().unwrap_or(Path::new(".")))?;
    let layout = folder.path().join("image");
    context.progress.begin("comparing", None);
    built.write(&project, Format::OciDir, Destination::Path(&layout))?;
    let new = Opened::Origin(Box::new(Origin::open(&Location::Layout(layout), registry)?));
    compare((&reference.to_string(), &old), ("this project", &new), args.system)
}
