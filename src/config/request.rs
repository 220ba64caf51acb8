//! Requests for packages: `channel#attribute@version^out,dev`, a store path, or a path of the project.

use crate::nix::StorePath;

use super::Place;

/// One entry of a `packages` list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// As the user wrote it; identifies the request in the lock.
    pub text: String,
    /// What it asks for.
    pub kind: RequestKind,
    /// Where it stands.
    pub place: Option<Place>,
}

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestKind {
    /// A name in a channel.
    Name {
        /// Before `#`; `None`: the default channel.
        channel: Option<String>,
        /// The attribute, dots kept: `python3Packages.requests`.
        attribute: String,
        /// After `@`: a version or a prefix of one.
        version: Option<String>,
        /// After `^`.
        outputs: Outputs,
    },
    /// A store path that the user named.
    StorePath(StorePath),
    /// A path of the project: begins with `./`, `../` or `/`.
    Local(String),
}

/// Which outputs of a package are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Outputs {
    /// What the package says is installed.
    #[default]
    Default,
    /// `^*`
    All,
    /// `^out,dev`, in the order given.
    Named(Vec<String>),
}

/// The text is no request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a package request: {reason}")]
pub struct ParseRequestError {
    /// What was to be parsed.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}
