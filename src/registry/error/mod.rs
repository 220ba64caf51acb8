//! What a registry refuses, and what to do about it.

mod help;

use std::error::Error as StdError;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::failure::{Class, Classified};

/// Why a request to a registry failed. No message holds credentials; `said` is what the registry wrote, made fit to show and
/// empty where it wrote nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The network may not be used.
    #[error("{registry} would be asked, but `--offline` forbids the network")]
    Offline {
        /// Its host.
        registry: String,
    },
    /// The certificates of `--ca-file` can't be had.
    #[error("cannot read certificates from {}", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A store of credentials can't be read.
    #[error("cannot get credentials for {registry}")]
    CredentialStore {
        /// Its host.
        registry: String,
        /// Why not.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The registry's name gives no address.
    #[error("`{host}` is no host that can be asked")]
    Host {
        /// What was to be asked.
        host: String,
    },
    /// No connection, or no such host.
    #[error("cannot reach {host}: {reason}")]
    Unreachable {
        /// Host and port.
        host: String,
        /// As the system says it.
        reason: String,
    },
    /// The connection can't be trusted.
    #[error("no trusted connection to {host}: {reason}")]
    Tls {
        /// Host and port.
        host: String,
        /// As the TLS library says it.
        reason: String,
    },
    /// The host answers, but not by TLS.
    #[error("{host} does not speak TLS")]
    NotTls {
        /// Host and port.
        host: String,
    },
    /// The connection broke, time and again.
    #[error("{action} broke off: {reason}")]
    Interrupted {
        /// What was going on.
        action: String,
        /// As the system says it.
        reason: String,
    },
    /// A redirect, or an address for an upload, that is not followed.
    #[error("{action}: the registry sends us where we may not go: {reason}")]
    Redirect {
        /// What was asked.
        action: String,
        /// Why it is not followed.
        reason: String,
    },
    /// The registry wants to know who we are, and nothing is known; or what was shown is refused.
    #[error("{registry} {} for `{repository}`{}", if *shown { "refuses the credentials" } else { "wants credentials" }, told(said))]
    Unauthorized {
        /// Its host.
        registry: String,
        /// What was asked for.
        repository: String,
        /// Whether credentials were shown.
        shown: bool,
        /// The registry's words.
        said: String,
    },
    /// The registry knows us, and says no.
    #[error("{registry} does not let us {} `{repository}`{}", if *push { "push to" } else { "read" }, told(said))]
    Denied {
        /// Its host.
        registry: String,
        /// What was asked for.
        repository: String,
        /// Whether this was for writing.
        push: bool,
        /// Whether credentials were shown.
        shown: bool,
        /// The registry's words.
        said: String,
    },
    /// Credentials would go over an open line.
    #[error("{registry} wants credentials shown to {realm}, which is not encrypted")]
    OpenRealm {
        /// Its host.
        registry: String,
        /// Where its tokens come from.
        realm: String,
    },
    /// The registry asks for credentials in a way that is not known here.
    #[error("{registry} wants credentials, and tells no way to show them that is known here{}", told(said))]
    Challenge {
        /// Its host.
        registry: String,
        /// The header.
        said: String,
    },
    /// There is no such repository to push to.
    #[error("{registry} has no repository `{repository}`{}", told(said))]
    UnknownRepository {
        /// Its host.
        registry: String,
        /// What was asked for.
        repository: String,
        /// The registry's words.
        said: String,
    },
    /// What must be there is not.
    #[error("{registry} does not have {what} in `{repository}`")]
    Missing {
        /// Its host.
        registry: String,
        /// Where it was looked for.
        repository: String,
        /// A blob or manifest.
        what: String,
    },
    /// A proxy or the registry takes no bodies of this size.
    #[error("{registry} refuses {what} of {size} bytes as too large (HTTP 413){}", told(said))]
    RefusedSize {
        /// Its host.
        registry: String,
        /// A blob or manifest.
        what: String,
        /// Its bytes.
        size: u64,
        /// The registry's words.
        said: String,
    },
    /// Too many requests, and waiting would take too long.
    #[error("{registry} takes no more requests for now{}{}", after.map_or(String::new(), |wait| format!(" (for another {} s)", wait.as_secs())), told(said))]
    RateLimited {
        /// Its host.
        registry: String,
        /// How long it wants us to wait.
        after: Option<Duration>,
        /// The registry's words.
        said: String,
    },
    /// No room there.
    #[error("{registry} has no room left for `{repository}`{}", told(said))]
    Quota {
        /// Its host.
        registry: String,
        /// Where it was to go.
        repository: String,
        /// The registry's words.
        said: String,
    },
    /// What was sent or came is not what its digest says.
    #[error("{what} has the digest {found} at {registry}, not {expected}")]
    Digest {
        /// Its host.
        registry: String,
        /// A blob or manifest.
        what: String,
        /// The digest that it must have.
        expected: String,
        /// What was derived, or what the registry says.
        found: String,
    },
    /// The registry says that what it got does not fit the digest.
    #[error("{registry} got other bytes of {what} than were sent{}", told(said))]
    Garbled {
        /// Its host.
        registry: String,
        /// A blob or manifest.
        what: String,
        /// The registry's words.
        said: String,
    },
    /// What is to be sent can't be read.
    #[error("cannot read blob {digest}, which is to be pushed")]
    Source {
        /// Its digest.
        digest: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// What is to be sent has other bytes than its digest says.
    #[error("blob {digest} was not pushed: what is here in its place {found}")]
    SourceChanged {
        /// The digest that it must have.
        digest: String,
        /// What is there.
        found: String,
    },
    /// More bytes than may be.
    #[error("{what} at {registry} is larger than {limit} bytes")]
    TooLarge {
        /// Its host.
        registry: String,
        /// A blob, manifest or answer.
        what: String,
        /// The most that is taken.
        limit: u64,
    },
    /// An answer that can't be understood.
    #[error("{action}: the registry's answer makes no sense: {reason}")]
    Malformed {
        /// What was asked.
        action: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Any other answer that is no success.
    #[error("{action}: HTTP {status}{}", told(said))]
    Status {
        /// What was asked.
        action: String,
        /// The answer's status.
        status: u16,
        /// The registry's words.
        said: String,
    },
}

impl Error {
    /// Whether who we are was shown and refused, without a word.
    pub(super) fn is_mute(&self) -> bool {
        matches!(self, Self::Unauthorized { shown: true, said, .. } | Self::Denied { shown: true, said, .. } if said.is_empty())
    }

    /// Whether both refuse who we are.
    pub(super) fn is_same_refusal(&self, other: &Self) -> bool {
        let refusal = |error: &Self| matches!(error, Self::Unauthorized { .. } | Self::Denied { .. });
        refusal(self) && refusal(other)
    }
}

fn told(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(": {said}") }
}

impl Classified for Error {
    fn class(&self) -> Class {
        match self {
            Self::CaFile { .. } | Self::Host { .. } => Class::Usage,
            Self::CredentialStore { .. }
            | Self::Unauthorized { .. }
            | Self::Denied { .. }
            | Self::OpenRealm { .. }
            | Self::Challenge { .. } => Class::Credentials,
            Self::Digest { .. } | Self::SourceChanged { .. } | Self::TooLarge { .. } | Self::Tls { .. } => Class::Trust,
            Self::Source { .. } => Class::Other,
            Self::Offline { .. }
            | Self::Unreachable { .. }
            | Self::NotTls { .. }
            | Self::Interrupted { .. }
            | Self::Redirect { .. }
            | Self::UnknownRepository { .. }
            | Self::Missing { .. }
            | Self::RefusedSize { .. }
            | Self::RateLimited { .. }
            | Self::Quota { .. }
            | Self::Garbled { .. }
            | Self::Malformed { .. }
            | Self::Status { .. } => Class::Network,
        }
    }

    fn help(&self) -> Option<String> {
        help::help(self)
    }
}
