//! The other end of the socket.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use super::wire::{self, Answer, Refusal, Reply, Request};
use crate::failure::{Class, Classified};
use crate::nix::StorePath;
use crate::progress::Progress;

/// A connection to the store service.
pub struct Client {
    stream: UnixStream,
    socket: PathBuf,
}

/// Why the service did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens.
    #[error("can't reach the store service at `{}`", .socket.display())]
    Connect {
        /// Its socket.
        socket: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It listened, and then no longer.
    #[error("the store service ended in the middle")]
    Broken(#[source] io::Error),
    /// It said something that is no answer to what was asked.
    #[error("the store service is of another version")]
    Unexpected,
    /// It refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl Classified for ClientError {
    fn class(&self) -> Class {
        match self {
            Self::Refused(refusal) => refusal.class(),
            _ => Class::Other,
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Connect { .. } => Some("`dumbc machine status` shows whether it runs".to_owned()),
            Self::Refused(refusal) => refusal.help(),
            Self::Broken(_) => Some("what was done is kept: run it again".to_owned()),
            Self::Unexpected => None,
        }
    }
}

impl Client {
    /// Connects to the service at `socket`.
    pub fn connect(socket: &Path) -> Result<Self, ClientError> {
        let stream =
            UnixStream::connect(socket).map_err(|source| ClientError::Connect { socket: socket.to_owned(), source })?;
        Ok(Self { stream, socket: socket.to_owned() })
    }

    /// Asks, and tells what is heard until the end.
    pub fn ask(&mut self, request: &Request, progress: &dyn Progress) -> Result<Answer, ClientError> {
        wire::write(&mut self.stream, request).map_err(ClientError::Broken)?;
        self.hear(progress)
    }

    /// Sends a part of a home: the NAR of `size` bytes from `nar`.
    pub fn add(
        &mut self,
        name: &str,
        references: Vec<StorePath>,
        size: u64,
        nar: &mut dyn Read,
        progress: &dyn Progress,
    ) -> Result<StorePath, ClientError> {
        let request = Request::Add { name: name.to_owned(), references, size };
        wire::write(&mut self.stream, &request).map_err(ClientError::Broken)?;
        // A service that refuses stops reading: its reason is there to be read all the same.
        let sent = io::copy(nar, &mut self.stream).and_then(|_| self.stream.flush());
        match (self.hear(progress), sent) {
            (Ok(Answer::Added { path }), _) => Ok(path),
            (Ok(_), _) => Err(ClientError::Unexpected),
            (Err(ClientError::Broken(_)), Err(error)) => Err(ClientError::Broken(error)),
            (Err(error), _) => Err(error),
        }
    }

    /// Where the service is.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    fn hear(&mut self, progress: &dyn Progress) -> Result<Answer, ClientError> {
        loop {
            let reply = wire::read(&mut self.stream).map_err(ClientError::Broken)?;
            match reply.ok_or_else(|| ClientError::Broken(io::ErrorKind::UnexpectedEof.into()))? {
                Reply::Begin { stage, total } => progress.begin(&stage, total),
                Reply::Advance(bytes) => progress.advance(bytes),
                Reply::Note(message) => progress.note(&message),
                Reply::Warn(message) => progress.warn(&message),
                Reply::Done(answer) => return Ok(answer),
                Reply::Refused(refusal) => return Err(refusal.into()),
            }
        }
    }
}
