//! An archive that is written while it is read.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::thread::{Scope, ScopedJoinHandle};

use crate::image::codec::Codec;
use crate::progress::Progress;
use crate::store::{Store, StreamOutput};

use super::super::Error;
use super::super::archive::{Contents, write};

/// The archive's bytes. Where writing fails, reading does: an archive that is cut off must not look whole.
pub(super) struct Archive<'scope, 'a> {
    pipe: PipeReader,
    writer: Option<ScopedJoinHandle<'scope, Result<(), Error>>>,
    fault: Option<Error>,
    sent: u64,
    progress: &'a dyn Progress,
}

impl<'scope, 'a> Archive<'scope, 'a> {
    /// Begins to write, in a thread of `scope`.
    pub(super) fn begin<'env>(
        scope: &'scope Scope<'scope, 'env>,
        store: &'env Store,
        contents: Contents<'env>,
        codec: Codec,
        progress: &'a dyn Progress,
    ) -> io::Result<Self> {
        let (pipe, into) = io::pipe()?;
        let writer = std::thread::Builder::new().spawn_scoped(scope, move || {
            let mut into = Into { pipe: into, is_unread: false };
            let written = write(store, &contents, codec, &mut StreamOutput(&mut into));
            if into.is_unread { Ok(()) } else { written }
        })?;
        Ok(Self { pipe, writer: Some(writer), fault: None, sent: 0, progress })
    }

    /// Bytes that were read, and why no more could be.
    pub(super) fn end(mut self) -> (u64, Option<Error>) {
        let (sent, fault, writer) = (self.sent, self.fault.take(), self.writer.take());
        drop(self);
        (sent, fault.or_else(|| outcome(writer?).err()))
    }
}

impl Read for Archive<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let amount = self.pipe.read(buffer)?;
        self.sent += amount as u64;
        self.progress.advance(amount as u64);
        if amount == 0 && !buffer.is_empty() {
            self.fault = self.writer.take().and_then(|writer| outcome(writer).err());
        }
        if self.fault.is_some() { Err(io::Error::other("the image can't be read to its end")) } else { Ok(amount) }
    }
}

fn outcome(writer: ScopedJoinHandle<'_, Result<(), Error>>) -> Result<(), Error> {
    writer.join().unwrap_or_else(|_| Err(io::Error::other("the image's writer ended").into()))
}

/// The pipe's other end. That nobody reads any more is no fault of the archive's.
struct Into {
    pipe: PipeWriter,
    is_unread: bool,
}

impl Write for Into {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.pipe.write(bytes);
        self.is_unread |= written.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        self.pipe.flush()
    }
}
