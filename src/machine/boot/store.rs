//! Step 1: the store, the image's paths and the volume's together.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use crate::boot::Layout;
use crate::machine::generations::Generations;
use crate::machine::prepared::StoreWay;
use crate::machine::service;
use crate::nix::{STORE_DIR, StorePath};

use super::ground::Ground;
use super::journal::Journal;
use super::mount_table::MountTable;
use super::mounting::{Mount, is_refusal};
use super::volume::{Kind, Volume};

mod clean;
mod links;

/// Brings the volume's store paths into the store. `has_nix`: Nix's own daemon keeps paths there that only it knows of.
pub(super) fn stand(
    ground: &Ground,
    table: &MountTable,
    volume: &Volume,
    has_nix: bool,
    journal: &mut Journal<'_>,
) -> StoreWay {
    let place = ground.at(volume.layout.store());
    if is_over(table, &ground.at(STORE_DIR), &place) {
        return StoreWay::Overlay;
    }
    let registered = journal.attempt("read what is valid on the volume", registered(ground, volume));
    let can_clean = volume.writable && registered.is_some();
    let registered = registered.unwrap_or_default();
    if can_clean {
        clean::clean(&place, &registered, has_nix, journal);
    }
    if volume.kind == Kind::Mounted && volume.writable && overlay(ground, volume, journal) {
        return StoreWay::Overlay;
    }
    let needed = needed(&Layout::new(ground.at(volume.layout.volume())), &registered);
    let linked =
        links::link(&ground.at(STORE_DIR), &place, &volume.layout.store(), &links::Wanted { registered, needed });
    journal.attempt(format_args!("link the volume's packages into {STORE_DIR}"), linked);
    StoreWay::Links
}

/// Whether the volume lies over the store already: booted before, in this container.
fn is_over(table: &MountTable, store: &Path, upper: &Path) -> bool {
    let option = format!("upperdir={}", upper.display());
    table.at(store).is_some_and(|mount| mount.kind == "overlay" && mount.options.split(',').any(|it| it == option))
}

/// Base names of the volume's valid paths; names that are none are passed over.
fn registered(ground: &Ground, volume: &Volume) -> io::Result<BTreeSet<String>> {
    let folder = ground.at(volume.layout.registered());
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        entries => entries?,
    };
    let mut names = BTreeSet::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string().ok().filter(|name| StorePath::from_base_name(name).is_ok()));
    }
    Ok(names)
}

/// What users' own generations need of the volume. The rest is linked by the store service, and nobody waits for it: a new container
/// of a machine with thousands of packages would make thousands of links before anything else.
fn needed(layout: &Layout, registered: &BTreeSet<String>) -> BTreeSet<String> {
    let users = fs::read_dir(layout.users()).into_iter().flatten().flatten();
    let users = users.filter_map(|entry| entry.file_name().into_string().ok());
    let mut waiting: Vec<_> = users.flat_map(|user| Generations::of(layout, &user).all().into_values()).collect();
    let mut needed = BTreeSet::new();
    while let Some(path) = waiting.pop() {
        if registered.contains(path.base_name()) && needed.insert(path.base_name().to_owned()) {
            let info = service::registered(&layout.registered(), &path);
            waiting.extend(info.into_iter().flat_map(|info| info.references));
        }
    }
    needed
}

/// Lays the volume over the image's store; says whether it could.
fn overlay(ground: &Ground, volume: &Volume, journal: &mut Journal<'_>) -> bool {
    let (lower, upper, work) =
        (ground.at(STORE_DIR), ground.at(volume.layout.store()), ground.at(volume.layout.work()));
    if !lower.is_dir() {
        return false;
    }
    // What a killed machine left in it is the kernel's, and hinders the next mount at most.
    let _ = fs::remove_dir_all(work.join("work"));
    match ground.mounting().mount(&Mount::Overlay { lower, upper, work }) {
        Ok(()) => true,
        Err(error) if is_refusal(&error) => false,
        Err(error) => {
            journal.warn(format!("the volume can't lie over {STORE_DIR} ({error}): its packages are linked there"));
            false
        }
    }
}

#[cfg(test)]
mod tests;
