//! What maintainer scripts do about paths of packages: files that make room for another package's, folders that become links.

use std::collections::{BTreeMap, BTreeSet};

use crate::deb::PackageName;
use crate::image::ImagePath;

use super::super::aliases::canonical_path;
use super::MergeError;

/// A file that a package moves out of its own file's way: `dpkg-divert --add --rename`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Diverted {
    /// Whose own file stays.
    pub package: PackageName,
    /// The file, absolute, as the script has it: `/bin/sh`.
    pub path: String,
    /// Where everybody else's goes instead, absolute.
    pub to: String,
}

/// A link that a script puts where packages may have a folder: base-files makes `/var/run` a link to `/run`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Linked {
    /// Whose script.
    pub package: PackageName,
    /// Where the link stands, absolute.
    pub path: String,
    /// What it points to.
    pub target: String,
}

/// The targets of `linked` by canonical paths; of several at one path, that of the first package by name.
pub(super) fn links(linked: &[Linked]) -> Result<BTreeMap<ImagePath, &[u8]>, MergeError> {
    let mut links = BTreeMap::new();
    for Linked { package, path, target } in linked.iter().collect::<BTreeSet<_>>() {
        let refused = |source| MergeError::Script { package: package.clone(), source };
        links.entry(canonical_path(path.as_bytes()).map_err(refused)?).or_insert(target.as_bytes());
    }
    Ok(links)
}

/// All diversions, by canonical paths.
pub(super) struct Diversions<'a>(BTreeMap<ImagePath, (&'a PackageName, ImagePath)>);

impl<'a> Diversions<'a> {
    /// Checks that no file is diverted by two packages.
    pub(super) fn new(diverted: &'a [Diverted]) -> Result<Self, MergeError> {
        let mut diversions: BTreeMap<ImagePath, (&PackageName, ImagePath)> = BTreeMap::new();
        for Diverted { package, path, to } in diverted.iter().collect::<BTreeSet<_>>() {
            let refused = |source| MergeError::Script { package: package.clone(), source };
            let path = canonical_path(path.as_bytes()).map_err(refused)?;
            let to = canonical_path(to.as_bytes()).map_err(refused)?;
            let clash = diversions.insert(path.clone(), (package, to.clone()));
            if let Some((one, _)) = clash.filter(|clash| *clash != (package, to)) {
                return Err(MergeError::DivertedTwice { path, one: one.clone(), two: package.clone() });
            }
        }
        Ok(Self(diversions))
    }

    /// Where the file `path` of `package` goes; `None` where it stays.
    pub(super) fn of(&self, path: &ImagePath, package: &PackageName) -> Option<&ImagePath> {
        self.0.get(path).filter(|(diverting, _)| *diverting != package).map(|(_, to)| to)
    }
}
