//! A proxy in this process: tunnels, and keeps what it was asked for.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

#[derive(Default)]
struct State {
    stop: AtomicBool,
    heads: Mutex<Vec<Vec<String>>>,
}

pub(crate) struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
    acceptor: Option<JoinHandle<()>>,
}

impl Proxy {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        let acceptor = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.stop.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || tunnel(&shared, &stream.unwrap()));
            }
        });
        Self { address, state, acceptor: Some(acceptor) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://user:pass@{}", self.address)
    }

    /// The lines of each request so far.
    pub(crate) fn heads(&self) -> Vec<Vec<String>> {
        self.state.heads.lock().unwrap().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        if let Some(acceptor) = self.acceptor.take() {
            acceptor.join().unwrap();
        }
    }
}

fn tunnel(state: &State, client: &TcpStream) {
    let lines: Vec<String> =
        BufReader::new(client).lines().map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
    let target = lines[0].split(' ').nth(1).unwrap().to_owned();
    state.heads.lock().unwrap().push(lines);
    let server = TcpStream::connect(target).unwrap();
    (&*client).write_all(b"HTTP/1.1 200 Connected\r\n\r\n").unwrap();
    std::thread::scope(|scope| {
        for (mut from, mut to) in [(client, &server), (&server, client)] {
            scope.spawn(move || {
                let _ = std::io::copy(&mut from, &mut to);
                let _ = to.shutdown(std::net::Shutdown::Write);
            });
        }
    });
}
