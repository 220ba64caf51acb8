//! What is wrong with a file of the user's, where, and what to do: data for `cli` to draw.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// A piece of a source file. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file as the user knows it, e.g. `system.toml`.
    pub file: Arc<PathBuf>,
    /// The file's whole text.
    pub source: Arc<str>,
    /// Bytes of `source`.
    pub span: Range<usize>,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The work goes on.
    Warning,
    /// Nothing is built.
    Error,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What happened, in one line: "no package `ripgerp` in nixos-26.05".
    pub message: String,
    /// Where; `None` where no line is to blame (a missing file).
    pub place: Option<Place>,
    /// A few words beside the caret; may be empty.
    pub label: String,
    /// The remedy, in a sentence.
    pub help: Option<String>,
}
