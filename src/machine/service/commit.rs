//! From a generation in the store to the live one.

use super::error::ServiceError;
use super::fetch::ROUNDS;
use super::wire::{Answer, Target};
use super::{Caller, Service};
use crate::boot::PlanUser;
use crate::home::manifest::Manifest;
use crate::machine::activation::read_manifest;
use crate::nix::{PathInfo, StorePath};

impl Service {
    /// Puts what a generation needs of the image on the volume: the next image may not have it.
    pub(super) fn keep(&self, generation: &StorePath) -> Result<Answer, ServiceError> {
        let _gate = self.gate.enter();
        let _held = self.without_nix_collector()?;
        let closure = self.volume.closure([generation.clone()]);
        if let Some(path) = closure.missing.into_iter().next() {
            return Err(ServiceError::Invalid(path));
        }
        self.keep_of_image(closure.present.keys()).map(|copied| Answer::Kept { copied })
    }

    /// Puts those of `paths` on the volume that the image has; says how many were not there yet.
    pub(super) fn keep_of_image<'a>(
        &self,
        paths: impl IntoIterator<Item = &'a StorePath>,
    ) -> Result<usize, ServiceError> {
        let image = self.volume.image();
        let of_image: Vec<&PathInfo> = paths.into_iter().filter_map(|path| image.get(path)).collect();
        let mut count = 0;
        for _ in 0..ROUNDS {
            let unregistered = |info: &&&PathInfo| self.volume.registered(&info.path).is_none();
            let wanted = of_image.iter().filter(unregistered).map(|info| info.path.clone()).collect();
            // Two who copy the same path at once would be in each other's way.
            let claimed = self.claims.claim(&wanted);
            let mine = of_image.iter().filter(|info| claimed.paths.contains(&info.path)).filter(unregistered);
            let mine: Vec<PathInfo> = mine.map(|&info| info.clone()).collect();
            self.volume.keep(&mine)?;
            count += mine.len();
            if wanted.len() == claimed.paths.len() {
                return Ok(count);
            }
        }
        Err(ServiceError::Busy)
    }

    /// Makes a generation the user's live one, with all that it needs on the volume.
    pub(super) fn commit(
        &self,
        caller: &Caller,
        generation: &StorePath,
        named: Option<&str>,
    ) -> Result<Answer, ServiceError> {
        let (name, user) = self.user(caller, named)?;
        self.check_generation(name, user, generation)?;
        self.keep(generation)?;
        let number = self.generations(name).add(generation).map_err(self.fault(name))?;
        self.forget(name)?;
        Ok(Answer::Live { number: Some(number), generation: generation.clone() })
    }

    /// Refuses a generation that is another's, or whose daemons would run as somebody else.
    fn check_generation(&self, name: &str, user: &PlanUser, path: &StorePath) -> Result<(), ServiceError> {
        let refused = |reason: String| ServiceError::Generation { path: path.clone(), user: name.to_owned(), reason };
        if path.name().strip_prefix("home-") != Some(name) {
            return Err(refused("it is called otherwise".to_owned()));
        }
        if !self.volume.is_valid(path) {
            return Err(ServiceError::Invalid(path.clone()));
        }
        let manifest = read_manifest(&self.volume.places().of(path))?;
        check_manifest(name, user, &manifest).map_err(refused)
    }

    /// Makes an earlier generation live, or the image's.
    pub(super) fn select(&self, caller: &Caller, target: Target) -> Result<Answer, ServiceError> {
        let (name, user) = self.user(caller, None)?;
        let generations = self.generations(name);
        let (all, current) = (generations.all(), generations.current());
        let none = |what: String| ServiceError::NoGeneration { user: name.to_owned(), what };
        let number = match target {
            Target::Image => None,
            Target::Number(number) if all.contains_key(&number) => Some(number),
            Target::Number(number) => return Err(none(number.to_string())),
            Target::Previous => {
                let current = current.ok_or_else(|| none("before the image's".to_owned()))?;
                all.range(..current).next_back().map(|(number, _)| *number)
            }
        };
        let generation = match number.and_then(|number| all.get(&number)) {
            Some(path) => {
                self.check_generation(name, user, path)?;
                path.clone()
            }
            None => image_generation(user)?,
        };
        generations.make_current(number).map_err(self.fault(name))?;
        Ok(Answer::Live { number, generation })
    }

    /// The caller's generations.
    pub(super) fn list(&self, caller: &Caller) -> Result<Answer, ServiceError> {
        let (name, user) = self.user(caller, None)?;
        let generations = self.generations(name);
        let image = image_generation(user)?;
        Ok(Answer::Generations { all: generations.all(), current: generations.current(), image })
    }

    fn fault(&self, user: &str) -> impl FnOnce(std::io::Error) -> ServiceError {
        ServiceError::io("write to", self.volume.places().layout.users().join(user))
    }
}

fn image_generation(user: &PlanUser) -> Result<StorePath, ServiceError> {
    user.generation.parse().map_err(|error: crate::nix::ParseStorePathError| ServiceError::Request(error.to_string()))
}

/// Whether a manifest is one that this user's home may have.
fn check_manifest(name: &str, user: &PlanUser, manifest: &Manifest) -> Result<(), String> {
    if manifest.user != name {
        return Err("it is of another user".to_owned());
    }
    for daemon in &manifest.daemons {
        if daemon.account != user.account {
            return Err(format!("its daemon `{}` would run as somebody else", daemon.name));
        }
        if !daemon.of_home || !daemon.secrets.is_empty() || !daemon.secret_files.is_empty() {
            return Err(format!("its daemon `{}` wants what only the system's have", daemon.name));
        }
    }
    Ok(())
}
