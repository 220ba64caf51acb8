//! One tree of all packages, as dpkg would have unpacked them, whatever the order.
//!
//! What dpkg decides by order (a folder's owner, a link against a folder) is decided by rules here; what it refuses is refused.
//! The packages' fragments stay as they are but for [`Adjustments`].

mod claims;
mod diversions;
mod error;
mod folders;
mod replaces;

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crate::deb::PackageName;
use crate::image::ImagePath;
use crate::image::adjust::Adjustments;
use crate::image::head::Parents;
use crate::image::listing::ListingKind;
use crate::image::tree::Metadata;

use super::aliases::canonical_path;
use super::{Merged, Package, Placed};
use claims::{Claim, Claims};
use diversions::Diversions;
use replaces::Replacements;

pub use diversions::{Diverted, Linked};
pub use error::MergeError;

/// All packages in one tree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Merge {
    /// What stands where. Without the root itself; with every folder that something lies in.
    pub merged: Merged,
    /// What is done to packages' files to get there; only packages that are changed.
    pub adjustments: BTreeMap<PackageName, Adjustments>,
}

/// The content of a small file of a package, by its index and the path in its unchanged fragment.
pub type ReadFile<'a> = dyn Fn(usize, &ImagePath) -> io::Result<Vec<u8>> + 'a;

/// Puts `packages` into one tree.
///
/// * A file or link of two packages is that of the one which `Replaces` the other; it leaves the other's list of files, too.
///   Links that lead to the same folder stand for each other. Everything else is an error, as with dpkg.
/// * Diverted files of other packages than the diverting one are renamed.
/// * Where a package has a link to a folder, and others a folder, the link stands and their files go where it leads.
/// * The same goes for links that scripts put in a folder's place; the link itself is not in the tree, as no package has it.
/// * A folder that several have is as base-files says, else as the most special of them says.
pub fn merge(
    packages: &[Package<'_>],
    diverted: &[Diverted],
    linked: &[Linked],
    read: &ReadFile<'_>,
) -> Result<Merge, MergeError> {
    let rules = Rules::new(packages, diverted, linked)?;
    let claims = Claims::new(&rules)?;
    let mut merging = Merging { rules: &rules, claims: &claims, merge: Merge::default(), unlisted: BTreeMap::new() };
    for (path, here) in &claims.by_path {
        merging.place(path, here)?;
    }
    merging.check_links()?;
    merging.add_parents()?;
    merging.correct_lists(read)?;
    Ok(merging.merge)
}

impl Merge {
    /// The metadata of all folders.
    #[must_use]
    pub fn parents(&self) -> Parents {
        let folders = self.merged.iter().filter(|(_, placed)| placed.kind == ListingKind::Directory);
        folders.map(|(path, placed)| (path.clone(), placed.metadata)).collect()
    }

    /// Whether another package's file stands where `package` has `path` in its unchanged fragment.
    #[must_use]
    pub fn is_replaced(&self, package: &PackageName, path: &ImagePath) -> bool {
        self.adjustments.get(package).is_some_and(|adjustments| adjustments.omit.contains(path))
    }
}

/// Everything that decides where files go.
struct Rules<'a> {
    packages: &'a [Package<'a>],
    /// Indices of the packages in the order of their names, so that nothing depends on the caller's order.
    order: Vec<usize>,
    diversions: Diversions<'a>,
    /// Targets of links that scripts make.
    links: BTreeMap<ImagePath, &'a [u8]>,
    replacements: Replacements<'a>,
}

impl<'a> Rules<'a> {
    fn new(packages: &'a [Package<'a>], diverted: &'a [Diverted], linked: &'a [Linked]) -> Result<Self, MergeError> {
        let mut order: Vec<usize> = (0..packages.len()).collect();
        order.sort_by_key(|&index| packages[index].name);
        let diversions = Diversions::new(diverted)?;
        let links = diversions::links(linked)?;
        Ok(Self { packages, order, diversions, links, replacements: Replacements::new(packages)? })
    }

    fn name(&self, package: usize) -> PackageName {
        self.packages[package].name.clone()
    }
}

struct Merging<'a> {
    rules: &'a Rules<'a>,
    claims: &'a Claims<'a>,
    merge: Merge,
    /// By package: what leaves its list of files.
    unlisted: BTreeMap<usize, BTreeSet<ImagePath>>,
}

impl Merging<'_> {
    fn adjust(&mut self, package: usize) -> &mut Adjustments {
        self.merge.adjustments.entry(self.rules.name(package)).or_default()
    }

    /// Decides what stands at `path`.
    fn place(&mut self, path: &ImagePath, here: &[Claim<'_>]) -> Result<(), MergeError> {
        let (folders, others): (Vec<_>, Vec<_>) = here.iter().copied().partition(Claim::is_folder);
        let folder = folders::deciding(self.rules.packages, &folders);
        let standing = match (folder, self.settle(path, &others)?) {
            (Some(folder), Some(file)) => {
                let (folder, file) = (self.rules.name(folder.package), self.rules.name(file.package));
                return Err(MergeError::NotAFolder { path: path.clone(), folder, file });
            }
            (Some(claim), None) | (None, Some(claim)) => claim,
            (None, None) => return Ok(()),
        };
        if standing.entry.path != *path && !standing.is_folder() {
            self.adjust(standing.package).rename.insert(standing.entry.path.clone(), path.clone());
        }
        let Claim { package, entry } = standing;
        let (origin, metadata, kind) = (entry.path.clone(), entry.metadata, entry.kind.clone());
        self.merge.merged.insert(path.clone(), Placed { package, origin, metadata, kind });
        Ok(())
    }

    /// The file or link that stands; the others are omitted.
    fn settle<'c>(&mut self, path: &ImagePath, others: &[Claim<'c>]) -> Result<Option<Claim<'c>>, MergeError> {
        let (standing, alike) = match self.rules.replacements.winner(path, others) {
            Ok(winner) => (winner, false),
            // dpkg lets links be that lead to one folder, and both packages list them.
            Err(_) if self.lead_to_one_folder(path, others) => (others.first().copied(), true),
            Err(error) => return Err(error),
        };
        let Some(standing) = standing else { return Ok(None) };
        for other in others.iter().filter(|other| other.package != standing.package) {
            self.adjust(other.package).omit.insert(other.entry.path.clone());
            if !alike {
                self.unlisted.entry(other.package).or_default().insert(other.entry.path.clone());
            }
        }
        Ok(Some(standing))
    }

    fn lead_to_one_folder(&self, path: &ImagePath, others: &[Claim<'_>]) -> bool {
        let folder = path.parent().unwrap_or_default();
        let leads = |claim: &Claim<'_>| match &claim.entry.kind {
            ListingKind::Symlink { target } if target.starts_with(b"/") => self.claims.follow(target),
            ListingKind::Symlink { target } => self.claims.follow(&[folder.as_bytes(), target].join(&b'/')),
            _ => None,
        };
        let Some(first) = others.first().and_then(leads) else { return false };
        let distinct = others.windows(2).all(|pair| pair[0].package != pair[1].package);
        distinct && self.is_folder(&first) && others.iter().all(|claim| leads(claim).as_ref() == Some(&first))
    }

    fn is_folder(&self, path: &ImagePath) -> bool {
        path.is_root() || self.claims.by_path.get(path).is_some_and(|here| here.iter().all(Claim::is_folder))
    }

    /// Folders that went where a link leads must have found one there.
    fn check_links(&self) -> Result<(), MergeError> {
        for behind in &self.claims.behind {
            if !self.is_folder(&behind.leads) {
                let link = self.merge.merged.get(&behind.link).map_or(behind.package, |placed| placed.package);
                return Err(MergeError::NoFolderBehind {
                    path: behind.link.clone(),
                    folder: self.rules.name(behind.package),
                    link: self.rules.name(link),
                    target: behind.leads.clone(),
                });
            }
        }
        Ok(())
    }

    /// A diverted file may go where nobody has a folder.
    fn add_parents(&mut self) -> Result<(), MergeError> {
        let mut missing = Merged::new();
        for (path, placed) in &self.merge.merged {
            for parent in std::iter::successors(path.parent(), ImagePath::parent).filter(|parent| !parent.is_root()) {
                match self.merge.merged.get(&parent) {
                    Some(folder) if folder.kind == ListingKind::Directory => break,
                    Some(other) => {
                        let name = |placed: &Placed| self.rules.name(placed.package);
                        return Err(MergeError::NotAFolder { path: parent, folder: name(placed), file: name(other) });
                    }
                    None => {
                        let (package, metadata) = (placed.package, Metadata::root(0o755));
                        let (origin, kind) = (parent.clone(), ListingKind::Directory);
                        missing.entry(parent).or_insert(Placed { package, origin, metadata, kind });
                    }
                }
            }
        }
        self.merge.merged.append(&mut missing);
        Ok(())
    }

    /// Takes replaced files out of their packages' lists.
    fn correct_lists(&mut self, read: &ReadFile<'_>) -> Result<(), MergeError> {
        for (package, unlisted) in std::mem::take(&mut self.unlisted) {
            let name = self.rules.name(package);
            let unreadable = |source| MergeError::Control { package: name.clone(), source };
            let stem = self.rules.packages[package].qualified_name().map_err(unreadable)?;
            let path = ImagePath::new(format!("var/lib/dpkg/info/{stem}.list").as_bytes())?;
            let list = read(package, &path).map_err(|source| MergeError::Read {
                package: name,
                path: path.clone(),
                source,
            })?;
            let stays = |line: &&[u8]| canonical_path(line).map_or(true, |path| !unlisted.contains(&path));
            let kept = list.split_inclusive(|&byte| byte == b'\n');
            let kept = kept.filter(|line| stays(&line.strip_suffix(b"\n").unwrap_or(line)));
            let content = kept.flatten().copied().collect();
            self.adjust(package).content.insert(path, content);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
