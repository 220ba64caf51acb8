//! The Nix database of an image: what real Nix finds valid there, and what its collector must not take.
//!
//! Schema 10, as all of Nix 2 has it. The same paths give the same bytes: one transaction, in the order of the paths,
//! with fixed times, into a fresh database in memory.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, Statement, params};

use crate::failure::{Class, Classified};
use crate::image::tree::{Metadata, Node, Tree};
use crate::image::{ImagePath, ParseImagePathError};
use crate::nix::{ContentAddress, Sha256, StorePath};

use super::addressed::Addressed;

/// What `/nix/var/nix/db/schema` says.
const SCHEMA_VERSION: &str = "10";

/// What Nix expects below `/nix/var/nix`, and makes where it may.
const FOLDERS: [&str; 11] = [
    "",
    "db",
    "gcroots",
    "gcroots/auto",
    "gcroots/dumbc",
    "gcroots/per-user",
    "gcroots/per-user/root",
    "profiles",
    "profiles/per-user",
    "profiles/per-user/root",
    "temproots",
];

/// Nix's tables, indices and trigger. References of a path to itself would keep it from being deleted, hence the trigger.
const SCHEMA: &str = "
    create table ValidPaths (
        id integer primary key autoincrement not null,
        path text unique not null,
        hash text not null,
        registrationTime integer not null,
        deriver text,
        narSize integer,
        ultimate integer,
        sigs text,
        ca text
    );
    create table Refs (
        referrer integer not null,
        reference integer not null,
        primary key (referrer, reference),
        foreign key (referrer) references ValidPaths(id) on delete cascade,
        foreign key (reference) references ValidPaths(id) on delete restrict
    );
    create index IndexReferrer on Refs(referrer);
    create index IndexReference on Refs(reference);
    create trigger DeleteSelfRefs before delete on ValidPaths begin
        delete from Refs where referrer = old.id and reference = old.id;
    end;
    create table DerivationOutputs (
        drv integer not null,
        id text not null,
        path text not null,
        primary key (drv, id),
        foreign key (drv) references ValidPaths(id) on delete cascade
    );
    create index IndexDerivationOutputs on DerivationOutputs(path);
";

/// A path that the image holds whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidPath {
    /// The path.
    pub path: StorePath,
    /// Digest of its NAR.
    pub nar_hash: Sha256,
    /// Bytes of its NAR.
    pub nar_size: u64,
    /// What it refers to; may hold the path itself.
    pub references: Vec<StorePath>,
    /// The derivation that made it, its base name.
    pub deriver: Option<String>,
    /// Its content address, as narinfos have it.
    pub content_address: Option<String>,
    /// `name:base64`
    pub signatures: Vec<String>,
}

impl From<&Addressed> for ValidPath {
    fn from(addressed: &Addressed) -> Self {
        Self {
            path: addressed.path.clone(),
            nar_hash: addressed.nar_hash,
            nar_size: addressed.nar_size,
            references: addressed.references.clone(),
            deriver: None,
            content_address: Some(addressed.content_address.to_string()),
            signatures: Vec::new(),
        }
    }
}

/// Why there is no database.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// Nix would find it broken.
    #[error("{path} refers to {reference}, which the image does not hold")]
    MissingReference {
        /// The path.
        path: StorePath,
        /// What it refers to.
        reference: StorePath,
    },
    /// The database counts in signed numbers.
    #[error("{path} has {size} bytes, more than a Nix database can say")]
    TooLarge {
        /// The path.
        path: StorePath,
        /// Bytes of its NAR.
        size: u64,
    },
    /// A name that an image can't hold.
    #[error(transparent)]
    Path(#[from] ParseImagePathError),
    /// The database engine.
    #[error("can't write the Nix database")]
    Sqlite(#[from] rusqlite::Error),
}

impl Classified for DatabaseError {
    fn class(&self) -> Class {
        Class::Other
    }
}

/// `/nix/var/nix` for an image that holds `paths`: the database, a collector's root for each of `roots`, and the folders
/// that Nix expects.
pub fn nix_database(paths: &[ValidPath], roots: &[&StorePath]) -> Result<Tree, DatabaseError> {
    let mut tree = Tree::new();
    let mut put = |path: &str, mode, node| -> Result<(), DatabaseError> {
        let path = ImagePath::new(format!("nix/var/nix/{path}").trim_end_matches('/').as_bytes())?;
        tree.insert(path, (Metadata::root(mode), node));
        Ok(())
    };
    for folder in FOLDERS {
        put(folder, 0o755, Node::Directory)?;
    }
    put("db/db.sqlite", 0o644, Node::File(database(paths)?))?;
    put("db/schema", 0o644, Node::File(SCHEMA_VERSION.as_bytes().to_vec()))?;
    put("db/big-lock", 0o600, Node::File(Vec::new()))?;
    put("gcroots/profiles", 0o777, Node::Symlink(b"/nix/var/nix/profiles".to_vec()))?;
    for root in roots {
        let link = format!("gcroots/dumbc/{}", root.base_name());
        put(&link, 0o777, Node::Symlink(root.to_string().into_bytes()))?;
    }
    Ok(tree)
}

/// `db.sqlite` that says `paths` are valid.
pub fn database(paths: &[ValidPath]) -> Result<Vec<u8>, DatabaseError> {
    let sorted: BTreeMap<&StorePath, &ValidPath> = paths.iter().map(|valid| (&valid.path, valid)).collect();
    let ids: BTreeMap<&StorePath, i64> = sorted.keys().copied().zip(1..).collect();
    let mut connection = Connection::open_in_memory()?;
    connection.execute_batch("pragma page_size = 4096; pragma encoding = 'UTF-8'; pragma auto_vacuum = none;")?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(SCHEMA)?;
    {
        let mut insert_path = transaction.prepare(
            "insert into ValidPaths (id, path, hash, registrationTime, deriver, narSize, sigs, ca)
             values (?, ?, ?, 1, ?, ?, ?, ?)",
        )?;
        for (path, valid) in &sorted {
            add_path(&mut insert_path, ids[path], valid)?;
        }
        let mut insert_reference = transaction.prepare("insert into Refs (referrer, reference) values (?, ?)")?;
        for (path, valid) in &sorted {
            add_references(&mut insert_reference, &ids, ids[path], valid)?;
        }
    }
    transaction.commit()?;
    Ok(connection.serialize(rusqlite::MAIN_DB)?.to_vec())
}

fn add_path(statement: &mut Statement<'_>, id: i64, valid: &ValidPath) -> Result<(), DatabaseError> {
    let too_large = |_| DatabaseError::TooLarge { path: valid.path.clone(), size: valid.nar_size };
    let size = i64::try_from(valid.nar_size).map_err(too_large)?;
    let hash = format!("sha256:{}", valid.nar_hash.hex());
    // No signature covers these two, and Nix fails on a path that has them malformed.
    let deriver = valid.deriver.as_deref().and_then(|base_name| StorePath::from_base_name(base_name).ok());
    let deriver = deriver.map(|path| path.to_string());
    let address = valid.content_address.as_deref().filter(|address| address.parse::<ContentAddress>().is_ok());
    let signatures = (!valid.signatures.is_empty()).then(|| valid.signatures.join(" "));
    statement.execute(params![id, valid.path.to_string(), hash, deriver, size, signatures, address])?;
    Ok(())
}

fn add_references(
    statement: &mut Statement<'_>,
    ids: &BTreeMap<&StorePath, i64>,
    id: i64,
    valid: &ValidPath,
) -> Result<(), DatabaseError> {
    for reference in valid.references.iter().collect::<BTreeSet<_>>() {
        let missing = || DatabaseError::MissingReference { path: valid.path.clone(), reference: reference.clone() };
        statement.execute([id, *ids.get(reference).ok_or_else(missing)?])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
