//! Why packages can't share one tree.

use std::io;

use crate::deb::{ControlError, PackageName, ParseRelationError};
use crate::failure::{Class, Classified};
use crate::image::{ImagePath, ParseImagePathError};

/// Debian packages that can't be in one image.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// Two files or links, and neither package replaces the other, or each does.
    #[error("the packages {one} and {two} both bring {path}, and {}", if *.mutual { "each says that it replaces the other" } else { "neither says that it replaces the other" })]
    Twice {
        /// Where.
        path: ImagePath,
        /// A package.
        one: PackageName,
        /// The other one.
        two: PackageName,
        /// Whether each replaces the other.
        mutual: bool,
    },
    /// A folder here, a file there.
    #[error("the package {folder} has a folder at {path}, where the package {file} has a file")]
    NotAFolder {
        /// Where.
        path: ImagePath,
        /// Who has a folder there, or something below it.
        folder: PackageName,
        /// Who has something else.
        file: PackageName,
    },
    /// A folder here, a link to no folder there.
    #[error(
        "the package {folder} has a folder at {path}, where the package {link} has a link to {target}, which is no folder"
    )]
    NoFolderBehind {
        /// Where.
        path: ImagePath,
        /// Who has a folder there.
        folder: PackageName,
        /// Who has a link.
        link: PackageName,
        /// What the link leads to.
        target: ImagePath,
    },
    /// Links that lead to each other.
    #[error("{path} of the package {package} lies behind links that lead in a circle")]
    Circle {
        /// A path.
        path: ImagePath,
        /// Who has it.
        package: PackageName,
    },
    /// Links that keep moving each other.
    #[error("links of several packages move each other at {path}, without end")]
    Restless {
        /// One of them.
        path: ImagePath,
    },
    /// Two packages that divert one file.
    #[error("the packages {one} and {two} both divert {path}")]
    DivertedTwice {
        /// The file.
        path: ImagePath,
        /// A package.
        one: PackageName,
        /// The other one.
        two: PackageName,
    },
    /// A package's script names a path that an image can't hold.
    #[error("a script of the package {package} names a path that an image can't have")]
    Script {
        /// Whose script.
        package: PackageName,
        /// What is wrong.
        source: ParseImagePathError,
    },
    /// A path that an image can't hold, once it is moved.
    #[error(transparent)]
    Path(#[from] ParseImagePathError),
    /// A control file that can't be read.
    #[error("the package {package} has a control file that can't be read")]
    Control {
        /// Whose.
        package: PackageName,
        /// What is wrong.
        source: ControlError,
    },
    /// A control file's field that can't be read.
    #[error("the package {package} has a field `Replaces` that can't be read")]
    Replaces {
        /// Whose.
        package: PackageName,
        /// What is wrong.
        source: ParseRelationError,
    },
    /// A package's file that can't be read.
    #[error("can't read {path} of the package {package}")]
    Read {
        /// Whose.
        package: PackageName,
        /// Which file.
        path: ImagePath,
        /// What the system says.
        source: io::Error,
    },
}

impl Classified for MergeError {
    fn class(&self) -> Class {
        match self {
            Self::Read { .. } => Class::Other,
            _ => Class::Usage,
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Twice { one, two, .. } | Self::DivertedTwice { one, two, .. } => {
                Some(format!("dpkg would refuse them together, too: do without {one} or without {two}"))
            }
            Self::NotAFolder { folder: one, file: two, .. } | Self::NoFolderBehind { folder: one, link: two, .. } => {
                Some(format!("do without {one} or without {two}"))
            }
            Self::Circle { package, .. }
            | Self::Script { package, .. }
            | Self::Control { package, .. }
            | Self::Replaces { package, .. } => Some(format!("do without {package}, or take another version of it")),
            Self::Restless { .. } | Self::Path(_) | Self::Read { .. } => None,
        }
    }
}
