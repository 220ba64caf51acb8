//! The store as it is: what the image has, and what the volume has registered.
//!
//! A path of the volume is written under a temporary name, renamed, synced, and only then registered. What is not registered is
//! removed when the machine starts, so whoever is killed in between leaves nothing half-done.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use tempfile::TempDir;

use super::error::ServiceError;
use super::places::{Places, Way};
use super::registration::{read_registration, registered, registered_text};
use super::unpack::{copy, discard, seal, set_times};
use crate::nix::{PathInfo, StorePath};

/// What begins the name of everything that is being prepared or removed.
pub const TEMPORARY: &str = ".dumbc-";

/// The store of a machine.
pub struct Volume {
    places: Places,
    image: BTreeMap<StorePath, PathInfo>,
}

/// Some store paths and all that they need.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Closure {
    /// What is there.
    pub present: BTreeMap<StorePath, PathInfo>,
    /// What is not.
    pub missing: BTreeSet<StorePath>,
}

impl Volume {
    /// Reads what the image has, and makes the folders that are missing.
    pub fn open(places: Places) -> Result<Self, ServiceError> {
        let image = read_registration(&places.registration)?;
        for folder in [places.layout.registered(), places.layout.store(), places.layout.users()] {
            fs::create_dir_all(&folder).map_err(ServiceError::io("make", folder))?;
        }
        Ok(Self { places, image })
    }

    /// Where it lies.
    #[must_use]
    pub fn places(&self) -> &Places {
        &self.places
    }

    /// What the image has.
    #[must_use]
    pub fn image(&self) -> &BTreeMap<StorePath, PathInfo> {
        &self.image
    }

    /// What is known of a path that is there.
    #[must_use]
    pub fn info(&self, path: &StorePath) -> Option<PathInfo> {
        self.image.get(path).cloned().or_else(|| self.registered(path))
    }

    /// Whether a path is there.
    #[must_use]
    pub fn is_valid(&self, path: &StorePath) -> bool {
        self.info(path).is_some()
    }

    /// What is registered of a path on the volume. What is there no more, as Nix's own collector took it, counts as not registered.
    #[must_use]
    pub fn registered(&self, path: &StorePath) -> Option<PathInfo> {
        let info = registered(&self.places.layout.registered(), path)?;
        fs::symlink_metadata(self.places.of(path)).is_ok().then_some(info)
    }

    /// All paths that are registered on the volume.
    pub fn all_registered(&self) -> Result<BTreeSet<StorePath>, ServiceError> {
        let folder = self.places.layout.registered();
        let entries = fs::read_dir(&folder).map_err(ServiceError::io("read", &folder))?;
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        Ok(names.filter_map(|name| StorePath::from_base_name(&name).ok()).collect())
    }

    /// `roots` and all that they need, as far as it is there.
    #[must_use]
    pub fn closure(&self, roots: impl IntoIterator<Item = StorePath>) -> Closure {
        let mut closure = Closure::default();
        let mut waiting: Vec<StorePath> = roots.into_iter().collect();
        while let Some(path) = waiting.pop() {
            if closure.present.contains_key(&path) || closure.missing.contains(&path) {
                continue;
            }
            match self.info(&path) {
                Some(info) => {
                    waiting.extend(info.references.iter().cloned());
                    closure.present.insert(path, info);
                }
                None => drop(closure.missing.insert(path)),
            }
        }
        closure
    }

    /// A folder to prepare a store path in, which nobody else can look into.
    pub fn staging(&self) -> Result<TempDir, ServiceError> {
        let folder = self.places.staging();
        tempfile::Builder::new().prefix(TEMPORARY).tempdir_in(&folder).map_err(ServiceError::io("write to", folder))
    }

    /// Gives what was prepared its name. It is not valid yet: [`Volume::register`] makes it so.
    pub fn install(&self, prepared: &Path, path: &StorePath) -> Result<(), ServiceError> {
        let target = self.places.written(path);
        let fault = |action| ServiceError::io(action, &target);
        // What an interrupted service left; a valid path never comes here.
        discard(&target).map_err(fault("remove"))?;
        fs::rename(prepared, &target).map_err(fault("make"))?;
        seal(&target).map_err(fault("finish"))
    }

    /// Makes paths valid that are installed, and lasting: their content is synced before they are named.
    pub fn register(&self, infos: &[PathInfo]) -> Result<(), ServiceError> {
        if infos.is_empty() {
            return Ok(());
        }
        if self.places.way == Way::Links {
            infos.iter().try_for_each(|info| self.link(&info.path))?;
        }
        let (state, folder) = (self.places.layout.state(), self.places.layout.registered());
        let fault = || ServiceError::io("write to", &state);
        let mut files = Vec::new();
        for info in infos {
            let mut file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(&state).map_err(fault())?;
            file.write_all(registered_text(info).as_bytes()).map_err(fault())?;
            files.push((file.into_temp_path(), folder.join(info.path.base_name())));
        }
        self.sync()?;
        for (file, target) in files {
            file.persist(&target).map_err(|error| ServiceError::io("write", &target)(error.error))?;
        }
        sync_folder(&folder)
    }

    /// Links all that is registered and has no link yet: boot waits only for what homes need.
    pub fn link_rest(&self) -> Result<(), ServiceError> {
        if self.places.way != Way::Links {
            return Ok(());
        }
        for path in self.all_registered()? {
            let (place, target) = (self.places.of(&path), self.places.written(&path));
            if place != target && fs::symlink_metadata(&place).is_err() {
                std::os::unix::fs::symlink(target, &place).map_err(ServiceError::io("make", place))?;
            }
        }
        Ok(())
    }

    /// The link through which a path of the volume is in `/nix/store`, unless the image has the path itself.
    fn link(&self, path: &StorePath) -> Result<(), ServiceError> {
        let (place, target) = (self.places.of(path), self.places.written(path));
        if place == target || fs::symlink_metadata(&place).is_ok_and(|metadata| !metadata.is_symlink()) {
            return Ok(());
        }
        let temporary = self.places.store.join(format!("{TEMPORARY}{}", path.base_name()));
        discard(&temporary).map_err(ServiceError::io("remove", &temporary))?;
        std::os::unix::fs::symlink(target, &temporary).map_err(ServiceError::io("make", &temporary))?;
        fs::rename(&temporary, &place).map_err(ServiceError::io("make", place))
    }

    /// Everything that was written to the volume outlives a loss of power.
    pub fn sync(&self) -> Result<(), ServiceError> {
        let state = self.places.layout.state();
        let folder = fs::File::open(&state).map_err(ServiceError::io("open", &state))?;
        rustix::fs::syncfs(&folder).map_err(|error| ServiceError::io("sync", &state)(error.into()))
    }

    /// Copies paths of the image to the volume, so that the next image may do without them, and registers them.
    pub fn keep(&self, paths: &[PathInfo]) -> Result<(), ServiceError> {
        for info in paths {
            match self.places.way {
                Way::Overlay => copy_up(&self.places.of(&info.path))?,
                Way::Links => {
                    let staging = self.staging()?;
                    let prepared = staging.path().join("x");
                    let source = self.places.of(&info.path);
                    copy(&source, &prepared).map_err(ServiceError::io("copy", source))?;
                    self.install(&prepared, &info.path)?;
                }
            }
        }
        self.register(paths)
    }

    /// Removes a path that nothing needs. One of the image stays, on the volume too: a mark in the overlay would hide it for ever.
    pub fn remove(&self, path: &StorePath) -> Result<bool, ServiceError> {
        if self.image.contains_key(path) {
            return Ok(false);
        }
        let folder = self.places.layout.registered();
        remove_file(&folder.join(path.base_name()))?;
        sync_folder(&folder)?;
        let (place, written) = (self.places.of(path), self.places.written(path));
        if place != written && fs::symlink_metadata(&place).is_ok_and(|metadata| metadata.is_symlink()) {
            remove_file(&place)?;
        }
        let trash = self.places.staging().join(format!("{TEMPORARY}{}", path.base_name()));
        match fs::rename(&written, &trash) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
            renamed => renamed.map_err(ServiceError::io("rename", &written))?,
        }
        discard(&trash).map_err(ServiceError::io("remove", trash))?;
        Ok(true)
    }
}

/// Setting the time that they have already makes the overlay copy files to its upper, whole: it is mounted without `metacopy`.
///
/// To open them for writing would do the same, and fail for programs that run.
fn copy_up(path: &Path) -> Result<(), ServiceError> {
    for entry in walkdir::WalkDir::new(path).contents_first(true) {
        let entry = entry.map_err(|error| ServiceError::io("read", path)(error.into()))?;
        set_times(entry.path()).map_err(ServiceError::io("copy", entry.path()))?;
    }
    Ok(())
}

/// Removes a file; one that is not there is fine.
pub(super) fn remove_file(path: &Path) -> Result<(), ServiceError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(ServiceError::io("remove", path)),
    }
}

/// Names in a folder outlive a loss of power.
pub(super) fn sync_folder(folder: &Path) -> Result<(), ServiceError> {
    fs::File::open(folder).and_then(|opened| opened.sync_all()).map_err(ServiceError::io("sync", folder))
}
