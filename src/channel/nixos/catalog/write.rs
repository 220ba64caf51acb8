//! Writes a catalog: a database of one release's packages, made once and read ever after.

use std::error::Error;
use std::fs;
use std::io::Read;
use std::path::Path;

use rusqlite::{Connection, params};

use super::super::super::name::Attribute;
use super::entry::Entry;
use super::read::read_packages;

type Fault = Box<dyn Error + Send + Sync>;

const SCHEMA: &str = "
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    CREATE TABLE package (
        attribute TEXT PRIMARY KEY, name TEXT NOT NULL, pname TEXT NOT NULL, version TEXT NOT NULL, outputs TEXT NOT NULL,
        to_install TEXT NOT NULL, program TEXT, description TEXT, homepage TEXT, licence TEXT, hindrance INTEGER NOT NULL,
        systems TEXT NOT NULL
    ) WITHOUT ROWID;
    BEGIN;
";

/// Commands come of packages that have them as their main one; families share a name without version.
const INDICES: &str = "
    CREATE INDEX by_pname ON package (pname);
    CREATE INDEX by_program ON package (program) WHERE program IS NOT NULL;
    COMMIT;
";

/// Makes the catalog at `path` of a `packages.json`: under another name until it is whole.
pub(super) fn write(path: &Path, input: impl Read) -> Result<u64, Fault> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let file = tempfile::NamedTempFile::new_in(folder)?;
    let database = Connection::open(file.path())?;
    database.execute_batch(SCHEMA)?;
    let count = {
        let insertion = "INSERT OR REPLACE INTO package VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
        let mut statement = database.prepare(insertion)?;
        read_packages(input, &mut |entry| insert(&mut statement, &entry).map_err(|fault| fault.to_string()))?
    };
    database.execute_batch(INDICES)?;
    database.close().map_err(|(_, fault)| fault)?;
    file.persist(path)?;
    Ok(count)
}

fn insert(statement: &mut rusqlite::Statement<'_>, entry: &Entry) -> Result<(), Fault> {
    let systems: Vec<_> = entry.systems.iter().map(|system| system.name()).collect();
    statement.execute(params![
        // However its segments are quoted there.
        Attribute::parse(&entry.attribute).to_string(),
        entry.name,
        entry.pname,
        entry.version,
        serde_json::to_string(&entry.outputs)?,
        entry.to_install.join(" "),
        entry.program,
        entry.description,
        entry.homepage,
        entry.licence,
        entry.hindrance.map_or(0, super::entry::Hindrance::number),
        systems.join(" "),
    ])?;
    Ok(())
}
