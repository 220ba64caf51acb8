//! What is wrong with a home, on its way to the place that says it.

use crate::config::{Diagnostic, Severity};

use super::merge::Merged;
use super::programs::OptionError;

/// Something in a home that can't be, or is odd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    /// Keys from the home's root.
    pub(super) path: Vec<String>,
    pub(super) message: String,
    pub(super) help: Option<String>,
    pub(super) severity: Severity,
}

impl Finding {
    pub(super) fn error(path: &[&str], message: impl Into<String>, help: impl Into<Option<String>>) -> Self {
        let path = path.iter().map(|key| (*key).to_owned()).collect();
        Self { path, message: message.into(), help: help.into(), severity: Severity::Error }
    }

    pub(super) fn warning(path: &[&str], message: impl Into<String>, help: impl Into<Option<String>>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(path, message, help) }
    }

    /// Of a program's table.
    pub(super) fn of_program(name: &str, error: OptionError) -> Self {
        let path = ["programs", name].into_iter().map(str::to_owned).chain(error.path).collect();
        let severity = if error.warning { Severity::Warning } else { Severity::Error };
        Self { path, message: error.message, help: error.help, severity }
    }

    /// With its place; a file whose lines are not known is named in words.
    pub(super) fn diagnostic(self, merged: &Merged) -> Diagnostic {
        let path = || self.path.iter().map(String::as_str);
        let place = merged.place(path());
        let origin = merged.origins.nearest(path()).last();
        let message = match (&place, origin) {
            (None, Some(origin)) => format!("{}: {}", origin.file, self.message),
            _ => self.message,
        };
        Diagnostic { severity: self.severity, message, place, label: String::new(), help: self.help }
    }
}

/// All of them, errors and what is only odd.
pub(super) fn diagnostics(findings: Vec<Finding>, merged: &Merged) -> Vec<Diagnostic> {
    findings.into_iter().map(|finding| finding.diagnostic(merged)).collect()
}
