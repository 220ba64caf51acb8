//! Fly's registry, as far as its rules are known, in this process: a whole small registry that keeps everything in memory. Stops when
//! it is dropped.

mod rules;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// What it keeps and knows.
#[derive(Default)]
struct State {
    /// Apps: repositories that there are.
    apps: BTreeMap<String, App>,
    tokens: BTreeSet<String>,
    expired: BTreeSet<String>,
    uploads: BTreeMap<usize, Vec<u8>>,
    requests: Vec<String>,
}

#[derive(Default)]
struct App {
    blobs: BTreeMap<String, Vec<u8>>,
    manifests: BTreeMap<String, Vec<u8>>,
    tags: BTreeMap<String, String>,
}

struct Request {
    method: String,
    path: String,
    query: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

#[derive(Default)]
struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

pub(crate) struct FlyRegistry {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    stop: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

impl FlyRegistry {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (state, stop) = (Arc::<Mutex<State>>::default(), Arc::<AtomicBool>::default());
        let (shared, stopped) = (Arc::clone(&state), Arc::clone(&stop));
        let acceptor = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(stream), shared) = (stream, Arc::clone(&shared)) else { continue };
                std::thread::spawn(move || serve(&shared, &stream));
            }
        });
        Self { address, state, stop, acceptor: Some(acceptor) }
    }

    /// With an app, and so its repository.
    pub(crate) fn app(self, name: &str) -> Self {
        self.state.lock().unwrap().apps.entry(name.to_owned()).or_default();
        self
    }

    /// Lets a token in.
    pub(crate) fn token(self, token: &str) -> Self {
        self.state.lock().unwrap().tokens.insert(token.to_owned());
        self
    }

    /// Knows a token as one whose time is over.
    pub(crate) fn expired(self, token: &str) -> Self {
        self.state.lock().unwrap().expired.insert(token.to_owned());
        self
    }

    /// For `FLY_REGISTRY_HOST`.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// The digest that a tag of an app names.
    pub(crate) fn tag(&self, app: &str, tag: &str) -> Option<String> {
        self.state.lock().unwrap().apps.get(app)?.tags.get(tag).cloned()
    }

    /// `GET /v2/…`, in the order in which they came.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.state.lock().unwrap().requests.clone()
    }
}

impl Drop for FlyRegistry {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        if let Some(acceptor) = self.acceptor.take() {
            acceptor.join().unwrap();
        }
    }
}

/// Requests of one connection.
fn serve(state: &Mutex<State>, mut stream: &TcpStream) {
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut input = BufReader::new(stream);
    while let Some(request) = read_request(&mut input, stream) {
        let Answer { status, mut headers, body } = rules::answer(&mut state.lock().unwrap(), &request);
        headers.push(("docker-distribution-api-version", "registry/2.0".to_owned()));
        if !headers.iter().any(|(name, _)| *name == "content-length") {
            headers.push(("content-length", body.len().to_string()));
        }
        let mut text = format!("HTTP/1.1 {status} X\r\n");
        for (name, value) in headers {
            text.extend([name, ": ", &value, "\r\n"]);
        }
        let mut bytes = (text + "\r\n").into_bytes();
        if request.method != "HEAD" {
            bytes.extend(body);
        }
        if stream.write_all(&bytes).is_err() {
            return;
        }
    }
}

/// The next request with its body; `None` where the connection ends.
fn read_request(input: &mut BufReader<&TcpStream>, mut stream: &TcpStream) -> Option<Request> {
    let line = read_line(input)?;
    let (method, target) = line.strip_suffix(" HTTP/1.1")?.split_once(' ')?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let query = pairs.map(|(name, value)| (name.to_owned(), decode(value))).collect();
    let (method, path) = (method.to_owned(), path.to_owned());
    let mut headers = BTreeMap::new();
    while let Some((name, value)) = read_line(input)?.split_once(':') {
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    if headers.get("expect").is_some_and(|expected| expected == "100-continue") {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
    }
    let body = read_body(input, &headers)?;
    Some(Request { method, path, query, headers, body })
}

fn read_body(input: &mut BufReader<&TcpStream>, headers: &BTreeMap<String, String>) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    let mut more = |input: &mut BufReader<&TcpStream>, length: usize| {
        let start = body.len();
        body.resize(start + length, 0);
        input.read_exact(&mut body[start..]).ok()
    };
    if headers.get("transfer-encoding").is_none_or(|encoding| encoding != "chunked") {
        more(input, headers.get("content-length").map_or(Some(0), |length| length.parse().ok())?)?;
        return Some(body);
    }
    loop {
        let length = usize::from_str_radix(&read_line(input)?, 16).ok()?;
        more(input, length)?;
        read_line(input)?;
        if length == 0 {
            return Some(body);
        }
    }
}

fn read_line(input: &mut BufReader<&TcpStream>) -> Option<String> {
    let mut line = String::new();
    input.read_line(&mut line).ok().filter(|&count| count > 0)?;
    Some(line.trim_end().to_owned())
}

/// Undoes `%3A`.
fn decode(text: &str) -> String {
    let mut parts = text.split('%');
    let mut decoded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        decoded.push(char::from(u8::from_str_radix(&part[..2], 16).unwrap()));
        decoded.push_str(&part[2..]);
    }
    decoded
}
