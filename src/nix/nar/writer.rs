//! Writes archives, entry by entry.

use std::io::{self, BufWriter, ErrorKind, Read, Write};

use super::walk::Walk;
use super::words::{CLOSE, CONTENTS, DIRECTORY, ENTRY, ENTRY_NODE, EXECUTABLE, MAGIC, NODE, REGULAR, SYMLINK};
use super::{NarError, NarFault, check_target, padding};

const BUFFER: usize = 64 * 1024;

/// Writes an archive from entries in NAR order: the root first, with an empty path, then depth first, names sorted by
/// bytes.
///
/// Paths are relative to the root and joined with `/`; directories are given before what is in them and end by
/// themselves. What [`super::NarReader`] would refuse is refused here, as [`io::Error`]s that hold a [`NarError`]. After
/// an error every further call is one.
pub struct NarWriter<W: Write> {
    output: BufWriter<W>,
    offset: u64,
    walk: Walk,
    state: State,
    chunk: Box<[u8]>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    /// The root has been given.
    Begun,
    Failed,
}

impl<W: Write> NarWriter<W> {
    /// Writes an archive to `output`, which needs no buffer of its own.
    pub fn new(output: W) -> Self {
        Self {
            output: BufWriter::with_capacity(BUFFER, output),
            offset: 0,
            walk: Walk::default(),
            state: State::Start,
            chunk: vec![0; BUFFER].into_boxed_slice(),
        }
    }

    /// Adds a directory.
    pub fn directory(&mut self, path: &[u8]) -> io::Result<()> {
        self.entry(path, |writer| {
            writer.put(DIRECTORY)?;
            writer.walk.open();
            Ok(())
        })
    }

    /// Adds a symbolic link.
    pub fn symlink(&mut self, path: &[u8], target: &[u8]) -> io::Result<()> {
        self.entry(path, |writer| {
            check_target(target).map_err(|fault| fault.at(writer.offset))?;
            writer.put(SYMLINK)?;
            writer.put_string(target)?;
            writer.close_node()
        })
    }

    /// Adds a regular file with `contents`, which must have `size` bytes.
    pub fn regular(&mut self, path: &[u8], executable: bool, size: u64, contents: &mut dyn Read) -> io::Result<()> {
        self.entry(path, |writer| {
            writer.put(REGULAR)?;
            if executable {
                writer.put(EXECUTABLE)?;
            }
            writer.put(CONTENTS)?;
            writer.put(&size.to_le_bytes())?;
            writer.copy(size, contents)?;
            writer.put_padding(size)?;
            writer.close_node()
        })
    }

    /// Ends what is open, and gives the output back.
    pub fn finish(mut self) -> io::Result<W> {
        match self.state {
            State::Begun => {}
            State::Start => return Err(NarFault::Truncated.at(0).into()),
            State::Failed => return Err(NarFault::Poisoned.at(self.offset).into()),
        }
        while self.walk.in_directory() {
            self.close_directory()?;
        }
        self.output.into_inner().map_err(io::IntoInnerError::into_error)
    }

    /// Writes an entry around what `write` writes.
    fn entry(&mut self, path: &[u8], write: impl FnOnce(&mut Self) -> Result<(), NarError>) -> io::Result<()> {
        let state = std::mem::replace(&mut self.state, State::Failed);
        self.begin(state, path).and_then(|()| write(self)).map_err(|error| error.within(path))?;
        self.state = State::Begun;
        Ok(())
    }

    fn begin(&mut self, state: State, path: &[u8]) -> Result<(), NarError> {
        match state {
            State::Failed => return Err(NarFault::Poisoned.at(self.offset)),
            State::Start if path.is_empty() => {
                self.put(MAGIC)?;
                return self.put(NODE);
            }
            State::Start => return Err(NarFault::NoDirectory(Vec::new()).at(self.offset)),
            State::Begun if path.is_empty() => return Err(NarFault::Duplicate(Vec::new()).at(self.offset)),
            State::Begun => {}
        }
        let (parent, name) = split(path);
        let Some(levels) = self.walk.levels_to(parent) else {
            return Err(NarFault::NoDirectory(parent.to_vec()).at(self.offset));
        };
        let checked = self.walk.check(levels, name).map_err(|fault| fault.at(self.offset))?;
        for _ in 0..levels {
            self.close_directory()?;
        }
        self.walk.enter(name, checked);
        self.put(ENTRY)?;
        self.put_string(name)?;
        self.put(ENTRY_NODE)
    }

    fn close_directory(&mut self) -> Result<(), NarError> {
        self.walk.close();
        self.close_node()
    }

    /// Ends a node, and the entry of a directory that it is.
    fn close_node(&mut self) -> Result<(), NarError> {
        self.put(CLOSE)?;
        if self.walk.in_directory() { self.put(CLOSE) } else { Ok(()) }
    }

    fn copy(&mut self, size: u64, contents: &mut dyn Read) -> Result<(), NarError> {
        let mut remaining = size;
        loop {
            // Asks for a byte more than there should be, to see that it is not there.
            let limit = usize::try_from(remaining).unwrap_or(usize::MAX).saturating_add(1).min(self.chunk.len());
            let count = match contents.read(&mut self.chunk[..limit]) {
                Ok(0) if remaining == 0 => return Ok(()),
                Ok(0) => return Err(NarFault::Contents { size, longer: false }.at(self.offset)),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            let Some(left) = remaining.checked_sub(count as u64) else {
                return Err(NarFault::Contents { size, longer: true }.at(self.offset));
            };
            remaining = left;
            self.output.write_all(&self.chunk[..count])?;
            self.offset += count as u64;
        }
    }

    fn put_string(&mut self, bytes: &[u8]) -> Result<(), NarError> {
        self.put(&(bytes.len() as u64).to_le_bytes())?;
        self.put(bytes)?;
        self.put_padding(bytes.len() as u64)
    }

    fn put_padding(&mut self, length: u64) -> Result<(), NarError> {
        self.put(&[0; 8][..padding(length)])
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), NarError> {
        self.output.write_all(bytes)?;
        self.offset += bytes.len() as u64;
        Ok(())
    }
}

fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|&byte| byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (&[], path),
    }
}
