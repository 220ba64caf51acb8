//! The control socket's end in the machine: connections, their limits, and who may ask what.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use ::nix::sys::socket::{getsockopt, sockopt::PeerCredentials};

use super::super::output::Ring;
use super::{Answer, LONGEST_REQUEST, LogLine, Request, SOCKET};

/// Connections of one user at a time. Root may have as many beside all others.
const OF_A_USER: usize = 16;

/// Connections of all users at a time.
const OF_ALL: usize = 128;

/// How long a request may take to arrive, and an answer to be taken.
const PATIENCE: Duration = Duration::from_secs(10);

/// Bytes of logs that wait for a reader; the rest stays in the ring.
const AHEAD: usize = 64 << 10;

/// A connection.
struct Client {
    stream: UnixStream,
    uid: u32,
    input: Vec<u8>,
    output: Vec<u8>,
    answered: bool,
    logs: Option<Cursor>,
    /// When it is dropped unless something moves.
    patience: Duration,
}

/// Where in a unit's ring a reader of its logs is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Cursor {
    pub(in super::super) unit: String,
    pub(in super::super) next: u64,
    /// The last line's number, exclusive; `None`: there is no last one.
    pub(in super::super) end: Option<u64>,
}

/// The socket and its connections.
pub(in super::super) struct Server {
    listener: UnixListener,
    clients: BTreeMap<u64, Client>,
    next: u64,
}

impl Server {
    /// Listens in `run`.
    pub(in super::super) fn new(run: &Path) -> io::Result<Self> {
        fs::create_dir_all(run)?;
        let path = run.join(SOCKET);
        let _ = fs::remove_file(&path);
        let listener = UnixListener::bind(&path)?;
        listener.set_nonblocking(true)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666))?;
        Ok(Self { listener, clients: BTreeMap::new(), next: 0 })
    }

    pub(in super::super) fn listener(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }

    /// Connections to wait for, and whether something waits to be written to them.
    pub(in super::super) fn clients(&self) -> impl Iterator<Item = (u64, BorrowedFd<'_>, bool)> {
        self.clients.iter().map(|(id, client)| (*id, client.stream.as_fd(), !client.output.is_empty()))
    }

    /// When a connection's patience ends.
    pub(in super::super) fn next_due(&self) -> Option<Duration> {
        self.clients.values().filter(|client| !client.is_idle()).map(|client| client.patience).min()
    }

    /// Takes new connections; those beyond the limits are closed at once.
    pub(in super::super) fn accept(&mut self, now: Duration) {
        for _ in 0..OF_ALL {
            let Ok((stream, _)) = self.listener.accept() else { return };
            let Ok(credentials) = getsockopt(&stream, PeerCredentials) else { continue };
            let uid = credentials.uid();
            let (own, all) = self.count(uid);
            if own >= OF_A_USER || (uid != 0 && all >= OF_ALL) || stream.set_nonblocking(true).is_err() {
                continue;
            }
            let patience = now + PATIENCE;
            let (input, output) = (Vec::new(), Vec::new());
            let client = Client { stream, uid, input, output, answered: false, logs: None, patience };
            self.clients.insert(self.next, client);
            self.next += 1;
        }
    }

    /// Connections of `uid`, and those of everybody but root.
    fn count(&self, uid: u32) -> (usize, usize) {
        let of = |wanted: &dyn Fn(u32) -> bool| self.clients.values().filter(|client| wanted(client.uid)).count();
        (of(&|other| other == uid), of(&|other| other != 0))
    }

    /// Reads from a connection. A whole request comes out, once, with who asks; what can't be understood is answered here.
    pub(in super::super) fn read(&mut self, id: u64, now: Duration) -> Option<(u32, Request)> {
        let client = self.clients.get_mut(&id)?;
        let mut bytes = [0; 4096];
        match client.stream.read(&mut bytes) {
            Ok(0) => return self.closed(id),
            Ok(length) => client.input.extend_from_slice(bytes.get(..length)?),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(_) => return self.closed(id),
        }
        if client.answered {
            client.input.clear();
            return None;
        }
        let end = client.input.iter().position(|byte| *byte == b'\n');
        if end.is_none() && client.input.len() <= LONGEST_REQUEST {
            return None;
        }
        let uid = client.uid;
        let request = match end.filter(|end| *end <= LONGEST_REQUEST).and_then(|end| client.input.get(..end)) {
            None => Err(format!("a request has at most {LONGEST_REQUEST} bytes")),
            Some(line) => serde_json::from_slice(line).map_err(|error| format!("this is no request: {error}")),
        };
        client.input.clear();
        match request {
            Ok(request) => return Some((uid, request)),
            Err(message) => self.answer(id, &Answer::Error(message), None, now),
        }
        None
    }

    /// Whoever only ends its side of the connection may still read.
    fn closed<T>(&mut self, id: u64) -> Option<T> {
        if self.clients.get(&id).is_some_and(|client| client.output.is_empty() || !client.answered) {
            self.clients.remove(&id);
        }
        None
    }

    /// Answers a request; with a cursor, what the unit said follows.
    pub(in super::super) fn answer(&mut self, id: u64, answer: &Answer, logs: Option<Cursor>, now: Duration) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        client.answered = true;
        client.output = serde_json::to_vec(answer).unwrap_or_default();
        client.output.push(b'\n');
        client.logs = logs;
        client.patience = now + PATIENCE;
    }

    /// Writes what waits, to all connections; ends those that have it all, or don't take it.
    pub(in super::super) fn write<'ring>(&mut self, ring: impl Fn(&str) -> Option<&'ring Ring>, now: Duration) {
        self.clients.retain(|_, client| {
            client.fill(&ring);
            let is_well = client.write(now).is_ok();
            let is_done = client.answered && client.output.is_empty() && client.logs.is_none();
            is_well && !is_done && (client.is_idle() || now < client.patience)
        });
    }
}

impl Client {
    /// It follows logs, and has all that there is.
    fn is_idle(&self) -> bool {
        self.logs.is_some() && self.output.is_empty()
    }

    fn fill<'ring>(&mut self, ring: impl Fn(&str) -> Option<&'ring Ring>) {
        let Some(cursor) = &mut self.logs else { return };
        let end = cursor.end.unwrap_or(u64::MAX);
        let from = cursor.next;
        for (number, record) in ring(&cursor.unit).into_iter().flat_map(|ring| ring.since(from)) {
            if number >= end || self.output.len() >= AHEAD {
                break;
            }
            let line = LogLine { stream: record.stream, message: String::from_utf8_lossy(&record.message) };
            self.output.extend(serde_json::to_vec(&line).unwrap_or_default());
            self.output.push(b'\n');
            cursor.next = number + 1;
        }
        let newest = ring(&cursor.unit).map_or(0, Ring::end);
        if cursor.next >= end.min(newest) && cursor.end.is_some() {
            self.logs = None;
        }
    }

    fn write(&mut self, now: Duration) -> io::Result<()> {
        while !self.output.is_empty() {
            match self.stream.write(&self.output) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(length) => {
                    self.output.drain(..length);
                    self.patience = now + PATIENCE;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
