//! From any error to what ends the program: class, remedy, findings.

use std::error::Error;
use std::fmt;

use crate::config::{self, Diagnostic};
use crate::failure::{Class, Classified, carried};
use crate::home::generation::HomeError;
use crate::machine::shell::ShellError;
use crate::machine::supervisor::control::client::ControlError;
use crate::{cache, channel, machine};

/// An error of the command line's own: a message, findings in the user's files, or both.
#[derive(Debug)]
pub(super) struct Failure {
    class: Class,
    message: String,
    help: Option<String>,
    diagnostics: Vec<Diagnostic>,
    findings: Option<serde_json::Value>,
}

impl Failure {
    /// `message` is one line, without a prefix such as `error:`.
    pub(super) fn new(class: Class, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), help: None, diagnostics: Vec::new(), findings: None }
    }

    /// Findings in the user's files. The message counts them.
    pub(super) fn diagnosed(class: Class, diagnostics: Vec<Diagnostic>) -> Self {
        let message = format!("found {}", config::count_errors(&diagnostics));
        Self { class, message, help: None, diagnostics, findings: None }
    }

    /// With a document that `--json` prints together with the error, in one.
    pub(super) fn findings(mut self, document: serde_json::Value) -> Self {
        self.findings = Some(document);
        self
    }

    /// With a remedy: a sentence, without a prefix such as `help:`.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl Error for Failure {}

impl Classified for Failure {
    fn class(&self) -> Class {
        self.class
    }

    fn help(&self) -> Option<String> {
        self.help.clone()
    }
}

/// What is known of one error in a chain. **A room's error becomes known here, by a line of its own.**
fn classified<'error>(cause: &'error (dyn Error + 'static)) -> Option<&'error dyn Classified> {
    let cause = carried(cause);
    None.or_else(|| of::<Failure>(cause))
        .or_else(|| of::<config::Invalid>(cause))
        .or_else(|| of::<channel::Error>(cause))
        .or_else(|| of::<channel::LockError>(cause))
        .or_else(|| of::<cache::Error>(cause))
        .or_else(|| of::<HomeError>(cause))
        .or_else(|| of::<machine::boot::Error>(cause))
        .or_else(|| of::<machine::adopt::Error>(cause))
        .or_else(|| of::<ControlError>(cause))
        .or_else(|| of::<ShellError>(cause))
        .or_else(|| of::<machine::activation::ActivationError>(cause))
        .or_else(|| of::<machine::rebuild::RebuildError>(cause))
        .or_else(|| of::<machine::service::ClientError>(cause))
        .or_else(|| of::<machine::service::ServiceError>(cause))
        .or_else(|| classified_in_making(cause))
}

/// The same of errors that only making images has.
#[cfg(feature = "build")]
fn classified_in_making<'error>(cause: &'error (dyn Error + 'static)) -> Option<&'error dyn Classified> {
    use crate::root::debian::{certificates, dpkg, ld_cache, merge};
    use crate::{build, export, plan, registry, store};

    None.or_else(|| of::<channel::debian::ArchiveError>(cause))
        .or_else(|| of::<channel::debian::DebError>(cause))
        .or_else(|| of::<channel::debian::Unsolvable>(cause))
        .or_else(|| of::<build::Error>(cause))
        .or_else(|| of::<merge::MergeError>(cause))
        .or_else(|| of::<dpkg::DpkgError>(cause))
        .or_else(|| of::<ld_cache::LdCacheError>(cause))
        .or_else(|| of::<certificates::CertificatesError>(cause))
        .or_else(|| of::<crate::emit::FlyError>(cause))
        .or_else(|| of::<export::Error>(cause))
        .or_else(|| of::<crate::origin::Error>(cause))
