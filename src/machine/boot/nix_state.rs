//! Step 1, where Nix's own daemon runs: its database outlives the image beside the paths it tells of.

use std::collections::BTreeMap;
use std::io::{self, Seek as _, Write as _};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::boot::{BootPlan, PlanAccount, REGISTRATION_PATH};
use crate::machine::prepared::StoreWay;
use crate::machine::process::{self, Session};
use crate::machine::service::{closed, load_db_text, parse_registration, read_registration, registered};
use crate::nix::{PathInfo, Sha256, StorePath};

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

/// As much as Nix may know.
const DUMP_LIMIT: usize = 256 << 20;

/// Puts Nix's state in its place, and tells Nix of paths that it does not know: a new image's, and the volume's.
pub(super) fn stand(
    ground: &Ground,
    table: &MountTable,
    volume: &Volume,
    way: StoreWay,
    plan: &BootPlan,
    journal: &mut Journal<'_>,
) {
    let Some(nix) = &plan.nix else { return };
    let nix = NixStore { package: nix, plan };
    let seeded = if way == StoreWay::Links {
        // Database and store belong together: what Nix installs lands in the container's layer now.
        journal.advise(
            "what Nix's own daemon installs ends with this container",
            "it outlives it with a volume and the right to mount: `docker run --cap-add SYS_ADMIN …`",
        );
        false
    } else {
        let in_place = keep(ground, table, volume);
        let Some(Some(seeded)) = journal.attempt(format_args!("keep {NIX_VAR} on the volume"), in_place) else {
            return;
        };
        seeded
    };
    let marker = (way == StoreWay::Overlay).then(|| ground.at(volume.layout.state().join("nix-registration")));
    match tell(ground, volume, &nix, marker.as_deref(), seeded) {
        Ok(None) => {}
        Ok(Some(said)) => journal.advise(
            format!("Nix knows packages that are not whole, which may be of the image before: {said}"),
            "as root: `nix-store --verify --repair`",
        ),
        Err(error) => drop(journal.attempt("tell Nix what the image holds", Err::<(), _>(error))),
    }
}

/// Seeds and binds; says whether it was seeded now, and nothing where it is not in place.
fn keep(ground: &Ground, table: &MountTable, volume: &Volume) -> io::Result<Option<bool>> {
    let kept = volume.layout.nix_var();
    let (image, place) = (ground.at(NIX_VAR), ground.at(&kept));
    let is_new = place.symlink_metadata().is_err();
    if is_new {
        seed(&image, &place)?;
    }
    let shown = place::bind(ground, table, &kept, Path::new(NIX_VAR))?;
    Ok(matches!(shown, Shown::Yes | Shown::Others).then_some(is_new))
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

/// Tells Nix of the image's paths where the image is another one than the last time, and of the volume's that it does not know. Gives
/// what Nix finds broken.
///
/// `fresh`: the database is the image's own, which knows the image's paths. Without a `marker` the database is the container's, and
/// so it is always the same image's.
fn tell(
    ground: &Ground,
    volume: &Volume,
    nix: &NixStore<'_>,
    marker: Option<&Path>,
    fresh: bool,
) -> io::Result<Option<String>> {
    let registration = ground.at(REGISTRATION_PATH);
    let digest = Sha256::of(&small::read(&registration, REGISTRATION_LIMIT)?).hex();
    let folder = ground.at(volume.layout.registered());
    let of_volume = on_volume(&folder)?;
    // A database of this very image needs to hear of the volume's paths only. A container's that was stopped may know links that are
    // no more.
    let is_done = if fresh || marker.is_none() {
        of_volume.is_empty()
    } else {
        marker.is_some_and(|marker| small::line(marker).as_deref() == Some(&digest))
    };
    if is_done {
        let first = marker.filter(|_| fresh);
        return first.map_or(Ok(None), |marker| small::write(marker, &digest).map(|()| None));
    }
    let valid = nix.valid()?;
    let image = read_registration(&registration).map_err(io::Error::other)?;
    let of_volume = of_volume.iter().filter_map(|path| registered(&folder, path));
    let mut new: BTreeMap<StorePath, PathInfo> = of_volume.map(|info| (info.path.clone(), info)).collect();
    new.extend(image);
    // What Nix knows already keeps the signatures that it has.
    new.retain(|path, _| !valid.contains_key(path));
    closed(&mut new, &valid);
    if !new.is_empty() {
        let mut text = tempfile::tempfile_in(ground.at(volume.layout.state()))?;
        text.write_all(load_db_text(new.values()).as_bytes())?;
        text.rewind()?;
        nix.succeed("--load-db", Stdio::from(text))?;
    }
    // Paths of the former image that this one doesn't have are gone; Nix forgets them here.
    let verified = nix.run("--verify", Stdio::null())?;
    if let Some(marker) = marker {
        small::write(marker, &digest)?;
    }
    Ok((!verified.status.success()).then(|| format!("`nix-store --verify` ended with {}", run::told(verified.status))))
}

/// Base names of the folder that are store paths.
fn on_volume(folder: &Path) -> io::Result<Vec<StorePath>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    Ok(names.filter_map(|name| StorePath::from_base_name(&name).ok()).collect())
}

/// Nix's own programs.
struct NixStore<'a> {
    package: &'a str,
    plan: &'a BootPlan,
}

impl NixStore<'_> {
    /// All that Nix knows.
    fn valid(&self) -> io::Result<BTreeMap<StorePath, PathInfo>> {
        let said = self.succeed("--dump-db", Stdio::null())?;
        let text = String::from_utf8(said).map_err(io::Error::other)?;
        parse_registration(&text).map_err(io::Error::other)
    }

    fn succeed(&self, verb: &str, input: Stdio) -> io::Result<Vec<u8>> {
        let ended = self.run(verb, input)?;
        if ended.status.success() {
            return Ok(ended.said);
        }
        Err(io::Error::other(format!("`nix-store {verb}` ended with {}", run::told(ended.status))))
    }

    fn run(&self, verb: &str, input: Stdio) -> io::Result<run::Ended> {
        let environment = BTreeMap::from([
            ("HOME".to_owned(), "/root".to_owned()),
            ("PATH".to_owned(), self.plan.path.join(":")),
            // The database itself: the daemon does not run yet.
            ("NIX_REMOTE".to_owned(), "local".to_owned()),
        ]);
        let arguments = [format!("{}/bin/nix-store", self.package), verb.to_owned()];
        let mut command = process::command(&PlanAccount::root(), &arguments, &environment, Session::Own);
        command.stdin(input);
        run::listening(command, PATIENCE, DUMP_LIMIT)
    }
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
