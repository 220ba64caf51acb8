//! A stream that is held to what was promised of it, while it is read.

use std::cell::RefCell;
use std::io::{self, Read};
use std::rc::Rc;

use super::error::StreamFault;
use super::http::HttpError;
use super::{Fault, Wanted};
use crate::nix::nar::{NarEntry, NarKind};
use crate::nix::{ContentAddress, ContentCheck, Hasher, Sha256};

/// What a compressed file must be; both are hints, checked where they are given.
#[derive(Clone, Copy, Default)]
pub(super) struct Packed {
    pub(super) hash: Option<Sha256>,
    pub(super) size: Option<u64>,
}

/// What was seen of a compressed file.
#[derive(Clone, Default)]
pub(super) struct Seen(Rc<RefCell<State>>);

#[derive(Default)]
struct State {
    hasher: Hasher,
    length: u64,
    fault: Option<HttpError>,
}

/// Passes a compressed file on, and keeps what was seen of it.
pub(super) struct Tap<R> {
    input: R,
    seen: Seen,
    promised: Packed,
}

impl<R: Read> Tap<R> {
    pub(super) fn new(input: R, promised: Packed, seen: Seen) -> Self {
        Self { input, seen, promised }
    }
}

impl<R: Read> Read for Tap<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let outcome = self.input.read(buffer);
        let mut state = self.seen.0.borrow_mut();
        match outcome {
            Ok(count) => {
                state.length += count as u64;
                if self.promised.size.is_some_and(|size| state.length > size) {
                    let fault =
                        StreamFault::FileSize { expected: self.promised.size.unwrap_or(0), found: state.length };
                    return Err(io::Error::new(io::ErrorKind::InvalidData, fault));
                }
                if self.promised.hash.is_some() {
                    state.hasher.update(&buffer[..count]);
                }
                Ok(count)
            }
            Err(fault) => match fault.downcast::<HttpError>() {
                Ok(fault) => {
                    let said = fault.to_string();
                    state.fault = Some(fault);
                    Err(io::Error::other(said))
                }
                Err(fault) => Err(fault),
            },
        }
    }
}

impl Seen {
    /// The network's fault, if that is what ended the stream.
    pub(super) fn take_fault(&self) -> Option<HttpError> {
        self.0.borrow_mut().fault.take()
    }

    fn check(&self, promised: Packed) -> Result<(), StreamFault> {
        let state = self.0.borrow();
        match promised {
            Packed { size: Some(expected), .. } if state.length != expected => {
                Err(StreamFault::FileSize { expected, found: state.length })
            }
            Packed { hash: Some(expected), .. } => {
                let found = state.hasher.clone().finish();
                if found == expected { Ok(()) } else { Err(StreamFault::FileHash { expected, found }) }
            }
            Packed { .. } => Ok(()),
        }
    }
}

/// A NAR that fails at its end, or as soon as it is too long, if it is not the one wanted.
pub(super) struct Guard<'a> {
    input: Box<dyn Read + 'a>,
    hasher: Hasher,
    wanted_hash: Sha256,
    wanted_size: u64,
    content: Option<FlatContent>,
    packed: (Seen, Packed),
    /// How the stream ended.
    end: Option<Result<(), Fault>>,
}

impl<'a> Guard<'a> {
    pub(super) fn new(input: Box<dyn Read + 'a>, wanted: &Wanted, packed: (Seen, Packed)) -> Self {
        Self {
            input,
            hasher: Hasher::new(),
            wanted_hash: wanted.nar_hash,
            wanted_size: wanted.nar_size,
            content: wanted.content_address.map(FlatContent::new),
            packed,
            end: None,
        }
    }

    /// Bytes passed on.
    pub(super) fn length(&self) -> u64 {
        self.hasher.length()
    }

    /// Whether the stream has failed.
    pub(super) fn take_fault(&mut self) -> Option<Fault> {
        self.end.take().and_then(Result::err)
    }

    fn check_end(&mut self) -> Result<(), Fault> {
        let found = self.length();
        if found != self.wanted_size {
            return Err(StreamFault::TooShort { expected: self.wanted_size, found }.into());
        }
        let hash = std::mem::take(&mut self.hasher).finish();
        let packed = self.packed.0.check(self.packed.1);
        if hash != self.wanted_hash {
            // Whoever packed other content says so with the file's hash; a broken file is the nearer cause.
            packed?;
            return Err(StreamFault::Hash { expected: self.wanted_hash, found: hash }.into());
        }
        packed?;
        match self.content.take() {
            Some(content) => Ok(content.finish(&hash)?),
            None => Ok(()),
        }
    }

    fn fail(&mut self, fault: Fault) -> io::Error {
        let said = fault.to_string();
        self.end = Some(Err(fault));
        io::Error::new(io::ErrorKind::InvalidData, said)
    }
}

impl Read for Guard<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &self.end {
            Some(Ok(())) => return Ok(0),
            Some(Err(fault)) => return Err(io::Error::new(io::ErrorKind::InvalidData, fault.to_string())),
            None if buffer.is_empty() => return Ok(0),
            None => {}
        }
        // One byte more than is wanted, to see that there is none.
        let room = (self.wanted_size - self.length()).saturating_add(1);
        let room = usize::try_from(room).map_or(buffer.len(), |room| room.min(buffer.len()));
        match self.input.read(&mut buffer[..room]) {
            Ok(0) => match self.check_end() {
                Ok(()) => {
                    self.end = Some(Ok(()));
                    Ok(0)
                }
                Err(fault) => Err(self.fail(fault)),
            },
            Ok(count) if self.length() + count as u64 > self.wanted_size => {
                Err(self.fail(StreamFault::TooLong { expected: self.wanted_size }.into()))
            }
            Ok(count) => {
                self.hasher.update(&buffer[..count]);
                if let Some(content) = &mut self.content {
                    content.update(&buffer[..count]);
                }
                Ok(count)
            }
            Err(fault) if fault.kind() == io::ErrorKind::Interrupted => Err(fault),
            Err(fault) => {
                let fault = match self.packed.0.take_fault() {
                    Some(network) => Fault::Http(network),
                    None => StreamFault::Malformed(fault.to_string()).into(),
                };
                Err(self.fail(fault))
            }
        }
    }
}

/// The beginning of every NAR of one plain file; eight bytes of its length follow.
const PLAIN_FILE: &[u8] = b"\x0d\0\0\0\0\0\0\0nix-archive-1\0\0\0\x01\0\0\0\0\0\0\0(\0\0\0\0\0\0\0\
    \x04\0\0\0\0\0\0\0type\0\0\0\0\x07\0\0\0\0\0\0\0regular\0\x08\0\0\0\0\0\0\0contents";

/// Finds the contents of a NAR of one plain file in its stream, to compare them with a content address.
///
/// What follows the contents, and whether it is a NAR at all, is for the NAR's reader to see.
struct FlatContent {
    check: ContentCheck,
    head: Vec<u8>,
    remaining: u64,
    plain: bool,
}

impl FlatContent {
    fn new(address: ContentAddress) -> Self {
        Self { check: address.check(), head: Vec::new(), remaining: 0, plain: true }
    }

    fn update(&mut self, mut bytes: &[u8]) {
        let head_length = PLAIN_FILE.len() + 8;
        if self.head.len() < head_length {
            let (head, rest) = bytes.split_at(bytes.len().min(head_length - self.head.len()));
            self.head.extend_from_slice(head);
            bytes = rest;
            if self.head.len() == head_length {
                self.begin();
            }
        }
        let contents = bytes.len().min(usize::try_from(self.remaining).unwrap_or(usize::MAX));
        self.check.contents(&bytes[..contents]);
        self.remaining -= contents as u64;
    }

    fn begin(&mut self) {
        let (magic, length) = self.head.split_at(PLAIN_FILE.len());
        self.plain = magic == PLAIN_FILE;
        if let (true, Ok(length)) = (self.plain, length.try_into()) {
            let size = u64::from_le_bytes(length);
            self.remaining = size;
            let kind = NarKind::Regular { executable: false, size };
            self.check.entry(&NarEntry { path: Vec::new(), kind });
        }
    }

    fn finish(self, nar_hash: &Sha256) -> Result<(), StreamFault> {
        Ok(self.check.finish(nar_hash)?)
    }
}
