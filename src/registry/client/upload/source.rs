//! A blob's bytes on their way out: hashed, counted, and never sent to the end where they are not what their digest says.

use std::io::{self, Read};

use crate::nix::{Hasher, Sha256};

use super::super::super::Error;
use super::super::BlobSource;

/// Reads one part after the other; at the blob's end, its last bytes come out only if all of them fit the digest.
pub(super) struct Source<'a> {
    blob: &'a dyn BlobSource,
    heard: &'a (dyn Fn(u64) + Sync),
    reader: Option<Box<dyn Read + Send + 'a>>,
    /// Of all bytes before the next one.
    hasher: Hasher,
    /// Of all bytes before the part: to begin it again without reading what is before it.
    mark: Hasher,
    end: u64,
    sent: u64,
    fault: Option<Error>,
}

impl<'a> Source<'a> {
    pub(super) fn new(blob: &'a dyn BlobSource, heard: &'a (dyn Fn(u64) + Sync)) -> Self {
        Self { blob, heard, reader: None, hasher: Hasher::new(), mark: Hasher::new(), end: 0, sent: 0, fault: None }
    }

    pub(super) fn digest(&self) -> Sha256 {
        self.blob.digest()
    }

    pub(super) fn size(&self) -> u64 {
        self.blob.size()
    }

    /// Bytes that were read to be sent.
    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    /// What went wrong with the blob itself.
    pub(super) fn take_fault(&mut self) -> Option<Error> {
        self.fault.take()
    }

    /// The bytes from `start` to `end` are read next.
    pub(super) fn seek(&mut self, start: u64, end: u64) -> Result<(), Error> {
        if self.reader.is_none() || self.hasher.length() != start {
            let from = if self.mark.length() <= start { self.mark.clone() } else { Hasher::new() };
            let reader = self.blob.open(from.length());
            self.reader = Some(reader.map_err(|source| Error::Source { digest: self.digest().oci(), source })?);
            self.hasher = from;
            self.skip(start)?;
        }
        self.mark = self.hasher.clone();
        self.end = end;
        if start == self.size() { self.check() } else { Ok(()) }
    }

    fn skip(&mut self, start: u64) -> Result<(), Error> {
        let mut buffer = vec![0; 1 << 16];
        self.end = start;
        while self.hasher.length() < start {
            self.pull(&mut buffer)?;
        }
        Ok(())
    }

    /// Reads some bytes, at least one unless the part is at its end.
    fn pull(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        let left = usize::try_from(self.end.saturating_sub(self.hasher.length())).unwrap_or(usize::MAX);
        let room = buffer.len().min(left);
        let Some((reader, room)) =
            self.reader.as_mut().zip(buffer.get_mut(..room)).filter(|(_, room)| !room.is_empty())
        else {
            return Ok(0);
        };
        let count = loop {
            match reader.read(room) {
                Ok(count) => break count,
                Err(fault) if fault.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(Error::Source { digest: self.digest().oci(), source }),
            }
        };
        if count == 0 {
            let found = format!("ends after {} of {} bytes", self.hasher.length(), self.size());
            return Err(Error::SourceChanged { digest: self.digest().oci(), found });
        }
        self.hasher.update(room.get(..count).unwrap_or_default());
        if self.hasher.length() == self.size() {
            self.check()?;
        }
        Ok(count)
    }

    /// At the end: all bytes fit the digest.
    fn check(&self) -> Result<(), Error> {
        let found = self.hasher.clone().finish();
        if found == self.digest() {
            return Ok(());
        }
        Err(Error::SourceChanged { digest: self.digest().oci(), found: format!("has the digest {}", found.oci()) })
    }
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.pull(buffer) {
            Ok(count) => {
                self.sent += count as u64;
                (self.heard)(count as u64);
                Ok(count)
            }
            Err(error) => {
                self.fault = Some(error);
                self.reader = None;
                Err(io::Error::other("what is to be sent can't be read"))
            }
        }
    }
}
