//! What people write where an image is wanted.

use std::fmt;
use std::path::{Path, PathBuf};

use super::Error;
use crate::registry::Reference;

/// Where an image lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// In a registry.
    Registry(Reference),
    /// A file: docker-archive, OCI archive or both, gzipped, zstd or plain.
    Archive(PathBuf),
    /// The folder of an OCI layout.
    Layout(PathBuf),
}

impl Location {
    /// What `text` names: an existing file or folder (relative to `directory`), or what begins with `.`, `/` or `~`, is that; else a
    /// reference.
    pub fn parse(text: &str, directory: &Path) -> Result<Self, Error> {
        let path = match (text.strip_prefix("~/"), std::env::home_dir()) {
            (Some(below), Some(home)) => home.join(below),
            _ => directory.join(text),
        };
        match path.metadata() {
            Ok(metadata) if metadata.is_dir() && !text.is_empty() => Ok(Self::Layout(path)),
            Ok(_) if !text.is_empty() => Ok(Self::Archive(path)),
            _ if text.starts_with(['.', '/', '~']) => Err(Error::Missing(path)),
            _ => Ok(Self::Registry(text.parse()?)),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry(reference) => reference.fmt(formatter),
            Self::Archive(path) | Self::Layout(path) => path.display().fmt(formatter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_exists_is_a_file_and_what_looks_like_a_path_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        std::fs::write(path.join("app.tar"), "").unwrap();
        std::fs::create_dir(path.join("app.oci")).unwrap();
        assert_eq!(Location::parse("app.tar", path).unwrap(), Location::Archive(path.join("app.tar")));
        assert_eq!(Location::parse("./app.oci", path).unwrap(), Location::Layout(path.join("./app.oci")));
        for absent in ["./app", "/nowhere/at/all", "~/nowhere-at-all.tar", "../nowhere-at-all"] {
            assert!(matches!(Location::parse(absent, path), Err(Error::Missing(_))), "{absent}");
        }
    }
}
