//! What the project itself brings: local trees as store paths, `[files]` at their targets.

use std::collections::{BTreeMap, BTreeSet};

use crate::channel::{Lock, home_requests};
use crate::config::{Argument, Machine, Ready, RequestKind, System, Unit};
use crate::home::generation;
use crate::home::merge::{layers, merge};
use crate::image::tree::{Node, Tree};
use crate::nix::StorePath;
use crate::root::addressed::Addressed;
use crate::root::debian::replace::declared_below_usr;
use crate::root::files::overlay::{Declared, declared_files};
use crate::root::local::local_tree;

use super::Error;

/// Content that comes from the disk, hashed at every build.
pub(super) struct Content {
    /// By the path as written.
    pub(super) local: BTreeMap<String, Addressed>,
    /// By target; below `/usr` where the machine has Debian packages.
    pub(super) declared: Vec<Declared>,
}

/// Reads everything local that the machine names.
pub(super) fn content(machine: &Machine, lock: &Lock, system: System) -> Result<Content, Error> {
    let lookup = |name: &str| lock.package_path(machine, system, name);
    let candidates = lock.packages.keys().cloned().collect::<Vec<_>>();
    let mut declared = declared_files(machine, &lookup).map_err(Error::Files)?;
    // Before anything goes by their names: in such a machine all paths are those behind `/bin`, `/lib` and their like.
    if !lock.debs(system).is_empty() {
        declared = declared_below_usr(declared).map_err(Error::Files)?;
    }
    let mut read = BTreeMap::new();
    for path in local_paths(machine) {
        let content = local_tree(&machine.project, &path, &candidates)?;
        read.insert(path, content);
    }
    Ok(Content { local: read, declared })
}

/// Every path of the project that stands for a store path.
fn local_paths(machine: &Machine) -> BTreeSet<String> {
    let packages = machine.packages.iter().filter_map(|request| match &request.kind {
        RequestKind::Local(path) => Some(path.clone()),
        _ => None,
    });
    let commands = active_units(machine).flat_map(words).filter_map(|argument| match argument {
        Argument::Local { path, .. } => Some(path.clone()),
        Argument::Text(_) => None,
    });
    let mut paths: BTreeSet<String> = packages.chain(commands).collect();
    paths.extend(home_paths(machine));
    paths
}

/// Paths that homes name: their packages, files and daemons.
fn home_paths(machine: &Machine) -> BTreeSet<String> {
    let mut paths: BTreeSet<String> = BTreeSet::new();
    for name in machine.users.keys().filter(|_| machine.boot.enable) {
        paths.extend(generation::local_paths(&merge(&layers(machine, name))));
    }
    paths.extend(home_requests(machine).into_iter().filter_map(|request| match request.kind {
        RequestKind::Local(path) => Some(path),
        _ => None,
    }));
    paths
}

/// Units that the image has something of: daemons only where it boots.
fn active_units(machine: &Machine) -> impl Iterator<Item = &Unit> {
    machine.entrypoint.iter().chain(machine.daemons.values().filter(|_| machine.boot.enable))
}

/// Every word of a unit's commands.
fn words(unit: &Unit) -> impl Iterator<Item = &Argument> {
    let ready = if let Some(Ready::Command(command)) = &unit.ready { command.as_slice() } else { &[] };
    let health = unit.health.iter().flat_map(|health| &health.command);
    unit.command.iter().chain(ready).chain(health)
}

impl Content {
    /// The store path of a local path as written.
    pub(super) fn store_path(&self, written: &str) -> Option<&StorePath> {
        self.local.get(written).map(|local| &local.path)
    }

    /// Packages that local trees refer to.
    pub(super) fn references(&self) -> impl Iterator<Item = StorePath> {
        self.local.values().flat_map(|local| local.references.iter().cloned())
    }
}

/// Bytes of a tree's files.
pub(super) fn size(tree: &Tree) -> u64 {
    let size = |node: &Node| match node {
        Node::File(content) => content.len() as u64,
        Node::LocalFile { size, .. } => *size,
        Node::Directory | Node::Symlink(_) => 0,
    };
    tree.values().map(|(_, node)| size(node)).sum()
}
