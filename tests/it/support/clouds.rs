//! Servers that speak as Google's and Azure's buckets do, in this process: they look at who asks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;

use super::listener::{Answer, Listener, Request};

/// The account's key.
pub(crate) const KEY: &str = "YW4gYWNjb3VudCdzIHMzY3JldCBrZXk=";

/// What somebody has to show.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Nothing to read, what nobody has to write.
    Public,
    /// A signature with [`KEY`], of the account `ourteam`.
    Key,
    /// These pairs in the query.
    Signature(&'static str),
    /// This token.
    Token(&'static str),
}

#[derive(Default)]
struct State {
    objects: Mutex<BTreeMap<String, (u64, Vec<u8>)>>,
    blocks: Mutex<BTreeMap<(String, String), Vec<u8>>>,
    uploads: Mutex<BTreeMap<String, BTreeMap<u32, Vec<u8>>>>,
    /// Tokens of the machine: the list's next one is given each time, the last one for ever.
    tokens: Mutex<Vec<&'static str>>,
    seen: Mutex<Vec<Request>>,
}

/// One of these servers.
pub(crate) struct Cloud {
    listener: Listener,
    state: Arc<State>,
}

impl Cloud {
    pub(crate) fn google(wanted: Wanted, tokens: &[&'static str]) -> Self {
        Self::start(tokens, move |state, request| google(state, request, &wanted))
    }

    pub(crate) fn azure(wanted: Wanted, tokens: &[&'static str]) -> Self {
        Self::start(tokens, move |state, request| azure(state, request, &wanted))
    }

    fn start(tokens: &[&'static str], answer: impl Fn(&State, &Request) -> Answer + Send + Sync + 'static) -> Self {
        let state = Arc::new(State { tokens: Mutex::new(tokens.to_vec()), ..State::default() });
        let shared = Arc::clone(&state);
        let listener = Listener::answering(move |request| {
            shared.seen.lock().unwrap().push(request.clone());
            answer(&shared, request)
        });
        Self { listener, state }
    }

    /// `127.0.0.1:port`
    pub(crate) fn host(&self) -> String {
        self.listener.address().to_string()
    }

    /// `http://127.0.0.1:port`
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.host())
    }

    pub(crate) fn put(&self, path: &str, content: impl Into<Vec<u8>>) {
        self.state.objects.lock().unwrap().insert(path.to_owned(), (1, content.into()));
    }

    pub(crate) fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        self.state.objects.lock().unwrap().iter().map(|(path, (_, content))| (path.clone(), content.clone())).collect()
    }

    /// Requests about objects; those for tokens left out.
    pub(crate) fn seen(&self) -> Vec<Request> {
        let seen = self.state.seen.lock().unwrap();
        seen.iter().filter(|request| !is_token(&request.path)).cloned().collect()
    }

    /// Requests for tokens.
    pub(crate) fn asked_for_tokens(&self) -> Vec<Request> {
        self.state.seen.lock().unwrap().iter().filter(|request| is_token(&request.path)).cloned().collect()
    }
}

fn is_token(path: &str) -> bool {
    path.ends_with("/token")
}

impl State {
    fn token(&self) -> &'static str {
        let mut tokens = self.tokens.lock().unwrap();
        if tokens.len() > 1 { tokens.remove(0) } else { tokens[0] }
    }

    fn get(&self, path: &str, missing: &str) -> Answer {
        match self.objects.lock().unwrap().get(path) {
            Some((version, content)) => Answer::new(200, content.clone())
                .header("etag", &format!("\"{version:x}\""))
                .header("x-goog-generation", &version.to_string()),
            None => Answer::error(404, missing),
        }
    }

    fn version(&self, path: &str) -> Option<u64> {
        self.objects.lock().unwrap().get(path).map(|(version, _)| *version)
    }

    fn replace(&self, path: &str, content: Vec<u8>) -> Answer {
        let version = self.version(path).unwrap_or_default() + 1;
        self.objects.lock().unwrap().insert(path.to_owned(), (version, content));
        Answer::new(201, "").header("etag", &format!("\"{version:x}\""))
    }
}

fn google(state: &State, request: &Request, wanted: &Wanted) -> Answer {
    if is_token(&request.path) {
        return match request.header("metadata-flavor") {
            "Google" => Answer::json(200, &json!({ "access_token": state.token(), "expires_in": 3600 })),
            _ => Answer::new(403, ""),
        };
    }
    match (wanted, request.headers.get("authorization")) {
        (Wanted::Public, None) if request.method == "GET" => {}
        (Wanted::Token(token), Some(shown)) if *shown == format!("Bearer {token}") => {}
        (_, Some(_)) => return Answer::error(401, "AuthenticationRequired"),
        (_, None) => return Answer::error(403, "AccessDenied"),
    }
    let path = &request.path;
    let id = request.query("uploadId").map(str::to_owned);
    match (request.method.as_str(), id) {
        ("GET", _) => state.get(path, "NoSuchKey"),
        ("POST", None) => {
            let mut uploads = state.uploads.lock().unwrap();
            let id = format!("id+/{}", uploads.len());
            uploads.insert(id.clone(), BTreeMap::new());
            Answer::new(
                200,
                format!("<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"),
            )
        }
        ("PUT", Some(id)) => {
            let number = request.query("partNumber").unwrap().parse().unwrap();
            state.uploads.lock().unwrap().get_mut(&id).unwrap().insert(number, request.body.clone());
            Answer::new(200, "").header("etag", &format!("\"{number}\""))
        }
        ("POST", Some(id)) => {
            let parts = state.uploads.lock().unwrap().remove(&id).unwrap();
            state.replace(path, parts.into_values().flatten().collect());
            Answer::new(200, "<CompleteMultipartUploadResult></CompleteMultipartUploadResult>")
        }
        _ => {
            let known = state.version(path).unwrap_or_default().to_string();
            match request.headers.get("x-goog-if-generation-match") {
                Some(wanted) if *wanted != known => Answer::error(412, "PreconditionFailed"),
                _ => state.replace(path, request.body.clone()),
            }
        }
    }
}

fn azure(state: &State, request: &Request, wanted: &Wanted) -> Answer {
    if is_token(&request.path) {
        return azure_token(state, request);
    }
    if request.header("x-ms-version").is_empty() {
        return Answer::error(400, "MissingRequiredHeader");
    }
    let shown = request.headers.get("authorization");
    match wanted {
        Wanted::Public if request.method == "GET" => {}
        Wanted::Key if shown == Some(&format!("SharedKey ourteam:{}", shared_key(request))) => {}
        Wanted::Signature(pairs) if request.target.contains(pairs) => {}
        Wanted::Token(token) if shown == Some(&format!("Bearer {token}")) => {}
        Wanted::Token(_) if shown.is_some() => return Answer::error(401, "InvalidAuthenticationInfo"),
        _ if shown.is_some() || request.query("sig").is_some() => return Answer::error(403, "AuthenticationFailed"),
        _ => return Answer::error(404, "ResourceNotFound"),
    }
    match (request.method.as_str(), request.query("comp")) {
        ("GET", _) => state.get(&request.path, "BlobNotFound"),
        ("PUT", Some("block")) => {
            let name = (request.path.clone(), request.query("blockid").unwrap().to_owned());
            state.blocks.lock().unwrap().insert(name, request.body.clone());
            Answer::new(201, "")
        }
        ("PUT", Some("blocklist")) => {
            let blocks = state.blocks.lock().unwrap();
            let list = String::from_utf8(request.body.clone()).unwrap();
            let names = list.split("<Latest>").skip(1).map(|text| text.split('<').next().unwrap().to_owned());
            let content = names.flat_map(|name| blocks[&(request.path.clone(), name)].clone()).collect();
            state.replace(&request.path, content)
        }
        _ if request.header("x-ms-blob-type") != "BlockBlob" => Answer::error(400, "InvalidHeaderValue"),
        _ => {
            let known = state.version(&request.path).map(|version| format!("\"{version:x}\""));
            match (known, request.headers.get("if-match"), request.headers.get("if-none-match")) {
                (Some(_), _, Some(_)) => Answer::error(409, "BlobAlreadyExists"),
                (known, Some(wanted), _) if known.as_ref() != Some(wanted) => Answer::error(412, "ConditionNotMet"),
                _ => state.replace(&request.path, request.body.clone()),
            }
        }
    }
}

/// The machine's identity, or an application's secret.
fn azure_token(state: &State, request: &Request) -> Answer {
    let form = request.form();
    let is_machine = request.header("metadata") == "true"
        && request.query("resource").is_some_and(|resource| resource == "https://storage.azure.com/");
    let is_application = request.path == "/our-tenant/oauth2/v2.0/token"
        && form.get("client_id").is_some_and(|id| id == "our-app")
        && form.get("client_secret").is_some_and(|secret| secret == "app-s3cret");
    if !is_machine && !is_application {
        return Answer::json(401, &json!({ "error": "invalid_client" }));
    }
    let expires = if is_machine { json!({ "expires_on": "4102444800" }) } else { json!({ "expires_in": 3600 }) };
    let mut answer = json!({ "access_token": state.token(), "token_type": "Bearer" });
    answer.as_object_mut().unwrap().extend(expires.as_object().unwrap().clone());
    Answer::json(200, &answer)
}

/// "Authorize with Shared Key", as Azure's documents have it.
fn shared_key(request: &Request) -> String {
    let length = Some(request.header("content-length")).filter(|&length| length != "0").unwrap_or_default();
    let [encoding, language] = ["content-encoding", "content-language"].map(|name| request.header(name));
    let usual = ["content-md5", "content-type", "date", "if-modified-since", "if-match", "if-none-match"];
    let mut lines = [&request.method, encoding, language, length].map(str::to_owned).to_vec();
    lines.extend(usual.into_iter().chain(["if-unmodified-since", "range"]).map(|name| request.header(name).to_owned()));
    let own = request.headers.iter().filter(|(name, _)| name.starts_with("x-ms-"));
    lines.extend(own.map(|(name, value)| format!("{name}:{value}")));
    lines.push(format!("/ourteam{}", request.path));
    let mut query = request.query.clone();
    query.sort();
    lines.extend(query.into_iter().map(|(name, value)| format!("{name}:{value}")));
    BASE64.encode(&hmac(&BASE64.decode(KEY.as_bytes()).unwrap(), lines.join("\n").as_bytes()))
}

/// HMAC with SHA-256.
pub(crate) fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}
