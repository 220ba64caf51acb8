//! How errors and findings look: drawn on stderr, and as a JSON document on stdout.

use std::io::Write as _;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::{Value, json};

use crate::config::{Diagnostic, Place, Severity};
use crate::failure::Class;

use super::failure;
use super::output::{self, Output};

/// Exit code where stdout was closed by its reader: what a shell shows for a program that SIGPIPE ended.
const CLOSED: u8 = 128 + 13;

/// Draws, with or without colours.
#[derive(Clone)]
pub(super) struct Report {
    renderer: Renderer,
}

impl Report {
    pub(super) fn new(colour: bool) -> Self {
        Self { renderer: if colour { Renderer::styled() } else { Renderer::plain() } }
    }

    /// Prints `error` and gives the exit code. Says nothing where stdout's reader went away.
    pub(super) fn end(&self, error: &anyhow::Error, json: bool) -> u8 {
        if output::is_closed(error) {
            return CLOSED;
        }
        to_stderr(&self.error(error));
        if json {
            to_stdout(&document(error));
        }
        failure::class(error).exit_code()
    }

    /// `error: …`, its causes and `help: …`; findings come first.
    pub(super) fn error(&self, error: &anyhow::Error) -> String {
        let findings = failure::diagnostics(error);
        let mut text: String = findings.iter().map(|finding| self.diagnostic(finding) + "\n").collect();
        let messages = failure::messages(error);
        for (index, message) in messages.iter().enumerate() {
            let title = if index == 0 { Level::ERROR } else { Level::NOTE.with_name("caused by") };
            text += &self.line(title, message);
        }
        for help in failure::helps(error) {
            text += &self.line(Level::HELP, &help);
        }
        text
    }

    /// A finding with file, line, column, caret and remedy.
    pub(super) fn diagnostic(&self, diagnostic: &Diagnostic) -> String {
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Note => Level::NOTE,
        };
        let message = printable(&diagnostic.message);
        let mut text = match &diagnostic.place {
            None => self.line(level, &message),
            Some(place) => {
                let label = printable(&diagnostic.label);
                let (lines, span) = lines_around(place);
                let caret = AnnotationKind::Primary.span(span);
                let caret = if label.is_empty() { caret } else { caret.label(label.as_str()) };
                let path = place.file.display().to_string();
                let snippet = Snippet::source(lines).line_start(place.line_column().0).path(path).annotation(caret);
                self.renderer.render(&[level.primary_title(message.as_str()).element(snippet)]) + "\n"
            }
        };
        if let Some(help) = &diagnostic.help {
            text += &self.line(Level::HELP, help);
        }
        text
    }

    /// `level: message` and a newline.
    pub(super) fn line(&self, level: Level<'_>, message: &str) -> String {
        let message = printable(message);
        self.renderer.render(&[Group::with_title(level.primary_title(message.as_str()))]) + "\n"
    }
}

/// The lines that a place touches, and its span within them: the renderer's time grows with what it is given.
fn lines_around(place: &Place) -> (&str, Range<usize>) {
    let span = place.clamped();
    let start = place.source[..span.start].rfind('\n').map_or(0, |newline| newline + 1);
    let end = place.source[span.end..].find('\n').map_or(place.source.len(), |newline| span.end + newline);
    (&place.source[start..end], span.start - start..span.end - start)
}

/// Prints what clap says of the arguments: help and version to stdout with code 0, the rest as usage errors.
pub(super) fn usage(error: &clap::Error, json: bool) -> u8 {
    if !error.use_stderr() {
        let printed = error.print();
        return if printed.is_ok() { 0 } else { CLOSED };
    }
    let _ = error.print();
    if json {
        let text = error.to_string();
        let message = text.lines().next().unwrap_or_default();
        let message = message.strip_prefix("error: ").unwrap_or(message);
        let failure = failure::Failure::new(Class::Usage, message).help("`--help` tells what there is");
        to_stdout(&document(&failure.into()));
    }
    Class::Usage.exit_code()
}

/// The document that `--json` prints for an error.
pub(super) fn document(error: &anyhow::Error) -> Value {
    let mut messages = failure::messages(error).into_iter();
    let helps = failure::helps(error);
    let mut document = failure::document(error).cloned().unwrap_or_else(|| json!({ "version": 1 }));
    document["error"] = json!({
        "class": failure::class(error).name(),
        "message": messages.next().unwrap_or_default(),
        "causes": messages.collect::<Vec<_>>(),
        "help": if helps.is_empty() { Value::Null } else { Value::from(helps.join("\n")) },
        "diagnostics": failure::diagnostics(error).iter().map(finding).collect::<Vec<_>>(),
    });
    document
}

/// A finding as JSON: `file`, `line` and `column` are null where no line is to blame.
pub(super) fn finding(diagnostic: &Diagnostic) -> Value {
    let position = diagnostic.place.as_ref().map(Place::line_column);
    json!({
        "severity": match diagnostic.severity { Severity::Error => "error", Severity::Warning => "warning", Severity::Note => "note" },
        "message": diagnostic.message,
        "file": diagnostic.place.as_ref().map(|place| place.file.display().to_string()),
        "line": position.map(|(line, _)| line),
        "column": position.map(|(_, column)| column),
        "label": diagnostic.label,
        "help": diagnostic.help,
    })
}

/// A finding in one line: `system.toml:3:1: message`.
pub(super) fn one_line(diagnostic: &Diagnostic) -> String {
    let place = diagnostic.place.as_ref().map_or_else(String::new, |place| {
        let (line, column) = place.line_column();
        format!("{}:{line}:{column}: ", place.file.display())
    });
    printable(&(place + &diagnostic.message))
}

/// What comes from files and the network can't steer the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// A stderr that nobody reads is no reason to fail.
pub(super) fn to_stderr(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

fn to_stdout(document: &Value) {
    let _ = writeln!(Output::stdout(), "{document:#}");
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use super::*;

    fn unknown_package() -> Diagnostic {
        let source: Arc<str> = "packages = [\n  \"git\",\n  \"ripgerp\",\n]\n".into();
        let place = Place { file: Arc::new(PathBuf::from("system.toml")), source, span: 24..33 };
        Diagnostic {
            severity: Severity::Error,
            message: "no package `ripgerp` in nixos-26.05".to_owned(),
            place: Some(place),
            label: String::new(),
            help: Some("did you mean `ripgrep`?".to_owned()),
        }
    }

    #[test]
    fn a_finding_points_at_its_line() {
        insta::assert_snapshot!(Report::new(false).diagnostic(&unknown_package()), @r#"
        error: no package `ripgerp` in nixos-26.05
         --> system.toml:3:3
          |
        3 |   "ripgerp",
          |   ^^^^^^^^^
        help: did you mean `ripgrep`?
        "#);
    }

    #[test]
    fn an_error_tells_causes_and_remedy() {
        let error = anyhow::Error::from(failure::Failure::new(Class::Network, "no answer").help("try --offline"));
        let error = error.context("can't fetch hello");
        insta::assert_snapshot!(Report::new(false).error(&error), @r"
        error: can't fetch hello
        caused by: no answer
        help: try --offline
        ");
    }

    #[test]
    fn the_document_has_class_place_and_remedy() {
        let error = failure::Failure::diagnosed(Class::UnknownName, vec![unknown_package()]).into();
        let document = document(&error);
        assert_eq!(document["version"], 1);
        assert_eq!(document["error"]["class"], "unknown-name");
        assert_eq!(document["error"]["diagnostics"][0]["line"], 3);
        assert_eq!(document["error"]["diagnostics"][0]["column"], 3);
        assert_eq!(document["error"]["diagnostics"][0]["help"], "did you mean `ripgrep`?");
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let mut finding = unknown_package();
        finding.message = "\u{1b}]0;pwned\u{7}".to_owned();
        finding.place = None;
        assert!(!Report::new(false).diagnostic(&finding).contains(['\u{1b}', '\u{7}']));
    }
}
