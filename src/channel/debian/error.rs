//! What can go wrong between a Debian channel and its packages.

use std::io;
use std::path::PathBuf;

use crate::cache::http::HttpError;
use crate::deb::{AptSourceError, PackageName, ReleaseError};
use crate::failure::{Class, Classified};

use super::package::DebError;
use super::signature::SignatureFault;

/// An archive could not be found, believed or read. No message holds credentials.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The channel has no Debian archive.
    #[error("channel `{channel}` is no Debian archive")]
    NotDebian {
        /// The channel.
        channel: String,
    },
    /// This machine's apt is to be asked, and there is none.
    #[error("this machine has no apt to ask for the archive of channel `{channel}` ({reason})")]
    NoApt {
        /// The channel.
        channel: String,
        /// What happened.
        reason: String,
    },
    /// One of apt's lists can't be understood.
    #[error("{} is no list of archives", .path.display())]
    AptList {
        /// The list.
        path: PathBuf,
        /// Why.
        #[source]
        source: AptSourceError,
    },
    /// apt's lists don't have a suite.
    #[error("this machine's apt has no archive of the suite `{suite}` with `{}`{}", .components.join(" "), listed("; it has ", .known))]
    NoSource {
        /// The suite.
        suite: String,
        /// What the channel wants of it.
        components: Vec<String>,
        /// Suites that it has.
        known: Vec<String>,
    },
    /// apt has a suite where this program can't fetch it.
    #[error("this machine's apt has the suite `{suite}` only in places that can't be read here: {}", .places.join(", "))]
    Schemes {
        /// The suite.
        suite: String,
        /// Their addresses.
        places: Vec<String>,
    },
    /// A place that is none.
    #[error("channel `{channel}`: `{place}` can't be a mirror: {reason}")]
    Place {
        /// The channel.
        channel: String,
        /// As written, without credentials.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An archive without suites.
    #[error("channel `{channel}`: the suite `{suite}` is of a flat archive, which has no components")]
    Flat {
        /// The channel.
        channel: String,
        /// As written.
        suite: String,
    },
    /// No place has a suite.
    #[error("channel `{channel}`: the suite `{suite}` is not at {}", .places.join(", "))]
    NoSuite {
        /// The channel.
        channel: String,
        /// The suite.
        suite: String,
        /// Where it was looked for.
        places: Vec<String>,
    },
    /// There are no keys to verify signatures with.
    #[error("channel `{channel}`: there are no keys to verify its archive with")]
    NoKeyring {
        /// The channel.
        channel: String,
    },
    /// A keyring that can't be used.
    #[error("{keyring} can't be used as a keyring: {reason}")]
    Keyring {
        /// The file.
        keyring: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no signature at all.
    #[error("the suite `{suite}` at {place} is not signed")]
    Unsigned {
        /// The suite.
        suite: String,
        /// Where it lies.
        place: String,
        /// Whether apt is told to do without.
        trusted: bool,
    },
    /// No good signature.
    #[error("the suite `{suite}` at {place} is not to be trusted: {fault}")]
    Signature {
        /// The suite.
        suite: String,
        /// Where it lies.
        place: String,
        /// Why.
        fault: Box<SignatureFault>,
    },
    /// A signed text that is no Release file.
    #[error("the Release file of `{suite}` at {place} can't be used")]
    Release {
        /// The suite.
        suite: String,
        /// Where it lies.
        place: String,
        /// Why.
        #[source]
        source: ReleaseError,
    },
    /// Another suite than the one asked for.
    #[error("{place} has another suite where `{suite}` should be: `{found}`")]
    OtherSuite {
        /// The suite.
        suite: String,
        /// Where it should lie.
        place: String,
        /// What it says it is.
        found: String,
    },
    /// A Release file past its time.
    #[error(
        "the suite `{suite}` at {place} was valid until {date}: the mirror is not kept up, or this machine's clock is wrong"
    )]
    Expired {
        /// The suite.
        suite: String,
        /// Where it lies.
        place: String,
        /// In UTC.
        date: String,
    },
    /// A Release file older than one that was there before.
    #[error("the suite `{suite}` at {place} went back in time: it is of {found}, and before it was of {seen}")]
    Older {
        /// The suite.
        suite: String,
        /// Where it lies.
        place: String,
        /// Its date.
        found: String,
        /// The date of the one before.
        seen: String,
        /// Where that is remembered.
        memory: Box<PathBuf>,
    },
    /// A component or an architecture that a suite does not have.
    #[error("the suite `{suite}` has no {kind} `{wanted}` (it has {})", .known.join(", "))]
    NotInSuite {
        /// The suite.
        suite: String,
        /// `component` or `architecture`.
        kind: &'static str,
        /// What was asked for.
        wanted: String,
        /// What it has.
        known: Vec<String>,
    },
    /// An index that a Release file should list.
    #[error("the Release file of `{suite}` lists no `{index}` that can be read here")]
    NoIndex {
        /// The suite.
        suite: String,
        /// Its path below the suite, without what its compression adds.
        index: String,
    },
    /// Content that is not what was signed.
    #[error("{file} at {place} is not what it must be: expected {expected}, found {found}")]
    Content {
        /// A package with its file, or an index.
        file: String,
        /// Where it lies.
        place: String,
        /// A digest, or a size.
        expected: String,
        /// The same of what came.
        found: String,
    },
    /// An index that can't be read.
    #[error("the index {index} can't be read: {reason}")]
    Index {
        /// Suite, component and architecture.
        index: String,
        /// What is wrong, with the package that it is wrong of.
        reason: String,
    },
    /// A file that no place has any more.
    #[error("the archive no longer has {file} of package `{package}`")]
    Gone {
        /// The package.
        package: PackageName,
        /// The file's path below the mirror.
        file: String,
    },
    /// A package was fetched whole, and could not be used.
    #[error("package `{package}` was fetched, but could not be used")]
    Consumer {
        /// The package.
        package: PackageName,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The network.
    #[error(transparent)]
    Http(Box<HttpError>),
    /// A file of an archive, or what is remembered of one, can't be read or written.
    #[error("cannot use {}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

impl From<HttpError> for ArchiveError {
    fn from(error: HttpError) -> Self {
        Self::Http(Box::new(error))
    }
}

impl Classified for ArchiveError {
    fn class(&self) -> Class {
        match self {
            Self::NotDebian { .. }
            | Self::NoApt { .. }
            | Self::AptList { .. }
            | Self::Schemes { .. }
            | Self::Place { .. }
            | Self::Flat { .. }
            | Self::NoKeyring { .. }
            | Self::Keyring { .. } => Class::Usage,
            Self::NoSource { .. } | Self::NoSuite { .. } | Self::NotInSuite { .. } => Class::UnknownName,
            Self::Unsigned { .. }
            | Self::Signature { .. }
            | Self::Release { .. }
            | Self::OtherSuite { .. }
            | Self::Expired { .. }
            | Self::Older { .. }
            | Self::NoIndex { .. }
            | Self::Content { .. }
            | Self::Index { .. } => Class::Trust,
            Self::Gone { .. } => Class::Network,
            Self::Http(error) => error.class(),
            // What the package's own bytes are to blame for was signed by somebody.
            Self::Consumer { source, .. } => source
                .get_ref()
                .and_then(|inner| inner.downcast_ref::<DebError>())
                .map_or(Class::Other, Classified::class),
            Self::File { .. } => Class::Other,
        }
    }

    fn help(&self) -> Option<String> {
        let text = match self {
            Self::NoApt { .. } | Self::Schemes { .. } | Self::NoSource { .. } => {
                "name a mirror in the channel: `mirror = \"https://…\"`, and `keyring = \"…\"` with the keys that sign it"
            }
            Self::Flat { .. } => "name a suite below `dists/`, such as `bookworm`",
            Self::NoKeyring { .. } => {
                "write `keyring = \"…\"`: a file with the archive's keys, as the package debian-archive-keyring has it"
            }
            Self::Keyring { .. } => "a keyring is made with `gpg --export KEY > FILE`, armoured or not",
            Self::Unsigned { trusted: true, .. } => {
                "apt is told to trust it without a signature; here that does not count: sign it, and name its key"
            }
            Self::Unsigned { .. } | Self::Signature { .. } => {
                "`keyring` must name the keys that sign this archive; a mirror that changes files is not to be used"
            }
            Self::Expired { .. } => {
                "take another mirror, name an archive that stands still with `snapshot = \"…\"`, or correct the clock"
            }
            Self::Older { memory, .. } => {
                return Some(format!(
                    "try again later, or take another mirror; if it is meant to be so, remove {}",
                    memory.display()
                ));
            }
            Self::Content { .. } => {
                "try again in a few minutes: the mirror may be in the middle of an update; else take another"
            }
            Self::Gone { .. } => {
                "run `dumbc update` to lock what it has now; with `snapshot = \"…\"` in place of the mirror nothing leaves"
            }
            Self::Http(error) => return error.help(),
            _ => return None,
        };
        Some(text.to_owned())
    }
}

fn listed(before: &str, names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!("{before}{}", names.join(", ")) }
}
