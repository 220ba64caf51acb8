//! A server of Bearer tokens in this process, for docker-registry's `auth: token`: JWTs signed with ES256. Stops when it is dropped.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};

use data_encoding::{BASE64, BASE64URL_NOPAD};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::DecodePrivateKey as _;
use serde_json::{Value, json};

use crate::clients::output;

/// How long after its end docker-registry still takes a token, in seconds.
const LEEWAY: u64 = 60;
/// How long tokens live, in seconds.
const LIFE: u64 = 300;

const ISSUER: &str = "issuer";
const SERVICE: &str = "a registry";

struct State {
    key: SigningKey,
    certificate: String,
    /// `user:password`
    pair: String,
    /// What the user may do, by repository.
    rights: Mutex<BTreeMap<String, Vec<String>>>,
    /// The scopes of each request, in the order in which they came.
    asked: Mutex<Vec<String>>,
    /// Tokens that are as good as over when they are given, though nobody says so.
    brief: Mutex<usize>,
    stop: AtomicBool,
}

pub(crate) struct TokenServer {
    address: SocketAddr,
    state: Arc<State>,
    acceptor: Option<JoinHandle<()>>,
}

impl TokenServer {
    /// With a key and a certificate of its own, `token.pem`, in `folder`; for one user, who has no rights yet.
    pub(crate) fn start(folder: &Path, user: &str, password: &str) -> Self {
        let (key, certificate) = certificate(folder);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            key,
            certificate,
            pair: format!("{user}:{password}"),
            rights: Mutex::default(),
            asked: Mutex::default(),
            brief: Mutex::default(),
            stop: AtomicBool::new(false),
        });
        let shared = Arc::clone(&state);
        let acceptor = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.stop.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(stream), shared) = (stream, Arc::clone(&shared)) else { continue };
                std::thread::spawn(move || serve(&shared, &stream));
            }
        });
        Self { address, state, acceptor: Some(acceptor) }
    }

    /// docker-registry's configuration to believe it; `FOLDER` is where the certificate lies.
    pub(crate) fn configuration(&self) -> String {
        let realm = format!("http://{}/token", self.address);
        format!(
            "auth:\n  token:\n    realm: {realm}\n    service: {SERVICE}\n    issuer: {ISSUER}\n    rootcertbundle: FOLDER/token.pem\n"
        )
    }

    /// Lets the user do these things (`pull`, `push`) to a repository; nobody else gets any.
    pub(crate) fn allow(&self, repository: &str, actions: &[&str]) {
        let actions = actions.iter().map(|&action| action.to_owned()).collect();
        self.state.rights.lock().unwrap().insert(repository.to_owned(), actions);
    }

    /// The next tokens end a second after they are given.
    pub(crate) fn give_brief_tokens(&self, count: usize) {
        *self.state.brief.lock().unwrap() = count;
    }

    /// The scopes of all requests so far, joined by spaces.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.state.asked.lock().unwrap().clone()
    }
}

impl Drop for TokenServer {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        if let Some(acceptor) = self.acceptor.take() {
            acceptor.join().unwrap();
        }
    }
}

/// A key, and the certificate of it in `token.pem`, as `x5c` has it.
fn certificate(folder: &Path) -> (SigningKey, String) {
    let request = ["req", "-x509", "-days", "2", "-subj", "/CN=tokens", "-keyout", "token.key", "-out", "token.pem"];
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    output(Command::new("openssl").args(request).args(key).current_dir(folder));
    let pem = |name: &str| {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        text.lines().filter(|line| !line.starts_with("---")).collect::<String>()
    };
    let key = SigningKey::from_pkcs8_der(&BASE64.decode(pem("token.key").as_bytes()).unwrap()).unwrap();
    (key, pem("token.pem"))
}

/// Requests of one connection.
fn serve(state: &State, mut stream: &TcpStream) {
    let mut input = BufReader::new(stream);
    loop {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if input.read_line(&mut line).is_ok_and(|count| count > 0) && line.trim_end() != "" {
                lines.push(line.trim_end().to_owned());
            } else {
                break;
            }
        }
        let Some((first, headers)) = lines.split_first() else { return };
        let (status, body) = answer(state, first, headers);
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}");
        if stream.write_all(head.as_bytes()).is_err() {
            return;
        }
    }
}

fn answer(state: &State, first: &str, headers: &[String]) -> (u16, String) {
    let query = first.split(' ').nth(1).and_then(|target| target.split_once('?')).map_or("", |(_, query)| query);
    let scopes: Vec<String> = query.split('&').filter_map(|pair| pair.strip_prefix("scope=")).map(decode).collect();
    state.asked.lock().unwrap().push(scopes.join(" "));
    let shown = headers.iter().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        if name.eq_ignore_ascii_case("authorization") { value.strip_prefix("Basic ") } else { None }
    });
    let wanted = BASE64.encode(state.pair.as_bytes());
    match shown {
        Some(shown) if shown != wanted => (401, json!({ "details": "incorrect username or password" }).to_string()),
        shown => (200, token(state, &scopes, shown.is_some()).to_string()),
    }
}

fn token(state: &State, scopes: &[String], is_known: bool) -> Value {
    let rights = state.rights.lock().unwrap();
    let access = scopes.iter().filter_map(|scope| {
        let (kind, rest) = scope.split_once(':')?;
        let (name, wanted) = rest.rsplit_once(':')?;
        let allowed = rights.get(name).filter(|_| is_known)?;
        let actions: Vec<_> = wanted.split(',').filter(|&action| allowed.iter().any(|known| known == action)).collect();
        Some(json!({ "type": kind, "name": name, "actions": actions }))
    });
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut brief = state.brief.lock().unwrap();
    let end = if *brief > 0 { now + 1 - LEEWAY } else { now + LIFE };
    *brief = brief.saturating_sub(1);
    let claims = json!({ "iss": ISSUER, "sub": "somebody", "aud": SERVICE, "iat": now - LEEWAY, "nbf": now - LEEWAY,
        "exp": end, "jti": "1", "access": access.collect::<Vec<_>>() });
    let header = json!({ "typ": "JWT", "alg": "ES256", "x5c": [state.certificate] });
    let encoded = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let signed = format!("{}.{}", encoded(&header), encoded(&claims));
    let signature: Signature = state.key.sign(signed.as_bytes());
    let jwt = format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature.to_bytes()));
    json!({ "token": jwt, "expires_in": LIFE })
}

/// Undoes `%3A` and `+`.
fn decode(text: &str) -> String {
    let text = text.replace('+', " ");
    let mut parts = text.split('%');
    let mut decoded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        decoded.push(char::from(u8::from_str_radix(&part[..2], 16).unwrap()));
        decoded.push_str(&part[2..]);
    }
    decoded
}
