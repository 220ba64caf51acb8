//! What can go wrong with a request.

use std::io;
use std::path::PathBuf;

use super::url::{ParseUrlError, Url};
use crate::failure::{Class, Classified};

/// A request that did not give what was asked for. No message holds credentials.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The network may not be used.
    #[error("{url} would be fetched, but `--offline` forbids the network")]
    Offline {
        /// What was to be fetched.
        url: Url,
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
    /// The connection broke, time and again.
    #[error("{url} broke off: {reason}")]
    Interrupted {
        /// What was fetched.
        url: Url,
        /// As the system says it.
        reason: String,
    },
    /// It is not there: 404, 410, or 403, with which buckets answer for what they don't hold.
    #[error("{url} is not there (HTTP {status})")]
    Absent {
        /// What was asked for.
        url: Url,
        /// The answer's status.
        status: u16,
    },
    /// The server wants other credentials.
    #[error("{url} wants credentials (HTTP {status})")]
    Credentials {
        /// What was asked for.
        url: Url,
        /// 401 or 407.
        status: u16,
    },
    /// A bucket refuses who asks.
    #[error("{url} is refused: {reason} (HTTP {status})")]
    Refused {
        /// What was asked for.
        url: Url,
        /// The answer's status.
        status: u16,
        /// What the server calls it, and what it means.
        reason: String,
        /// What to do about it.
        help: &'static str,
    },
    /// There are no credentials where some were asked for.
    #[error("no credentials for {place}: {reason}")]
    NoCredentials {
        /// What they are for.
        place: String,
        /// Why there are none.
        reason: String,
        /// What to do about it.
        help: &'static str,
    },
    /// Any other answer that is no success.
    #[error("{url} answered HTTP {status}")]
    Status {
        /// What was asked for.
        url: Url,
        /// The answer's status.
        status: u16,
    },
    /// A redirect that is not followed.
    #[error("{url} redirects where it may not: {reason}")]
    Redirect {
        /// What was asked for.
        url: Url,
        /// Why it is not followed.
        reason: String,
    },
    /// More bytes than such an answer may have.
    #[error("{url} is larger than {limit} bytes")]
    TooLarge {
        /// What was fetched.
        url: Url,
        /// The most that is taken.
        limit: u64,
    },
    /// The answer's `Content-Encoding` can't be undone.
    #[error("{url} can't be decoded: {reason}")]
    Encoding {
        /// What was fetched.
        url: Url,
        /// What is wrong with it.
        reason: String,
    },
    /// The address is none.
    #[error(transparent)]
    Url(#[from] ParseUrlError),
    /// What is to be sent can't be read.
    #[error("cannot read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// What was fetched can't be written.
    #[error("cannot write what was fetched")]
    Write(#[source] io::Error),
}

impl Classified for HttpError {
    fn class(&self) -> Class {
        match self {
            Self::Offline { .. }
            | Self::Unreachable { .. }
            | Self::Tls { .. }
            | Self::Interrupted { .. }
            | Self::Absent { .. }
            | Self::Status { .. }
            | Self::Redirect { .. } => Class::Network,
            Self::Credentials { .. } | Self::Refused { .. } | Self::NoCredentials { .. } => Class::Credentials,
            Self::TooLarge { .. } | Self::Encoding { .. } => Class::Trust,
            Self::Url(_) => Class::Usage,
            Self::Write(_) | Self::Read { .. } => Class::Other,
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Offline { .. } => Some("run once without `--offline`".to_owned()),
            Self::Unreachable { .. } => {
                Some("check the address, the network, and `https_proxy` if there is a proxy".to_owned())
            }
            Self::Tls { .. } => {
                Some("if a proxy signs connections itself, name its certificates in SSL_CERT_FILE".to_owned())
            }
            Self::Credentials { url, .. } => {
                Some(format!("add `machine {} login … password …` to ~/.netrc", url.host()))
            }
            Self::Refused { help, .. } | Self::NoCredentials { help, .. } => Some((*help).to_owned()),
            _ => None,
        }
    }
}
