//! What each package wants at each path, when diversions are followed and folders that are another package's links.
//!
//! A link that moves may stand in another folder's way, so paths are placed again until the links stay where they are.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::image::ImagePath;
use crate::image::listing::{ListingEntry, ListingKind};
use crate::root::links::MOST_LINKS;

use super::super::aliases::follow;
use super::{MergeError, Rules};

/// An entry of a package.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claim<'a> {
    /// Which package.
    pub(super) package: usize,
    /// What it has.
    pub(super) entry: &'a ListingEntry,
}

impl Claim<'_> {
    pub(super) fn is_folder(&self) -> bool {
        self.entry.kind == ListingKind::Directory
    }
}

/// A folder that another package has as a link.
#[derive(Debug)]
pub(super) struct Behind {
    /// Who has the folder.
    pub(super) package: usize,
    /// Where the link stands.
    pub(super) link: ImagePath,
    /// Where it leads.
    pub(super) leads: ImagePath,
}

/// Everybody's entries by the paths where they shall stand; those of one path in the order of the packages' names.
#[derive(Debug, Default)]
pub(super) struct Claims<'a> {
    pub(super) by_path: BTreeMap<ImagePath, Vec<Claim<'a>>>,
    /// Folders that have gone where a link leads.
    pub(super) behind: Vec<Behind>,
    links: BTreeMap<ImagePath, &'a [u8]>,
    /// Those of the links that scripts make, and that no package has.
    scripted: BTreeSet<ImagePath>,
}

impl<'a> Claims<'a> {
    /// Places all entries of all packages.
    pub(super) fn new(rules: &Rules<'a>) -> Result<Self, MergeError> {
        let mut links = first_links(rules);
        // A chain of links settles in as many rounds as it has links.
        for _ in 0..MOST_LINKS {
            let free = |path: &&ImagePath| rules.links.get(*path) == links.get(*path);
            let scripted = rules.links.keys().filter(free).cloned().collect();
            let mut claims = Self { links, scripted, ..Self::default() };
            for &index in &rules.order {
                claims.add_package(rules, index)?;
            }
            let found = claims.find_links(rules);
            if found == claims.links {
                return Ok(claims);
            }
            links = found;
        }
        Err(MergeError::Restless { path: links.into_keys().next().unwrap_or_default() })
    }

    /// Where `path` leads, all links followed, the last one, too; `None` for a circle.
    pub(super) fn follow(&self, path: &[u8]) -> Option<ImagePath> {
        follow(path, |at| self.links.get(at).copied())
    }

    fn add_package(&mut self, rules: &Rules<'a>, index: usize) -> Result<(), MergeError> {
        let package = &rules.packages[index];
        // Those that stand elsewhere than in the package.
        let mut folders: HashMap<&ImagePath, ImagePath> = HashMap::new();
        for entry in package.listing.entries().iter().filter(|entry| !entry.path.is_root()) {
            let circle = || MergeError::Circle { path: entry.path.clone(), package: package.name.clone() };
            let claim = Claim { package: index, entry };
            let path = self.aim(rules, claim, &folders)?.ok_or_else(circle)?;
            if claim.is_folder() && self.links.contains_key(&path) {
                let leads = self.follow(path.as_bytes()).ok_or_else(circle)?;
                folders.insert(&entry.path, leads.clone());
                if self.scripted.contains(&path) {
                    // The script moves what stands there; nobody else may have a folder at the other end yet.
                    self.by_path.entry(leads).or_default().push(claim);
                } else {
                    self.behind.push(Behind { package: index, link: path, leads });
                }
                continue;
            }
            if claim.is_folder() && path != entry.path {
                folders.insert(&entry.path, path.clone());
            }
            self.by_path.entry(path).or_default().push(claim);
        }
        Ok(())
    }

    /// Where a package's entry is to stand, by where its folders have gone; `None` where links lead in a circle.
    fn aim(
        &self,
        rules: &Rules<'_>,
        claim: Claim<'_>,
        folders: &HashMap<&ImagePath, ImagePath>,
    ) -> Result<Option<ImagePath>, MergeError> {
        let path = &claim.entry.path;
        let diverted = rules.diversions.of(path, rules.packages[claim.package].name).filter(|_| !claim.is_folder());
        let (folder, name) = match diverted {
            Some(to) => (self.follow(to.parent().unwrap_or_default().as_bytes()), to.name()),
            None => (path.parent().map(|parent| folders.get(&parent).cloned().unwrap_or(parent)), path.name()),
        };
        Ok(folder.map(|folder| folder.join(name)).transpose()?)
    }

    /// The links that stand, each with its target.
    fn find_links(&self, rules: &Rules<'a>) -> BTreeMap<ImagePath, &'a [u8]> {
        let link = |(path, claims): (&ImagePath, &Vec<Claim<'a>>)| {
            let others: Vec<_> = claims.iter().copied().filter(|claim| !claim.is_folder()).collect();
            // Who wins is decided, or refused, when everything has its place.
            let winner = rules.replacements.winner(path, &others).ok().flatten().or(others.first().copied())?;
            match &winner.entry.kind {
                ListingKind::Symlink { target } => Some((path.clone(), target.as_slice())),
                _ => None,
            }
        };
        let is_taken = |path| self.by_path.get(path).is_some_and(|here| !here.iter().all(Claim::is_folder));
        let scripted = rules.links.iter().filter(|(path, _)| !is_taken(*path));
        let scripted = scripted.map(|(path, target)| (path.clone(), *target));
        scripted.chain(self.by_path.iter().filter_map(link)).collect()
    }
}

/// Links as the packages have them: where they stand in the end, but for those that move.
fn first_links<'a>(rules: &Rules<'a>) -> BTreeMap<ImagePath, &'a [u8]> {
    let mut links = BTreeMap::new();
    for entry in rules.order.iter().flat_map(|&index| rules.packages[index].listing.entries()) {
        if let ListingKind::Symlink { target } = &entry.kind {
            links.entry(entry.path.clone()).or_insert(target.as_slice());
        }
    }
    rules.links.iter().for_each(|(path, target)| {
        links.entry(path.clone()).or_insert(*target);
    });
    links
}
