//! Reads archives, entry by entry.

use std::io::{self, ErrorKind, Read};

use super::input::Input;
use super::walk::Walk;
use super::words::{CLOSE, CONTENTS, DIRECTORY, ENTRY, ENTRY_NODE, EXECUTABLE, MAGIC, NODE, REGULAR, SYMLINK};
use super::{MAX_NAME, MAX_TARGET, NarError, NarFault, check_target};

/// An entry of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NarEntry {
    /// Relative to the root, joined with `/`; empty for the root itself.
    pub path: Vec<u8>,
    /// What it is.
    pub kind: NarKind,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NarKind {
    /// A directory; its entries follow.
    Directory,
    /// A regular file; its contents are read from the [`NarReader`].
    Regular {
        /// Whether it has the executable bit.
        executable: bool,
        /// Bytes of its contents, as the archive claims.
        size: u64,
    },
    /// A symbolic link.
    Symlink {
        /// Where it leads: not empty, no NUL, at most 4095 bytes.
        target: Vec<u8>,
    },
}

/// Streams an archive: entries from [`NarReader::next_entry`], contents of regular files from its [`Read`].
///
/// Memory is bounded: a buffer of 64 KiB and the path, and for names beyond ASCII their digests in open directories, at
/// most 4 MiB. Reads of 16 KiB and more go past the buffer.
pub struct NarReader<R: Read> {
    input: Input<R>,
    state: State,
    walk: Walk,
}

#[derive(Clone, Copy)]
enum State {
    /// Nothing has been read.
    Start,
    /// In a regular file, of which `remaining` bytes are left.
    Contents { size: u64, remaining: u64 },
    /// Behind a link's closing parenthesis.
    Closed,
    /// Behind a directory's beginning.
    Opened,
    /// All has been read, and was good.
    Done,
    /// An error was returned.
    Failed,
}

impl<R: Read> NarReader<R> {
    /// Reads an archive from `input`, which needs no buffer of its own.
    pub fn new(input: R) -> Self {
        Self { input: Input::new(input), state: State::Start, walk: Walk::default() }
    }

    /// The next entry in NAR order: depth first, names sorted by bytes, the root first with an empty path.
    ///
    /// `None` at the archive's end, when the input is at its end too: anything that follows is an error. What was not
    /// read of the file before is skipped. After an error every further call is one.
    pub fn next_entry(&mut self) -> Result<Option<NarEntry>, NarError> {
        let state = std::mem::replace(&mut self.state, State::Failed);
        let entry = self.advance(state).map_err(|error| error.within(self.walk.path()))?;
        if entry.is_none() {
            self.state = State::Done;
        }
        Ok(entry)
    }

    /// The input, of which some may lie in the reader's buffer unless the end was reached.
    pub fn into_inner(self) -> R {
        self.input.into_inner()
    }

    fn advance(&mut self, state: State) -> Result<Option<NarEntry>, NarError> {
        match state {
            State::Start => {
                self.input.expect(MAGIC)?;
                self.input.expect(NODE)?;
                return self.node().map(Some);
            }
            State::Contents { size, remaining } => {
                self.input.skip(remaining)?;
                self.input.padding(size)?;
                self.input.expect(CLOSE)?;
            }
            State::Closed => {}
            State::Opened => return self.next_in_directory(),
            State::Done => return Ok(None),
            State::Failed => return Err(NarFault::Poisoned.at(self.input.offset())),
        }
        self.behind_node()
    }

    /// Goes on behind the closing parenthesis of a node.
    fn behind_node(&mut self) -> Result<Option<NarEntry>, NarError> {
        if self.walk.in_directory() {
            self.input.expect(CLOSE)?;
            return self.next_in_directory();
        }
        if self.input.at_end()? { Ok(None) } else { Err(NarFault::TrailingData.at(self.input.offset())) }
    }

    /// Goes on where the innermost directory has its next entry, or ends; then where the one around it does.
    fn next_in_directory(&mut self) -> Result<Option<NarEntry>, NarError> {
        while self.walk.in_directory() {
            if self.input.take(ENTRY)? {
                let begin = self.input.offset();
                let name = self.input.string("a name", MAX_NAME)?;
                let checked = self.walk.check(0, name).map_err(|fault| fault.at(begin))?;
                self.walk.enter(name, checked);
                self.input.expect(ENTRY_NODE)?;
                return self.node().map(Some);
            }
            if !self.input.take(CLOSE)? {
                return Err(self.input.unexpected(&[ENTRY, CLOSE]));
            }
            self.walk.close();
            if self.walk.in_directory() {
                self.input.expect(CLOSE)?;
            }
        }
        self.behind_node()
    }

    /// Reads a node from behind its `type`; of a regular file, up to its contents.
    fn node(&mut self) -> Result<NarEntry, NarError> {
        let (kind, state) = if self.input.take(REGULAR)? {
            self.regular()?
        } else if self.input.take(DIRECTORY)? {
            self.walk.open();
            (NarKind::Directory, State::Opened)
        } else if self.input.take(SYMLINK)? {
            self.symlink()?
        } else {
            return Err(self.input.unexpected(&[REGULAR, DIRECTORY, SYMLINK]));
        };
        self.state = state;
        Ok(NarEntry { path: self.walk.path().to_vec(), kind })
    }

    fn regular(&mut self) -> Result<(NarKind, State), NarError> {
        let executable = self.input.take(EXECUTABLE)?;
        if !self.input.take(CONTENTS)? {
            let alternatives: &[_] = if executable { &[CONTENTS] } else { &[EXECUTABLE, CONTENTS] };
            return Err(self.input.unexpected(alternatives));
        }
        let size = self.input.length()?;
        Ok((NarKind::Regular { executable, size }, State::Contents { size, remaining: size }))
    }

    fn symlink(&mut self) -> Result<(NarKind, State), NarError> {
        let begin = self.input.offset();
        let target = self.input.string("a link target", MAX_TARGET)?.to_vec();
        check_target(&target).map_err(|fault| fault.at(begin))?;
        self.input.expect(CLOSE)?;
        Ok((NarKind::Symlink { target }, State::Closed))
    }
}

/// Contents of the regular file that [`NarReader::next_entry`] returned last: 0 at its end, and for other entries.
impl<R: Read> Read for NarReader<R> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let (size, remaining) = match self.state {
            State::Contents { size, remaining } => (size, remaining),
            State::Failed => return Err(NarFault::Poisoned.at(self.input.offset()).into()),
            State::Start | State::Closed | State::Opened | State::Done => return Ok(0),
        };
        match self.input.read(target, remaining) {
            Ok(count) => {
                self.state = State::Contents { size, remaining: remaining - count as u64 };
                Ok(count)
            }
            Err(NarError::Io(error)) if error.kind() == ErrorKind::Interrupted => Err(error),
            Err(error) => {
                self.state = State::Failed;
                Err(error.within(self.walk.path()).into())
            }
        }
    }
}
