//! What an image is made of, as SPDX and CycloneDX tell it.
//!
//! Pure: the same packages give the same bytes. Nothing of the clock goes in, and what must be unique, a namespace and a serial
//! number, follows from the content.

mod cyclonedx;
mod identity;
pub mod licence;
mod purl;
mod spdx;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

pub use crate::config::SbomFormat as Format;
use crate::config::System;
use crate::nix::{Sha256, StorePath, split_version};

/// Who makes the documents. Without its version: an image must not change with it.
const TOOL: &str = "dumbc";

/// What one image is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sbom {
    /// The image's name, without registry and tag.
    pub name: String,
    /// The image's tag.
    pub tag: String,
    /// What it runs on.
    pub system: System,
    /// RFC 3339, whole seconds, UTC: what the image says of itself.
    pub created: String,
    /// Whose packages stand in the root file system.
    pub distribution: Option<Distribution>,
    /// Every package, by its id: unique within the image.
    pub packages: BTreeMap<String, Package>,
}

/// A distribution, as os-release and package URLs name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distribution {
    /// `debian`
    pub id: String,
    /// `12.12`; testing and unstable have none.
    pub version: Option<String>,
    /// `bookworm`
    pub codename: String,
}

/// One package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Without version.
    pub name: String,
    /// As its makers write it.
    pub version: Option<String>,
    /// Of the NAR, or of the `.deb`.
    pub sha256: Sha256,
    /// Bytes of the NAR, or of the `.deb`.
    pub size: u64,
    /// Ids of packages that it needs. Not itself.
    pub references: Vec<String>,
    /// Names of licences, as its makers write them; sorted.
    pub licences: Vec<String>,
    /// Begins with `http`.
    pub homepage: Option<String>,
    /// One line.
    pub description: Option<String>,
    /// What kind of package it is.
    pub origin: Origin,
}

/// What kind of package it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A store path.
    StorePath {
        /// The path.
        path: StorePath,
        /// Which part of what was built: `bin`; `None`: the first, or unknown.
        output: Option<String>,
        /// Base name of the derivation that made it.
        deriver: Option<String>,
    },
    /// A Debian package.
    Deb {
        /// `amd64`, `arm64` or `all`.
        architecture: String,
        /// The source package that it is built from.
        source: String,
    },
}

impl Format {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Spdx, Self::CycloneDx];

    /// The name on the command line and in system.toml.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spdx => "spdx",
            Self::CycloneDx => "cyclonedx",
        }
    }

    /// As IANA has it; also what a registry lists it under.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Spdx => "application/spdx+json",
            Self::CycloneDx => "application/vnd.cyclonedx+json",
        }
    }

    /// How a file's name ends, for scanners to know it.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Spdx => "spdx.json",
            Self::CycloneDx => "cdx.json",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// The text names no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no format of an SBOM: give spdx or cyclonedx")]
pub struct ParseFormatError(String);

impl FromStr for Format {
    type Err = ParseFormatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|format| format.name() == text).ok_or_else(|| ParseFormatError(text.to_owned()))
    }
}

impl Sbom {
    /// The document: JSON on one line.
    pub fn document(&self, format: Format) -> serde_json::Result<Vec<u8>> {
        match format {
            Format::Spdx => spdx::document(self),
            Format::CycloneDx => cyclonedx::document(self),
        }
    }

    /// Where the document lies in the image, without the leading slash. Scanners look for the ending, whatever the folder.
    #[must_use]
    pub fn path(&self, format: Format) -> String {
        let base = self.name.rsplit('/').next().unwrap_or(&self.name);
        format!("usr/share/sbom/{base}.{}", format.extension())
    }
}

/// Name, version and output of a store path. A derivation's name tells them apart for certain; without one, what comes after the
/// version's last dash is an output if it is all lower-case letters.
#[must_use]
pub fn name_and_output<'a>(path: &'a StorePath, deriver: Option<&str>) -> (&'a str, Option<&'a str>, Option<&'a str>) {
    let whole = path.name();
    // Of `hash-name.drv`, the name.
    let made = deriver.and_then(|deriver| deriver.strip_suffix(".drv")?.split_once('-')).map(|(_, name)| name);
    let output = match made {
        Some(made) => whole.strip_prefix(made).and_then(|rest| rest.strip_prefix('-')).filter(is_output),
        None => split_version(whole)
            .1
            .and_then(|version| version.rsplit_once('-'))
            .map(|(_, output)| output)
            .filter(is_word),
    };
    let named = output.map_or(whole, |output| &whole[..whole.len() - output.len() - 1]);
    let (name, version) = split_version(named);
    (name, version, output)
}

fn is_output(text: &&str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_word(text: &&str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase())
}
