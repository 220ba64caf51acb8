//! The lock and the project's own content as units of a plan.

use std::collections::{BTreeMap, BTreeSet};

use crate::channel::{Lock, LockedDeb, package_key};
use crate::config::System;
use crate::deb::PackageName;
use crate::nix::StorePath;
use crate::plan::{Causes, Unit};

use super::content::Content;

/// Begins the id and key of every unit that is no package.
const LOCAL: &str = "./";

/// Begins the key of a Debian package's unit.
const DEBIAN: &str = "deb/";

/// The Debian packages of an image, by name.
pub(super) type Debs<'lock> = BTreeMap<&'lock PackageName, &'lock LockedDeb>;

/// The id of a Debian package's unit: name and version, as in the name of its file.
pub(super) fn deb_id(name: &PackageName, deb: &LockedDeb) -> String {
    format!("{name}_{}", deb.version)
}

/// What makes the packages of a Debian source change.
pub(super) fn deb_cause(source: &PackageName) -> String {
    format!("{DEBIAN}source/{source}")
}

/// A Debian package changes when its source package does, whatever it depends on.
fn deb_unit(name: &PackageName, deb: &LockedDeb, debs: &Debs<'_>) -> Unit {
    let reference = |name: &PackageName| debs.get(name).map(|deb| deb_id(name, deb));
    Unit {
        id: deb_id(name, deb),
        key: format!("{DEBIAN}{name}"),
        size: deb.installed_size,
        references: deb.depends.iter().filter_map(reference).collect(),
        causes: Causes::Listed(vec![deb_cause(&deb.source)]),
    }
}

/// Units of an image: packages of the closure, Debian's packages, then what the project brings.
pub(super) fn units(lock: &Lock, system: System, closure: &BTreeSet<StorePath>, content: &Content) -> Vec<Unit> {
    let packages = closure.iter().filter_map(|path| Some((path, lock.packages.get(path)?)));
    let packages = packages.map(|(path, package)| Unit {
        id: path.base_name().to_owned(),
        key: package_key(path),
        size: package.nar_size,
        references: package.references.iter().map(|path| path.base_name().to_owned()).collect(),
        causes: Causes::Closure,
    });
    let debs = lock.debs(system);
    let debian = debs.iter().map(|(name, deb)| deb_unit(name, deb, &debs));
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
    packages.chain(debian).chain(local).chain(files).filter(|unit| seen.insert(unit.id.clone())).collect()
}
