//! Shows a part of the volume at its place in the machine: bound, or linked without the right to mount.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::ground::Ground;
use super::mount_table::MountTable;
use super::mounting::{Mount, is_refusal};

/// How it stands with a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// It shows the volume's part.
    Yes,
    /// Somebody has mounted something there, which stays.
    Others,
    /// Somebody has mounted something below, which neither may be hidden nor removed.
    OthersBelow,
    /// Binding is not permitted: it must become a link.
    LinkNeeded,
}

/// Binds `source` at `target`, both the machine's paths. Makes the target where there is none.
pub(super) fn bind(ground: &Ground, table: &MountTable, source: &Path, target: &Path) -> io::Result<Shown> {
    let (from, to) = (ground.at(source), ground.at(target));
    if table.at(&to).is_some() {
        return Ok(Shown::Others);
    }
    if table.has_below(&to) {
        return Ok(Shown::OthersBelow);
    }
    if is_link(&to, source) {
        return Ok(Shown::Yes);
    }
    make_alike(&from, &to)?;
    match ground.mounting().mount(&Mount::Bind { source: from, target: to }) {
        Ok(()) => Ok(Shown::Yes),
        Err(error) if is_refusal(&error) => Ok(Shown::LinkNeeded),
        Err(error) => Err(error),
    }
}

/// Makes `target` a link to `source`. What is there goes: the caller has seen to it that the volume has it, and that nothing is
/// mounted below.
pub(super) fn link(ground: &Ground, source: &Path, target: &Path) -> io::Result<()> {
    let to = ground.at(target);
    match to.symlink_metadata() {
        Ok(there) if there.is_dir() => fs::remove_dir_all(&to)?,
        Ok(_) => fs::remove_file(&to)?,
        Err(_) => {}
    }
    std::os::unix::fs::symlink(source, to)
}

fn is_link(place: &Path, source: &Path) -> bool {
    place.read_link().is_ok_and(|target| target == source)
}

/// A mount needs a folder below a folder, a file below a file.
fn make_alike(from: &Path, to: &Path) -> io::Result<()> {
    if to.symlink_metadata().is_ok() {
        return Ok(());
    }
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    if from.symlink_metadata()?.is_dir() { fs::create_dir(to) } else { File::create_new(to).map(drop) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::boot::mounting::doubles::{Refusing, Remembering};

    fn root() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("data/part")).unwrap();
        fs::create_dir_all(root.path().join("part/old")).unwrap();
        root
    }

    const SOURCE: &str = "/data/part";

    fn bound(ground: &Ground, table: &MountTable) -> Shown {
        bind(ground, table, Path::new(SOURCE), Path::new("/part")).unwrap()
    }

    #[test]
    fn a_link_takes_the_binds_place() {
        let root = root();
        let ground = Ground::new(root.path(), Refusing);
        assert_eq!(bound(&ground, &MountTable::default()), Shown::LinkNeeded);
        link(&ground, Path::new(SOURCE), Path::new("/part")).unwrap();
        assert_eq!(root.path().join("part").read_link().unwrap(), Path::new(SOURCE));
        assert_eq!(bound(&ground, &MountTable::default()), Shown::Yes);
    }

    #[test]
    fn others_mounts_stay() {
        let root = root();
        let ground = Ground::new(root.path(), Remembering::default());
        let table = |below: &str| {
            let place = root.path().join(below);
            MountTable::parse(format!("1 0 0:1 / {} rw - ext4 /dev/x rw", place.display()).as_bytes())
        };
        assert_eq!(bound(&ground, &table("part")), Shown::Others);
        assert_eq!(bound(&ground, &table("part/old")), Shown::OthersBelow);
        assert_eq!(bound(&ground, &table("partial")), Shown::Yes);
    }
}
