//! Brotli, strictly: standard windows only, and nothing after the stream.

use std::io::{self, BufRead, Read};

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};

type State = BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>;

/// Decodes one stream.
pub(super) struct BrotliReader<R> {
    input: R,
    state: Box<State>,
    finished: bool,
}

impl<R: BufRead> BrotliReader<R> {
    pub(super) fn new(input: R) -> Self {
        let allocator = StandardAlloc::default;
        Self { input, state: Box::new(State::new_strict(allocator(), allocator(), allocator())), finished: false }
    }

    fn at_end(&mut self) -> io::Result<usize> {
        if self.input.fill_buf()?.is_empty() { Ok(0) } else { Err(invalid("something follows the brotli stream")) }
    }
}

impl<R: BufRead> Read for BrotliReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.finished {
            return self.at_end();
        }
        let mut total = 0;
        loop {
            let input = self.input.fill_buf()?;
            let ended = input.is_empty();
            let (mut available_in, mut consumed) = (input.len(), 0);
            let (mut available_out, mut produced) = (buffer.len(), 0);
            let result = BrotliDecompressStream(
                &mut available_in,
                &mut consumed,
                input,
                &mut available_out,
                &mut produced,
                buffer,
                &mut total,
                &mut self.state,
            );
            self.input.consume(consumed);
            match result {
                BrotliResult::ResultFailure => return Err(invalid("the brotli stream is damaged")),
                BrotliResult::ResultSuccess => self.finished = true,
                BrotliResult::NeedsMoreInput if ended && produced == 0 => {
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the brotli stream is cut off"));
                }
                _ => {}
            }
            if produced > 0 {
                return Ok(produced);
            }
            if self.finished {
                return self.at_end();
            }
        }
    }
}

fn invalid(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}
