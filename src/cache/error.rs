//! What can go wrong with caches: which path, which cache, what was expected, what came.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::decode::DecodeError;
use super::http::{HttpError, ParseUrlError};
use super::info::ParseCacheInfoError;
use crate::failure::{Class, Classified};
use crate::nix::{ContentMismatch, NarInfoError, Sha256, StorePath, TrustError};

/// Why a closure or a NAR could not be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A cache can't be used at all.
    #[error("the cache {cache} can't be used: {fault}")]
    Cache {
        /// The cache, as configured.
        cache: String,
        /// What is wrong with it.
        fault: Fault,
    },
    /// No cache has a path.
    #[error("{path}{} is in none of the caches ({})", referred(.referrer.as_ref()), .caches.join(", "))]
    Missing {
        /// The path.
        path: StorePath,
        /// A path that refers to it.
        referrer: Option<StorePath>,
        /// The caches that were asked.
        caches: Vec<String>,
    },
    /// Some cache might have a path, and what came was no trusted answer.
    #[error("no trusted information on {path}{}: {}", referred(.referrer.as_ref()), Listed(.faults))]
    Untrusted {
        /// The path.
        path: StorePath,
        /// A path that refers to it.
        referrer: Option<StorePath>,
        /// What each cache did.
        faults: Vec<SourceFault>,
    },
    /// No source gave the content that a path has.
    #[error("the content of {path} can't be had: {}", Listed(.faults))]
    Content {
        /// The path.
        path: StorePath,
        /// What each source did.
        faults: Vec<SourceFault>,
    },
    /// Store paths that refer to each other in a circle: no build makes these.
    #[error("{} refer to each other in a circle", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and "))]
    Cycle(
        /// The circle, in the order of its references.
        Vec<StorePath>,
    ),
    /// Several paths have faults.
    #[error("{}", several(.0))]
    Several(
        /// Sorted by path; at least two.
        Vec<Error>,
    ),
    /// Who used a NAR's content failed, with nothing wrong with the content.
    #[error("{path} was fetched, but could not be used")]
    Consumer {
        /// The path.
        path: StorePath,
        /// What went wrong.
        source: io::Error,
    },
}

/// A cache, and what was wrong with its answer.
#[derive(Debug)]
pub struct SourceFault {
    /// The cache, as configured.
    pub cache: String,
    /// What was wrong.
    pub fault: Fault,
}

/// What was wrong with a cache's answer.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The network.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The disk.
    #[error("cannot read {}: {source}", .path.display())]
    Read {
        /// What was to be read.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A folder that is no cache.
    #[error("{} holds no nix-cache-info, so it is no binary cache", .0.display())]
    NoCache(
        /// The folder.
        PathBuf,
    ),
    /// What it says of itself.
    #[error(transparent)]
    Info(#[from] ParseCacheInfoError),
    /// The narinfo is none.
    #[error("its narinfo is malformed: {0}")]
    NarInfo(#[from] NarInfoError),
    /// The narinfo is not believed.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The address of a NAR.
    #[error(transparent)]
    Url(#[from] ParseUrlError),
    /// An address that leaves the cache's folder.
    #[error("its narinfo names `{0}`, which is not in the cache")]
    Escape(
        /// The address, shortened.
        String,
    ),
    /// Nothing there.
    #[error("it is not there")]
    Absent,
    /// The narinfo is about other content than what is wanted.
    #[error("it has other content: expected {expected}, got {found}")]
    OtherContent {
        /// The NAR's hash, as locked.
        expected: Sha256,
        /// The NAR's hash, as the narinfo says.
        found: Sha256,
    },
    /// The stream is not decoded.
    #[error(transparent)]
    Decode(DecodeError),
    /// The content is not what it should be.
    #[error(transparent)]
    Stream(#[from] StreamFault),
}

/// Content that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StreamFault {
    /// More bytes than promised.
    #[error("its NAR is larger than the {expected} bytes expected")]
    TooLong {
        /// Bytes expected.
        expected: u64,
    },
    /// Fewer bytes than promised.
    #[error("its NAR has {found} bytes, expected {expected}")]
    TooShort {
        /// Bytes expected.
        expected: u64,
        /// Bytes that came.
        found: u64,
    },
    /// Another hash.
    #[error("its NAR has the hash {found}, expected {expected}")]
    Hash {
        /// As signed or locked.
        expected: Sha256,
        /// What came.
        found: Sha256,
    },
    /// The compressed file has another hash.
    #[error("its file has the hash {found}, expected {expected}")]
    FileHash {
        /// As the narinfo or the lock says.
        expected: Sha256,
        /// What came.
        found: Sha256,
    },
    /// The compressed file has another size.
    #[error("its file has {found} bytes, expected {expected}")]
    FileSize {
        /// As the narinfo or the lock says.
        expected: u64,
        /// What came.
        found: u64,
    },
    /// Not what the content address says.
    #[error(transparent)]
    ContentAddress(#[from] ContentMismatch),
    /// The decoder or the NAR reader refused it.
    #[error("its NAR can't be read: {0}")]
    Malformed(
        /// As they say it.
        String,
    ),
}

impl Classified for Fault {
    fn class(&self) -> Class {
        match self {
            Self::Http(fault) => fault.class(),
            Self::Read { .. } => Class::Other,
            Self::NoCache(_) => Class::Usage,
            Self::Absent => Class::Network,
            _ => Class::Trust,
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Http(fault) => fault.help(),
            Self::Trust(fault) => fault.help(),
            Self::NoCache(_) => Some("check the path; it is relative to the project's folder".to_owned()),
            _ => None,
        }
    }
}

impl Classified for Error {
    fn class(&self) -> Class {
        match self {
            Self::Cache { fault, .. } => fault.class(),
            Self::Missing { .. } => Class::UnknownName,
            Self::Untrusted { faults, .. } | Self::Content { faults, .. } => {
                worst(faults.iter().map(|source| source.fault.class()))
            }
            Self::Cycle(_) => Class::Trust,
            Self::Several(errors) => worst(errors.iter().map(Self::class)),
            Self::Consumer { .. } => Class::Other,
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Cache { fault, .. } => fault.help(),
            Self::Untrusted { faults, .. } | Self::Content { faults, .. } => faults
                .iter()
                .filter(|source| source.fault.class() == self.class())
                .find_map(|source| source.fault.help()),
            Self::Missing { .. } => {
                Some("add the cache that has it to the channel's `caches`, or choose another version".to_owned())
            }
            Self::Several(errors) => {
                errors.iter().filter(|error| error.class() == self.class()).find_map(Classified::help)
            }
            Self::Cycle(_) | Self::Consumer { .. } => None,
        }
    }
}

/// The class to report for several faults: what can't be trusted outweighs what can't be reached.
fn worst(classes: impl Iterator<Item = Class>) -> Class {
    let weight = |class: &Class| match class {
        Class::Trust => 4,
        Class::Credentials => 3,
        Class::Network => 2,
        Class::UnknownName => 1,
        _ => 0,
    };
    classes.max_by_key(weight).unwrap_or(Class::Network)
}

struct Listed<'a>(&'a [SourceFault]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, SourceFault { cache, fault }) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(formatter, "{separator}{cache}: {fault}")?;
        }
        Ok(())
    }
}

fn referred(referrer: Option<&StorePath>) -> String {
    referrer.map_or_else(String::new, |path| format!(" (which {} needs)", path.base_name()))
}

/// A line for each error; paths that miss the same answers for the same reason share one.
fn several(errors: &[Error]) -> String {
    const SHOWN: usize = 8;
    let mut alike: Vec<(String, Vec<&StorePath>)> = Vec::new();
    for error in errors {
        let (reason, path) = match error {
            Error::Untrusted { path, referrer: None, faults } => (format!("{}", Listed(faults)), Some(path)),
            other => (other.to_string(), None),
        };
        match alike.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, paths)) => paths.extend(path),
            None => alike.push((reason, path.into_iter().collect())),
        }
    }
    let line = |(reason, paths): &(String, Vec<&StorePath>)| match paths[..] {
        [] => reason.clone(),
        [path] => format!("no trusted information on {path}: {reason}"),
        [first, ..] => {
            let names = paths.iter().take(SHOWN).map(|path| path.name()).collect::<Vec<_>>().join(", ");
            let more = if paths.len() > SHOWN { ", …" } else { "" };
            format!("no trusted information on {first} and {} more ({names}{more}): {reason}", paths.len() - 1)
        }
    };
    let mut lines = alike.iter().take(SHOWN).map(line).collect::<Vec<_>>();
    if alike.len() > SHOWN {
        lines.push(format!("and {} more", alike.len() - SHOWN));
    }
    lines.join("\n")
}
