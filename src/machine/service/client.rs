//! The other end of the socket.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::wire::{self, Answer, Refusal, Reply, Request};
use crate::failure::{Class, Classified};
use crate::nix::StorePath;
use crate::progress::Progress;

/// How long a service is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long before that is said.
const SILENCE: Duration = Duration::from_secs(1);

/// How long between two tries.
const PAUSE: Duration = Duration::from_millis(50);

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

/// Whether nobody listens only for now: there is no socket in a machine's folder, or one whose service has ended.
fn may_come(socket: &Path, error: &io::Error) -> bool {
    let is_machine = socket.parent().is_some_and(Path::is_dir);
    is_machine && matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

impl Client {
    /// Connects to the service at `socket`. One that isn't there yet, since the machine starts it (again), is waited for, for five
    /// seconds; `progress` hears of that after one.
    pub fn connect(socket: &Path, progress: &dyn Progress) -> Result<Self, ClientError> {
        Self::connect_within(socket, PATIENCE, progress)
    }

    fn connect_within(socket: &Path, patience: Duration, progress: &dyn Progress) -> Result<Self, ClientError> {
        let started = Instant::now();
        let mut is_told = false;
        loop {
            let source = match UnixStream::connect(socket) {
                Ok(stream) => return Ok(Self { stream, socket: socket.to_owned() }),
                Err(source) => source,
            };
            if !may_come(socket, &source) || started.elapsed() >= patience {
                return Err(ClientError::Connect { socket: socket.to_owned(), source });
            }
            if !is_told && started.elapsed() >= SILENCE {
                progress.note("waiting for the store service, which is not there");
                is_told = true;
            }
            std::thread::sleep(PAUSE);
        }
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

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;
    use std::sync::Mutex;

    use super::*;

    /// A service that comes once somebody is told that it is not there.
    struct Coming {
        socket: PathBuf,
        listener: Mutex<Option<UnixListener>>,
    }

    impl Progress for Coming {
        fn begin(&self, _: &str, _: Option<u64>) {}
        fn advance(&self, _: u64) {}
        fn note(&self, message: &str) {
            assert!(message.contains("store service"), "{message}");
            let _ = std::fs::remove_file(&self.socket);
            let before = self.listener.lock().unwrap().replace(UnixListener::bind(&self.socket).unwrap());
            assert!(before.is_none(), "it is said once");
        }
        fn warn(&self, _: &str) {}
    }

    #[test]
    fn a_service_that_starts_again_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("store.sock");
        for is_left_behind in [false, true] {
            let _ = std::fs::remove_file(&socket);
            if is_left_behind {
                drop(UnixListener::bind(&socket).unwrap());
            }
            let coming = Coming { socket: socket.clone(), listener: Mutex::new(None) };
            Client::connect_within(&socket, Duration::from_mins(1), &coming).unwrap();
        }
    }

    #[test]
    fn the_wait_ends_and_outside_of_machines_there_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let silent = crate::progress::Silent;
        let (socket, nowhere) = (folder.path().join("store.sock"), folder.path().join("none/store.sock"));
        let waits = [(&socket, Duration::ZERO), (&nowhere, Duration::MAX)];
        for (socket, patience) in waits {
            let error = Client::connect_within(socket, patience, &silent).err().unwrap();
            assert!(matches!(error, ClientError::Connect { .. }), "{error}");
        }
    }
}
