//! The input behind a [`super::NarReader`]: a buffer for words and small files, the reader itself for large contents.

use std::io::{self, ErrorKind, Read};

use super::{NarError, NarFault, padding, words};

/// Holds the longest string there is many times over, so that a small entry costs no read of its own.
const BUFFER: usize = 64 * 1024;
/// Reads of at least this size go past the buffer.
const DIRECT: usize = 16 * 1024;

pub(super) struct Input<R> {
    reader: R,
    buffer: Box<[u8]>,
    /// What of the buffer is filled and not consumed.
    start: usize,
    end: usize,
    /// Bytes consumed since the beginning.
    offset: u64,
}

impl<R: Read> Input<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, buffer: vec![0; BUFFER].into_boxed_slice(), start: 0, end: 0, offset: 0 }
    }

    pub(super) fn into_inner(self) -> R {
        self.reader
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether `count` bytes, fewer than the buffer has, are there; reads until they are.
    fn has(&mut self, count: usize) -> io::Result<bool> {
        if self.end - self.start >= count {
            return Ok(true);
        }
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        while self.end < count {
            match self.reader.read(&mut self.buffer[self.end..]) {
                Ok(0) => return Ok(false),
                Ok(count) => self.end += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    fn consume(&mut self, count: usize) {
        self.start += count;
        self.offset += count as u64;
    }

    /// Consumes `expected`, encoded words, if they come next.
    pub(super) fn take(&mut self, expected: &'static [u8]) -> Result<bool, NarError> {
        let found = self.has(expected.len())? && self.buffer[self.start..].starts_with(expected);
        if found {
            self.consume(expected.len());
        }
        Ok(found)
    }

    /// Consumes `expected`, or says what stands there.
    pub(super) fn expect(&mut self, expected: &'static [u8]) -> Result<(), NarError> {
        if self.take(expected)? { Ok(()) } else { Err(self.unexpected(&[expected])) }
    }

    /// Why none of `alternatives` comes next, found out word by word.
    #[cold]
    pub(super) fn unexpected(&mut self, alternatives: &[&'static [u8]]) -> NarError {
        let mut alternatives: Vec<_> = alternatives.iter().filter_map(|words| words::first(words)).collect();
        loop {
            let begin = self.offset;
            let found = match self.string("a word", words::LONGEST) {
                Ok(word) => Some(word.to_vec()),
                Err(NarError::Malformed { fault: NarFault::TooLong { .. }, .. }) => None,
                Err(error) => return error,
            };
            let matched = alternatives.iter().find(|(word, _)| Some(*word) == found.as_deref());
            if let Some(next) = matched.and_then(|(_, rest)| words::first(rest)) {
                alternatives = vec![next];
                continue;
            }
            let allowed: Vec<_> =
                alternatives.iter().map(|(word, _)| format!("`{}`", String::from_utf8_lossy(word))).collect();
            return NarFault::Unexpected { expected: allowed.join(" or "), found }.at(begin);
        }
    }

    /// Consumes a string of at most `limit` bytes, which the buffer can hold.
    pub(super) fn string(&mut self, what: &'static str, limit: usize) -> Result<&[u8], NarError> {
        let begin = self.offset;
        let claimed = self.length()?;
        let Some(length) = usize::try_from(claimed).ok().filter(|&length| length <= limit) else {
            return Err(NarFault::TooLong { what, length: claimed, limit }.at(begin));
        };
        let padded = length + padding(claimed);
        if !self.has(padded)? {
            return Err(NarFault::Truncated.at(self.offset + (self.end - self.start) as u64));
        }
        let from = self.start;
        if self.buffer[from + length..from + padded].iter().any(|&byte| byte != 0) {
            return Err(NarFault::Padding.at(self.offset + length as u64));
        }
        self.consume(padded);
        Ok(&self.buffer[from..from + length])
    }

    /// Consumes the length that stands before a string.
    pub(super) fn length(&mut self) -> Result<u64, NarError> {
        if !self.has(8)? {
            return Err(NarFault::Truncated.at(self.offset + (self.end - self.start) as u64));
        }
        let mut length = [0; 8];
        length.copy_from_slice(&self.buffer[self.start..self.start + 8]);
        self.consume(8);
        Ok(u64::from_le_bytes(length))
    }

    /// Consumes the zeros after contents of `size` bytes.
    pub(super) fn padding(&mut self, size: u64) -> Result<(), NarError> {
        let count = padding(size);
        if !self.has(count)? {
            return Err(NarFault::Truncated.at(self.offset + (self.end - self.start) as u64));
        }
        if self.buffer[self.start..self.start + count].iter().any(|&byte| byte != 0) {
            return Err(NarFault::Padding.at(self.offset));
        }
        self.consume(count);
        Ok(())
    }

    /// Reads contents of which `remaining` bytes are left; 0 only where none are, or `target` is empty.
    pub(super) fn read(&mut self, target: &mut [u8], remaining: u64) -> Result<usize, NarError> {
        let limit = usize::try_from(remaining).unwrap_or(usize::MAX).min(target.len());
        if limit == 0 {
            return Ok(0);
        }
        let target = &mut target[..limit];
        let count = if self.start == self.end && limit >= DIRECT {
            let count = self.reader.read(target)?;
            self.offset += count as u64;
            count
        } else {
            let available = if self.has(1)? { limit.min(self.end - self.start) } else { 0 };
            target[..available].copy_from_slice(&self.buffer[self.start..self.start + available]);
            self.consume(available);
            available
        };
        if count == 0 { Err(NarFault::Truncated.at(self.offset)) } else { Ok(count) }
    }

    /// Skips `count` bytes of contents.
    pub(super) fn skip(&mut self, mut count: u64) -> Result<(), NarError> {
        while count > 0 {
            if !self.has(1)? {
                return Err(NarFault::Truncated.at(self.offset));
            }
            let available = self.end - self.start;
            let step = usize::try_from(count).unwrap_or(usize::MAX).min(available);
            self.consume(step);
            count -= step as u64;
        }
        Ok(())
    }

    /// Whether nothing is left; reads to find out.
    pub(super) fn at_end(&mut self) -> Result<bool, NarError> {
        Ok(!self.has(1)?)
    }
}
