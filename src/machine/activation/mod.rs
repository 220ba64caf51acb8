//! Carries out what [`crate::home::activation`] plans: as the home's user, and below the home only.
//!
//! Which links are ours is kept in the home itself (`~/.local/state/dumbc/links.json`), since an earlier image's generation may
//! be gone by now. It is written before the first link and after the last, so that whoever is interrupted finds all of them again.

mod beneath;
mod error;

use std::collections::BTreeSet;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::FileType;
use serde::{Deserialize, Serialize};

use crate::home::activation::{MAX_FILES, Mode, Options, Skipped, Standing, Standings, Step, is_target, plan};
use crate::home::manifest::{FILES, LIVE, MANIFEST, Manifest};
use beneath::{Beneath, is, kind};
pub use error::ActivationError;

/// Below the home: paths of all links that generations made.
const LINKS: &str = ".local/state/dumbc/links.json";

/// Most bytes of that file, and of a manifest.
const MAX_TEXT: u64 = 32 << 20;

/// What an activation did. As JSON: `{"version":1,"linked":[…],"replaced":[…],"removed":[…],"skipped":[{"path","reason"}]}`, with
/// paths below the home, each list in the order of the deeds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// 1
    pub version: u32,
    /// New links.
    pub linked: Vec<String>,
    /// Files that gave way to a link, or were renamed for one.
    pub replaced: Vec<String>,
    /// Links that nothing needs any more.
    pub removed: Vec<String>,
    /// Files of the generation that are not linked.
    pub skipped: Vec<Skipped>,
}

#[derive(Default, Serialize, Deserialize)]
struct Links {
    version: u32,
    files: BTreeSet<String>,
}

/// What to activate, and how.
#[derive(Debug, Clone)]
pub struct Activation {
    /// The home's folder, absolute.
    pub home: PathBuf,
    /// The generation, absolute.
    pub generation: PathBuf,
    /// What becomes of own files.
    pub mode: Mode,
    /// Own files give way.
    pub force: bool,
    /// Only says what would be done.
    pub dry_run: bool,
}

/// What every version of a manifest has.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

/// Reads the manifest of the generation at `generation`.
pub fn read_manifest(generation: &Path) -> Result<Manifest, ActivationError> {
    let path = generation.join(MANIFEST);
    let fault = |source| ActivationError::Manifest { path: path.clone(), source };
    let mut text = Vec::new();
    let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::CLOEXEC | rustix::fs::OFlags::NOFOLLOW;
    let opened = rustix::fs::open(&path, flags, rustix::fs::Mode::empty()).map_err(|error| fault(error.into()))?;
    std::fs::File::from(opened).take(MAX_TEXT + 1).read_to_end(&mut text).map_err(fault)?;
    if text.len() as u64 > MAX_TEXT {
        return Err(fault(std::io::ErrorKind::FileTooLarge.into()));
    }
    let Version { version } = serde_json::from_slice(&text).map_err(|error| fault(error.into()))?;
    if version > Manifest::VERSION {
        return Err(ActivationError::Newer { path, version });
    }
    serde_json::from_slice(&text).map_err(|error| fault(error.into()))
}

/// Brings the home to the generation. Doing it again does nothing; whoever was interrupted does the rest.
pub fn activate(activation: &Activation) -> Result<Report, ActivationError> {
    let manifest = read_manifest(&activation.generation)?;
    let fault = |action: &'static str, path: &str| {
        let path = activation.home.join(path);
        move |source| ActivationError::Home { action, path, source }
    };
    let home = Beneath::open(&activation.home).map_err(fault("open", ""))?;
    let known = read_links(&home);
    let disk = Disk { home: &home, generation: &activation.generation };
    let options = Options {
        mode: activation.mode,
        force: activation.force,
        backup_extension: None,
        switch: home.target(LIVE).is_none_or(|live| !is(&live, &activation.generation)),
    };
    let planned = plan(&known, &manifest, &disk, &options)?;
    let mut report = Report { version: 1, skipped: planned.skipped, ..Report::default() };
    if !activation.dry_run {
        let folder = LINKS.rsplit_once('/').map_or("", |(folder, _)| folder);
        home.make_folders(folder).map_err(fault("make", folder))?;
        let all: BTreeSet<String> = known.iter().chain(manifest.files.keys()).cloned().collect();
        write_links(&home, &all).map_err(fault("write", LINKS))?;
    }
    for step in &planned.steps {
        tracing::debug!("{}: {step:?}", activation.home.display());
        if !activation.dry_run {
            carry_out(&home, step, &activation.generation).map_err(fault("change", place(step)))?;
        }
        note(&mut report, step);
    }
    if !activation.dry_run {
        let skipped: BTreeSet<&String> = report.skipped.iter().map(|skipped| &skipped.path).collect();
        let ours = manifest.files.keys().filter(|path| !skipped.contains(path)).cloned().collect();
        write_links(&home, &ours).map_err(fault("write", LINKS))?;
    }
    Ok(report)
}

/// Where a step takes place.
fn place(step: &Step) -> &str {
    match step {
        Step::Switch => LIVE,
        Step::MakeFolder(path)
        | Step::Link(path)
        | Step::Backup { path, .. }
        | Step::Replace(path)
        | Step::Remove(path)
        | Step::RemoveFolder(path) => path,
    }
}

fn note(report: &mut Report, step: &Step) {
    match step {
        Step::Link(path) => report.linked.push(path.clone()),
        Step::Replace(path) | Step::Backup { path, .. } => report.replaced.push(path.clone()),
        Step::Remove(path) => report.removed.push(path.clone()),
        Step::MakeFolder(_) | Step::RemoveFolder(_) | Step::Switch => {}
    }
}

fn carry_out(home: &Beneath, step: &Step, generation: &Path) -> std::io::Result<()> {
    match step {
        Step::MakeFolder(path) => home.make_folder(path),
        Step::Link(path) => home.link_new(path, &target(home, path)),
        Step::Switch => {
            home.link(LIVE, generation)?;
            home.sync(LIVE.rsplit_once('/').map_or("", |(folder, _)| folder))
        }
        Step::Backup { path, to } => home.rename_new(path, to),
        Step::Replace(path) => home.link(path, &target(home, path)),
        Step::Remove(path) => match home.target(path) {
            Some(found) if is(&found, &target(home, path)) => home.remove_file(path),
            _ => Ok(()),
        },
        Step::RemoveFolder(path) => home.remove_folder(path),
    }
}

/// Where the home's link at `path` leads.
fn target(home: &Beneath, path: &str) -> PathBuf {
    home.path().join(LIVE).join(FILES).join(path)
}

/// The home as it is on disk.
struct Disk<'a> {
    home: &'a Beneath,
    generation: &'a Path,
}

impl Standings for Disk<'_> {
    fn at(&self, path: &str) -> Standing {
        match self.home.stat(path) {
            // Below a file, or below a link that leads out, nothing stands; the folder is looked at before.
            Ok(None) | Err(_) => Standing::Absent,
            Ok(Some(stat)) => match kind(&stat) {
                FileType::Directory => Standing::Directory,
                FileType::Symlink => self.link(path),
                FileType::RegularFile => Standing::File { same_content: self.is_same(path).unwrap_or(false) },
                _ => Standing::File { same_content: false },
            },
        }
    }

    fn names(&self, folder: &str) -> Vec<String> {
        // What can't be read is not known to be empty.
        self.home.names(folder).unwrap_or_else(|_| vec!["\u{fffd}".to_owned()])
    }
}

impl Disk<'_> {
    fn link(&self, path: &str) -> Standing {
        match self.home.target(path) {
            Some(found) if is(&found, &target(self.home, path)) => Standing::OurLink,
            _ if self.home.folder(path).is_ok() => Standing::FolderLink,
            _ => Standing::OtherLink,
        }
    }

    /// Whether the file has the content and the executable bit of the generation's.
    fn is_same(&self, path: &str) -> std::io::Result<bool> {
        let (mut own, new) = (self.home.file(path)?, self.generation.join(FILES).join(path));
        let (metadata, other) = (own.metadata()?, std::fs::metadata(&new)?);
        let executable = |metadata: &std::fs::Metadata| metadata.permissions().mode() & 0o100 != 0;
        if !other.is_file() || metadata.len() != other.len() || executable(&metadata) != executable(&other) {
            return Ok(false);
        }
        let mut new = std::fs::File::open(new)?;
        let (mut one, mut two) = (vec![0; 1 << 16], vec![0; 1 << 16]);
        loop {
            let count = own.read(&mut one)?;
            if count == 0 {
                return Ok(true);
            }
            new.read_exact(&mut two[..count])?;
            if one[..count] != two[..count] {
                return Ok(false);
            }
        }
    }
}

/// The links that are known to be ours; what is damaged is as good as nothing.
fn read_links(home: &Beneath) -> BTreeSet<String> {
    let read = || -> std::io::Result<Links> {
        let mut text = Vec::new();
        home.file(LINKS)?.take(MAX_TEXT).read_to_end(&mut text)?;
        Ok(serde_json::from_slice(&text)?)
    };
    let files = read().unwrap_or_default().files;
    files.into_iter().filter(|path| is_target(path).is_ok()).take(MAX_FILES).collect()
}

fn write_links(home: &Beneath, files: &BTreeSet<String>) -> std::io::Result<()> {
    let unchanged = read_links(home) == *files && home.stat(LINKS)?.is_some();
    if unchanged {
        return Ok(());
    }
    let links = Links { version: 1, files: files.clone() };
    home.write(LINKS, &serde_json::to_vec(&links)?)
}

#[cfg(test)]
mod tests;
