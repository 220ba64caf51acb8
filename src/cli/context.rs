//! What every verb gets: where to print, and how to tell what it does.

use std::io::Write as _;
use std::path::PathBuf;

use crate::progress::Progress;

/// Settings of the whole command line.
pub(super) struct Context {
    /// `-C`, absolute: the project's folder.
    pub(super) directory: PathBuf,
    /// `--json`: data on stdout is one JSON document with a `version`.
    pub(super) json: bool,
    /// Where narration goes.
    pub(super) progress: Box<dyn Progress>,
}

impl Context {
    /// Writes a line of data to stdout.
    pub(super) fn line(&self, text: impl AsRef<str>) -> anyhow::Result<()> {
        Ok(writeln!(std::io::stdout().lock(), "{}", text.as_ref())?)
    }

    /// Writes one JSON document to stdout.
    pub(super) fn document(&self, value: &impl serde::Serialize) -> anyhow::Result<()> {
        let mut stdout = std::io::stdout().lock();
        serde_json::to_writer_pretty(&mut stdout, value)?;
        Ok(writeln!(stdout)?)
    }
}
