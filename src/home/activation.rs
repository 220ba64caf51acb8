//! The way of a home from what stands in it to a generation, as steps.
//!
//! Pure: what stands in the home is asked of a [`Standings`]. Every link of a home leads through [`LIVE`], so switching that one link
//! changes all content at once. What can't hurt the old generation comes before the switch (folders, new links), everything that
//! needs the new one comes after it (links in the place of something, stale links), so that who is interrupted has the old home or
//! the new one, and completes it by going the same way again.
//!
//! [`crate::machine::activation`] carries the steps out.

mod planning;
mod target;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::manifest::{LIVE, Manifest};

use planning::{Planning, Verdict};

pub use target::is_target;

/// Most links of a home.
pub const MAX_FILES: usize = 100_000;

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

/// Plans the way from `old`, the paths of all links that earlier generations made, to `new`.
pub fn plan(
    old: &BTreeSet<String>,
    new: &Manifest,
    home: &dyn Standings,
    options: &Options,
) -> Result<Plan, PlanError> {
    target::check(new)?;
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

#[cfg(test)]
mod tests;
