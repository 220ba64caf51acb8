//! What every verb gets: where to print, and how to tell what it does.

use std::io::Write as _;
use std::path::PathBuf;

use crate::config::{self, Diagnostic, Loaded, Machine, Severity};
use crate::failure::Class;
use crate::home;
use crate::progress::Progress;

use super::failure::Failure;
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

/// The project's files without errors.
pub(super) struct Project {
    pub(super) machine: Machine,
    /// What may be wrong; drawn already.
    pub(super) warnings: Vec<Diagnostic>,
    /// Keys that the image does not honour yet; for builds to draw with [`Context::diagnose`].
    pub(super) inactive: Vec<Diagnostic>,
}

impl Context {
    /// Reads and checks the project's files; draws the warnings.
    pub(super) fn load(&self) -> anyhow::Result<Project> {
        let Loaded { machine, mut diagnostics, inactive } = config::load(&self.directory);
        let machine = machine.ok_or_else(|| Failure::diagnosed(Class::Usage, diagnostics.clone()))?;
        diagnostics.extend(home::generation::check(&machine));
        if diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
            return Err(Failure::diagnosed(Class::Usage, diagnostics).into());
        }
        self.diagnose(&diagnostics);
        Ok(Project { machine, warnings: diagnostics, inactive })
    }

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
