//! Listings of packages as they lie on disk: what the union of a home's packages is made from.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::image::ImagePath;
use crate::image::listing::{Listing, ListingEntry, ListingKind};
use crate::image::tree::Metadata;
use crate::nix::StorePath;

/// Most entries of one package, and most packages that links lead to.
const MAX_ENTRIES: usize = 2_000_000;
const MAX_PACKAGES: usize = 20_000;

/// The listings of `packages` and of all that their links lead to, below the store at `store`.
pub fn listings(
    store: &Path,
    packages: impl IntoIterator<Item = StorePath>,
) -> io::Result<BTreeMap<StorePath, Listing>> {
    let mut found = BTreeMap::new();
    let mut waiting: Vec<StorePath> = packages.into_iter().collect();
    while let Some(path) = waiting.pop() {
        if found.contains_key(&path) {
            continue;
        }
        if found.len() >= MAX_PACKAGES {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the packages link to too many others"));
        }
        let Some(listing) = listing(&store.join(path.base_name()))? else { continue };
        waiting.extend(targets(&listing));
        found.insert(path, listing);
    }
    Ok(found)
}

/// Store paths that links of a package lead to.
fn targets(listing: &Listing) -> impl Iterator<Item = StorePath> + '_ {
    listing.entries().iter().filter_map(|entry| {
        let ListingKind::Symlink { target } = &entry.kind else { return None };
        let below = std::str::from_utf8(target).ok()?.strip_prefix("/nix/store/")?;
        StorePath::from_base_name(below.split('/').next()?).ok()
    })
}

/// What lies at `root`; `None` where nothing does. `root` itself may be a link to where the store path is.
fn listing(root: &Path) -> io::Result<Option<Listing>> {
    // A store path that is a link itself leads to the volume: nothing else makes absolute links out of the store.
    let root = match fs::canonicalize(root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        found => found?,
    };
    let mut entries = Vec::new();
    for entry in walkdir::WalkDir::new(&root) {
        let entry = entry?;
        let relative = entry.path().strip_prefix(&root).map_err(io::Error::other)?;
        let path = ImagePath::new(relative.as_os_str().as_bytes()).map_err(io::Error::other)?;
        let kind = entry.file_type();
        let kind = if kind.is_dir() {
            ListingKind::Directory
        } else if kind.is_symlink() {
            ListingKind::Symlink { target: fs::read_link(entry.path())?.into_os_string().into_encoded_bytes() }
        } else {
            let metadata = entry.metadata()?;
            ListingKind::File { executable: metadata.permissions().mode() & 0o100 != 0, size: metadata.len() }
        };
        entries.push(ListingEntry { path, kind, metadata: Metadata::root(0o555) });
        if entries.len() > MAX_ENTRIES {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "a package has too many files"));
        }
    }
    entries.sort_by(|one, other| one.path.cmp(&other.path));
    Listing::new(entries).map(Some).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_lead_to_more_packages() {
        let store = tempfile::tempdir().unwrap();
        let path = |number, name: &str| StorePath::from_parts([number; 20], name).unwrap();
        let (one, two, gone) = (path(1, "one"), path(2, "two"), path(3, "gone"));
        let place = |path: &StorePath| store.path().join(path.base_name());
        fs::create_dir_all(place(&one).join("bin")).unwrap();
        symlink(format!("{two}/bin/x"), place(&one).join("bin/x")).unwrap();
        symlink(gone.to_string(), place(&one).join("gone")).unwrap();
        fs::create_dir_all(store.path().join("elsewhere/bin")).unwrap();
        fs::write(store.path().join("elsewhere/bin/x"), "#!").unwrap();
        symlink(store.path().join("elsewhere"), place(&two)).unwrap();
        let found = listings(store.path(), [one.clone()]).unwrap();
        assert_eq!(found.keys().collect::<Vec<_>>(), [&one, &two]);
        let command = ImagePath::new(b"bin/x").unwrap();
        assert_eq!(found[&two].get(&command), Some(&ListingKind::File { executable: false, size: 2 }));
    }
}
