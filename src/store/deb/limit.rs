//! A stream that may not be longer than this.

use std::io::{self, Read};

use super::DebFault;

/// Fails when more is read than is granted.
pub(super) struct Limited<'a> {
    input: &'a mut dyn Read,
    what: &'static str,
    limit: u64,
    left: u64,
}

impl<'a> Limited<'a> {
    /// `what` names the stream in the error.
    pub(super) fn new(input: &'a mut dyn Read, limit: u64, what: &'static str) -> Self {
        Self { input, what, limit, left: limit }
    }
}

impl Read for Limited<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        let left = self.left.checked_sub(read as u64);
        self.left = left.ok_or(DebFault::TooLarge { what: self.what, limit: self.limit })?;
        Ok(read)
    }
}
