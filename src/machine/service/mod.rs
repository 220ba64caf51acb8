//! The store service: what changes the machine's store, for users who may not.
//!
//! It believes nobody. What comes from caches is held to the signatures of the plan's keys; what comes from a user is a link tree
//! whose store path is computed here; who asks is what the kernel says. It never opens a path that a user names.

mod add;
mod client;
mod collect;
mod commit;
mod error;
mod fetch;
mod guard;
mod native;
mod places;
mod registration;
mod server;
mod unpack;
mod volume;
pub mod wire;

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::{Arc, OnceLock};

use crate::boot::{BootPlan, PlanUser};
use crate::cache::{DecoderBudget, Http, HttpSettings};
use crate::nix::{PathInfo, StorePath};

pub use client::{Client, ClientError};
pub use error::ServiceError;
pub use places::{Places, Way};
pub use registration::{load_db_text, parse_registration, read_registration, registered, registered_text};
pub use server::serve;
pub use unpack::discard;
pub use volume::{Closure, TEMPORARY, Volume};

use crate::machine::generations::Generations;
use guard::{Claims, Connections, Gate};

/// Unpacks what a user could send, for a look at it.
pub fn unpack_sent(nar: impl std::io::Read, target: &std::path::Path) -> Result<(), crate::nix::nar::NarError> {
    unpack::unpack(nar, target, unpack::Limits::SENT)
}

/// The service's state.
pub struct Service {
    plan: BootPlan,
    volume: Volume,
    connections: Connections,
    claims: Claims,
    gate: Gate,
    http: OnceLock<Arc<Http>>,
    budget: Arc<DecoderBudget>,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// User 0.
    Root,
    /// A user of the plan, by name.
    User(String),
}

impl Service {
    /// For the machine of `plan`.
    pub fn new(plan: BootPlan, places: Places) -> Result<Self, ServiceError> {
        Ok(Self {
            plan,
            volume: Volume::open(places)?,
            connections: Connections::default(),
            claims: Claims::default(),
            gate: Gate::default(),
            http: OnceLock::new(),
            budget: Arc::default(),
        })
    }

    /// The store.
    #[must_use]
    pub fn volume(&self) -> &Volume {
        &self.volume
    }

    /// Who has this number.
    pub fn caller(&self, uid: u32) -> Result<Caller, ServiceError> {
        if uid == 0 {
            return Ok(Caller::Root);
        }
        let found = self.plan.users.iter().find(|(_, user)| user.account.uid == uid);
        found.map(|(name, _)| Caller::User(name.clone())).ok_or(ServiceError::Stranger(uid))
    }

    /// Whose home a request is about: the caller's, or for root the named one's.
    fn user<'a>(&'a self, caller: &'a Caller, named: Option<&'a str>) -> Result<(&'a str, &'a PlanUser), ServiceError> {
        let name = match (caller, named) {
            (Caller::User(own), None) => own,
            (Caller::User(own), Some(named)) if own == named => own,
            (Caller::User(_), Some(_)) => return Err(ServiceError::NotRoot),
            (Caller::Root, Some(named)) => named,
            (Caller::Root, None) => {
                return Err(ServiceError::Request("root has no home of this kind: name a user".to_owned()));
            }
        };
        let user = self.plan.users.get_key_value(name).ok_or_else(|| ServiceError::NoUser(name.to_owned()))?;
        Ok((user.0, user.1))
    }

    fn generations(&self, user: &str) -> Generations {
        Generations::of(&self.volume.places().layout, user)
    }

    fn http(&self) -> Arc<Http> {
        self.http.get_or_init(|| Arc::new(Http::new(HttpSettings::from_environment(false)))).clone()
    }

    /// Remembers what came for a generation that is still to be, so that it is not collected, and counts.
    fn remember(&self, user: &str, paths: &[StorePath]) -> Result<(), ServiceError> {
        let folder = self.volume.places().layout.pending(user);
        fs::create_dir_all(&folder).map_err(ServiceError::io("make", &folder))?;
        for path in paths {
            match symlink(path.to_string(), folder.join(path.base_name())) {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                linked => linked.map_err(ServiceError::io("write to", &folder))?,
            }
        }
        Ok(())
    }

    fn pending(&self, user: &str) -> Vec<StorePath> {
        let entries = fs::read_dir(self.volume.places().layout.pending(user)).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        names.filter_map(|name| StorePath::from_base_name(&name).ok()).collect()
    }

    fn forget(&self, user: &str) -> Result<(), ServiceError> {
        let folder = self.volume.places().layout.pending(user);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            removed => removed.map_err(ServiceError::io("remove", folder)),
        }
    }

    /// Refuses what would give the user more than `store-limit`: the closures of all own generations, of what came for the next
    /// one, and of `more`, beyond what the image has.
    fn check_quota(&self, user: &str, more: &[PathInfo]) -> Result<(), ServiceError> {
        let Some(limit) = self.plan.store_limit else { return Ok(()) };
        let roots = self.generations(user).all().into_values().chain(self.pending(user));
        // What is there and is needed by what comes counts as well.
        let needed = more.iter().flat_map(|info| info.references.iter().cloned());
        let mut all = self.volume.closure(roots.chain(needed)).present;
        all.extend(more.iter().map(|info| (info.path.clone(), info.clone())));
        let own = all.values().filter(|info| !self.volume.image().contains_key(&info.path));
        let wanted = own.fold(0_u64, |sum, info| sum.saturating_add(info.nar_size));
        if wanted > limit { Err(ServiceError::Quota { user: user.to_owned(), wanted, limit }) } else { Ok(()) }
    }

    /// Makes installed paths valid, for Nix too where that runs.
    fn register(&self, infos: &[PathInfo]) -> Result<(), ServiceError> {
        self.volume.register(infos)?;
        match &self.plan.nix {
            Some(package) if !infos.is_empty() => native::load_db(package, infos),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
pub(in crate::machine) mod tests;
