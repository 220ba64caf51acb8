//! Where names come from.

use crate::config::Place;

/// A source of names, with the caches and keys that go with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Where its names come from.
    pub names: Names,
    /// Binary caches, in the order written; `https://…`, `file://…`, `s3://…`, `gs://…`, `azblob://…`, or a path relative to the project.
    pub caches: Vec<String>,
    /// Public keys, `name:base64`.
    pub keys: Vec<String>,
    /// Take content-addressed paths without a signature.
    pub allow_unsigned: bool,
    /// Where the table stands.
    pub place: Option<Place>,
}

/// Where a channel's names come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Names {
    /// An index of one's own: a URL, or a path relative to the project.
    Index {
        /// `index`
        location: String,
        /// `index-hash`: required where the index comes over plain http.
        hash: Option<crate::nix::Sha256>,
    },
    /// A NixOS channel.
    NixosRelease {
        /// A channel (`nixos-26.05`) or an exact release.
        name: String,
        /// The release of that channel that was made of this revision: hexadecimal digits.
        revision: Option<String>,
    },
    /// A NixOS release as a running machine knows it: by the jobs that built it, without its list of packages.
    Jobs {
        /// `nixos-26.05.1234.0123456789ab`
        release: String,
        /// Hydra's number of its evaluation.
        evaluation: u64,
    },
    /// A Debian archive.
    Debian(DebianArchive),
    /// Caches and keys only: for store paths.
    None,
}

/// A Debian archive, as a channel names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DebianArchive {
    /// In the order written, never empty: `bookworm`, `bookworm-security`.
    pub suites: Vec<String>,
    /// Never empty: `main`, …
    pub components: Vec<String>,
    /// Where it lies.
    pub mirror: Mirror,
    /// A file with the keys that sign it, absolute or relative to the project.
    pub keyring: Option<String>,
    /// Take what packages recommend, too.
    pub recommends: bool,
}

/// Where a Debian archive lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mirror {
    /// Where this machine's apt says.
    Host,
    /// Folders that hold `dists` and `pool`: URLs, or paths relative to the project. Each suite is in the first that has it.
    Places(Vec<String>),
    /// The same of an archive that stands still: its indices don't expire.
    Snapshots(Vec<String>),
}
