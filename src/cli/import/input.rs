//! The files to import, read with a limit.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::cli::context::Context;
use crate::import::{ImportError, Kind, LONGEST};

/// A file to import.
pub(super) struct Input {
    /// As the user knows it: `devbox.lock`, `stdin`.
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) text: String,
}

impl Input {
    /// Without folders, which are another machine's business.
    pub(super) fn base_name(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or(&self.name)
    }
}

/// Reads files relative to the project's folder; `-` is stdin. Without `kind`, their names and contents tell what they are.
pub(super) fn read_all(files: &[PathBuf], kind: Option<Kind>, context: &Context) -> anyhow::Result<Vec<Input>> {
    let mut inputs = Vec::new();
    for file in files {
        let is_stdin = file.as_os_str() == "-";
        let name = if is_stdin { "stdin".to_owned() } else { file.display().to_string() };
        let text = if is_stdin { read(io::stdin().lock()) } else { open(&context.directory.join(file)) };
        let text = text.with_context(|| format!("can't read {name}"))?;
        let kind = kind.or_else(|| Kind::of(&name, &text));
        let kind = kind.ok_or_else(|| ImportError::UnknownKind { origin: name.clone() })?;
        inputs.push(Input { name, kind, text });
    }
    Ok(inputs)
}

fn open(path: &Path) -> io::Result<String> {
    read(File::open(path)?)
}

fn read(input: impl Read) -> io::Result<String> {
    let mut text = String::new();
    input.take(LONGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST {
        return Err(io::Error::other("it is longer than 64 MiB"));
    }
    Ok(text)
}
