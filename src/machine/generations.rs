//! The generations of users' own: numbered links to store paths, and which one is live.
//!
//! Read by whoever needs to know; changed by the store service alone, and by whole renames, so that a number never leads nowhere.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::boot::Layout;
use crate::nix::StorePath;

/// How many a user keeps.
pub const KEPT: usize = 10;

/// A user's generations.
pub struct Generations {
    folder: PathBuf,
    current: PathBuf,
}

impl Generations {
    /// Of the user `user`.
    #[must_use]
    pub fn of(layout: &Layout, user: &str) -> Self {
        Self { folder: layout.generations(user), current: layout.current(user) }
    }

    /// All, by number. What is no link to a store path is passed over.
    #[must_use]
    pub fn all(&self) -> BTreeMap<u64, StorePath> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let generation = |entry: fs::DirEntry| {
            let number = entry.file_name().to_str()?.parse().ok()?;
            Some((number, self.path(number)?))
        };
        entries.filter_map(generation).collect()
    }

    /// The number of the live one; `None`: the image's is live.
    #[must_use]
    pub fn current(&self) -> Option<u64> {
        fs::read_to_string(&self.current).ok()?.trim().parse().ok()
    }

    /// The live one, if it is the user's own.
    #[must_use]
    pub fn live(&self) -> Option<StorePath> {
        self.path(self.current()?)
    }

    /// The one with that number.
    fn path(&self, number: u64) -> Option<StorePath> {
        fs::read_link(self.folder.join(number.to_string())).ok()?.to_str()?.parse().ok()
    }

    /// Adds a generation and makes it live; one that is live already is not added again. Drops the oldest beyond [`KEPT`].
    pub(crate) fn add(&self, path: &StorePath) -> io::Result<u64> {
        let all = self.all();
        if let Some(current) = self.current().filter(|current| all.get(current) == Some(path)) {
            return Ok(current);
        }
        let number = all.keys().next_back().map_or(1, |last| last.saturating_add(1));
        fs::create_dir_all(&self.folder)?;
        let temporary = self.folder.join(".new");
        remove(&temporary)?;
        symlink(path.to_string(), &temporary)?;
        fs::rename(&temporary, self.folder.join(number.to_string()))?;
        sync(&self.folder)?;
        self.make_current(Some(number))?;
        self.drop_oldest(KEPT)?;
        Ok(number)
    }

    /// Makes the one with that number live, or the image's.
    pub(crate) fn make_current(&self, number: Option<u64>) -> io::Result<()> {
        let folder = self.current.parent().unwrap_or(Path::new("/"));
        match number {
            None => remove(&self.current)?,
            Some(number) => {
                let mut file = tempfile::NamedTempFile::new_in(folder)?;
                writeln!(file, "{number}")?;
                file.as_file().set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
                file.as_file().sync_all()?;
                file.persist(&self.current)?;
            }
        }
        sync(folder)
    }

    /// Keeps the newest `kept` and the live one; gives the numbers of those that went.
    pub(crate) fn drop_oldest(&self, kept: usize) -> io::Result<Vec<u64>> {
        let (all, current) = (self.all(), self.current());
        let old = all.keys().rev().skip(kept).filter(|number| Some(**number) != current);
        let dropped: Vec<u64> = old.copied().collect();
        for number in &dropped {
            remove(&self.folder.join(number.to_string()))?;
        }
        Ok(dropped)
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn sync(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generations_are_numbered_and_the_oldest_go() {
        let volume = tempfile::tempdir().unwrap();
        let generations = Generations::of(&Layout::new(volume.path()), "alice");
        assert_eq!((generations.current(), generations.live()), (None, None));
        let path = |number: u8| StorePath::from_parts([number; 20], "home-alice").unwrap();
        for number in 1..=12 {
            assert_eq!(generations.add(&path(number)).unwrap(), u64::from(number));
            assert_eq!(generations.add(&path(number)).unwrap(), u64::from(number), "the same is not added again");
        }
        assert_eq!(generations.all().into_keys().collect::<Vec<_>>(), (3..=12).collect::<Vec<_>>());
        generations.make_current(Some(3)).unwrap();
        assert_eq!(generations.live(), Some(path(3)));
        assert_eq!(generations.add(&path(20)).unwrap(), 13);
        generations.make_current(Some(4)).unwrap();
        assert_eq!(generations.drop_oldest(0).unwrap().len(), 9);
        assert_eq!(generations.all().into_keys().collect::<Vec<_>>(), [4]);
        generations.make_current(None).unwrap();
        assert_eq!(generations.live(), None);
    }
}
