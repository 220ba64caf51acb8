//! Step 2: homes, each on the volume and in its place.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::FileType;

use crate::boot::{BootPlan, PlanAccount};

use super::folder::{self, Owner};
use super::ground::Ground;
use super::journal::Journal;
use super::mount_table::MountTable;
use super::place::{self, Shown};
use super::skeleton;
use super::volume::Volume;

/// Why a user's units don't run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LeftOut {
    /// What happened.
    pub(super) reason: String,
    /// What to do about it.
    pub(super) help: String,
}

/// A home that stands.
#[derive(Debug)]
pub(super) struct Standing {
    /// The home on the volume. Absent: it is the container's own.
    pub(super) kept: Option<OwnedFd>,
    /// What the image has in the home, where it's hidden now and not copied yet.
    pub(super) image: Option<OwnedFd>,
}

/// Puts a user's home in its place.
pub(super) fn stand(
    ground: &Ground,
    table: &MountTable,
    volume: &Volume,
    account: &PlanAccount,
    journal: &mut Journal<'_>,
) -> Result<Standing, LeftOut> {
    let target = Path::new(&account.home);
    if target.parent().is_none() || volume.layout.volume().starts_with(target) {
        let reason = format!("{}'s home {} holds the volume or the whole machine", account.name, account.home);
        return Err(LeftOut { reason, help: "give the user another `home` in users.toml".to_owned() });
    }
    let kept = match keep(ground, volume, account)? {
        Ok(kept) => kept,
        Err(error) => return Ok(in_the_image(ground, account, &format!("can't be on the volume ({error})"), journal)),
    };
    let source = volume.layout.home(&account.name);
    let standing = |image| Ok(Standing { kept: Some(kept), image });
    if source == target {
        return standing(None);
    }
    let image = ground.at(target);
    let before = folder::open(&image).ok();
    let shown = place::bind(ground, table, &source, target).and_then(|shown| match shown {
        Shown::LinkNeeded => {
            let stashed = skeleton::stash(ground, volume, account)?;
            place::link(ground, &source, target).map(|()| (Shown::Yes, stashed))
        }
        shown => Ok((shown, before)),
    });
    match shown {
        Ok((Shown::Yes, image)) => standing(image),
        Ok((Shown::Others, _)) => Ok(Standing { kept: None, image: None }),
        Ok(_) => Ok(in_the_image(ground, account, "stays in the container: something is mounted below it", journal)),
        Err(error) => Ok(in_the_image(ground, account, &format!("can't show the volume's ({error})"), journal)),
    }
}

/// Opens the user's home on the volume, which is made if it is missing. The inner error: the home stays in the container.
fn keep(ground: &Ground, volume: &Volume, account: &PlanAccount) -> Result<io::Result<OwnedFd>, LeftOut> {
    let owner = Owner { uid: account.uid, gid: account.gid };
    let name = Path::new(&account.name);
    let open = || {
        let homes = folder::open(&ground.at(volume.layout.volume().join("homes")));
        let homes = homes.map_err(|error| volume.explained(error))?;
        if volume.writable {
            folder::make_in(&homes, name.as_os_str(), owner, 0o700)?;
        }
        let stat = folder::look(&homes, name.as_os_str())?.ok_or(io::ErrorKind::ReadOnlyFilesystem)?;
        Ok((homes, stat))
    };
    let (homes, stat) = match open() {
        Ok(found) => found,
        Err(error) => return Ok(Err(error)),
    };
    let place = volume.layout.home(&account.name);
    if !FileType::from_raw_mode(stat.st_mode).is_dir() {
        let reason = format!("{} is no folder", place.display());
        return Err(LeftOut { reason, help: "move it away, then start the machine again".to_owned() });
    }
    if stat.st_uid != account.uid {
        return Err(foreign(account, &place, stat.st_uid));
    }
    Ok(folder::open_in(homes, name.as_os_str()))
}

/// The home is somebody else's: the user had another number, or the volume is another machine's.
fn foreign(account: &PlanAccount, place: &Path, uid: u32) -> LeftOut {
    let name = &account.name;
    LeftOut {
        reason: format!("{} belongs to user {uid}, and {name} is {} now", place.display(), account.uid),
        help: format!(
            "give it to {name} with `dumbc machine adopt {name}` (as the image's command with `--entrypoint dumbc`, where \
             the machine doesn't start), or {name} the number {uid} in users.toml"
        ),
    }
}

/// The home is the container's own: nothing of it is kept.
fn in_the_image(ground: &Ground, account: &PlanAccount, why: &str, journal: &mut Journal<'_>) -> Standing {
    journal.warn(format!("{}'s home {why}: it ends with this container", account.name));
    let owner = Owner { uid: account.uid, gid: account.gid };
    let made = folder::make(&ground.at(&account.home), owner, 0o700);
    journal.attempt(format_args!("make {}", account.home), made);
    Standing { kept: None, image: None }
}

/// Names of homes on the volume whose users the plan doesn't have.
pub(super) fn without_users(ground: &Ground, volume: &Volume, plan: &BootPlan) -> Vec<String> {
    let Ok(entries) = fs::read_dir(ground.at(volume.layout.volume().join("homes"))) else { return Vec::new() };
    let folders = entries.filter_map(Result::ok).filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let names = folders.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<_> =
        names.filter(|name| name != "lost+found" && !plan.users.contains_key(name)).take(MOST_TOLD).collect();
    names.sort_unstable();
    names
}

/// A volume can hold any number of folders; so many names are enough for a line.
const MOST_TOLD: usize = 20;
