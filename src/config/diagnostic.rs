//! What is wrong with a file of the user's, where, and what to do: data for `cli` to draw.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use crate::failure::{Class, Classified};

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

impl Place {
    /// The span, within the source and on the borders of characters.
    #[must_use]
    pub fn clamped(&self) -> Range<usize> {
        let start = self.source.floor_char_boundary(self.span.start.min(self.source.len()));
        let end = self.source.ceil_char_boundary(self.span.end.min(self.source.len()));
        start..end.max(start)
    }

    /// Line and column of the span's start, from 1; columns count characters.
    #[must_use]
    pub fn line_column(&self) -> (usize, usize) {
        let before = &self.source[..self.clamped().start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something that was decided for the user, who may want to know.
    Note,
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

impl Diagnostic {
    /// An error at `place`.
    #[must_use]
    pub fn error(message: impl Into<String>, place: Option<Place>) -> Self {
        Self { severity: Severity::Error, message: message.into(), place, label: String::new(), help: None }
    }

    /// A warning at `place`.
    #[must_use]
    pub fn warning(message: impl Into<String>, place: Option<Place>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(message, place) }
    }

    /// A note at `place`.
    #[must_use]
    pub fn note(message: impl Into<String>, place: Option<Place>) -> Self {
        Self { severity: Severity::Note, ..Self::error(message, place) }
    }

    /// With a few words beside the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// With a remedy.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Files that can't be used: at least one finding is an error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the configuration has {}", count_errors(.diagnostics))]
pub struct Invalid {
    /// Every finding, warnings too.
    pub diagnostics: Vec<Diagnostic>,
}

impl Classified for Invalid {
    fn class(&self) -> Class {
        Class::Usage
    }
}

/// `1 error`, `2 errors`.
#[must_use]
pub fn count_errors(diagnostics: &[Diagnostic]) -> String {
    match diagnostics.iter().filter(|finding| finding.severity == Severity::Error).count() {
        1 => "1 error".to_owned(),
        errors => format!("{errors} errors"),
    }
}
