//! What Nix's own daemon installs, beside what the service does: both must know of the other's paths, and what either needs of the image
//! must outlive it.
//!
//! Nix refers to what is in the store, and does not know that the image's part of it goes with the image. So whenever the store
//! changes, what Nix's paths need of the image is put on the volume.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::Errno;

use super::Service;
use super::error::ServiceError;
use super::native::Nix;
use super::places::Way;
use super::registration::closed;
use crate::nix::{PathInfo, StorePath};

/// An installation makes many changes: they are looked at together.
const TOGETHER: Duration = Duration::from_secs(1);

/// Writes the roots of Nix's collector, and looks after the store in a thread of its own until the process ends. What does not go
/// well is told, and hinders nobody else.
pub(super) fn attend(service: &Arc<Service>) {
    let Some(nix) = Nix::of(&service.plan) else { return };
    let service = service.clone();
    let attending = std::thread::Builder::new().name("nix".to_owned()).spawn(move || {
        let roots = service.roots_for_nix().and_then(|roots| nix.write_roots(&roots));
        if let Err(error) = roots.and_then(|()| watch(&service, &nix)) {
            tracing::warn!("what Nix installs is not looked after: {}", told(&error));
        }
    });
    if let Err(error) = attending {
        tracing::warn!("what Nix installs is not looked after: {error}");
    }
}

/// An error with its causes.
fn told(error: &ServiceError) -> String {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Looks at once, and after every change of the store.
fn watch(service: &Service, nix: &Nix) -> Result<(), ServiceError> {
    let store = &service.volume.places().store;
    let fault = |error: Errno| ServiceError::io("watch", store)(error.into());
    let events = inotify::init(CreateFlags::CLOEXEC).map_err(fault)?;
    // Nix's lock beside a path goes once the path is registered: nothing is seen too early only.
    let changes = WatchFlags::CREATE | WatchFlags::DELETE | WatchFlags::MOVED_TO | WatchFlags::MOVED_FROM;
    inotify::add_watch(&events, store, changes | WatchFlags::ONLYDIR).map_err(fault)?;
    let mut buffer = [0; 8 << 10];
    loop {
        if let Err(error) = service.agree_with(nix) {
            tracing::warn!("what Nix installed is not whole without this image yet: {}", told(&error));
        }
        match rustix::io::read(&events, &mut buffer) {
            Ok(_) | Err(Errno::INTR) => std::thread::sleep(TOGETHER),
            Err(error) => return Err(fault(error)),
        }
    }
}

impl Service {
    /// Nix learns what the service registered, the service what Nix removed, and the volume gets what Nix's paths need of the image.
    fn agree_with(&self, nix: &Nix) -> Result<(), ServiceError> {
        let _gate = self.gate.enter();
        let _held = nix.hold()?;
        let valid = nix.valid()?;
        let mut unknown = BTreeMap::new();
        for path in self.volume.all_registered()? {
            match self.volume.registered(&path) {
                None => drop(self.volume.remove(&path)?),
                Some(info) if !valid.contains_key(&path) => drop(unknown.insert(path, info)),
                Some(_) => {}
            }
        }
        closed(&mut unknown, &valid);
        if !unknown.is_empty() {
            nix.load_db(&unknown.into_values().collect::<Vec<_>>())?;
        }
        if self.volume.places().way == Way::Overlay {
            let copied = self.keep_of_image(&needed_of_image(&valid, self.volume.image()))?;
            tracing::debug!("{copied} paths of the image are needed by what Nix installed");
        }
        Ok(())
    }

    /// Takes what Nix has of `paths`, with all that they need: it is there, signed for Nix or made by its daemon.
    pub(super) fn adopt_from_nix(&self, paths: &[StorePath]) -> Result<(), ServiceError> {
        let (Some(nix), Way::Overlay) = (Nix::of(&self.plan), self.volume.places().way) else { return Ok(()) };
        let mut missing = self.volume.closure(paths.iter().cloned()).missing;
        if missing.is_empty() {
            return Ok(());
        }
        let valid = nix.valid()?;
        let mut found = BTreeMap::new();
        while let Some(path) = missing.pop_first() {
            let is_there = || fs::symlink_metadata(self.volume.places().of(&path)).is_ok();
            if let Some(info) = valid.get(&path).filter(|_| !self.volume.is_valid(&path) && is_there()) {
                missing.extend(info.references.iter().filter(|path| !found.contains_key(*path)).cloned());
                found.insert(path, info.clone());
            }
        }
        let found: Vec<PathInfo> = found.into_values().collect();
        nix.root(found.iter().map(|info| &info.path))?;
        self.volume.register(&found)
    }
}

/// What `valid` paths that are not the image's need of the image, and what that needs.
fn needed_of_image(
    valid: &BTreeMap<StorePath, PathInfo>,
    image: &BTreeMap<StorePath, PathInfo>,
) -> BTreeSet<StorePath> {
    let own = valid.iter().filter(|(path, _)| !image.contains_key(*path));
    let mut waiting: Vec<&StorePath> = own.flat_map(|(_, info)| &info.references).collect();
    let mut needed = BTreeSet::new();
    while let Some(path) = waiting.pop() {
        if let Some(info) = image.get(path)
            && needed.insert(path.clone())
        {
            waiting.extend(&info.references);
        }
    }
    needed
}
