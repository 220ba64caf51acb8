//! Stdout, whose reader may go away: that ends the program quietly.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};

/// Stdout as a [`Write`]. When nobody reads it any more, its errors carry [`Closed`], which no other broken pipe does.
pub(super) struct Output<W>(W);

/// Nobody reads stdout any more.
#[derive(Debug)]
pub(super) struct Closed;

impl Output<io::StdoutLock<'static>> {
    /// This process's stdout.
    pub(super) fn stdout() -> Self {
        Self(io::stdout().lock())
    }
}

impl<W: Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(mark)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(mark)
    }
}

fn mark(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::BrokenPipe { io::Error::new(io::ErrorKind::BrokenPipe, Closed) } else { error }
}

/// Whether `error` came of writing to a stdout that nobody reads.
pub(super) fn is_closed(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
            .is_some_and(<dyn Error + Send + Sync>::is::<Closed>)
    })
}

impl fmt::Display for Closed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("nobody reads the output any more")
    }
}

impl Error for Closed {}

#[cfg(test)]
mod tests {
    use super::*;

    struct Broken;

    impl Write for Broken {
        fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_stdout_differs_from_other_broken_pipes() {
        let ours = anyhow::Error::from(Output(Broken).write(b"x").expect_err("broken")).context("writing the archive");
        assert!(is_closed(&ours));
        assert!(!is_closed(&anyhow::Error::from(io::Error::from(io::ErrorKind::BrokenPipe))));
    }
}
