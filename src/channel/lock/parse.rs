//! The lock's text, read: by people merged, by others perhaps made up, so each value is checked and each error has a line.

mod check;
mod shape;

use std::collections::{BTreeMap, btree_map::Entry};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use serde_spanned::Spanned;
use toml::de::{DeTable, DeValue};

use super::print::VERSION;
use super::{Lock, LockError};
use crate::config::{Diagnostic, Place, System, reading};
use crate::deb::is_pool_path;

use shape::TomlLock;

/// The file's name, as users know it.
pub(super) const FILE_NAME: &str = "dumbc.lock";

impl Lock {
    /// Reads a lock's text.
    pub fn parse(text: &str) -> Result<Self, LockError> {
        refuse_conflicts(text)?;
        let table = DeTable::parse(text).map_err(|error| malformed(text, error.span(), error.message()))?;
        check_version(text, table.get_ref())?;
        let lock: TomlLock =
            reading::document(&table).map_err(|error| malformed(text, error.span(), error.message()))?;
        lock.check(text)
    }
}

/// A merge that left its markers is recognised by them, not by the syntax error that they are.
fn refuse_conflicts(text: &str) -> Result<(), LockError> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if ["<<<<<<<", ">>>>>>>"].iter().any(|marker| line.starts_with(marker)) {
            let message = "a merge left its conflict here";
            let help = "take either side whole (`git checkout --ours dumbc.lock`), then run `dumbc lock`";
            let finding =
                Diagnostic::error(message, Some(place(text, start..start + line.trim_end().len()))).help(help);
            return Err(LockError::Conflict(Box::new(finding)));
        }
        start += line.len();
    }
    Ok(())
}

fn check_version(text: &str, table: &DeTable<'_>) -> Result<(), LockError> {
    let Some(value) = table.get("version") else {
        return Err(malformed(text, None, "`version` is missing"));
    };
    let version = match value.get_ref() {
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
        _ => None,
    };
    match version {
        Some(VERSION) => Ok(()),
        Some(newer) if newer > VERSION => Err(LockError::Newer(Box::new(
            Diagnostic::error(
                format!("format version {newer} is one that a newer dumbc wrote; this one knows {VERSION}"),
                Some(place(text, value.span())),
            )
            .help("use that dumbc, or delete the lock and run `dumbc lock`"),
        ))),
        _ => Err(malformed(text, Some(value.span()), &format!("`version` is not {VERSION}"))),
    }
}

impl TomlLock {
    fn check(self, text: &str) -> Result<Lock, LockError> {
        let mut lock = Lock {
            channels: self.channels.into_iter().map(|(name, channel)| (name, channel.into())).collect(),
            ids: self.ids,
            pushed: self.pushed.into_iter().map(|(repository, pushed)| (repository, pushed.digest)).collect(),
            ..Lock::default()
        };
        lock.base = self.base.map(|base| base.check(text)).transpose()?;
        lock.volatility = self.volatility.map(|volatility| volatility.check(text)).transpose()?;
        for (name, mut groups) in self.layers {
            groups.iter_mut().for_each(sort);
            lock.layers.insert(system(text, &name)?, groups);
        }
        for (name, runtime) in self.runtime {
            lock.runtimes.insert(system(text, &name)?, runtime.check(text)?);
        }
        for request in self.request {
            let (place, key) = (request.request.span(), request.request.get_ref().clone());
            let key = (system(text, &request.system)?, key);
            insert_once(&mut lock.requests, key, request.check(text)?, || {
                malformed(text, Some(place), "this request is locked twice")
            })?;
        }
        for package in self.package {
            let (place, path) = (package.path.span(), package.path.get_ref().0.clone());
            insert_once(&mut lock.packages, path, package.into(), || {
                malformed(text, Some(place), "this package is locked twice")
            })?;
        }
        for deb in self.deb {
            let place = deb.name.span();
            if !is_pool_path(deb.file.get_ref()) {
                return Err(malformed(text, Some(deb.file.span()), "this is no path below a mirror"));
            }
            let key = (system(text, &deb.system)?, deb.name.get_ref().0.clone());
            insert_once(&mut lock.debs, key, deb.into(), || {
                malformed(text, Some(place), "this package is locked twice")
            })?;
        }
        Ok(lock)
    }
}

/// Text that people merged may have lost its order: it is found again rather than refused.
fn sort<T: Ord>(values: &mut Vec<T>) {
    values.sort();
    values.dedup();
}

fn insert_once<K: Ord, V>(
    map: &mut BTreeMap<K, V>,
    key: K,
    value: V,
    twice: impl FnOnce() -> LockError,
) -> Result<(), LockError> {
    match map.entry(key) {
        Entry::Vacant(entry) => {
            entry.insert(value);
            Ok(())
        }
        Entry::Occupied(_) => Err(twice()),
    }
}

fn system(text: &str, name: &Spanned<String>) -> Result<System, LockError> {
    System::from_name(name.get_ref()).ok_or_else(|| malformed(text, Some(name.span()), "this is not a known system"))
}

fn malformed(text: &str, span: Option<Range<usize>>, message: &str) -> LockError {
    let finding =
        Diagnostic::error(message.trim_end(), Some(place(text, span.unwrap_or(0..0)))).help(super::file::REMEDY);
    LockError::Malformed(Box::new(finding))
}

fn place(text: &str, span: Range<usize>) -> Place {
    Place { file: Arc::new(PathBuf::from(FILE_NAME)), source: Arc::from(text), span }
}
