//! What becomes of each file of a generation, by what stands in its place and in its folders' places.

use std::collections::{BTreeMap, BTreeSet};

use super::target::{MAX_DEPTH, is_extension, is_target, parents};
use super::{Manifest, Options, Standing, Standings, Step};

/// What to do with one file of the generation.
pub(super) enum Verdict {
    Keep,
    /// Nothing stands there.
    Fresh,
    /// After the switch: these steps.
    Late(Vec<Step>),
    Blocked(String),
}

/// A plan in the making.
pub(super) struct Planning<'a> {
    pub(super) old: &'a BTreeSet<String>,
    pub(super) new: &'a Manifest,
    pub(super) home: &'a dyn Standings,
    pub(super) options: &'a Options,
    /// What is known of folders, and which of them will be there.
    pub(super) folders: BTreeMap<String, Folder>,
}

/// A folder that links go into.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Folder {
    There,
    ToMake,
    /// A link of an earlier generation stands there.
    ToClear,
    Planned,
    Blocked(String),
}

impl Planning<'_> {
    pub(super) fn verdict(&mut self, path: &str) -> Verdict {
        let mut clears = Vec::new();
        for parent in parents(path) {
            match self.folder(parent) {
                Folder::Blocked(reason) => return Verdict::Blocked(reason),
                Folder::ToClear => clears.push(Step::Remove(parent.to_owned())),
                Folder::There | Folder::ToMake | Folder::Planned => {}
            }
        }
        if !clears.is_empty() {
            self.make_folders(path, &mut clears);
            clears.push(Step::Link(path.to_owned()));
            return Verdict::Late(clears);
        }
        // Below a folder that is only made after the switch, so is what goes into it.
        let late_folder = parents(path)
            .any(|parent| self.folder(parent) == Folder::Planned && self.home.at(parent) == Standing::OurLink);
        match self.home.at(path) {
            _ if late_folder => {
                let mut steps = Vec::new();
                self.make_folders(path, &mut steps);
                steps.push(Step::Link(path.to_owned()));
                Verdict::Late(steps)
            }
            Standing::OurLink => Verdict::Keep,
            Standing::Absent => Verdict::Fresh,
            Standing::Directory => self.instead_of_folder(path),
            Standing::File { same_content: true } => Verdict::Late(vec![Step::Replace(path.to_owned())]),
            standing => self.instead_of_own(path, standing),
        }
    }

    /// The new generation has no link there.
    fn is_stale(&self, path: &str) -> bool {
        !self.new.files.contains_key(path)
    }

    fn folder(&mut self, path: &str) -> Folder {
        if let Some(known) = self.folders.get(path) {
            return known.clone();
        }
        let found = match self.home.at(path) {
            Standing::Absent => Folder::ToMake,
            Standing::Directory | Standing::FolderLink => Folder::There,
            Standing::OurLink if self.is_stale(path) => Folder::ToClear,
            Standing::OurLink | Standing::OtherLink => {
                Folder::Blocked(format!("its folder ~/{path} is a link that leads to no folder of the home"))
            }
            Standing::File { .. } => Folder::Blocked(format!("its folder ~/{path} is a file")),
        };
        self.folders.insert(path.to_owned(), found.clone());
        found
    }

    pub(super) fn make_folders(&mut self, path: &str, steps: &mut Vec<Step>) {
        for parent in parents(path) {
            if matches!(self.folder(parent), Folder::ToMake | Folder::ToClear) {
                steps.push(Step::MakeFolder(parent.to_owned()));
                self.folders.insert(parent.to_owned(), Folder::Planned);
            }
        }
    }

    /// A file or link of the user's own stands there.
    fn instead_of_own(&self, path: &str, standing: Standing) -> Verdict {
        if self.options.force || self.new.files.get(path).is_some_and(|file| file.force) {
            return Verdict::Late(vec![Step::Replace(path.to_owned())]);
        }
        let extension = self.options.backup_extension.as_ref().or(self.new.backup_extension.as_ref());
        let Some(extension) = extension.filter(|extension| is_extension(extension)) else {
            let what = if matches!(standing, Standing::File { .. }) { "a file" } else { "a link" };
            return Verdict::Blocked(format!("{what} of your own stands there"));
        };
        let to = format!("{path}.{extension}");
        if self.home.at(&to) != Standing::Absent || self.new.files.contains_key(&to) {
            return Verdict::Blocked(format!("its backup ~/{to} exists already"));
        }
        Verdict::Late(vec![Step::Backup { path: path.to_owned(), to }, Step::Link(path.to_owned())])
    }

    /// A folder stands there: it gives way only where nothing is in it but links of earlier generations.
    fn instead_of_folder(&self, path: &str) -> Verdict {
        let mut steps = Vec::new();
        if !self.clear(path, &mut steps, MAX_DEPTH) {
            return Verdict::Blocked("a folder of your own stands there".to_owned());
        }
        steps.push(Step::Link(path.to_owned()));
        Verdict::Late(steps)
    }

    fn clear(&self, folder: &str, steps: &mut Vec<Step>, depth: usize) -> bool {
        let below = format!("{folder}/");
        if depth == 0 || !self.old.range(below.clone()..).next().is_some_and(|first| first.starts_with(&below)) {
            return false;
        }
        for name in self.home.names(folder) {
            let path = format!("{below}{name}");
            let cleared = match self.home.at(&path) {
                Standing::OurLink if self.is_stale(&path) => {
                    steps.push(Step::Remove(path));
                    true
                }
                Standing::Directory => self.clear(&path, steps, depth - 1),
                _ => false,
            };
            if !cleared {
                return false;
            }
        }
        steps.push(Step::RemoveFolder(folder.to_owned()));
        true
    }

    /// Links that nothing needs any more, and the folders that they leave empty, the innermost first.
    pub(super) fn removals(&self, late: &[Step]) -> Vec<Step> {
        let removed: BTreeSet<&String> =
            late.iter().filter_map(|step| if let Step::Remove(path) = step { Some(path) } else { None }).collect();
        let is_ours = |path: &&String| {
            !removed.contains(path)
                && is_target(path).is_ok()
                && parents(path).all(|parent| self.home.at(parent) != Standing::OurLink)
                && self.home.at(path) == Standing::OurLink
        };
        let stale: Vec<&String> = self.old.iter().filter(|path| self.is_stale(path)).filter(is_ours).collect();
        let needed: BTreeSet<&str> = self.new.files.keys().flat_map(|path| parents(path)).collect();
        let mut emptied: Vec<&str> = stale.iter().flat_map(|path| parents(path)).collect();
        emptied.sort_unstable();
        emptied.dedup();
        emptied.retain(|folder| !needed.contains(folder) && self.home.at(folder) == Standing::Directory);
        emptied.sort_unstable_by_key(|folder| (std::cmp::Reverse(folder.matches('/').count()), *folder));
        emptied.dedup();
        let folders = emptied.into_iter().map(|folder| Step::RemoveFolder(folder.to_owned()));
        stale.into_iter().map(|path| Step::Remove(path.clone())).chain(folders).collect()
    }
}
