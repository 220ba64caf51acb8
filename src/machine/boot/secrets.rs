//! Secrets: taken out of what everybody sees, and given as files to those who asked for files.

mod memory;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Mode, OFlags, XattrFlags};

use crate::boot::{BootPlan, PlanUnit};
use crate::machine::prepared::Secrets;

use super::folder::{self, Owner};
use super::ground::Ground;
use super::journal::Journal;
use super::mount_table::MountTable;

use memory::FOLDER;

/// Parts the secrets that the plan's units name from the other variables.
#[must_use]
pub(super) fn part(plan: &BootPlan, mut variables: BTreeMap<String, String>) -> (BTreeMap<String, String>, Secrets) {
    let mut secrets = Secrets::default();
    for unit in units(plan) {
        for name in unit.secrets.iter().chain(&unit.secret_files) {
            if let Some(value) = variables.remove(name) {
                secrets.0.insert(name.clone(), value);
            }
        }
    }
    (variables, secrets)
}

fn units(plan: &BootPlan) -> impl Iterator<Item = &PlanUnit> {
    plan.daemons.iter().chain(&plan.entrypoint)
}

/// Names that are not set, each with the units that stay down without it.
#[must_use]
pub(super) fn missing<'plan>(plan: &'plan BootPlan, secrets: &Secrets) -> BTreeMap<&'plan str, BTreeSet<&'plan str>> {
    let mut missing: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for unit in units(plan) {
        for name in unit.secrets.iter().chain(&unit.secret_files).filter(|name| !secrets.0.contains_key(*name)) {
            missing.entry(name).or_default().insert(&unit.name);
        }
    }
    missing
}

/// Who may read which file: the first is its owner.
fn readers(plan: &BootPlan) -> BTreeMap<&str, Vec<Owner>> {
    let mut readers: BTreeMap<&str, Vec<Owner>> = BTreeMap::new();
    for unit in units(plan) {
        let owner = Owner { uid: unit.account.uid, gid: unit.account.gid };
        for name in &unit.secret_files {
            let of = readers.entry(name).or_default();
            if !of.iter().any(|other| other.uid == owner.uid) {
                of.push(owner);
            }
        }
    }
    // root reads everything anyway, so a file that it shares is the other's.
    for owners in readers.values_mut() {
        owners.sort_by_key(|owner| (owner.uid == 0, owner.uid));
    }
    readers
}

/// Tells what is missing.
pub(super) fn tell(plan: &BootPlan, secrets: &Secrets, journal: &mut Journal<'_>) {
    for (name, units) in missing(plan, secrets) {
        let units = units.into_iter().collect::<Vec<_>>().join(", ");
        journal.advise(
            format!("the secret {name} is not set: {units} can't run without it"),
            format!("`fly secrets set {name}=…`, or `docker run -e {name} …`"),
        );
    }
}

/// Writes the files.
pub(super) fn stand(
    ground: &Ground,
    table: &MountTable,
    plan: &BootPlan,
    secrets: &Secrets,
    journal: &mut Journal<'_>,
) {
    let readers = readers(plan);
    if readers.is_empty() {
        return;
    }
    let names: Vec<&str> = readers.keys().copied().collect();
    let opened = memory::open(ground, table, &names, journal);
    let Some(place) = journal.attempt(format_args!("make {FOLDER}"), opened) else { return };
    for (name, owners) in readers {
        if let Some(value) = secrets.0.get(name) {
            let written = write(&place.folder, name, value, &owners).and_then(|()| place.show(name));
            journal.attempt(format_args!("write {FOLDER}/{name}"), written);
        }
    }
}

fn write(folder: &OwnedFd, name: &str, value: &str, owners: &[Owner]) -> io::Result<()> {
    let fresh = format!(".{name}.new");
    match rustix::fs::unlinkat(folder, &fresh, AtFlags::empty()) {
        Ok(()) | Err(rustix::io::Errno::NOENT) => {}
        Err(error) => return Err(error.into()),
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(rustix::fs::openat(folder, &fresh, flags, Mode::from_raw_mode(0o600))?);
    file.write_all(value.as_bytes())?;
    let (first, others) = owners.split_first().map_or((Owner::ROOT, [].as_slice()), |(first, rest)| (*first, rest));
    folder::give(&file, first)?;
    rustix::fs::fchmod(&file, Mode::from_raw_mode(0o400))?;
    let others: Vec<u32> = others.iter().map(|owner| owner.uid).filter(|uid| *uid != 0).collect();
    if !others.is_empty() {
        rustix::fs::fsetxattr(&file, "system.posix_acl_access", &readable_by(&others), XattrFlags::empty())?;
    }
    Ok(rustix::fs::renameat(folder, &fresh, folder, name)?)
}

/// An access control list (POSIX.1e, the kernel's version 2): the owner and `users`, who are sorted, read; nobody else.
fn readable_by(users: &[u32]) -> Vec<u8> {
    const NOBODY: u32 = u32::MAX;
    let named = users.iter().map(|uid| (0x02, 4, *uid));
    let entries = std::iter::once((0x01, 4, NOBODY)).chain(named);
    let entries = entries.chain([(0x04, 0, NOBODY), (0x10, 4, NOBODY), (0x20, 0, NOBODY)]);
    let mut list = 2_u32.to_le_bytes().to_vec();
    for (tag, permissions, id) in entries {
        list.extend(u16::to_le_bytes(tag));
        list.extend(u16::to_le_bytes(permissions));
        list.extend(u32::to_le_bytes(id));
    }
    list
}

#[cfg(test)]
mod tests;
