//! Reading an index: bounded, whoever wrote it.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read};

use crate::nix::Hasher;

use super::{Entry, Index, line};

/// What an index may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of a line.
    pub line: u64,
    /// Bytes of the whole index.
    pub size: u64,
    /// Bytes kept in memory, about.
    pub kept: usize,
}

impl Default for Limits {
    /// Five times what all of nixpkgs takes, with every line's `meta`.
    fn default() -> Self {
        Self { line: 4 << 20, size: 2 << 30, kept: 256 << 20 }
    }
}

/// The index can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A line is not what `nix-eval-jobs` prints.
    #[error("line {line} is no entry of an index: {reason}")]
    Line {
        /// Counted from 1.
        line: u64,
        /// Why.
        reason: String,
    },
    /// A line is too long.
    #[error("line {line} has more than {limit} bytes")]
    LongLine {
        /// Counted from 1.
        line: u64,
        /// What is allowed.
        limit: u64,
    },
    /// All of it is too long.
    #[error("it has more than {0} bytes")]
    TooLarge(u64),
    /// What it says does not fit into memory.
    #[error("what it names takes more than {0} bytes of memory")]
    TooMuch(usize),
    /// Its bytes don't come.
    #[error("it can't be read to its end")]
    Io(#[source] io::Error),
}

impl Index {
    /// Reads all of `input`.
    pub fn read(input: impl Read, limits: Limits) -> Result<Self, ReadError> {
        let mut input = BufReader::with_capacity(256 << 10, input);
        let (mut entries, mut hasher) = (BTreeMap::<_, Vec<Entry>>::new(), Hasher::new());
        let (mut text, mut number, mut kept) = (Vec::new(), 0, 0);
        loop {
            text.clear();
            number += 1;
            input.by_ref().take(limits.line + 1).read_until(b'\n', &mut text).map_err(ReadError::Io)?;
            hasher.update(&text);
            if text.is_empty() {
                return Ok(Self { entries, hash: hasher.finish() });
            }
            if text.len() as u64 > limits.line {
                return Err(ReadError::LongLine { line: number, limit: limits.line });
            }
            if hasher.length() > limits.size {
                return Err(ReadError::TooLarge(limits.size));
            }
            if text.trim_ascii().is_empty() {
                continue;
            }
            let parsed = line::parse(&text).map_err(|reason| ReadError::Line { line: number, reason })?;
            if let Some((attribute, entry)) = parsed {
                kept += attribute.weight() + entry.weight();
                if kept > limits.kept {
                    return Err(ReadError::TooMuch(limits.kept));
                }
                entries.entry(attribute).or_default().push(entry);
            }
        }
    }
}

impl Entry {
    /// Bytes that it takes in memory, about.
    fn weight(&self) -> usize {
        let own = size_of::<Self>();
        own + match &self.evaluated {
            Err(message) => message.len(),
            Ok(package) => {
                let outputs = package.outputs.iter();
                let outputs = outputs.map(|(name, path)| 64 + name.len() + path.as_ref().map_or(0, String::len));
                let to_install = package.to_install.iter().map(|name| 32 + name.len());
                let version = package.version.as_ref().map_or(0, String::len);
                package.name.len()
                    + version
                    + outputs.sum::<usize>()
                    + to_install.sum::<usize>()
                    + package.about_weight()
            }
        }
    }
}
