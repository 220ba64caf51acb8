//! What runs in the foreground, and as whom.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Instant;

use crate::boot::{BootPlan, Layout, PlanAccount};
use crate::machine::prepared::{Foreground, HomeState, Prepared, Secrets, StoreWay};

use super::Ready;
use super::error::Error;
use super::ground::Ground;
use super::journal::Journal;
use super::small;

/// The entrypoint, where the arguments are its command or there are none: the whole machine. Other arguments run in its place, and
/// alone. `None`: the machine runs until it is told to stop.
pub(super) fn choose(
    ground: &Ground,
    plan: &BootPlan,
    arguments: &[OsString],
    uid: u32,
) -> Result<Option<Foreground>, Error> {
    let arguments = arguments.iter().map(|argument| match argument.to_str() {
        Some(text) => Ok(text.to_owned()),
        None => Err(Error::Argument { argument: argument.clone() }),
    });
    let arguments = arguments.collect::<Result<Vec<_>, _>>()?;
    let declared = plan.entrypoint.as_ref();
    let is_whole = arguments.is_empty() || declared.is_some_and(|entrypoint| entrypoint.command == arguments);
    let command = match declared {
        Some(entrypoint) if is_whole => entrypoint.command.clone(),
        None if is_whole && uid == 0 => return Ok(None),
        None if is_whole => return Err(Error::NotRoot { uid }),
        _ => arguments,
    };
    let account = match declared {
        _ if uid != 0 => itself(plan, uid),
        Some(entrypoint) => entrypoint.account.clone(),
        None => root(ground),
    };
    Ok(Some(Foreground { command, account, daemons: is_whole && uid == 0 }))
}

/// root, with what the image says of it.
pub(in crate::machine) fn root(ground: &Ground) -> PlanAccount {
    let passwd = small::read(&ground.at("/etc/passwd"), 4 << 20).unwrap_or_default();
    let passwd = String::from_utf8_lossy(&passwd);
    let fields = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let declared = fields.into_iter().find_map(|fields| match fields.as_slice() {
        ["root", _, "0", _, _, home, shell] => Some(((*home).to_owned(), (*shell).to_owned())),
        _ => None,
    });
    let root = PlanAccount::root();
    declared.map_or_else(|| root.clone(), |(home, shell)| PlanAccount { home, shell, ..root.clone() })
}

/// The user that this process runs as: a declared one, or a number.
fn itself(plan: &BootPlan, uid: u32) -> PlanAccount {
    let declared = plan.users.values().map(|user| &user.account).find(|account| account.uid == uid);
    declared.cloned().unwrap_or_else(|| PlanAccount {
        name: uid.to_string(),
        uid,
        gid: rustix::process::getegid().as_raw(),
        groups: Vec::new(),
        home: "/".to_owned(),
        shell: "/bin/sh".to_owned(),
    })
}

/// Who is no root can put neither store nor homes in their places: the command runs by itself.
pub(super) fn alone(
    plan: BootPlan,
    foreground: Option<Foreground>,
    environment: BTreeMap<String, String>,
    secrets: Secrets,
    mut notes: Journal<'_>,
    started: Instant,
) -> Ready {
    notes.advise(
        "started as another user than root: no homes, no daemons, no packages of the volume",
        "start it without `docker run -u`: what runs gets its user from system.toml",
    );
    let reason = "the machine was not started as root".to_owned();
    let left_out = HomeState { left_out: Some(reason), ..HomeState::default() };
    let users = plan.users.keys().map(|name| (name.clone(), left_out.clone())).collect();
    let Journal { steps, warnings, .. } = notes;
    let (image, layout, store) = (plan.image.clone(), Layout::new(&plan.volume), StoreWay::Links);
    let prepared =
        Prepared { plan, layout, writable: false, store, users, environment, secrets, steps, warnings, started, image };
    Ready { prepared, foreground, lock: None }
}
