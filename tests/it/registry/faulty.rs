//! A TCP proxy in this process that breaks connections. Stops when it is dropped.

use std::io::{Read, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::listener::{Connection, Listener};

/// What happens to one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    Pass,
    /// It breaks when so many bytes have gone to the registry.
    CutUp(u64),
    /// It breaks when so many bytes have come from the registry.
    CutDown(u64),
    /// The first request gets this answer, and the connection closes.
    Answer(&'static str),
    /// Bytes go up in pieces of this size, with a pause after each.
    Drip(usize),
}

struct State {
    upstream: u16,
    plan: Box<dyn Fn(usize) -> Fault + Send + Sync>,
    connections: AtomicUsize,
    up: AtomicU64,
}

pub(crate) struct Faulty {
    listener: Listener,
    state: Arc<State>,
}

impl Faulty {
    /// In front of the port `upstream` of this machine; `plan` tells what happens to each connection, the first of which is 0.
    pub(crate) fn start(upstream: u16, plan: impl Fn(usize) -> Fault + Send + Sync + 'static) -> Self {
        let state =
            Arc::new(State { upstream, plan: Box::new(plan), connections: AtomicUsize::new(0), up: AtomicU64::new(0) });
        let shared = Arc::clone(&state);
        let listener = Listener::start(move |connection| {
            shared.connections.fetch_add(1, Ordering::SeqCst);
            serve(&shared, connection, &(shared.plan)(connection.number));
        });
        Self { listener, state }
    }

    pub(crate) fn reference(&self, below: &str) -> String {
        format!("{}/{below}", self.listener.address())
    }

    /// Bytes that have gone to the registry.
    pub(crate) fn up(&self) -> u64 {
        self.state.up.load(Ordering::SeqCst)
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }
}

fn serve(state: &State, connection: &Connection, fault: &Fault) {
    let client = &connection.stream;
    if let Fault::Answer(answer) = fault {
        let mut head = [0; 4096];
        let _ = { client }.read(&mut head);
        let _ = { client }.write_all(answer.as_bytes());
        let _ = client.shutdown(Shutdown::Both);
        return;
    }
    let Ok(server) = TcpStream::connect(("127.0.0.1", state.upstream)) else { return };
    let most = |direction: Option<u64>| direction.unwrap_or(u64::MAX);
    let (up, down) = match fault {
        Fault::CutUp(bytes) => (Some(*bytes), None),
        Fault::CutDown(bytes) => (None, Some(*bytes)),
        _ => (None, None),
    };
    let piece = if let Fault::Drip(piece) = fault { Some(*piece) } else { None };
    std::thread::scope(|scope| {
        let count = |count| {
            state.up.fetch_add(count, Ordering::SeqCst);
        };
        let server = &server;
        scope.spawn(move || copy(connection, (client, server), most(up), piece, &count));
        copy(connection, (server, client), most(down), None, &|_| {});
    });
}

/// Copies until an end, a fault or `most` bytes; then both connections are over.
fn copy(
    connection: &Connection,
    (mut from, mut to): (&TcpStream, &TcpStream),
    most: u64,
    piece: Option<usize>,
    counted: &dyn Fn(u64),
) {
    let (mut left, mut buffer) = (most, vec![0; piece.unwrap_or(1 << 16)]);
    while left > 0 {
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let Ok(count @ 1..) = from.read(&mut buffer[..length]) else { break };
        if to.write_all(&buffer[..count]).is_err() || connection.is_stopped() {
            break;
        }
        left -= count as u64;
        counted(count as u64);
        if piece.is_some() {
            // What drips takes time: that is the fault.
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
