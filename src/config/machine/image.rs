//! What the image is called, holds and runs on.

use std::collections::BTreeMap;
use std::fmt;

use super::Template;
use crate::config::Place;

/// The image that ours stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseReference {
    /// A reference, or the path of an archive or of the folder of an OCI layout, as it is written; the lock knows it by that.
    pub written: String,
    /// Where it stands.
    pub place: Option<Place>,
}

/// `[image]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageSettings {
    /// The image's name, and the Fly app's.
    pub name: String,
    /// `latest` where absent.
    pub tag: String,
    /// Never empty; `x86_64-linux` where absent.
    pub systems: Vec<System>,
    /// Most layers there may be, base and generated ones included.
    pub layers: usize,
    /// The image that ours stands on.
    pub from: Option<BaseReference>,
    /// Where `push` goes.
    pub registry: Option<String>,
    /// Environment variables of the image's configuration.
    pub env: BTreeMap<String, Template>,
    /// Labels of the image's configuration.
    pub labels: BTreeMap<String, String>,
    /// How the image tells what it is made of; `None`: it doesn't.
    pub sbom: Option<SbomFormat>,
}

/// How it is told what an image is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SbomFormat {
    /// SPDX 2.3, JSON.
    Spdx,
    /// CycloneDX 1.6, JSON.
    CycloneDx,
}

/// A machine type and kernel, as Nix names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum System {
    /// `x86_64-linux`, OCI's `linux/amd64`
    X86_64Linux,
    /// `aarch64-linux`, OCI's `linux/arm64`
    Aarch64Linux,
}

impl System {
    /// Every system there is.
    pub const ALL: [Self; 2] = [Self::X86_64Linux, Self::Aarch64Linux];

    /// Nix's name: `x86_64-linux`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::X86_64Linux => "x86_64-linux",
            Self::Aarch64Linux => "aarch64-linux",
        }
    }

    /// OCI's architecture: `amd64`.
    #[must_use]
    pub const fn architecture(self) -> &'static str {
        match self {
            Self::X86_64Linux => "amd64",
            Self::Aarch64Linux => "arm64",
        }
    }

    /// From Nix's name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|system| system.name() == name)
    }
}

impl fmt::Display for System {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
