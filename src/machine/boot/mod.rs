//! From an image's plan to a machine that can start its processes: store and homes.
//!
//! [`prepare`] is the whole way. Each step does what it can; what it can't do without making the machine useless is told, and ends
//! nothing. Every path of the machine goes through a [`Ground`], so all of it runs below a folder, too.

mod activation;
mod copy;
mod error;
mod file_systems;
pub(super) mod folder;
pub(super) mod foreground;
mod generation;
mod ground;
mod homes;
mod host_key;
mod journal;
mod mount_table;
mod mounting;
mod nix_state;
mod persist;
mod place;
mod run;
mod secrets;
mod skeleton;
mod small;
mod store;
mod users;
mod volume;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Instant;

use crate::boot::{BootPlan, PLAN_PATH, PlanPath, RUN};

use super::plan::read_plan;
use super::prepared::{Foreground, Prepared, Warning};

pub use error::Error;
pub use ground::Ground;
pub use mounting::{Kernel, Mount, Mounting};
pub use volume::VolumeLock;

use journal::Journal;
use mount_table::MountTable;

/// What a machine is started with.
pub struct Start<'teller> {
    /// What stands after `boot --`: the entrypoint's command, nothing, or what runs in its place.
    pub arguments: Vec<OsString>,
    /// The container's variables.
    pub environment: Vec<(OsString, OsString)>,
    /// The user that this process runs as.
    pub uid: u32,
    /// Hears of each warning at once.
    pub teller: &'teller mut dyn FnMut(&Warning),
}

/// A machine that stands.
#[derive(Debug)]
pub struct Ready {
    /// Its store and homes.
    pub prepared: Prepared,
    /// What runs in the foreground; absent: the machine runs until it is told to stop.
    pub foreground: Option<Foreground>,
    /// To be held until everything has ended.
    pub lock: Option<VolumeLock>,
}

/// Makes a machine ready for its processes.
///
/// # Errors
/// What makes it useless: no plan, a volume that another machine holds, an entrypoint whose user has no home.
pub fn prepare(ground: &Ground, start: Start<'_>) -> Result<Ready, Error> {
    let started = Instant::now();
    let plan = read_plan(&ground.at(PLAN_PATH))?;
    let mut notes = Journal::new(start.teller);
    let foreground = foreground::choose(ground, &plan, &start.arguments, start.uid)?;
    let environment = variables(&plan, start.environment, &mut notes);
    let (environment, secrets) = secrets::part(&plan, environment);
    if start.uid != 0 {
        return Ok(foreground::alone(plan, foreground, environment, secrets, notes, started));
    }

    notes.step("file systems", |notes| file_systems::stand(ground, notes));
    let table = MountTable::of_this_process();
    notes.step("folders", |notes| file_systems::folders(ground, &folders(&plan), notes));
    let is_whole = foreground.as_ref().is_none_or(|foreground| foreground.daemons);
    let keeps = is_whole && !(plan.persist.is_empty() && plan.users.is_empty());
    let mut volume = notes.step("volume", |notes| {
        let decided = volume::plan(volume::look(ground, &table, &plan.volume), &plan.volume, keeps);
        volume::take(ground, decided, &plan.volume, notes)
    })?;
    // Of a machine that ended without a word; its successor is not to be taken for it.
    let _ = std::fs::remove_file(ground.at(RUN).join("store.sock"));
    let store = notes.step("store", |notes| store::stand(ground, &table, &volume, plan.nix.is_some(), notes));
    notes.step("nix", |notes| nix_state::stand(ground, &table, &volume, store, &plan, notes));
    notes.step("persist", |notes| persist::stand(ground, &table, &volume, &plan.persist, notes));
    let users = notes.step("homes", |notes| users::stand(ground, &table, &volume, &plan, notes))?;
    notes.step("ssh key", |notes| host_key::stand(ground, &volume, &plan, notes));
    notes.step("secrets", |notes| secrets::stand(ground, &table, &plan, &secrets, notes));
    if is_whole {
        // Of a command in the entrypoint's place nobody knows what it needs.
        secrets::tell(&plan, &secrets, &mut notes);
    }

    let Journal { steps, warnings, .. } = notes;
    let (image, layout, lock) = (plan.image.clone(), volume.layout.clone(), volume.lock.take());
    let writable = volume.writable;
    let prepared =
        Prepared { plan, layout, writable, store, users, environment, secrets, steps, warnings, started, image };
    Ok(Ready { prepared, foreground, lock })
}

/// The image's variables, over them the container's.
fn variables(
    plan: &BootPlan,
    container: Vec<(OsString, OsString)>,
    notes: &mut Journal<'_>,
) -> BTreeMap<String, String> {
    let mut variables = plan.environment.clone();
    for (name, value) in container {
        match (name.into_string(), value.into_string()) {
            (Ok(name), Ok(value)) => drop(variables.insert(name, value)),
            (name, _) => {
                let name = name.unwrap_or_else(|name| name.to_string_lossy().into_owned());
                notes.warn(format!("the variable {name} is not UTF-8, and left out"));
            }
        }
    }
    variables
}

/// Folders that the machine needs at every start: its own, those of everybody who runs something, those of packages.
fn folders(plan: &BootPlan) -> Vec<PlanPath> {
    let folder = |path: String, uid, gid, mode| PlanPath { path, uid, gid, mode };
    let declared = plan.users.values().map(|user| &user.account);
    let units = plan.entrypoint.iter().chain(&plan.daemons).map(|unit| &unit.account);
    let accounts: BTreeMap<u32, u32> = units.chain(declared).map(|account| (account.uid, account.gid)).collect();
    let runtime = accounts.into_iter().map(|(uid, gid)| folder(format!("/run/user/{uid}"), uid, gid, 0o700));
    let own = [folder(RUN.to_owned(), 0, 0, 0o755), folder("/run/user".to_owned(), 0, 0, 0o755)];
    own.into_iter().chain(runtime).chain(plan.folders.iter().cloned()).collect()
}

#[cfg(test)]
pub(super) mod tests;
