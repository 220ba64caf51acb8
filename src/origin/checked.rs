//! Readers that fail at the end where the bytes were others than promised.

use std::io::{self, Read};

use super::Error;
use crate::nix::{Hasher, Sha256};

/// Hashes what is read, and holds it against a digest at its end.
pub(super) struct Checked<R> {
    input: R,
    hasher: Option<Hasher>,
    expected: Sha256,
    limit: u64,
    /// Image and blob, for the error.
    names: (String, String),
}

impl<R: Read> Checked<R> {
    /// At most `limit` bytes are let through.
    pub(super) fn new(input: R, expected: Sha256, limit: u64, names: (String, String)) -> Self {
        Self { input, hasher: Some(Hasher::new()), expected, limit, names }
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (place, name) = &self.names;
        let Some(hasher) = &mut self.hasher else { return Ok(0) };
        let read = self.input.read(buffer)?;
        if let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) {
            hasher.update(bytes);
            if hasher.length() > self.limit {
                let what = format!("a layer that becomes a thousand times as large when it is unpacked ({name})");
                return Err(Error::TooMuch { place: place.clone(), what }.into());
            }
            return Ok(read);
        }
        if buffer.is_empty() {
            return Ok(0);
        }
        let found = self.hasher.take().map_or(self.expected, Hasher::finish);
        if found == self.expected {
            return Ok(0);
        }
        Err(Error::Digest { place: place.clone(), name: name.clone(), expected: self.expected, found }.into())
    }
}
