//! An HTTP server in this process, with faults on demand. Stops when it is dropped.

use std::collections::{BTreeMap, VecDeque};
use std::io::{Read as _, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::listener::{Connection, Listener, Request};

/// What happens to one request.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// This status, with these headers, and no body.
    Status(u16, Vec<(&'static str, String)>),
    /// The right headers, and the body up to here; then the connection closes.
    CutAt(usize),
    /// The connection closes without an answer.
    Close,
    /// The whole file, whatever range was asked for.
    IgnoreRange,
    /// The right answer with one byte of the body changed.
    Flip(usize),
    /// No `Content-Length`: chunks.
    Chunked,
    /// The right answer, once this path was asked for; 418 if that does not happen.
    HoldUntil(String),
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// With the query.
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
}

impl Seen {
    fn of(request: &Request) -> Self {
        Self { path: request.target.clone(), headers: request.headers.clone() }
    }
}

/// A bucket of permissions for all paths that begin alike, as Hydra has it.
struct Bucket {
    prefix: String,
    left: f64,
    burst: f64,
    rate: f64,
    since: Instant,
}

impl Bucket {
    /// Whether a request may go now.
    fn take(&mut self) -> bool {
        let now = Instant::now();
        let passed = now.duration_since(self.since).as_secs_f64();
        self.since = now;
        self.left = (self.left + passed * self.rate).min(self.burst);
        let may = self.left >= 1.0;
        self.left -= f64::from(u8::from(may));
        may
    }
}

#[derive(Default)]
struct State {
    files: Mutex<BTreeMap<String, Vec<u8>>>,
    folder: Mutex<Option<PathBuf>>,
    redirects: Mutex<BTreeMap<String, String>>,
    headers: Mutex<BTreeMap<String, Vec<(&'static str, String)>>>,
    faults: Mutex<BTreeMap<String, VecDeque<Fault>>>,
    password: Mutex<Option<String>>,
    limits: Mutex<Vec<Bucket>>,
    limited: AtomicUsize,
    latency: Mutex<Duration>,
    seen: Mutex<Vec<Seen>>,
    connections: AtomicUsize,
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
}

pub(crate) struct Server {
    listener: Listener,
    state: Arc<State>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        let listener = Listener::start(move |connection| {
            shared.connections.fetch_add(1, Ordering::SeqCst);
            serve(&shared, connection);
        });
        Self { listener, state }
    }

    /// Serves a folder of the disk.
    pub(crate) fn folder(self, folder: &Path) -> Self {
        *self.state.folder.lock().unwrap() = Some(folder.to_owned());
        self
    }

    pub(crate) fn file(self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.state.files.lock().unwrap().insert(path.to_owned(), content.into());
        self
    }

    /// Takes a file away, with what was said of it.
    pub(crate) fn without(self, path: &str) -> Self {
        self.state.files.lock().unwrap().remove(path);
        self.state.headers.lock().unwrap().remove(path);
        self
    }

    /// Sends who asks for `path` elsewhere.
    pub(crate) fn redirect(self, path: &str, to: &str) -> Self {
        self.state.redirects.lock().unwrap().insert(path.to_owned(), to.to_owned());
        self
    }

    /// Adds a header to every good answer for `path`.
    pub(crate) fn header(self, path: &str, name: &'static str, value: impl Into<String>) -> Self {
        self.state.headers.lock().unwrap().entry(path.to_owned()).or_default().push((name, value.into()));
        self
    }

    /// The next request for `path` that has no earlier fault meets this one.
    pub(crate) fn fault(self, path: &str, fault: Fault) -> Self {
        self.state.faults.lock().unwrap().entry(path.to_owned()).or_default().push_back(fault);
        self
    }

    pub(crate) fn status(self, path: &str, status: u16) -> Self {
        self.fault(path, Fault::Status(status, vec![]))
    }

    /// Answers 401 unless `user:password` comes.
    pub(crate) fn password(self, pair: &str) -> Self {
        *self.state.password.lock().unwrap() = Some(pair.to_owned());
        self
    }

    /// Paths that begin with `prefix` get 429 when more than `burst` are asked, and then more than `rate` a second.
    pub(crate) fn limit(self, prefix: &str, burst: u32, rate: u32) -> Self {
        let (burst, rate, since) = (f64::from(burst), f64::from(rate), Instant::now());
        let bucket = Bucket { prefix: prefix.to_owned(), left: burst, burst, rate, since };
        self.state.limits.lock().unwrap().push(bucket);
        self
    }

    /// How often that happened.
    pub(crate) fn limited(&self) -> usize {
        self.state.limited.load(Ordering::SeqCst)
    }

    pub(crate) fn latency(self, latency: Duration) -> Self {
        *self.state.latency.lock().unwrap() = latency;
        self
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.listener.address())
    }

    pub(crate) fn port(&self) -> u16 {
        self.listener.address().port()
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().unwrap().clone()
    }

    /// How often a path was asked for.
    pub(crate) fn count(&self, path: &str) -> usize {
        self.seen().iter().filter(|seen| seen.path == path).count()
    }

    pub(crate) fn most_in_flight(&self) -> usize {
        self.state.most_in_flight.load(Ordering::SeqCst)
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }
}

/// Requests of one connection, until it closes or the server stops.
fn serve(state: &State, connection: &Connection) {
    connection.requests(|request| {
        let (request, stream) = (Seen::of(request), &connection.stream);
        let now = state.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        state.most_in_flight.fetch_max(now, Ordering::SeqCst);
        state.seen.lock().unwrap().push(request.clone());
        let latency = *state.latency.lock().unwrap();
        std::thread::sleep(latency);
        let keep = answer(state, &request, stream).unwrap_or(false);
        state.in_flight.fetch_sub(1, Ordering::SeqCst);
        if !keep {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
        keep
    });
}

/// Answers; tells whether the connection stays.
fn answer(state: &State, request: &Seen, mut stream: &TcpStream) -> std::io::Result<bool> {
    let fault = state.faults.lock().unwrap().get_mut(&request.path).and_then(VecDeque::pop_front);
    let wanted = state.password.lock().unwrap().clone();
    if let Some(pair) = wanted {
        let expected = format!("Basic {}", data_encoding::BASE64.encode(pair.as_bytes()));
        if request.headers.get("authorization") != Some(&expected) {
            return head(stream, 401, &[("content-length", "0".into())]).map(|()| true);
        }
    }
    if state.limits.lock().unwrap().iter_mut().any(|limit| request.path.starts_with(&limit.prefix) && !limit.take()) {
        state.limited.fetch_add(1, Ordering::SeqCst);
        return head(stream, 429, &[("retry-after", "1".into()), ("content-length", "0".into())]).map(|()| true);
    }
    match &fault {
        Some(Fault::Close) => return Ok(false),
        Some(Fault::Status(status, headers)) => {
            let mut headers = headers.clone();
            headers.push(("content-length", "0".into()));
            return head(stream, *status, &headers).map(|()| true);
        }
        Some(Fault::HoldUntil(path)) => {
            let asked = || state.seen.lock().unwrap().iter().any(|seen| seen.path == *path);
            if !(0..1000).any(|_| {
                asked() || {
                    std::thread::sleep(Duration::from_millis(10));
                    false
                }
            }) {
                return head(stream, 418, &[("content-length", "0".into())]).map(|()| true);
            }
        }
        _ => {}
    }
    let redirect = state.redirects.lock().unwrap().get(&request.path).cloned();
    if let Some(place) = redirect {
        return head(stream, 302, &[("location", place), ("content-length", "0".into())]).map(|()| true);
    }
    let Some(mut body) = find(state, &request.path) else {
        return head(stream, 404, &[("content-length", "0".into())]).map(|()| true);
    };
    let mut headers = state.headers.lock().unwrap().get(&request.path).cloned().unwrap_or_default();
    if let (Some(etag), Some(theirs)) =
        (headers.iter().find(|(name, _)| *name == "etag"), request.headers.get("if-none-match"))
        && etag.1 == *theirs
    {
        return head(stream, 304, &headers).map(|()| true);
    }
    if let Some(Fault::Flip(index)) = fault {
        body[index] ^= 1;
    }
    let total = body.len();
    let range = request.headers.get("range").filter(|_| !matches!(fault, Some(Fault::IgnoreRange)));
    let start: usize = range.map_or(0, |range| range[6..range.len() - 1].parse().unwrap());
    let body = &body[start..];
    if range.is_some() {
        headers.push(("content-range", format!("bytes {start}-{}/{total}", total - 1)));
    }
    let status = if range.is_some() { 206 } else { 200 };
    match fault {
        Some(Fault::Chunked) => {
            headers.push(("transfer-encoding", "chunked".into()));
            head(stream, status, &headers)?;
            for chunk in body.chunks(1000) {
                write!(stream, "{:x}\r\n", chunk.len())?;
                stream.write_all(chunk)?;
                stream.write_all(b"\r\n")?;
            }
            stream.write_all(b"0\r\n\r\n").map(|()| true)
        }
        Some(Fault::CutAt(length)) => {
            headers.push(("content-length", body.len().to_string()));
            head(stream, status, &headers)?;
            stream.write_all(&body[..length.min(body.len())]).map(|()| false)
        }
        _ => {
            headers.push(("content-length", body.len().to_string()));
            head(stream, status, &headers)?;
            stream.write_all(body).map(|()| true)
        }
    }
}

fn find(state: &State, path: &str) -> Option<Vec<u8>> {
    if let Some(content) = state.files.lock().unwrap().get(path) {
        return Some(content.clone());
    }
    let folder = state.folder.lock().unwrap().clone()?;
    let mut content = Vec::new();
    std::fs::File::open(folder.join(&path[1..])).ok()?.read_to_end(&mut content).ok()?;
    Some(content)
}

fn head(mut stream: &TcpStream, status: u16, headers: &[(&'static str, String)]) -> std::io::Result<()> {
    let mut text = format!("HTTP/1.1 {status} X\r\n");
    for (name, value) in headers {
        text.extend([name, ": ", value, "\r\n"]);
    }
    stream.write_all((text + "\r\n").as_bytes())
}
