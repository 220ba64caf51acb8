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
        .or_else(|| of::<crate::import::ImportError>(cause))
        .or_else(|| of::<export::Error>(cause))
        .or_else(|| of::<export::attach::Error>(cause))
        .or_else(|| of::<crate::signing::Error>(cause))
        .or_else(|| of::<crate::origin::Error>(cause))
        .or_else(|| of::<registry::Error>(cause))
        .or_else(|| of::<registry::ParseReferenceError>(cause))
        .or_else(|| of::<export::PushError>(cause))
        .or_else(|| of::<build::BaseError>(cause))
        .or_else(|| of::<crate::root::base::BaseConflict>(cause))
        .or_else(|| of::<export::DaemonError>(cause))
        .or_else(|| of::<plan::Error>(cause))
        .or_else(|| of::<store::Error>(cause))
        .or_else(|| of::<store::DebFault>(cause))
        .or_else(|| of::<cache::write::WriteError>(cause))
        .or_else(|| of::<registry::CredentialsError>(cause))
}

#[cfg(not(feature = "build"))]
fn classified_in_making<'error>(_: &'error (dyn Error + 'static)) -> Option<&'error dyn Classified> {
    None
}

fn of<'error, T: Classified + Error + 'static>(cause: &'error (dyn Error + 'static)) -> Option<&'error dyn Classified> {
    cause.downcast_ref::<T>().map(|error| error as &dyn Classified)
}

/// Findings that an error in a chain carries. A room's error that has some gets a line here.
fn diagnostics_of<'error>(cause: &'error (dyn Error + 'static)) -> Option<&'error [Diagnostic]> {
    None.or_else(|| cause.downcast_ref::<Failure>().map(|failure| failure.diagnostics.as_slice()))
        .or_else(|| cause.downcast_ref::<config::Invalid>().map(|invalid| invalid.diagnostics.as_slice()))
        .or_else(|| cause.downcast_ref::<channel::Error>().map(channel::Error::diagnostics))
        .or_else(|| cause.downcast_ref::<channel::LockError>().map(channel::LockError::diagnostics))
        .or_else(|| cause.downcast_ref::<HomeError>().map(HomeError::diagnostics))
        .or_else(|| {
            cause.downcast_ref::<machine::rebuild::RebuildError>().map(machine::rebuild::RebuildError::diagnostics)
        })
        .or_else(|| diagnostics_in_making(cause))
        .filter(|diagnostics| !diagnostics.is_empty())
}

#[cfg(feature = "build")]
fn diagnostics_in_making<'error>(cause: &'error (dyn Error + 'static)) -> Option<&'error [Diagnostic]> {
    cause.downcast_ref::<crate::build::Error>().map(crate::build::Error::diagnostics)
}

#[cfg(not(feature = "build"))]
fn diagnostics_in_making<'error>(_: &'error (dyn Error + 'static)) -> Option<&'error [Diagnostic]> {
    None
}

/// The class of the outermost error that has one; [`Class::Other`] gives way to what an inner error knows better.
pub(super) fn class(error: &anyhow::Error) -> Class {
    let classes = error.chain().filter_map(classified).map(Classified::class);
    classes.into_iter().find(|class| *class != Class::Other).unwrap_or(Class::Other)
}

/// The remedies, outermost first, each once.
pub(super) fn helps(error: &anyhow::Error) -> Vec<String> {
    let mut helps = Vec::new();
    for help in error.chain().filter_map(classified).filter_map(Classified::help) {
        if !helps.contains(&help) {
            helps.push(help);
        }
    }
    helps
}

/// The findings of the outermost error that carries some.
pub(super) fn diagnostics(error: &anyhow::Error) -> &[Diagnostic] {
    error.chain().find_map(diagnostics_of).unwrap_or_default()
}

/// The document to which an error belongs.
pub(super) fn document(error: &anyhow::Error) -> Option<&serde_json::Value> {
    error.chain().find_map(|cause| cause.downcast_ref::<Failure>()?.findings.as_ref())
}

/// The messages of the chain, outermost first, without those that the one before has quoted already.
pub(super) fn messages(error: &anyhow::Error) -> Vec<String> {
    let mut messages: Vec<String> = Vec::new();
    for message in error.chain().map(ToString::to_string) {
        if !messages.last().is_some_and(|previous| previous.contains(&message)) {
            messages.push(message);
        }
    }
    messages
}

#[cfg(test)]
#[cfg(feature = "build")]
mod tests {
    use super::*;
    use crate::root::debian::certificates::CertificatesError;
    use crate::root::debian::dpkg::DpkgError;
    use crate::root::debian::ld_cache::LdCacheError;
    use crate::root::debian::merge::MergeError;
    use crate::{build, store};

    #[test]
    fn the_class_is_found_below_context() {
        let error = anyhow::Error::from(Failure::new(Class::StaleLock, "no lock").help("run `dumbc lock`"));
        let error = error.context("building").context("outermost");
        assert_eq!(class(&error), Class::StaleLock);
        assert_eq!(helps(&error), ["run `dumbc lock`"]);
        assert_eq!(messages(&error), ["outermost", "building", "no lock"]);
    }

    /// As a build passes them on, with what its reader wraps around them.
    fn consumer(source: impl Into<Box<dyn Error + Send + Sync>>) -> anyhow::Error {
        let package = "tool".parse().unwrap();
        let error = channel::debian::ArchiveError::Consumer { package, source: std::io::Error::other(source) };
        build::Error::Channel(error.into()).into()
    }

    #[test]
    fn a_package_that_breaks_the_rules_is_a_matter_of_trust() {
        let fault = || store::DebFault::Missing("control file");
        let content = channel::debian::DebError::Content { member: "data.tar.xz".to_owned(), source: fault().into() };
        let said = "package `tool` was fetched, but could not be used";
        let remedy = "do without this package, or take another version of it; who publishes the archive should know";
        for (error, below) in [
            (consumer(content), &["`data.tar.xz`", "it has no control file"][..]),
            (consumer(store::Error::from(fault())), &["the package is refused", "it has no control file"]),
            (consumer(fault()), &["it has no control file"]),
            (
                consumer(channel::debian::DebError::Format("3.0".to_owned())),
                &["its format is 3.0, and only 2.0 is known"],
            ),
        ] {
            assert_eq!(class(&error), Class::Trust);
            assert_eq!(messages(&error), [&[said], below].concat());
            assert_eq!(helps(&error), [remedy]);
        }
    }

    #[test]
    fn the_disk_is_not_the_packages_fault() {
        let full = || std::io::Error::from(std::io::ErrorKind::StorageFull);
        let content = channel::debian::DebError::Content { member: "data.tar.xz".to_owned(), source: full() };
        assert_eq!(class(&consumer(content)), Class::Other);
        let store = store::Error::Io { action: "write", path: "/store".into(), source: full() };
        assert_eq!(class(&consumer(store)), Class::Other);
    }

    #[test]
    fn debian_errors_keep_their_class_below_context() {
        let path = || crate::image::ImagePath::new(b"usr/bin/tool").unwrap();
        let package = || "tool".parse::<crate::deb::PackageName>().unwrap();
        let twice = MergeError::Twice { path: path(), one: package(), two: "other".parse().unwrap(), mutual: false };
        let trigger = DpkgError::Trigger { package: package(), trigger: "a/b".to_owned() };
        let unknown = channel::debian::Unmet::Unknown {
            name: "toll".to_owned(),
            channel: "debian".to_owned(),
            nearest: vec!["tool".to_owned()],
            elsewhere: Vec::new(),
        };
        let gone = channel::debian::ArchiveError::Gone { package: package(), file: "pool/t/tool_1.deb".to_owned() };
        let folder = "/usr/share/ca-certificates".to_owned();
        let errors: [(Class, anyhow::Error); 6] = [
            (Class::Usage, twice.into()),
            (Class::Usage, trigger.into()),
            (Class::UnknownName, channel::debian::Unsolvable { unmet: vec![unknown] }.into()),
            (Class::Network, gone.into()),
            (Class::Other, LdCacheError::TooManyLibraries { limit: 9 }.into()),
            (Class::Other, CertificatesError::TooMany { folder, limit: 9 }.into()),
        ];
        for (expected, error) in errors {
            let error = error.context("building");
            assert_eq!((class(&error), helps(&error).len()), (expected, 1), "{error:#}");
        }
    }

    #[test]
    fn an_unclassified_error_is_other() {
        assert_eq!(class(&anyhow::anyhow!("disk full")), Class::Other);
    }
}
