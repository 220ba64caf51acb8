//! `dumbc verify`: derives every digest of an image anew.

mod remote;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::channel::{Lock, verify_lock};
use crate::config::{self, System};
use crate::failure::Class;
use crate::image::check::{self, Blobs, CheckedImage, Expected};
use crate::origin::Location;

use super::attach;
use super::context::Context;
use super::failure::Failure;
use super::figures::counted;
use super::registry;

/// Check an image in a registry, an archive or an OCI layout: every digest anew, and with a lock every package
///
/// With a lock, the NAR of every store path is made again from the layers and its hash compared with what its cache signed; that of the
/// runtime, with what is pinned. With system.toml beside the lock, the signatures in the lock are checked against its channels' keys.
/// From a registry, every layer of every system is fetched once, and nothing is kept. Exits with 10 where anything differs.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    dumbc verify lazycoder.tar.gz\n  \
    dumbc verify lazycoder.tar.gz --lock dumbc.lock\n  \
    dumbc verify registry.example.org/lazycoder:latest --lock dumbc.lock\n  \
    dumbc verify registry.example.org/lazycoder:latest --key cosign.pub")]
pub(super) struct Args {
    /// A reference, an archive (compressed or not), or the folder of an OCI layout
    image: String,

    /// Compare store paths with what this lock says
    #[arg(long, value_name = "FILE")]
    lock: Option<PathBuf>,

    /// First check that this public key signed it, as cosign does: a file, or `env://VARIABLE`; for references
    #[arg(long, value_name = "KEY")]
    key: Option<String>,

    #[command(flatten)]
    registry: registry::Args,
}

#[derive(Serialize)]
struct Document {
    version: u32,
    images: Vec<CheckedImage>,
    files: usize,
    layers: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    store_paths: Option<StorePaths>,
    /// Packages of the lock that a key of system.toml vouches for; absent where there is none beside the lock.
    #[serde(skip_serializing_if = "Option::is_none")]
    vouched_for: Option<usize>,
    faults: Vec<String>,
}

#[derive(Serialize, Default, Clone, Copy)]
struct StorePaths {
    as_locked: usize,
    not_in_the_lock: usize,
}

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let name = &args.image;
    let (blobs, mut faults) = read(args, context)?;
    let mut report = check::check(&blobs);
    report.faults.append(&mut faults);
    let (mut store_paths, mut vouched_for) = (None, None);
    if let Some(path) = &args.lock {
        let path = &context.directory.join(path);
        let Some(lock) = Lock::read(path)? else {
            return Err(Failure::new(Class::Usage, format!("there is no file {}", path.display())).into());
        };
        vouched_for = check_signatures(&lock, path, context)?;
        store_paths = Some(check_packages(&lock, &blobs, &mut report)?);
        if !lock.debs.is_empty() {
            let packages = counted(lock.debs.len(), "Debian package");
            let why = "from what is in an image, no package comes back to compare with its hash";
            context.progress.note(&format!("{packages} of the lock were not looked for: {why}"));
        }
    }
    // An archive names its image twice, and what is wrong with it would be told twice.
    let mut seen = BTreeSet::new();
    report.faults.retain(|fault| seen.insert(fault.clone()));
    let (images, faults) = (report.images.clone(), report.faults.clone());
    let (files, layers) = (report.files, report.layers);
    let document = Document { version: 1, images, files, layers, store_paths, vouched_for, faults };
    if context.json {
        if report.faults.is_empty() {
            return context.document(&document);
        }
    } else {
        for image in report.images.iter().filter(|image| image.named_by == "index.json" || report.images.len() == 1) {
            context.line(format!("{} {} with {} layers", image.architecture, image.id, image.layers.len()))?;
        }
        context.line(format!("{} files, {} layers: digests derived anew", report.files, report.layers))?;
        if let Some(StorePaths { as_locked, not_in_the_lock }) = store_paths {
            context.line(format!("{as_locked} store paths as the lock says, {not_in_the_lock} generated ones"))?;
        }
    }
    if !context.json
        && let Some(count) = vouched_for
    {
        context.line(format!("{} of the lock vouched for by the keys of system.toml", counted(count, "store path")))?;
    }
    if report.faults.is_empty() {
        return Ok(());
    }
    let shown = report.faults.iter().take(20).map(|fault| format!("\n  {fault}")).collect::<Vec<_>>().concat();
    let faults = counted(report.faults.len(), "fault");
    let failure = Failure::new(Class::Differs, format!("{faults} in {name}:{shown}"));
    Err(failure.findings(serde_json::to_value(&document)?).into())
}

/// Every file of the image, looked at, and what could not be.
fn read(args: &Args, context: &Context) -> anyhow::Result<(Blobs, Vec<String>)> {
    match Location::parse(&args.image, &context.directory)? {
        Location::Registry(reference) => {
            let registry = args.registry.client(context, false)?;
            let location = match &args.key {
                // What is read is what was signed, wherever the tag moves meanwhile.
                Some(key) => Location::Registry(attach::verify(key, &registry, &reference, context)?),
                None => Location::Registry(reference),
            };
            remote::read(&location, &registry, context)
        }
        Location::Archive(path) | Location::Layout(path) => {
            if args.key.is_some() {
                let message = format!("{} is no reference, and signatures lie in registries", path.display());
                return Err(Failure::new(Class::Usage, message).help("leave `--key` out").into());
            }
            let blobs = check::read(&path);
            let name = path.display();
            Ok((blobs.map_err(|error| anyhow::Error::from(error).context(format!("can't read {name}")))?, Vec::new()))
        }
    }
}

/// Holds the signatures in a lock against the keys of the files beside it.
fn check_signatures(lock: &Lock, path: &Path, context: &Context) -> anyhow::Result<Option<usize>> {
    let folder = path.parent().unwrap_or(Path::new("."));
    if !folder.join("system.toml").is_file() {
        context.progress.note("there is no system.toml beside the lock: its signatures were not checked");
        return Ok(None);
    }
    let Some(machine) = config::load(folder).machine else {
        context.progress.warn("system.toml beside the lock has errors: the lock's signatures were not checked");
        return Ok(None);
    };
    verify_lock(lock, &machine)?;
    Ok(Some(lock.packages.len()))
}

/// Holds the store paths of every image against a lock. An archive may name an image twice.
fn check_packages(lock: &Lock, blobs: &Blobs, report: &mut check::Report) -> anyhow::Result<StorePaths> {
    let mut sums = BTreeMap::new();
    for image in &report.images {
        let expected = expected(lock, image, &mut report.faults)?;
        let (as_locked, not_in_the_lock) = check::check_store_paths(blobs, image, &expected, &mut report.faults);
        sums.insert(image.id.clone(), StorePaths { as_locked, not_in_the_lock });
    }
    Ok(sums.into_values().fold(StorePaths::default(), |sum, image| StorePaths {
        as_locked: sum.as_locked + image.as_locked,
        not_in_the_lock: sum.not_in_the_lock + image.not_in_the_lock,
    }))
}

/// What an image must hold, by the lock.
fn expected(lock: &Lock, image: &CheckedImage, faults: &mut Vec<String>) -> anyhow::Result<Expected> {
    let Some(system) = System::ALL.into_iter().find(|system| system.architecture() == image.architecture) else {
        faults.push(format!("the lock knows no architecture {}", image.architecture));
        return Ok(Expected::new());
    };
    let closure = lock.closure(lock.roots(system)).map_err(|path| {
        Failure::new(Class::StaleLock, format!("the lock refers to {path} without holding it")).help("run `dumbc lock`")
    })?;
    let entry = |path| {
        lock.packages.get_key_value(&path).map(|(path, package)| (path.clone(), (package.nar_hash, package.nar_size)))
    };
    let runtime = lock.runtimes.get(&system).map(|pinned| (pinned.path.clone(), (pinned.nar_hash, pinned.nar_size)));
    Ok(closure.into_iter().filter_map(entry).chain(runtime).collect())
}
