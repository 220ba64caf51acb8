//! Which paths of a package are taken, and by what: so that nothing stands twice, or below what is no folder.

use std::collections::BTreeMap;

use crate::image::ImagePath;
use crate::image::tree::Metadata;

use super::DebFault;

/// No package has a tenth of this.
const MOST_ENTRIES: usize = 500_000;

/// Bytes of paths that are remembered; no package has a tenth of this.
const MOST_BYTES: usize = 64 << 20;

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) enum Place {
    /// A folder, by its own name, by an alias in the root, or because something stands in it.
    Folder(Metadata, Named),
    /// A file, with what all its names share.
    File(Inode),
    /// A symbolic link.
    Symlink(Vec<u8>, Metadata),
}

/// How well a folder's metadata is known: the better knowledge holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::store) enum Named {
    /// Something stands in it.
    Not,
    /// As `/bin`, where it stands at `/usr/bin`.
    ByAlias,
    /// Where it stands.
    ByPath,
}

/// A file in the fragment's tar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct Inode {
    pub(in crate::store) metadata: Metadata,
    pub(in crate::store) size: u64,
    /// Where its contents begin in the tar.
    pub(in crate::store) offset: u64,
}

/// Places by path; a whole tree at any time.
pub(in crate::store) struct Places {
    entries: BTreeMap<ImagePath, Place>,
    /// How many more there may be.
    entries_left: usize,
    bytes_left: usize,
}

impl Default for Places {
    fn default() -> Self {
        let root = Place::Folder(Metadata::root(0o755), Named::Not);
        let entries = BTreeMap::from([(ImagePath::default(), root)]);
        Self { entries, entries_left: MOST_ENTRIES, bytes_left: MOST_BYTES }
    }
}

impl Places {
    /// What stands at `path`.
    pub(in crate::store) fn get(&self, path: &ImagePath) -> Option<&Place> {
        self.entries.get(path)
    }

    /// A folder that the package has. One that stands twice must look the same.
    pub(in crate::store) fn folder(
        &mut self,
        path: &ImagePath,
        metadata: Metadata,
        named: Named,
    ) -> Result<(), DebFault> {
        self.folders_above(path)?;
        match self.entries.get_mut(path) {
            None => self.insert(path.clone(), Place::Folder(metadata, named)),
            Some(Place::Folder(_, known)) if *known > named => Ok(()),
            Some(Place::Folder(seen, known)) if *known < named => {
                (*seen, *known) = (metadata, named);
                Ok(())
            }
            Some(Place::Folder(seen, _)) if *seen == metadata => Ok(()),
            Some(Place::Folder(..)) => {
                Err(DebFault::entry(path.as_bytes(), "it stands twice, with different modes or owners"))
            }
            Some(_) => Err(DebFault::entry(path.as_bytes(), "it is a folder, and a file or link, too")),
        }
    }

    /// A file or link, where nothing stands yet.
    pub(in crate::store) fn put(&mut self, path: &ImagePath, place: Place) -> Result<(), DebFault> {
        self.is_free(path)?;
        self.insert(path.clone(), place)
    }

    /// Whether a file or link may stand at `path`; makes the folders above it.
    pub(in crate::store) fn is_free(&mut self, path: &ImagePath) -> Result<(), DebFault> {
        self.folders_above(path)?;
        match self.entries.get(path) {
            None => Ok(()),
            Some(Place::Folder(..)) => Err(DebFault::entry(path.as_bytes(), "it is a folder, and a file or link, too")),
            Some(_) => Err(DebFault::entry(path.as_bytes(), "it stands twice in the package")),
        }
    }

    /// All folders, in path order.
    pub(in crate::store) fn folders(&self) -> impl Iterator<Item = (&ImagePath, Metadata)> {
        self.entries.iter().filter_map(|(path, place)| match place {
            Place::Folder(metadata, _) => Some((path, *metadata)),
            _ => None,
        })
    }

    fn folders_above(&mut self, path: &ImagePath) -> Result<(), DebFault> {
        for folder in std::iter::successors(path.parent(), ImagePath::parent) {
            match self.entries.get(&folder) {
                // Above a folder are only folders.
                Some(Place::Folder(..)) => break,
                Some(_) => {
                    return Err(DebFault::entry(path.as_bytes(), "it lies below a file or link of the same package"));
                }
                None => self.insert(folder, Place::Folder(Metadata::root(0o755), Named::Not))?,
            }
        }
        Ok(())
    }

    fn insert(&mut self, path: ImagePath, place: Place) -> Result<(), DebFault> {
        let target = if let Place::Symlink(target, _) = &place { target.len() } else { 0 };
        let bytes = path.as_bytes().len() + target;
        let too_many = |what, most| DebFault::TooMany { what, most };
        self.bytes_left = self.bytes_left.checked_sub(bytes).ok_or(too_many("bytes in its paths", MOST_BYTES))?;
        self.entries_left = self.entries_left.checked_sub(1).ok_or(too_many("files and folders", MOST_ENTRIES))?;
        self.entries.insert(path, place);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_is_remembered_is_refused() {
        let link = |size: usize| Place::Symlink(vec![b'x'; size], Metadata::root(0o777));
        let path = |index: usize| ImagePath::new(format!("a/b/{index}").as_bytes()).unwrap();
        let mut places = Places::default();
        let error = (0..100).find_map(|index| places.put(&path(index), link(1 << 20)).err()).unwrap();
        assert_eq!(error.to_string(), "it has more than 67108864 bytes in its paths");
        assert_eq!(places.entries.len(), 3 + 63);
        let mut places = Places { entries_left: 9, ..Places::default() };
        let error = (0..10).find_map(|index| places.put(&path(index), link(1)).err()).unwrap();
        assert_eq!(error.to_string(), "it has more than 500000 files and folders");
        assert_eq!(places.entries.len(), 10);
    }
}
