//! Step 2: what the image has for new homes, given once, for names that activation has left free.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use crate::boot::{PlanAccount, RUN};

use super::copy::{self, Owners};
use super::folder::{self, Owner};
use super::ground::Ground;
use super::homes::Standing;
use super::small;
use super::volume::Volume;

/// What every new home gets.
const SKELETON: &str = "/etc/skel";

fn marker(ground: &Ground, volume: &Volume, account: &PlanAccount) -> PathBuf {
    ground.at(volume.layout.state().join("users").join(&account.name).join("seeded"))
}

/// Copies what is missing, unless that was done before.
pub(super) fn give(ground: &Ground, volume: &Volume, account: &PlanAccount, standing: &Standing) -> io::Result<()> {
    let marker = marker(ground, volume, account);
    let (Some(home), false) = (&standing.kept, marker.exists() || !volume.writable) else { return Ok(()) };
    let owners = Owners::All(Owner { uid: account.uid, gid: account.gid });
    if let Some(image) = &standing.image {
        copy::missing(image, home, owners)?;
    }
    match folder::open(&ground.at(SKELETON)) {
        Ok(skeleton) => copy::missing(skeleton, home, owners)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    if let Some(parent) = marker.parent() {
        fs::create_dir_all(parent)?;
    }
    small::write(&marker, "")?;
    let _ = fs::remove_dir_all(stashed(ground, account));
    Ok(())
}

/// Where the image's part of a home waits while a link has taken its place.
fn stashed(ground: &Ground, account: &PlanAccount) -> PathBuf {
    ground.at(RUN).join("skeleton").join(&account.name)
}

/// Saves the image's part of a home, as a link will take its place. Nothing is saved that was given already.
pub(super) fn stash(ground: &Ground, volume: &Volume, account: &PlanAccount) -> io::Result<Option<OwnedFd>> {
    let (image, stash) = (ground.at(&account.home), stashed(ground, account));
    if marker(ground, volume, account).exists() {
        return Ok(None);
    }
    let is_folder = image.symlink_metadata().is_ok_and(|there| there.is_dir());
    if is_folder && !stash.exists() {
        let (Some(parent), Some(name), Some(above), Some(last)) =
            (stash.parent(), stash.file_name(), image.parent(), image.file_name())
        else {
            return Ok(None);
        };
        folder::make(parent, Owner::ROOT, 0o700)?;
        let fresh = parent.join(format!(".{}.new", account.name));
        let _ = fs::remove_dir_all(&fresh);
        let to = folder::open(parent)?;
        copy::whole(folder::open(above)?, last, &to, fresh.file_name().unwrap_or(name), Owners::Kept)?;
        fs::rename(&fresh, &stash)?;
    }
    match folder::open(&stash) {
        Ok(folder) => Ok(Some(folder)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
