//! A registry in this process, on loopback, with faults on demand. Stops when it is dropped.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::nix::Sha256;

/// What happens to a request instead of the right thing.
#[derive(Clone, Debug)]
pub(super) enum Act {
    /// This answer, the body unread where it is larger than what is buffered.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// So many bytes of the body arrive, then the connection closes.
    CutRequest(usize),
    /// The right thing is done, and so many bytes of the answer go out.
    CutAnswer(usize),
    /// The right answer, with this header in addition, or in place of its own.
    Header(&'static str, String),
    /// The right answer with the body's first byte changed.
    Flip,
}

/// A fault: for the next `times` requests of this method whose address holds this text.
struct Rule {
    method: &'static str,
    within: String,
    times: usize,
    act: Act,
}

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// How it wants to know who asks.
#[derive(Clone, Debug, Default)]
pub(super) enum Gate {
    #[default]
    Open,
    /// `Authorization` must be this.
    Exactly(&'static str, &'static str),
    /// Tokens from its own `/token`, which wants this `Authorization` or this in its form.
    Tokens(Option<String>),
}

#[derive(Default)]
pub(super) struct State {
    pub(super) blobs: BTreeMap<(String, String), Vec<u8>>,
    pub(super) manifests: BTreeMap<(String, String), (String, Vec<u8>)>,
    uploads: BTreeMap<String, Vec<u8>>,
    /// Repositories that others may mount from.
    pub(super) gate: Gate,
    pub(super) tokens: BTreeSet<String>,
    pub(super) token_fields: String,
    rules: Vec<Rule>,
    pub(super) seen: Vec<Seen>,
    pub(super) forgets_cut_uploads: bool,
    pub(super) mounts: bool,
    pub(super) referrers: bool,
    pub(super) minimum: Option<u64>,
    pub(super) realm: Option<String>,
    pub(super) objects: Option<String>,
    counter: usize,
}

pub(super) struct Double {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    connections: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    acceptor: Option<std::thread::JoinHandle<()>>,
}

struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Reply {
    fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.into()));
        self
    }

    fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    fn error(status: u16, code: &str) -> Self {
        let body = format!(r#"{{"errors":[{{"code":"{code}","message":"it is {code}"}}]}}"#);
        Self::new(status).with("content-type", "application/json").body(body)
    }
}

impl Double {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State { mounts: true, referrers: true, ..State::default() }));
        let (stop, connections) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let acceptor = {
            let (state, stop, connections) = (Arc::clone(&state), Arc::clone(&stop), Arc::clone(&connections));
            std::thread::spawn(move || {
                for stream in listener.incoming().map_while(Result::ok) {
                    if stop.load(Ordering::SeqCst) {
                        return;
                    }
                    connections.fetch_add(1, Ordering::SeqCst);
                    let state = Arc::clone(&state);
                    std::thread::spawn(move || serve(&stream, address, &state));
                }
            })
        };
        Self { address, state, connections, stop, acceptor: Some(acceptor) }
    }

    pub(super) fn host(&self) -> String {
        self.address.to_string()
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(super) fn fault(&self, method: &'static str, within: &str, times: usize, act: Act) {
        self.state().rules.push(Rule { method, within: within.to_owned(), times, act });
    }

    /// Requests but those that only find out what the host speaks: `METHOD path`.
    pub(super) fn log(&self) -> Vec<String> {
        let state = self.state();
        let requests = state.seen.iter().filter(|seen| seen.target != "/v2/");
        requests.map(|seen| format!("{} {}", seen.method, seen.target)).collect()
    }

    pub(super) fn seen(&self, method: &str, within: &str) -> Vec<Seen> {
        let state = self.state();
        state.seen.iter().filter(|seen| seen.method == method && seen.target.contains(within)).cloned().collect()
    }

    pub(super) fn put_blob(&self, repository: &str, bytes: &[u8]) -> Sha256 {
        let digest = Sha256::of(bytes);
        self.state().blobs.insert((repository.to_owned(), digest.oci()), bytes.to_vec());
        digest
    }

    pub(super) fn blob(&self, repository: &str, digest: &Sha256) -> Option<Vec<u8>> {
        self.state().blobs.get(&(repository.to_owned(), digest.oci())).cloned()
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

fn serve(stream: &TcpStream, address: SocketAddr, state: &Mutex<State>) {
    let _ = stream.set_nodelay(true);
    let mut reader = BufReader::new(stream);
    while let Some(mut seen) = read_head(&mut reader) {
        let rule = take_rule(&mut state.lock().unwrap(), &seen);
        let length: usize = seen.header("content-length").and_then(|digits| digits.parse().ok()).unwrap_or(0);
        if let Some(Act::Answer(status, headers, body)) = &rule {
            state.lock().unwrap().seen.push(seen.clone());
            let mut reply = Reply::new(*status).body(body.clone());
            for (name, value) in headers {
                reply = reply.with(name, value);
            }
            let waits = seen.header("expect").is_some();
            if !waits && length <= 1 << 20 {
                let _ = reader.by_ref().take(length as u64).read_to_end(&mut seen.body);
            }
            write(stream, &reply, &seen.method, None);
            if waits || length > 1 << 20 {
                return;
            }
            continue;
        }
        if seen.header("expect").is_some() {
            let _ = (&*stream).write_all(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        let most = if let Some(Act::CutRequest(most)) = rule { most.min(length) } else { length };
        let _ = reader.by_ref().take(most as u64).read_to_end(&mut seen.body);
        state.lock().unwrap().seen.push(seen.clone());
        if let Some(Act::CutRequest(_)) = rule {
            keep_part(&mut state.lock().unwrap(), &seen);
            return;
        }
        if seen.body.len() < length {
            keep_part(&mut state.lock().unwrap(), &seen);
            return;
        }
        let mut reply = answer(&mut state.lock().unwrap(), &seen, address);
        match &rule {
            Some(Act::Header(name, value)) => {
                reply.headers.retain(|(known, _)| known != name);
                reply = reply.with(name, value);
            }
            Some(Act::Flip) => reply.body.iter_mut().take(1).for_each(|byte| *byte ^= 1),
            _ => {}
        }
        let cut = if let Some(Act::CutAnswer(count)) = rule { Some(count) } else { None };
        write(stream, &reply, &seen.method, cut);
        if cut.is_some() {
            return;
        }
    }
}

fn read_head(reader: &mut BufReader<&TcpStream>) -> Option<Seen> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    Some(Seen { method, target, headers, body: Vec::new() })
}

fn take_rule(state: &mut State, seen: &Seen) -> Option<Act> {
    let fits = |rule: &&mut Rule| rule.times > 0 && rule.method == seen.method && seen.target.contains(&rule.within);
    let rule = state.rules.iter_mut().find(fits)?;
    rule.times -= 1;
    Some(rule.act.clone())
}

fn write(mut stream: &TcpStream, reply: &Reply, method: &str, cut: Option<usize>) {
    let mut bytes = format!("HTTP/1.1 {} Told\r\n", reply.status).into_bytes();
    let own_length = reply.headers.iter().any(|(name, _)| name == "content-length");
    for (name, value) in &reply.headers {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    if !own_length && reply.status != 204 {
        bytes.extend_from_slice(format!("content-length: {}\r\n", reply.body.len()).as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    if method != "HEAD" {
        bytes.extend_from_slice(&reply.body);
    }
    bytes.truncate(cut.unwrap_or(usize::MAX));
    let _ = stream.write_all(&bytes);
}

/// What arrived of a part before the connection broke.
fn keep_part(state: &mut State, seen: &Seen) {
    let Some((_, id, _)) = upload_of(&seen.target) else { return };
    if state.forgets_cut_uploads {
        state.uploads.remove(&id);
    } else if let Some(upload) = state.uploads.get_mut(&id) {
        upload.extend_from_slice(&seen.body);
    }
}

/// Repository, upload, query.
fn upload_of(target: &str) -> Option<(String, String, String)> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (repository, id) = path.strip_prefix("/v2/")?.split_once("/blobs/uploads/")?;
    Some((repository.to_owned(), id.to_owned(), query.to_owned()))
}

pub(super) fn parameter(query: &str, name: &str) -> Option<String> {
    let pair = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    Some(pair.replace("%3A", ":").replace("%2F", "/").replace("%2C", ","))
}

fn answer(state: &mut State, seen: &Seen, address: SocketAddr) -> Reply {
    if let Some(query) = seen.target.strip_prefix("/token") {
        return give_token(state, seen, query.trim_start_matches('?'));
    }
    if seen.target == "/v2/" {
        return Reply::new(200);
    }
    if let Some(key) = seen.target.strip_prefix("/object/") {
        let found = state.blobs.iter().find(|((_, digest), _)| digest == key).map(|(_, bytes)| bytes.clone());
        return found.map_or(Reply::error(404, "BLOB_UNKNOWN"), |bytes| content(seen, bytes));
    }
    if let Some(refusal) = check_gate(state, seen, address) {
        return refusal;
    }
    if let Some((repository, id, query)) = upload_of(&seen.target) {
        return upload(state, seen, (&repository, &id, &query));
    }
    let path = seen.target.strip_prefix("/v2/").unwrap_or_default();
    for (kind, act) in [("/blobs/", blob as fn(&State, &Seen, &str, &str) -> Reply), ("/referrers/", referrers)] {
        if let Some((repository, name)) = path.split_once(kind) {
            return act(state, seen, repository, name);
        }
    }
    match path.split_once("/manifests/") {
        Some((repository, name)) => manifest(state, seen, repository, name),
        None => Reply::error(404, "UNSUPPORTED"),
    }
}

fn check_gate(state: &State, seen: &Seen, address: SocketAddr) -> Option<Reply> {
    let shown = seen.header("authorization").unwrap_or_default();
    let refusal = Reply::error(401, "UNAUTHORIZED");
    match &state.gate {
        Gate::Open => None,
        Gate::Exactly(expected, challenge) => {
            (shown != *expected).then(|| refusal.with("www-authenticate", *challenge))
        }
        Gate::Tokens(_) => {
            let known = shown.strip_prefix("Bearer ").is_some_and(|token| state.tokens.contains(token));
            let realm = state.realm.clone().unwrap_or_else(|| format!("http://{address}/token?kept=1"));
            let challenge = format!(r#"Bearer realm="{realm}",service="double, inc",scope="repository:any:pull""#);
            (!known).then(|| refusal.with("www-authenticate", challenge))
        }
    }
}

fn give_token(state: &mut State, seen: &Seen, query: &str) -> Reply {
    let form = String::from_utf8_lossy(&seen.body).into_owned();
    if let Gate::Tokens(Some(wanted)) = &state.gate {
        let shown = seen.header("authorization") == Some(wanted.as_str());
        if !shown && parameter(&form, "refresh_token").as_ref() != Some(wanted) {
            return Reply::error(401, "UNAUTHORIZED");
        }
    }
    let _ = query;
    state.counter += 1;
    let token = format!("token-{}", state.counter);
    state.tokens.insert(token.clone());
    Reply::new(200).body(format!(r#"{{"token":"{token}"{}}}"#, state.token_fields))
}

fn content(seen: &Seen, bytes: Vec<u8>) -> Reply {
    let start =
        seen.header("range").and_then(|text| text.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    match start {
        Some(start) if start < bytes.len() => {
            let range = format!("bytes {start}-{}/{}", bytes.len() - 1, bytes.len());
            Reply::new(206).with("content-range", range).body(&bytes[start..])
        }
        _ => Reply::new(200).body(bytes),
    }
}

fn blob(state: &State, seen: &Seen, repository: &str, digest: &str) -> Reply {
    match (state.blobs.get(&(repository.to_owned(), digest.to_owned())), &state.objects) {
        (Some(_), Some(objects)) => Reply::new(307).with("location", format!("{objects}/object/{digest}")),
        (Some(bytes), None) => content(seen, bytes.clone()),
        (None, _) => Reply::error(404, "BLOB_UNKNOWN"),
    }
}

fn manifest(state: &mut State, seen: &Seen, repository: &str, name: &str) -> Reply {
    if seen.method == "PUT" {
        let digest = Sha256::of(&seen.body).oci();
        let media_type = seen.header("content-type").unwrap_or_default().to_owned();
        for key in [name.to_owned(), digest.clone()] {
            state.manifests.insert((repository.to_owned(), key), (media_type.clone(), seen.body.clone()));
        }
        return Reply::new(201).with("docker-content-digest", digest);
    }
    match state.manifests.get(&(repository.to_owned(), name.to_owned())) {
        Some((media_type, bytes)) => Reply::new(200)
            .with("content-type", media_type.clone())
            .with("docker-content-digest", Sha256::of(bytes).oci())
            .body(bytes.clone()),
        None => Reply::error(404, "MANIFEST_UNKNOWN"),
    }
}

fn referrers(state: &State, _: &Seen, repository: &str, digest: &str) -> Reply {
    if !state.referrers {
        return Reply::error(404, "UNSUPPORTED");
    }
    let mut found = BTreeMap::new();
    for ((place, _), (media_type, bytes)) in &state.manifests {
        let document: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
        if place == repository && document["subject"]["digest"] == digest {
            let own = Sha256::of(bytes).oci();
            let entry = serde_json::json!({"mediaType": media_type, "digest": own, "size": bytes.len(), "artifactType": document["artifactType"]});
            found.insert(own, entry);
        }
    }
    let document = serde_json::json!({"schemaVersion": 2, "manifests": found.values().collect::<Vec<_>>()});
    Reply::new(200).body(document.to_string())
}

fn upload(state: &mut State, seen: &Seen, (repository, id, query): (&str, &str, &str)) -> Reply {
    let place = |id: &str, length: usize| format!("/v2/{repository}/blobs/uploads/{id}?_state={length}");
    let accepted = |status: u16, id: &str, length: usize| {
        let range = format!("0-{}", length.saturating_sub(1));
        Reply::new(status).with("location", place(id, length)).with("range", range)
    };
    if seen.method == "POST" {
        let mounted = parameter(query, "mount").zip(parameter(query, "from")).filter(|_| state.mounts);
        let known =
            mounted.and_then(|(digest, from)| Some((state.blobs.get(&(from, digest.clone()))?.clone(), digest)));
        if let Some((bytes, digest)) = known {
            state.blobs.insert((repository.to_owned(), digest.clone()), bytes);
            return Reply::new(201).with("docker-content-digest", digest);
        }
        state.counter += 1;
        let id = format!("u{}", state.counter);
        state.uploads.insert(id.clone(), Vec::new());
        let reply = accepted(202, &id, 0);
        return state
            .minimum
            .map_or(accepted(202, &id, 0), |least| reply.with("oci-chunk-min-length", least.to_string()));
    }
    let Some(kept) = state.uploads.get_mut(id) else { return Reply::error(404, "BLOB_UPLOAD_UNKNOWN") };
    let start = seen.header("content-range").map(|text| text.split_once('-').unwrap().0.parse::<usize>().unwrap());
    if start.is_some_and(|start| start != kept.len()) {
        return accepted(416, id, kept.len());
    }
    match seen.method.as_str() {
        "GET" => accepted(204, id, kept.len()),
        "PATCH" => {
            kept.extend_from_slice(&seen.body);
            accepted(202, id, kept.len())
        }
        "PUT" => {
            let whole = [kept.as_slice(), &seen.body].concat();
            let digest = parameter(query, "digest").unwrap_or_default();
            if Sha256::of(&whole).oci() != digest {
                return Reply::error(400, "DIGEST_INVALID");
            }
            state.uploads.remove(id);
            state.blobs.insert((repository.to_owned(), digest.clone()), whole);
            Reply::new(201).with("docker-content-digest", digest)
        }
        _ => {
            state.uploads.remove(id);
            Reply::new(204)
        }
    }
}
