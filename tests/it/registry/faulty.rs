//! A TCP proxy in this process that breaks connections. Stops when it is dropped.

use std::io::{Read, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

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
    stop: AtomicBool,
}

pub(crate) struct Faulty {
    address: SocketAddr,
    state: Arc<State>,
    acceptor: Option<JoinHandle<()>>,
}

impl Faulty {
    /// In front of the port `upstream` of this machine; `plan` tells what happens to each connection, the first of which is 0.
    pub(crate) fn start(upstream: u16, plan: impl Fn(usize) -> Fault + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            upstream,
            plan: Box::new(plan),
            connections: AtomicUsize::new(0),
            up: AtomicU64::new(0),
            stop: AtomicBool::new(false),
        });
        let shared = Arc::clone(&state);
        let acceptor = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.stop.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(stream), shared) = (stream, Arc::clone(&shared)) else { continue };
                let fault = (shared.plan)(shared.connections.fetch_add(1, Ordering::SeqCst));
                std::thread::spawn(move || serve(&shared, &stream, &fault));
            }
        });
        Self { address, state, acceptor: Some(acceptor) }
    }

    pub(crate) fn reference(&self, below: &str) -> String {
        format!("{}/{below}", self.address)
    }

    /// Bytes that have gone to the registry.
    pub(crate) fn up(&self) -> u64 {
        self.state.up.load(Ordering::SeqCst)
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        if let Some(acceptor) = self.acceptor.take() {
            acceptor.join().unwrap();
        }
    }
}

fn serve(state: &Arc<State>, client: &TcpStream, fault: &Fault) {
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
        scope.spawn(|| copy(state, client, &server, most(up), piece, true));
        copy(state, &server, client, most(down), None, false);
    });
}

/// Copies until an end, a fault or `most` bytes; then both connections are over.
fn copy(state: &State, mut from: &TcpStream, mut to: &TcpStream, most: u64, piece: Option<usize>, is_up: bool) {
    let (mut left, mut buffer) = (most, vec![0; piece.unwrap_or(1 << 16)]);
    while left > 0 {
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let Ok(count @ 1..) = from.read(&mut buffer[..length]) else { break };
        if to.write_all(&buffer[..count]).is_err() || state.stop.load(Ordering::SeqCst) {
            break;
        }
        left -= count as u64;
        if is_up {
            state.up.fetch_add(count as u64, Ordering::SeqCst);
        }
        if piece.is_some() {
            // What drips takes time: that is the fault.
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
