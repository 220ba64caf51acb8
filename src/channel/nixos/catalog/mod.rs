//! What a release holds: its list of packages, as a database on the disk.
//!
//! The list has 378 MB and is read as a stream, once a release; questions to the database take well under a millisecond.

mod entry;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Row, params};

use crate::config::System;

use super::super::index::nearest;
use super::super::known::{self, Texts};
use super::super::name::{Attribute, compare_versions, version_matches};
use super::error::NixosError;
use entry::Entry as Package;

pub use entry::{Entry, Hindrance};

/// Names the shape of the database: another one is made anew.
const VERSION: &str = "1";

const COLUMNS: &str = "attribute, name, pname, version, outputs, to_install, program, description, homepage, licence, \
                       hindrance, systems";

/// The packages of one release.
pub struct Catalog {
    database: Connection,
    path: PathBuf,
}

impl Catalog {
    /// Where the catalog of a release lies.
    #[must_use]
    pub fn path(state: &Path, release: &str) -> PathBuf {
        state.join("nixos").join(format!("{release}.{VERSION}.sqlite"))
    }

    /// The catalog of a release; `None`: it was not made yet, or is damaged.
    #[must_use]
    pub fn open(state: &Path, release: &str) -> Option<Self> {
        let path = Self::path(state, release);
        let database = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
        let whole = database.query_row("SELECT 1 FROM package LIMIT 1", [], |_| Ok(()));
        if whole.is_err() {
            // What can't be removed is replaced.
            let _ = fs::remove_file(&path);
            return None;
        }
        Some(Self { database, path })
    }

    /// Makes the catalog of a release out of its `packages.json`, uncompressed.
    pub fn make(state: &Path, release: &str, input: impl Read) -> Result<Self, NixosError> {
        let path = Self::path(state, release);
        write::write(&path, input).map_err(|source| NixosError::Packages { release: release.to_owned(), source })?;
        Self::open(state, release).ok_or_else(|| NixosError::Catalog { path, source: "it is empty".into() })
    }

    /// The package that `attribute` is.
    pub fn find(&self, attribute: &Attribute) -> Result<Option<Package>, NixosError> {
        let question = format!("SELECT {COLUMNS} FROM package WHERE attribute = ?1");
        let mut statement = self.database.prepare_cached(&question).map_err(|fault| self.fault(fault))?;
        statement.query_row(params![attribute.to_string()], entry_of).optional().map_err(|fault| self.fault(fault))
    }

    /// Packages of the same name without version, the newest first; of equal versions the shortest attribute.
    pub fn family(&self, pname: &str) -> Result<Vec<Package>, NixosError> {
        let mut family = self.select("pname = ?1", pname)?;
        family.sort_by(|one, other| {
            let versions = compare_versions(&other.version, &one.version);
            let length = one.attribute.len().cmp(&other.attribute.len());
            versions.then(length).then_with(|| one.attribute.cmp(&other.attribute))
        });
        Ok(family)
    }

    /// The one of `attribute`'s family that has `version`, or begins with it: `python3` and `3.12` is `python312`.
    pub fn of_version(&self, attribute: &Attribute, version: &str) -> Result<Option<Package>, NixosError> {
        let Some(asked) = self.meant(attribute)? else { return Ok(None) };
        if version_matches(&asked.version, version) {
            return Ok(Some(asked));
        }
        let depth = asked.attribute.split('.').count();
        let beside = |other: &Package| other.attribute.split('.').count() == depth;
        let family = self.family(&asked.pname)?;
        let matching = |other: &Package| version_matches(&other.version, version) && other.hindrance.is_none();
        Ok(family.into_iter().find(|other| beside(other) && matching(other)))
    }

    /// Packages whose main command is `program`.
    pub fn with_program(&self, program: &str) -> Result<Vec<Package>, NixosError> {
        self.select("program = ?1", program)
    }

    /// Up to three attributes written much like `name`, those with such a command first.
    pub fn nearest(&self, name: &str) -> Result<Vec<String>, NixosError> {
        let mut near: Vec<String> = self
            .with_program(name)?
            .into_iter()
            .map(|entry| entry.attribute)
            .filter(|one| !one.contains('.'))
            .collect();
        let inside = name.contains('.');
        let mut statement =
            self.database.prepare("SELECT attribute FROM package").map_err(|fault| self.fault(fault))?;
        let all = statement.query_map([], |row| row.get::<_, String>(0)).map_err(|fault| self.fault(fault))?;
        let all = all.filter_map(Result::ok).filter(|attribute| inside || !attribute.contains('.'));
        near.extend(nearest(name, all));
        near.dedup();
        near.truncate(3);
        Ok(near)
    }

    /// Packages whose attribute, name or description has all of `words`, in any case; the best first, `limit` at most.
    pub fn search(&self, words: &[String], limit: usize) -> Result<Vec<Package>, NixosError> {
        let words: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
        let mut found: Vec<(u32, Package)> = Vec::new();
        let question = format!("SELECT {COLUMNS} FROM package");
        let mut statement = self.database.prepare(&question).map_err(|fault| self.fault(fault))?;
        let mut rows = statement.query([]).map_err(|fault| self.fault(fault))?;
        while let Some(row) = rows.next().map_err(|fault| self.fault(fault))? {
            if let Some(rank) = rank(row, &words).map_err(|fault| self.fault(fault))? {
                found.push((rank, entry_of(row).map_err(|fault| self.fault(fault))?));
            }
        }
        found.sort_by(|(one, first), (other, second)| {
            let shorter = first.attribute.len().cmp(&second.attribute.len());
            one.cmp(other).then(shorter).then_with(|| first.attribute.cmp(&second.attribute))
        });
        found.truncate(limit);
        Ok(found.into_iter().map(|(_, entry)| entry).collect())
    }

    fn select(&self, condition: &str, value: &str) -> Result<Vec<Package>, NixosError> {
        let question = format!("SELECT {COLUMNS} FROM package WHERE {condition}");
        let mut statement = self.database.prepare_cached(&question).map_err(|fault| self.fault(fault))?;
        let rows = statement.query_map(params![value], entry_of).map_err(|fault| self.fault(fault))?;
        rows.collect::<Result<_, _>>().map_err(|fault| self.fault(fault))
    }

    fn fault(&self, fault: rusqlite::Error) -> NixosError {
        NixosError::Catalog { path: self.path.clone(), source: Box::new(fault) }
    }
}

/// How well a package fits; `None`: not at all. Smaller is better.
fn rank(row: &Row<'_>, words: &[String]) -> rusqlite::Result<Option<u32>> {
    let text = |column| row.get_ref(column).map(|value| value.as_str_or_null().ok().flatten().unwrap_or_default());
    let texts = Texts { attribute: text(0)?, name: text(2)?, program: text(6)?, description: text(7)? };
    Ok(known::rank(words, texts))
}

fn entry_of(row: &Row<'_>) -> rusqlite::Result<Package> {
    let outputs: String = row.get(4)?;
    let words = |text: String| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let systems: String = row.get(11)?;
    Ok(Package {
        attribute: row.get(0)?,
        name: row.get(1)?,
        pname: row.get(2)?,
        version: row.get(3)?,
        // What we wrote ourselves; of a damaged file nothing is known.
        outputs: serde_json::from_str(&outputs).unwrap_or_default(),
        to_install: words(row.get(5)?),
        program: row.get(6)?,
        description: row.get(7)?,
        homepage: row.get(8)?,
        licence: row.get(9)?,
        hindrance: Hindrance::from_number(row.get(10)?),
        systems: systems.split_whitespace().filter_map(System::from_name).collect(),
    })
}
