//! A proxy in this process: tunnels, and keeps what it was asked for.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use super::listener::Listener;

#[derive(Default)]
struct State {
    heads: Mutex<Vec<Vec<String>>>,
}

pub(crate) struct Proxy {
    listener: Listener,
    state: Arc<State>,
}

impl Proxy {
    pub(crate) fn start() -> Self {
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        let listener = Listener::start(move |connection| tunnel(&shared, &connection.stream));
        Self { listener, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://user:pass@{}", self.listener.address())
    }

    /// The lines of each request so far.
    pub(crate) fn heads(&self) -> Vec<Vec<String>> {
        self.state.heads.lock().unwrap().clone()
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
