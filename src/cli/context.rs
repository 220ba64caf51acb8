//! What every verb gets: where to print, and how to tell what it does.

use std::io::Write as _;
use std::path::PathBuf;

use crate::config::Diagnostic;
use crate::progress::Progress;

use super::output::Output;
use super::progress::Narrator;

/// Settings of the whole command line.
pub(super) struct Context {
    /// `-C`, absolute: the project's folder.
    pub(super) directory: PathBuf,
    /// `--json`: data on stdout is one JSON document with a `version`.
    pub(super) json: bool,
    /// Where narration goes.
    pub(super) progress: Box<dyn Progress>,
    narrator: Narrator,
}

impl Context {
    /// For the folder `directory`, which is absolute.
    pub(super) fn new(directory: PathBuf, json: bool, narrator: Narrator) -> Self {
        Self { directory, json, progress: Box::new(narrator.clone()), narrator }
    }

    /// Writes a line of data to stdout.
    pub(super) fn line(&self, text: impl AsRef<str>) -> anyhow::Result<()> {
        self.text(format!("{}\n", text.as_ref()))
    }

    /// Writes data to stdout as it is.
    pub(super) fn text(&self, text: impl AsRef<[u8]>) -> anyhow::Result<()> {
        self.narrator.suspend(|| {
            let mut stdout = Output::stdout();
            stdout.write_all(text.as_ref())?;
            Ok(stdout.flush()?)
        })
    }

    /// Does something that prints by itself, with bars out of the way.
    #[cfg(feature = "build")]
    pub(super) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.narrator.suspend(print)
    }

    /// Writes one JSON document to stdout.
    pub(super) fn document(&self, value: &impl serde::Serialize) -> anyhow::Result<()> {
        let mut text = serde_json::to_vec_pretty(value)?;
        text.push(b'\n');
        self.text(text)
    }

    /// Draws findings on stderr; with `--quiet` too, as they are warnings or errors.
    pub(super) fn diagnose(&self, diagnostics: &[Diagnostic]) {
        for diagnostic in diagnostics {
            self.narrator.diagnostic(diagnostic);
        }
    }
}
