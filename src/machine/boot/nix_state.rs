//! Step 1, where Nix's own daemon runs: its database outlives the image beside the paths it tells of.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::boot::{BootPlan, PlanAccount, REGISTRATION_PATH};
use crate::machine::prepared::StoreWay;
use crate::machine::process::{self, Session};
use crate::nix::Sha256;

use super::copy::{self, Owners};
use super::folder;
use super::ground::Ground;
use super::journal::Journal;
use super::mount_table::MountTable;
use super::place::{self, Shown};
use super::run;
use super::small;
use super::volume::Volume;

/// Where Nix keeps its state.
const NIX_VAR: &str = "/nix/var";

/// As much as an image may register.
const REGISTRATION_LIMIT: u64 = 256 << 20;

/// As long as Nix may take for one of the two.
const PATIENCE: Duration = Duration::from_mins(2);

/// Puts Nix's state in its place, and tells Nix of a new image's paths.
pub(super) fn stand(
    ground: &Ground,
    table: &MountTable,
    volume: &Volume,
    way: StoreWay,
    plan: &BootPlan,
    journal: &mut Journal<'_>,
) {
    let Some(nix) = &plan.nix else { return };
    if way == StoreWay::Links {
        // Database and store belong together: what Nix installs lands in the container's layer now.
        return journal.advise(
            "what Nix's own daemon installs ends with this container",
            "it outlives it with a volume and the right to mount: `docker run --cap-add SYS_ADMIN …`",
        );
    }
    let in_place = keep(ground, table, volume);
    let Some(true) = journal.attempt(format_args!("keep {NIX_VAR} on the volume"), in_place) else { return };
    let told = tell(ground, volume, nix, plan);
    journal.attempt("tell Nix what the image holds", told);
}

/// Seeds and binds; says whether it is in place.
fn keep(ground: &Ground, table: &MountTable, volume: &Volume) -> io::Result<bool> {
    let kept = volume.layout.nix_var();
    let (image, place) = (ground.at(NIX_VAR), ground.at(&kept));
    if place.symlink_metadata().is_err() {
        seed(&image, &place)?;
    }
    let shown = place::bind(ground, table, &kept, Path::new(NIX_VAR))?;
    Ok(matches!(shown, Shown::Yes | Shown::Others))
}

fn seed(image: &Path, place: &Path) -> io::Result<()> {
    let fresh = place.with_file_name("var.dumbc-new");
    match std::fs::remove_dir_all(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    std::fs::create_dir(&fresh)?;
    if image.is_dir() {
        copy::missing(folder::open(image)?, folder::open(&fresh)?, Owners::Kept)?;
    }
    rustix::fs::syncfs(folder::open(&fresh)?)?;
    std::fs::rename(fresh, place)
}

/// Loads the image's registration where it is another one than the last time.
fn tell(ground: &Ground, volume: &Volume, nix: &str, plan: &BootPlan) -> io::Result<()> {
    let registration = ground.at(REGISTRATION_PATH);
    let digest = Sha256::of(&small::read(&registration, REGISTRATION_LIMIT)?).hex();
    let marker = ground.at(volume.layout.state().join("nix-registration"));
    if small::line(&marker).as_deref() == Some(&digest) {
        return Ok(());
    }
    nix_store(nix, plan, "--load-db", Stdio::from(File::open(registration)?))?;
    // Paths of the former image that this one doesn't have are gone; Nix forgets them here.
    nix_store(nix, plan, "--verify", Stdio::null())?;
    small::write(&marker, &digest)
}

fn nix_store(nix: &str, plan: &BootPlan, verb: &str, input: Stdio) -> io::Result<()> {
    let environment = BTreeMap::from([
        ("HOME".to_owned(), "/root".to_owned()),
        ("PATH".to_owned(), plan.path.join(":")),
        // The database itself: the daemon does not run yet.
        ("NIX_REMOTE".to_owned(), "local".to_owned()),
    ]);
    let root = PlanAccount {
        name: "root".to_owned(),
        uid: 0,
        gid: 0,
        groups: Vec::new(),
        home: "/root".to_owned(),
        shell: "/bin/sh".to_owned(),
    };
    let arguments = [format!("{nix}/bin/nix-store"), verb.to_owned()];
    let mut command = process::command(&root, &arguments, &environment, Session::Own);
    command.stdin(input);
    let ended = run::to_its_end(command, PATIENCE)?;
    if ended.status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("`nix-store {verb}` ended with {}", run::told(ended.status))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn state_is_seeded_whole() {
        let root = tempfile::tempdir().unwrap();
        let (image, place) = (root.path().join("image"), root.path().join("var"));
        fs::create_dir_all(image.join("nix/db")).unwrap();
        fs::write(image.join("nix/db/schema"), "10").unwrap();
        fs::create_dir_all(root.path().join("var.dumbc-new/half")).unwrap();
        seed(&image, &place).unwrap();
        assert_eq!(fs::read(place.join("nix/db/schema")).unwrap(), b"10");
        assert!(!place.join("half").exists());
    }
}
