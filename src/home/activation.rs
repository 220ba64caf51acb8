//! The way of a home from what stands in it to a generation, as steps.
//!
//! Pure: what stands in the home is asked of a [`Standings`]. Every link of a home leads through [`LIVE`], so switching that one link
//! changes all content at once. What can't hurt the old generation comes before the switch (folders, new links), everything that
//! needs the new one comes after it (links in the place of something, stale links), so that who is interrupted has the old home or
//! the new one, and completes it by going the same way again.
//!
//! [`crate::machine::activation`] carries the steps out.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::manifest::{LIVE, Manifest};

/// Most links of a home.
pub const MAX_FILES: usize = 100_000;

/// Longest path below a home, in bytes, and most components of it.
const MAX_PATH: usize = 3_000;
const MAX_DEPTH: usize = 48;

/// What stands at a path of a home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing.
    Absent,
    /// The link that a generation makes here.
    OurLink,
    /// Another link.
    OtherLink,
    /// Another link, which leads to a folder of the home.
    FolderLink,
    /// Something else that is no folder.
    File {
        /// It has the content and the executable bit of the new generation's file.
        same_content: bool,
    },
    /// A folder.
    Directory,
}

/// What stands in a home.
pub trait Standings {
    /// At a path below the home.
    fn at(&self, path: &str) -> Standing;

    /// The names in a folder of the home.
    fn names(&self, folder: &str) -> Vec<String>;
}

/// What becomes of files of the user's own that are in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// They are skipped and named.
    Boot,
    /// The whole is refused, and all of them are named.
    Rebuild,
}

/// How to activate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// What becomes of own files.
    pub mode: Mode,
    /// Own files give way, as if each had `force`.
    pub force: bool,
    /// Own files are kept under their name with this extension; the manifest's says the same.
    pub backup_extension: Option<String>,
    /// The live generation is another one than the manifest's.
    pub switch: bool,
}

/// One step. Paths lie below the home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Makes a folder.
    MakeFolder(String),
    /// Makes a link where nothing stands.
    Link(String),
    /// Makes the generation live.
    Switch,
    /// Renames a file of the user's own.
    Backup {
        /// From here.
        path: String,
        /// To here, where nothing stands.
        to: String,
    },
    /// Puts a link in the place of a file.
    Replace(String),
    /// Removes a link, if it is still one of ours.
    Remove(String),
    /// Removes a folder, if it is empty.
    RemoveFolder(String),
}

/// A file of the generation that is not linked, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// Below the home.
    pub path: String,
    /// What stands in the way.
    pub reason: String,
}

/// What is to be done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// In order.
    pub steps: Vec<Step>,
    /// What is left as it is.
    pub skipped: Vec<Skipped>,
}

/// Why a home does not become what a generation says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Files of the user's own are in the way: all of them.
    #[error("{} in the way of the new home: {}", counted(.0.len()), listed(.0))]
    Conflicts(Vec<Skipped>),
    /// A path that no home has.
    #[error("the generation has a file at `{path}`: {reason}")]
    Target {
        /// As the manifest has it, shortened.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// More links than a home may have.
    #[error("the generation has {0} files; the limit is {MAX_FILES}")]
    TooMany(usize),
}

fn counted(count: usize) -> String {
    if count == 1 { "a file of your own is".to_owned() } else { format!("{count} files of your own are") }
}

fn listed(conflicts: &[Skipped]) -> String {
    let lines = conflicts.iter().take(50).map(|one| format!("~/{} ({})", one.path, one.reason));
    let rest = conflicts.len().saturating_sub(50);
    let more = (rest > 0).then(|| format!("and {rest} more"));
    lines.chain(more).collect::<Vec<_>>().join(", ")
}

/// What to do with one file of the generation.
enum Verdict {
    Keep,
    /// Nothing stands there.
    Fresh,
    /// After the switch: these steps.
    Late(Vec<Step>),
    Blocked(String),
}

/// Plans the way from `old`, the paths of all links that earlier generations made, to `new`.
pub fn plan(
    old: &BTreeSet<String>,
    new: &Manifest,
    home: &dyn Standings,
    options: &Options,
) -> Result<Plan, PlanError> {
    check(new)?;
    let mut planning = Planning { old, new, home, options, folders: BTreeMap::new() };
    let (mut early, mut late) = (Vec::new(), Vec::new());
    let mut skipped = Vec::new();
    for path in new.files.keys() {
        match planning.verdict(path) {
            Verdict::Keep => {}
            Verdict::Fresh => {
                planning.make_folders(path, &mut early);
                early.push(Step::Link(path.clone()));
            }
            Verdict::Late(steps) => late.extend(steps),
            Verdict::Blocked(reason) => skipped.push(Skipped { path: path.clone(), reason }),
        }
    }
    if options.mode == Mode::Rebuild && !skipped.is_empty() {
        return Err(PlanError::Conflicts(skipped));
    }
    let switch = options.switch.then_some(Step::Switch);
    let removals = planning.removals(&late);
    Ok(Plan { steps: early.into_iter().chain(switch).chain(late).chain(removals).collect(), skipped })
}

struct Planning<'a> {
    old: &'a BTreeSet<String>,
    new: &'a Manifest,
    home: &'a dyn Standings,
    options: &'a Options,
    /// What is known of folders, and which of them will be there.
    folders: BTreeMap<String, Folder>,
}

/// A folder that links go into.
#[derive(Clone, PartialEq, Eq)]
enum Folder {
    There,
    ToMake,
    /// A link of an earlier generation stands there.
    ToClear,
    Planned,
    Blocked(String),
}

impl Planning<'_> {
    fn verdict(&mut self, path: &str) -> Verdict {
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

    fn make_folders(&mut self, path: &str, steps: &mut Vec<Step>) {
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
    fn removals(&self, late: &[Step]) -> Vec<Step> {
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

/// The folders that a path lies in, the outermost first.
fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(slash, _)| &path[..slash])
}

fn is_extension(extension: &str) -> bool {
    !extension.is_empty() && extension.len() < 64 && !extension.contains(['/', '\0'])
}

/// Whether a home may have a link at `path`.
pub fn is_target(path: &str) -> Result<(), &'static str> {
    let components = || path.split('/');
    let own = LIVE.rsplit_once('/').map_or(LIVE, |(folder, _)| folder);
    match () {
        () if path.is_empty() || path.len() > MAX_PATH || components().count() > MAX_DEPTH => {
            Err("it is empty, too long, or too deep")
        }
        () if path.contains('\0') => Err("it has a NUL character"),
        () if components().any(|component| matches!(component, "" | "." | "..") || component.len() > 255) => {
            Err("it is no plain path below the home")
        }
        () if path == own || path.starts_with(&format!("{own}/")) || own.starts_with(&format!("{path}/")) => {
            Err("dumbc keeps its own state there")
        }
        () => Ok(()),
    }
}

/// Refuses a manifest with paths that no home has, or one path below another.
fn check(new: &Manifest) -> Result<(), PlanError> {
    if new.files.len() > MAX_FILES {
        return Err(PlanError::TooMany(new.files.len()));
    }
    for path in new.files.keys() {
        let refused = |reason| PlanError::Target { path: path.chars().take(300).collect(), reason };
        is_target(path).map_err(refused)?;
        if parents(path).any(|parent| new.files.contains_key(parent)) {
            return Err(refused("a folder of it is a file of the generation, too"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
