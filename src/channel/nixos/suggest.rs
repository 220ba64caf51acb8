//! What somebody may have meant by a name that a release does not have.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, params};

use crate::config::System;

use super::super::name::Attribute;
use super::{Catalog, NixosError};

/// Where NixOS keeps which package has which command.
const PROGRAMS: &str = "/nix/var/nix/profiles/per-user/root/channels/nixos/programs.sqlite";
/// More than anybody reads.
const SUGGESTED: usize = 3;

/// Up to three attributes: packages with such a command, names written alike.
pub(in crate::channel) fn suggestions(
    catalog: &Catalog,
    attribute: &Attribute,
    system: System,
) -> Result<Vec<String>, NixosError> {
    let name = attribute.to_string();
    let mut suggested = Vec::new();
    for package in with_command(&programs_file(), &name, system) {
        if catalog.find(&Attribute::parse(&package))?.is_some() {
            suggested.push(package);
        }
    }
    for near in catalog.nearest(&name)? {
        if !suggested.contains(&near) {
            suggested.push(near);
        }
    }
    suggested.truncate(SUGGESTED);
    Ok(suggested)
}

fn programs_file() -> PathBuf {
    let named = std::env::var_os("DUMBC_PROGRAMS_SQLITE").filter(|name| !name.is_empty());
    named.map_or_else(|| PathBuf::from(PROGRAMS), PathBuf::from)
}

/// Packages that have a command, by a file that may be there: of what can't be read, nothing is known.
fn with_command(file: &Path, command: &str, system: System) -> Vec<String> {
    let ask = || {
        let database = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let question = "SELECT DISTINCT package FROM Programs WHERE name = ?1 AND system = ?2 ORDER BY length(package), package LIMIT 3";
        let mut statement = database.prepare(question)?;
        let rows = statement.query_map(params![command, system.name()], |row| row.get(0))?;
        rows.collect::<rusqlite::Result<Vec<String>>>()
    };
    if file.is_file() { ask().unwrap_or_default() } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKAGES: &str = r#"{"version":"2","packages":{
"python3":{"pname":"python3","version":"3.13.1"},"python313":{"pname":"python3","version":"3.13.1"},
"python312":{"pname":"python3","version":"3.12.9"},"python312Packages.requests":{"pname":"requests","version":"2"},
"python313Packages.requests":{"pname":"requests","version":"2"},
"ripgrep":{"pname":"ripgrep","version":"14","meta":{"mainProgram":"rg"}},"imagemagick":{"pname":"imagemagick","version":"7"}}}"#;

    fn suggested(catalog: &Catalog, name: &str) -> Vec<String> {
        suggestions(catalog, &Attribute::parse(name), System::X86_64Linux).unwrap()
    }

    #[test]
    fn a_command_leads_to_its_package() {
        let state = tempfile::tempdir().unwrap();
        let catalog = Catalog::make(state.path(), "r", PACKAGES.as_bytes()).unwrap();
        assert_eq!(
            suggested(&catalog, "python313Packages.request"),
            ["python313Packages.requests", "python312Packages.requests"]
        );
        assert_eq!(suggested(&catalog, "python3Packages.absent"), Vec::<String>::new());
        assert_eq!(suggested(&catalog, "rg"), ["ripgrep"]);
    }

    #[test]
    fn commands_come_of_the_file_that_knows_them() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("programs.sqlite");
        assert!(with_command(&file, "convert", System::X86_64Linux).is_empty());
        let database = Connection::open(&file).unwrap();
        database
            .execute_batch(
                "CREATE TABLE Programs (name text not null, system text not null, package text not null, primary key (name, system, package));
                 INSERT INTO Programs VALUES ('convert', 'x86_64-linux', 'imagemagick'), ('convert', 'aarch64-linux', 'other');",
            )
            .unwrap();
        assert_eq!(with_command(&file, "convert", System::X86_64Linux), ["imagemagick"]);
        std::fs::write(&file, "no database").unwrap();
        assert!(with_command(&file, "convert", System::X86_64Linux).is_empty());
    }
}
