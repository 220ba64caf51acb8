//! From a Nix file to one of the three TOML files.

use std::path::Path;

use super::leaf::{Leaf, Sheet, leaves};
use super::{home, read, system, toml_text, users, value};
use crate::config::ConfigFile;
use crate::import::error::ImportError;
use crate::import::package::Skipped;

/// Which of the three a Nix file is.
pub type Role = ConfigFile;

/// What became of a Nix file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Converted {
    /// The file that it becomes.
    pub role: Role,
    /// The file's text.
    pub text: String,
    /// What stands in it as comments only: the place, and why.
    pub skipped: Vec<Skipped>,
}

/// Converts a file whose name or content tells what it is. A system's names come from the NixOS channel `release`.
///
/// # Errors
/// The text is no Nix, no attribute set, or none of the three.
pub fn convert(text: &str, origin: &str, release: &str) -> Result<Converted, ImportError> {
    let mut file = read(text, origin)?;
    let all = leaves(std::mem::take(&mut file.entries));
    let unknown = || ImportError::UnknownKind { origin: origin.to_owned() };
    let role = by_name(origin).or_else(|| by_content(&all)).ok_or_else(unknown)?;
    let mut sheet = Sheet::of(&mut file);
    for leaf in all {
        match role {
            ConfigFile::System => system::put(&mut sheet, leaf),
            ConfigFile::Users => users::put(&mut sheet, leaf),
            ConfigFile::Home => home::put(&mut sheet, &[], leaf),
        }
    }
    match role {
        ConfigFile::System => system::complete(&mut sheet, release),
        ConfigFile::Users => users::complete(&mut sheet),
        ConfigFile::Home => {
            home::prune(&mut sheet, &[]);
            sheet.request_named(&[]);
        }
    }
    sheet.leftovers.sort_by_key(|leftover| (leftover.span.start, leftover.span.end));
    let skipped = sheet.leftovers.iter().map(|leftover| {
        let line = value::line(text, leftover.span.start);
        let what = text.get(leftover.span.clone()).and_then(|text| text.lines().next()).unwrap_or_default();
        Skipped::new(format!("{origin}, line {line}"), format!("{} ({})", leftover.why, what.trim()))
    });
    let skipped = skipped.collect();
    let told = toml_text::leftovers(text, origin, &sheet.leftovers, &file);
    Ok(Converted { role, text: toml_text::table(&sheet.table) + &told, skipped })
}

fn by_name(origin: &str) -> Option<Role> {
    let stem = Path::new(origin).file_stem()?.to_str()?;
    ConfigFile::ALL.into_iter().find(|file| file.file_name().strip_suffix(".toml") == Some(stem))
}

fn by_content(all: &[Leaf]) -> Option<Role> {
    let is_system = |leaf: &Leaf| {
        leaf.path
            .first()
            .is_some_and(|first| ["imageName", "entrypoint", "daemons", "packages"].contains(&first.as_str()))
    };
    if all.iter().any(is_system) {
        Some(ConfigFile::System)
    } else if home::is_home(all) {
        Some(ConfigFile::Home)
    } else {
        users::is_users(all).then_some(ConfigFile::Users)
    }
}
