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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_in_time_is_read_and_what_does_not_is_refused() {
        let read = |mut input: &[u8]| io::read_to_string(Limited::new(&mut input, 5, "it"));
        assert_eq!(read(b"12345").unwrap(), "12345");
        assert_eq!(read(b"123456").unwrap_err().to_string(), "it takes more than 0 MiB unpacked");
        let mut endless = io::repeat(0);
        let error = io::copy(&mut Limited::new(&mut endless, 3 << 20, "it"), &mut io::sink()).unwrap_err();
        assert_eq!(error.to_string(), "it takes more than 3 MiB unpacked");
    }
}
