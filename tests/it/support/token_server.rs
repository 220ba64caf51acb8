//! A server of Bearer tokens in this process, for docker-registry's `auth: token`: JWTs signed with ES256. Stops when it is dropped.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use data_encoding::{BASE64, BASE64URL_NOPAD};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::DecodePrivateKey as _;
use serde_json::{Value, json};

use super::listener::{Answer, Listener, Request};
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
}

pub(crate) struct TokenServer {
    listener: Listener,
    state: Arc<State>,
}

impl TokenServer {
    /// With a key and a certificate of its own, `token.pem`, in `folder`; for one user, who has no rights yet.
    pub(crate) fn start(folder: &Path, user: &str, password: &str) -> Self {
        let (key, certificate) = certificate(folder);
        let state = Arc::new(State {
            key,
            certificate,
            pair: format!("{user}:{password}"),
            rights: Mutex::default(),
            asked: Mutex::default(),
            brief: Mutex::default(),
        });
        let shared = Arc::clone(&state);
        let listener = Listener::answering(move |request| answer(&shared, request));
        Self { listener, state }
    }

    /// docker-registry's configuration to believe it; `FOLDER` is where the certificate lies.
    pub(crate) fn configuration(&self) -> String {
        let realm = format!("http://{}/token", self.listener.address());
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

fn answer(state: &State, request: &Request) -> Answer {
    // Scopes are joined with `+` where there are several.
    let scopes = request.query.iter().filter(|(name, _)| name == "scope").map(|(_, value)| value.replace('+', " "));
    let scopes: Vec<String> = scopes.collect();
    state.asked.lock().unwrap().push(scopes.join(" "));
    let shown = request.header("authorization").strip_prefix("Basic ");
    match shown {
        Some(shown) if shown != BASE64.encode(state.pair.as_bytes()) => {
            Answer::json(401, &json!({ "details": "incorrect username or password" }))
        }
        shown => Answer::json(200, &token(state, &scopes, shown.is_some())),
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
