//! Where our files go in an image that others began.
//!
//! A folder of ours that is a link of the base's would take the link's place, and with it everything behind it: what lies in it goes
//! where the link leads. The base's folders keep their modes and owners.

use std::collections::BTreeSet;

use crate::failure::{Class, Classified};
use crate::image::ImagePath;
use crate::image::head::Parents;
use crate::image::layered::{Layered, LayeredEntry, LayeredKind};
use crate::image::tree::{Metadata, Node, Tree};

use super::super::files::overlay::Declared;
use super::super::parents::Claim;

/// What the base has of these stays: nobody asked for another one.
const BASE_STAYS: [&str; 13] = [
    "etc/default/locale",
    "etc/locale.conf",
    "etc/localtime",
    "etc/nsswitch.conf",
    "etc/os-release",
    "etc/profile",
    "etc/timezone",
    "etc/ssl/certs/ca-bundle.crt",
    "etc/ssl/certs/ca-certificates.crt",
    "etc/zoneinfo",
    "usr/lib/os-release",
    "etc/debian_version",
    "etc/lsb-release",
];

/// These stay where they are plain files; container runtimes put their own over them.
const PLAIN_STAYS: [&str; 2] = ["etc/hosts", "etc/resolv.conf"];

/// What login shells are told where the base has a profile of its own.
const PROFILE: (&str, &str) = ("etc/profile", "etc/profile.d/zz-dumbc.sh");

/// Something of ours that has no place in the base.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BaseConflict {
    /// A path below a file, or in a circle of links.
    #[error("{unit} needs {path}, and the base image has a file on the way there, or a circle of links")]
    Nowhere {
        /// Which path.
        path: ImagePath,
        /// Who needs it.
        unit: String,
    },
    /// A folder here, something else there.
    #[error("{unit} needs a folder at {path}, where the base image has {what}")]
    NoFolder {
        /// Where.
        path: ImagePath,
        /// Who needs it.
        unit: String,
        /// `a file`, `a link to /usr/bin`
        what: String,
    },
    /// Something else here, a folder there.
    #[error("{unit} brings {path}, where the base image has a folder")]
    Folder {
        /// Where.
        path: ImagePath,
        /// Who brings it.
        unit: String,
    },
    /// A file that everything depends on can't be joined with ours.
    #[error("the base image's {path} is larger than 1 MiB, or no text, and can't be joined with ours")]
    Accounts {
        /// Which.
        path: ImagePath,
    },
    /// Debian packages over dpkg's packages.
    #[error("the base image has a dpkg database of its own, which Debian packages of the project can't join")]
    Dpkg,
}

impl Classified for BaseConflict {
    fn class(&self) -> Class {
        Class::Usage
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::Dpkg => "take the packages from a Nix channel, or do without `from` and let Debian's packages make the whole image",
            Self::Accounts { .. } => "take another base image, or one whose users and groups are fewer",
            _ => "give it another place, or take another base image",
        }
        .to_owned())
    }
}

/// Moves what is generated to where the base's links lead, and leaves out what the base has already. `tree` may have been here before.
pub fn settle(tree: &mut Tree, base: &Layered, unit: &str) -> Result<(), BaseConflict> {
    for (path, (metadata, node)) in std::mem::take(tree) {
        let placed = placed(base, &path, node == Node::Directory, unit)?;
        let there = base.get(&placed).map(|entry| (&entry.kind, entry.metadata));
        let is_named = |names: &[&str]| names.iter().any(|name| name.as_bytes() == path.as_bytes());
        match (&node, there) {
            (Node::Directory, Some((LayeredKind::Directory, _))) => {}
            (Node::Directory, Some((kind, _))) => return Err(no_folder(placed, unit, kind)),
            (Node::Symlink(_), Some(_)) if leads_to_folder(base, &placed) => {}
            (_, Some((LayeredKind::Directory, _))) => {
                return Err(BaseConflict::Folder { path: placed, unit: unit.to_owned() });
            }
            (Node::File(_), Some(_)) if path.as_bytes() == PROFILE.0.as_bytes() => {
                let beside = ImagePath::new(PROFILE.1.as_bytes()).unwrap_or_default();
                tree.entry(self::placed(base, &beside, false, unit)?).or_insert((metadata, node));
            }
            (_, Some(_)) if is_named(&BASE_STAYS) => {}
            (_, Some((LayeredKind::File(_), _))) if is_named(&PLAIN_STAYS) => {}
            (Node::File(_), Some((LayeredKind::File(_), theirs))) if is_account_file(&path) => {
                tree.entry(placed).or_insert((theirs, node));
            }
            _ => drop(tree.entry(placed).or_insert((metadata, node))),
        }
    }
    Ok(())
}

/// A folder, or a link to one: others count on what lies behind it.
fn leads_to_folder(base: &Layered, path: &ImagePath) -> bool {
    base.lead(path, true).and_then(|path| base.get(&path)).is_some_and(is_folder)
}

/// Who may read them, the base knows best.
fn is_account_file(path: &ImagePath) -> bool {
    [&b"etc/passwd"[..], b"etc/group", b"etc/shadow", b"etc/gshadow"].contains(&path.as_bytes())
}

/// Moves what the user declares to where the base's links lead. It wins over what the base has; of folders it takes the owner alone,
/// where it names one.
pub fn settle_declared(declared: &mut Declared, base: &Layered) -> Result<(), BaseConflict> {
    let unit = format!("[files.\"{}\"]", declared.target);
    for (path, (metadata, node)) in std::mem::take(&mut declared.tree) {
        let is_folder = node == Node::Directory;
        let placed = placed(base, &path, is_folder, &unit)?;
        match base.get(&placed).filter(|entry| is_folder && entry.kind == LayeredKind::Directory) {
            // It stands in heads, as the base has it, where something lies in it.
            Some(_) if (metadata.uid, metadata.gid) == (0, 0) => {}
            Some(entry) => {
                let metadata = Metadata { mode: entry.metadata.mode, ..metadata };
                declared.tree.insert(placed, (metadata, node));
            }
            None => drop(declared.tree.insert(placed, (metadata, node))),
        }
    }
    Ok(())
}

/// Gives shared folders the metadata that the base has for them, where no unit says another; refuses what is a folder of a unit's
/// and none of the base's, and a unit's file where the base has a folder, unless the user declares it. `units` claim by name.
pub fn settle_parents(
    parents: &mut Parents,
    base: &Layered,
    units: &[(String, Vec<(ImagePath, Claim)>)],
) -> Result<(), BaseConflict> {
    let is_declared = |unit: &str| unit.starts_with("[files.");
    let mut declared = BTreeSet::new();
    for (unit, claims) in units {
        for (path, claim) in claims {
            if is_declared(unit) {
                declared.insert(path);
            } else if *claim == Claim::Own && base.get(path).is_some_and(is_folder) && !is_store_path(path) {
                return Err(BaseConflict::Folder { path: path.clone(), unit: unit.clone() });
            }
        }
    }
    for (path, metadata) in parents.iter_mut().filter(|(path, _)| !declared.contains(path)) {
        match base.get(path) {
            Some(entry) if is_folder(entry) => *metadata = entry.metadata,
            Some(entry) => {
                let needs = units.iter().find(|(_, claims)| claims.iter().any(|(claim, _)| claim.starts_with(path)));
                let unit = needs.map_or("a package", |(unit, _)| unit.as_str());
                return Err(no_folder(path.clone(), unit, &entry.kind));
            }
            None => {}
        }
    }
    Ok(())
}

fn is_folder(entry: &LayeredEntry) -> bool {
    entry.kind == LayeredKind::Directory
}

/// A base that has the very same package has the same folder.
fn is_store_path(path: &ImagePath) -> bool {
    path.as_bytes().starts_with(b"nix/store/")
}

fn placed(base: &Layered, path: &ImagePath, is_folder: bool, unit: &str) -> Result<ImagePath, BaseConflict> {
    base.lead(path, is_folder).ok_or_else(|| BaseConflict::Nowhere { path: path.clone(), unit: unit.to_owned() })
}

fn no_folder(path: ImagePath, unit: &str, kind: &LayeredKind) -> BaseConflict {
    let what = match kind {
        LayeredKind::Symlink(target) => format!("a link to {}", String::from_utf8_lossy(target).escape_debug()),
        LayeredKind::Special => "a device or pipe".to_owned(),
        LayeredKind::File(_) | LayeredKind::Directory => "a file".to_owned(),
    };
    BaseConflict::NoFolder { path, unit: unit.to_owned(), what }
}
