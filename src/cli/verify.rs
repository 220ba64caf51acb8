//! `dumbc verify`: derives every digest of an image anew.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::Serialize;

use crate::channel::Lock;
use crate::config::System;
use crate::failure::Class;
use crate::image::check::{self, CheckedImage, Expected};

use super::context::Context;
use super::failure::Failure;
use super::figures::counted;

/// Check an image file or OCI folder: every digest anew, and with a lock every package
///
/// With a lock, the NAR of every store path is made again from the layers and its hash compared with what its cache signed; that of the
/// runtime, with what is pinned.
/// Exits with 10 where anything differs.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    dumbc verify lazycoder.tar.gz\n  \
    dumbc verify lazycoder.tar.gz --lock dumbc.lock")]
pub(super) struct Args {
    /// An archive, gzipped or not, or the folder of an OCI layout
    image: PathBuf,

    /// Compare store paths with what this lock says
    #[arg(long, value_name = "FILE")]
    lock: Option<PathBuf>,
}

#[derive(Serialize)]
struct Document {
    version: u32,
    images: Vec<CheckedImage>,
    files: usize,
    layers: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    store_paths: Option<StorePaths>,
    faults: Vec<String>,
}

#[derive(Serialize, Default, Clone, Copy)]
struct StorePaths {
    as_locked: usize,
    not_in_the_lock: usize,
}

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let name = args.image.display();
    let blobs =
        check::read(&args.image).map_err(|error| anyhow::Error::from(error).context(format!("can't read {name}")))?;
    let mut report = check::check(&blobs);
    let mut store_paths = None;
    if let Some(path) = &args.lock {
        let Some(lock) = Lock::read(path)? else {
            return Err(Failure::new(Class::Usage, format!("there is no file {}", path.display())).into());
        };
        let mut sums = StorePaths::default();
        for image in &report.images {
            let expected = expected(&lock, image, &mut report.faults)?;
            let (good, more) = check::check_store_paths(&blobs, image, &expected, &mut report.faults);
            sums = StorePaths { as_locked: good, not_in_the_lock: more };
        }
        store_paths = Some(sums);
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
    let document = Document { version: 1, images, files, layers, store_paths, faults };
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
    if report.faults.is_empty() {
        return Ok(());
    }
    let shown = report.faults.iter().take(20).map(|fault| format!("\n  {fault}")).collect::<Vec<_>>().concat();
    let faults = counted(report.faults.len(), "fault");
    let failure = Failure::new(Class::Differs, format!("{faults} in {name}:{shown}"));
    Err(failure.findings(serde_json::to_value(&document)?).into())
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
