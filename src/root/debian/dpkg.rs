//! dpkg's database of an image, and apt's marks: so that `dpkg`, `apt` and scanners find all packages installed.
//!
//! The files about each package below `/var/lib/dpkg/info` are in the packages' own fragments.

mod status;
mod triggers;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::deb::{ControlError, PackageName};
use crate::failure::{Class, Classified};
use crate::image::tree::{Metadata, Node, Tree};
use crate::image::{ImagePath, ParseImagePathError};

use super::Package;
use super::merge::{Diverted, Merge};
use super::overrides::StatOverride;

/// Why there is no database.
#[derive(Debug, thiserror::Error)]
pub enum DpkgError {
    /// A control file that can't be read.
    #[error("the package {package} has a control file that can't be read")]
    Control {
        /// Whose.
        package: PackageName,
        /// What is wrong.
        source: ControlError,
    },
    /// A trigger that can't be the name of a file.
    #[error("the package {package} has a trigger `{trigger}`, which dpkg can't have", trigger = .trigger.escape_debug())]
    Trigger {
        /// Whose.
        package: PackageName,
        /// Its name, shortened.
        trigger: String,
    },
    /// A path that an image can't hold.
    #[error(transparent)]
    Path(#[from] ParseImagePathError),
}

impl Classified for DpkgError {
    fn class(&self) -> Class {
        Class::Usage
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Control { package, .. } | Self::Trigger { package, .. } => {
                Some(format!("do without {package}, or take another version of it"))
            }
            Self::Path(_) => None,
        }
    }
}

/// `/var/lib/dpkg` but for what packages bring there, and `/var/lib/apt/extended_states`. `native` is the machine's
/// architecture: `amd64`.
pub fn dpkg_database(
    packages: &[Package<'_>],
    merge: &Merge,
    diverted: &[Diverted],
    stat_overrides: &[StatOverride],
    native: &str,
) -> Result<Tree, DpkgError> {
    let mut sorted: Vec<&Package<'_>> = packages.iter().collect();
    sorted.sort_by_key(|package| (package.name, package.architecture));
    let mut tree = Tree::new();
    for folder in ["var/lib/dpkg", "var/lib/apt"] {
        put(&mut tree, folder, 0o755, Node::Directory)?;
    }
    for folder in ["alternatives", "info", "parts", "triggers", "updates"] {
        put(&mut tree, &format!("var/lib/dpkg/{folder}"), 0o755, Node::Directory)?;
    }
    let mut file = |path: &str, mode, text: String| put(&mut tree, path, mode, Node::File(text.into_bytes()));
    file("var/lib/dpkg/status", 0o644, status::status(&sorted, merge)?)?;
    file("var/lib/dpkg/available", 0o644, String::new())?;
    file("var/lib/dpkg/diversions", 0o644, diversions(diverted))?;
    file("var/lib/dpkg/statoverride", 0o644, stat_override_lines(stat_overrides))?;
    file("var/lib/dpkg/info/format", 0o644, "1\n".to_owned())?;
    file("var/lib/dpkg/lock", 0o640, String::new())?;
    file("var/lib/dpkg/lock-frontend", 0o640, String::new())?;
    file("var/lib/dpkg/triggers/Lock", 0o600, String::new())?;
    file("var/lib/dpkg/triggers/Unincorp", 0o644, String::new())?;
    for (name, text) in triggers::triggers(&sorted)? {
        file(&format!("var/lib/dpkg/triggers/{name}"), 0o644, text)?;
    }
    file("var/lib/apt/extended_states", 0o644, extended_states(&sorted, native))?;
    Ok(tree)
}

fn put(tree: &mut Tree, path: &str, mode: u32, node: Node) -> Result<(), DpkgError> {
    tree.insert(ImagePath::new(path.as_bytes())?, (Metadata::root(mode), node));
    Ok(())
}

/// Three lines for each: the file, where it goes, whose it is.
fn diversions(diverted: &[Diverted]) -> String {
    let sorted: BTreeSet<_> = diverted.iter().map(|one| (&one.path, &one.to, &one.package)).collect();
    sorted.into_iter().fold(String::new(), |mut text, (path, to, package)| {
        let _ = writeln!(text, "{path}\n{to}\n{package}");
        text
    })
}

fn stat_override_lines(stat_overrides: &[StatOverride]) -> String {
    let sorted: BTreeSet<_> = stat_overrides.iter().collect();
    sorted.into_iter().fold(String::new(), |mut text, StatOverride { path, user, group, mode }| {
        let _ = writeln!(text, "{user} {group} {mode:o} {path}");
        text
    })
}

/// What nobody asked for by name: apt may remove it when nothing needs it any more. `all` stands for the machine's
/// architecture there.
fn extended_states(sorted: &[&Package<'_>], native: &str) -> String {
    let automatic = sorted.iter().filter(|package| !package.requested);
    automatic.fold(String::new(), |mut text, package| {
        let architecture = if package.architecture == "all" { native } else { package.architecture };
        let _ = write!(text, "Package: {}\nArchitecture: {architecture}\nAuto-Installed: 1\n\n", package.name);
        text
    })
}

#[cfg(test)]
mod tests;
