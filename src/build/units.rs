//! The lock and the project's own content as units of a plan.

use std::collections::BTreeSet;

use crate::channel::{Lock, package_key};
use crate::nix::StorePath;
use crate::plan::{Causes, Unit};

use super::content::Content;

/// Begins the id and key of every unit that is no package.
const LOCAL: &str = "./";

/// Units of an image: packages of the closure, then what the project brings.
pub(super) fn units(lock: &Lock, closure: &BTreeSet<StorePath>, content: &Content) -> Vec<Unit> {
    let packages = closure.iter().filter_map(|path| Some((path, lock.packages.get(path)?)));
    let packages = packages.map(|(path, package)| Unit {
        id: path.base_name().to_owned(),
        key: package_key(path),
        size: package.nar_size,
        references: package.references.iter().map(|path| path.base_name().to_owned()).collect(),
        causes: Causes::Closure,
    });
    let local = content.local.values().map(|local| Unit {
        id: local.path.base_name().to_owned(),
        key: format!("{LOCAL}{}", local.path.name()),
        size: local.nar_size,
        references: local.references.iter().map(|path| path.base_name().to_owned()).collect(),
        causes: Causes::Listed(vec![format!("{LOCAL}{}", local.path.name())]),
    });
    let files = content.declared.iter().map(|declared| Unit {
        id: declared.target.to_string(),
        key: declared.target.to_string(),
        size: super::content::size(&declared.tree),
        references: Vec::new(),
        causes: Causes::Listed(vec![declared.target.to_string()]),
    });
    // Two names for one local tree are one unit.
    let mut seen = BTreeSet::new();
    packages.chain(local).chain(files).filter(|unit| seen.insert(unit.id.clone())).collect()
}
