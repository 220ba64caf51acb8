//! Why packages are rebuilt: which of what they use is another one now.

use std::collections::{BTreeMap, BTreeSet};

use super::super::lock::Lock;
use super::super::name::package_key;
use super::{Change, Kind};
use crate::nix::StorePath;

/// So many reasons are told of one package: the first by name.
pub(super) const MOST: usize = 16;

/// Names of what moved beneath each store path that is new.
pub(super) struct Reasons<'lock> {
    below: BTreeMap<&'lock StorePath, BTreeSet<String>>,
}

impl<'lock> Reasons<'lock> {
    /// `packages`: how packages changed between the locks.
    pub(super) fn new(old: &Lock, new: &'lock Lock, packages: &[Change]) -> Self {
        let rebuilt = packages.iter().filter(|change| change.kind == Kind::Rebuilt);
        let rebuilt: BTreeSet<&str> = rebuilt.map(|change| change.name.as_str()).collect();
        let moved = |path: &StorePath| !old.packages.contains_key(path);
        let mut reasons = Self { below: BTreeMap::new() };
        let mut entered = BTreeSet::new();
        // What is used comes first. Where a lock that somebody made up has a cycle, its end is not looked at.
        let mut waiting: Vec<(&StorePath, bool)> = new.packages.keys().rev().map(|path| (path, false)).collect();
        while let Some((path, is_done)) = waiting.pop() {
            let Some(package) = new.packages.get(path).filter(|_| moved(path)) else { continue };
            let used = package.references.iter().filter(|used| *used != path && moved(used));
            if is_done {
                let mut below: BTreeSet<String> = used.flat_map(|used| reasons.from(used, &rebuilt)).collect();
                while below.len() > MOST {
                    below.pop_last();
                }
                reasons.below.insert(path, below);
            } else if entered.insert(path) {
                waiting.push((path, true));
                waiting.extend(used.filter(|used| !entered.contains(used)).map(|used| (used, false)));
            }
        }
        reasons
    }

    /// What moves whoever uses `used`: itself where it has another version or nothing beneath it moved, else what that is.
    fn from(&self, used: &StorePath, rebuilt: &BTreeSet<&str>) -> BTreeSet<String> {
        let key = package_key(used);
        match self.below.get(used).filter(|below| !below.is_empty() && rebuilt.contains(key.as_str())) {
            Some(below) => below.clone(),
            None => BTreeSet::from([key]),
        }
    }

    /// What moved beneath any of `paths`.
    pub(super) fn of<'a>(&self, paths: impl Iterator<Item = &'a StorePath>) -> Vec<String> {
        let all: BTreeSet<&String> = paths.filter_map(|path| self.below.get(path)).flatten().collect();
        all.into_iter().take(MOST).cloned().collect()
    }
}
