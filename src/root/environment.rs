//! Unions of packages as store paths of links: `system-path`, the system environment, and each home's `home-path`.
//!
//! The first package that has a file wins; where two bring different commands of one name, nobody does: that is an
//! error which names both.

mod union;

use std::io;

use crate::failure::{Class, Classified};
use crate::image::{ImagePath, ParseImagePathError};
use crate::nix::StorePath;

use super::addressed::{AddressError, Addressed};
use super::view::{View, split_store_path};
use union::Union;

/// The environment, and what there is to say about it.
#[derive(Debug, Clone)]
pub struct Environment {
    /// The store path of links: a unit of its own.
    pub addressed: Addressed,
    /// Files that lost to a file of an earlier package.
    pub shadowed: Vec<Shadowed>,
    /// Requested packages that are a file or a link to nowhere: they are in the image, and in no environment.
    pub left_out: Vec<StorePath>,
}

/// Files of one package that another's hide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shadowed {
    /// The package that was written first.
    pub kept: StorePath,
    /// The package whose files are not in the environment.
    pub dropped: StorePath,
    /// The first of them.
    pub path: ImagePath,
    /// How many there are.
    pub count: usize,
}

impl std::fmt::Display for Shadowed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kept, dropped, path, count } = self;
        write!(formatter, "{} of {} hides that of {}", path, kept.name(), dropped.name())?;
        match count - 1 {
            0 => Ok(()),
            more => write!(formatter, " (and {more} more)"),
        }
    }
}

/// A file of a package, no links left in its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRef {
    /// The package.
    pub store_path: StorePath,
    /// Below the package.
    pub path: ImagePath,
}

impl FileRef {
    fn new(path: &ImagePath) -> Option<Self> {
        split_store_path(path).map(|(store_path, path)| Self { store_path, path })
    }
}

impl std::fmt::Display for FileRef {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", ImagePath::from(&self.store_path).append(&self.path))
    }
}

/// One command, two programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collision {
    /// Below the environment: `bin/vi`.
    pub path: ImagePath,
    /// The package that was written first.
    pub one: StorePath,
    /// The other one.
    pub two: StorePath,
}

/// Why there is no environment.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// Different files in `bin`.
    #[error("{}", collision_lines(.0))]
    Collisions(Vec<Collision>),
    /// Links to folders that expand without end.
    #[error("the packages' union has more than {limit} entries")]
    TooLarge {
        /// The most that there may be.
        limit: usize,
    },
    /// A name that an image can't hold.
    #[error(transparent)]
    Name(ParseImagePathError),
    /// Two files could not be compared.
    #[error("can't compare {one} with {two}")]
    Compare {
        /// A file.
        one: FileRef,
        /// The other one.
        two: FileRef,
        /// What went wrong.
        source: io::Error,
    },
    /// The union has no store path.
    #[error(transparent)]
    Address(#[from] AddressError),
}

fn collision_lines(collisions: &[Collision]) -> String {
    let line = |Collision { path, one, two }: &Collision| {
        format!("two packages bring {path}: {} and {}, and the files differ", one.name(), two.name())
    };
    collisions.iter().map(line).collect::<Vec<_>>().join("\n")
}

impl Classified for EnvironmentError {
    fn class(&self) -> Class {
        match self {
            Self::Collisions(_) => Class::Usage,
            _ => Class::Other,
        }
    }

    fn help(&self) -> Option<String> {
        matches!(self, Self::Collisions(_)).then(|| {
            "keep one of the two in `packages`, or take only the outputs that you need, as in `name^out`".to_owned()
        })
    }
}

/// The system environment: [`union_named`] `system-path`.
pub fn environment(
    packages: &[&StorePath],
    view: View<'_>,
    same: impl FnMut(&FileRef, &FileRef) -> io::Result<bool>,
) -> Result<Environment, EnvironmentError> {
    union_named("system-path", packages, view, same)
}

/// The union of `packages` as a store path called `name`, the first one first. `view` holds their listings, and those of what they link to; `same`
/// compares two files' contents, and is asked only where sizes and executable bits agree.
pub fn union_named(
    name: &str,
    packages: &[&StorePath],
    view: View<'_>,
    mut same: impl FnMut(&FileRef, &FileRef) -> io::Result<bool>,
) -> Result<Environment, EnvironmentError> {
    let mut union = Union::new(view, &mut same, union::MAX_ENTRIES);
    let left_out = union.merge_packages(packages)?;
    if !union.collisions.is_empty() {
        return Err(EnvironmentError::Collisions(union.collisions));
    }
    let shadowed = union.shadowed();
    let candidates: Vec<_> = packages.iter().map(|&package| package.clone()).collect();
    Ok(Environment { addressed: Addressed::of(name, union.tree, &candidates)?, shadowed, left_out })
}

#[cfg(test)]
mod real;
#[cfg(test)]
mod tests;
