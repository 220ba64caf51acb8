//! Folders that units share: their metadata, decided once over all units.
//!
//! A layer begins with the parents of what follows in it. As they are the same wherever they stand, the order of
//! layers decides nothing.

use std::collections::BTreeMap;

use crate::failure::{Class, Classified};
use crate::image::ImagePath;
use crate::image::tree::{Metadata, Node, Tree};
use crate::nix::StorePath;

/// What a unit says about a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// A folder, which others may have too.
    Directory(Metadata),
    /// A file, a link, or a store path: nobody else's.
    Own,
}

/// Units that can't be in one image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConflictError {
    /// A folder here, something else there.
    #[error("{folder_unit} needs a folder at {path}, where {other_unit} has a file or link")]
    NoFolder {
        /// Where.
        path: ImagePath,
        /// Who needs a folder there, or something in it.
        folder_unit: String,
        /// Who has something else there.
        other_unit: String,
    },
    /// Two files, or two links.
    #[error("{one} and {two} both bring {path}")]
    Twice {
        /// Where.
        path: ImagePath,
        /// A unit.
        one: String,
        /// The other one.
        two: String,
    },
    /// One folder, two owners or modes.
    #[error("{one} and {two} differ about the folder {path}: {} and {}", describe(metadata.0), describe(metadata.1))]
    Metadata {
        /// Where.
        path: ImagePath,
        /// A unit.
        one: String,
        /// The other one.
        two: String,
        /// What each of them says.
        metadata: (Metadata, Metadata),
    },
}

fn describe(Metadata { mode, uid, gid }: Metadata) -> String {
    format!("{mode:04o} {uid}:{gid}")
}

impl Classified for ConflictError {
    fn class(&self) -> Class {
        Class::Usage
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::NoFolder { .. } => "give one of the two another place".to_owned(),
            Self::Twice { .. } => "take one of the two out".to_owned(),
            Self::Metadata { path, .. } => format!("give both the same `owner`, or let one alone bring {path}"),
        })
    }
}

/// Everything that a generated or local unit says.
pub fn claims_of_tree(tree: &Tree) -> impl Iterator<Item = (ImagePath, Claim)> {
    tree.iter().map(|(path, (metadata, node))| {
        (path.clone(), if *node == Node::Directory { Claim::Directory(*metadata) } else { Claim::Own })
    })
}

/// What a package says: its store path is its own.
pub fn claims_of_store_path(store_path: &StorePath) -> impl Iterator<Item = (ImagePath, Claim)> {
    std::iter::once((ImagePath::from(store_path), Claim::Own))
}

/// Metadata of every folder that something lies in, below the root, by the claims of all units, each with its name.
/// Root's with 0755 where no unit says.
pub fn parents<'a, C: IntoIterator<Item = (ImagePath, Claim)>>(
    units: impl IntoIterator<Item = (&'a str, C)>,
) -> Result<BTreeMap<ImagePath, Metadata>, ConflictError> {
    let mut claims: BTreeMap<ImagePath, (&str, Claim)> = BTreeMap::new();
    for (unit, unit_claims) in units {
        for (path, claim) in unit_claims {
            if let Some((other, before)) = claims.insert(path.clone(), (unit, claim)) {
                check_pair(&path, (other, before), (unit, claim))?;
            }
        }
    }
    let mut folders = BTreeMap::new();
    for (path, (unit, _)) in &claims {
        for parent in std::iter::successors(path.parent(), ImagePath::parent) {
            if parent.is_root() || folders.contains_key(&parent) {
                break;
            }
            let metadata = match claims.get(&parent) {
                None => Metadata::root(0o755),
                Some((_, Claim::Directory(metadata))) => *metadata,
                Some((other, Claim::Own)) => {
                    let (folder_unit, other_unit) = ((*unit).to_owned(), (*other).to_owned());
                    return Err(ConflictError::NoFolder { path: parent, folder_unit, other_unit });
                }
            };
            folders.insert(parent, metadata);
        }
    }
    Ok(folders)
}

fn check_pair(path: &ImagePath, one: (&str, Claim), two: (&str, Claim)) -> Result<(), ConflictError> {
    let (path, names) = (path.clone(), (one.0.to_owned(), two.0.to_owned()));
    match (one.1, two.1) {
        (Claim::Directory(first), Claim::Directory(second)) if first == second => Ok(()),
        (Claim::Directory(first), Claim::Directory(second)) => {
            Err(ConflictError::Metadata { path, one: names.0, two: names.1, metadata: (first, second) })
        }
        (Claim::Directory(_), Claim::Own) => {
            Err(ConflictError::NoFolder { path, folder_unit: names.0, other_unit: names.1 })
        }
        (Claim::Own, Claim::Directory(_)) => {
            Err(ConflictError::NoFolder { path, folder_unit: names.1, other_unit: names.0 })
        }
        (Claim::Own, Claim::Own) => Err(ConflictError::Twice { path, one: names.0, two: names.1 }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::sample;

    fn conflict(units: &[(&str, Tree)]) -> ConflictError {
        parents(units.iter().map(|(name, tree)| (*name, claims_of_tree(tree)))).unwrap_err()
    }

    /// A tree without the parents that the sample makes.
    fn bare(path: &str, text: &str) -> Tree {
        let mut tree = sample::tree(&[(path, text)]);
        tree.retain(|_, (_, node)| *node != Node::Directory);
        tree
    }

    #[test]
    fn folders_have_what_one_unit_says_or_root_and_0755() {
        let mut base = sample::tree(&[("tmp", "dir"), ("etc/passwd", "text")]);
        base.insert(ImagePath::new(b"/tmp").unwrap(), (Metadata::root(0o1777), Node::Directory));
        let motd = bare("etc/motd", "text");
        let kept = bare("tmp/deep/file", "text");
        let git = sample::store_path("git");
        let found = parents([
            ("git", claims_of_store_path(&git).collect::<Vec<_>>()),
            ("base", claims_of_tree(&base).collect()),
            ("motd", claims_of_tree(&motd).collect()),
            ("kept", claims_of_tree(&kept).collect()),
        ]);
        let found: Vec<_> =
            found.unwrap().iter().map(|(path, metadata)| format!("{path} {:o}", metadata.mode)).collect();
        assert_eq!(found, ["/etc 755", "/nix 755", "/nix/store 755", "/tmp 1777", "/tmp/deep 755"]);
    }

    #[test]
    fn units_that_contradict_are_both_named() {
        let error = conflict(&[("link", bare("bin", "-> usr/bin")), ("file", bare("bin/sh", "x"))]);
        assert_eq!(error.to_string(), "file needs a folder at /bin, where link has a file or link");
        let error = conflict(&[("deep", bare("a/b/c/d", "x")), ("file", bare("a/b", "x"))]);
        assert_eq!(error.to_string(), "deep needs a folder at /a/b, where file has a file or link");
        let error = conflict(&[("one", bare("etc/motd", "x")), ("two", bare("etc/motd", "x"))]);
        assert_eq!(error.to_string(), "one and two both bring /etc/motd");
        let mut open = sample::tree(&[("srv", "dir")]);
        open.insert(ImagePath::new(b"/srv").unwrap(), (Metadata::root(0o777), Node::Directory));
        let error = conflict(&[("closed", sample::tree(&[("srv", "dir")])), ("open", open)]);
        assert_eq!(error.to_string(), "closed and open differ about the folder /srv: 0755 0:0 and 0777 0:0");
    }
}
