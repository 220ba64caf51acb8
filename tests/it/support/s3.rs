//! A server that speaks as S3 does, in this process: it works out every signature itself. Stops when it is dropped.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Decoded.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

/// What a bucket does.
#[derive(Default)]
pub(crate) struct Rules {
    pub(crate) region: &'static str,
    /// Secrets and session tokens by access key.
    pub(crate) keys: BTreeMap<&'static str, (&'static str, Option<&'static str>)>,
    /// Session tokens that have run out.
    pub(crate) expired: Vec<&'static str>,
    /// Everybody may read.
    pub(crate) public: bool,
    /// Nobody is told that something is missing.
    pub(crate) no_list: bool,
    /// It takes our clock to be wrong.
    pub(crate) skewed: bool,
    /// No S3 at all: a server that takes PUT from who shows this.
    pub(crate) plain: Option<&'static str>,
    /// What the instance's role has: access key, secret, token. The list's next one is given each time, the last one for ever.
    pub(crate) role: Mutex<Vec<(&'static str, &'static str, &'static str)>>,
    /// Answers that part uploads get in the place of a good one, from the first.
    pub(crate) odd_parts: Mutex<Vec<u16>>,
}

struct State {
    rules: Rules,
    objects: Mutex<BTreeMap<String, Vec<u8>>>,
    uploads: Mutex<BTreeMap<String, BTreeMap<u32, Vec<u8>>>>,
    seen: Mutex<Vec<Request>>,
    stop: AtomicBool,
}

pub(crate) struct S3 {
    address: SocketAddr,
    state: Arc<State>,
    acceptor: Option<JoinHandle<()>>,
}

impl S3 {
    pub(crate) fn start(rules: Rules) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (objects, uploads, seen, stop) = Default::default();
        let state = Arc::new(State { rules, objects, uploads, seen, stop });
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

    /// Rules of a bucket in `region` whose owner is `AKIDEXAMPLE` with `secret`.
    pub(crate) fn owned() -> Rules {
        Rules { region: "us-east-1", keys: [("AKIDEXAMPLE", ("s3cret-example", None))].into(), ..Rules::default() }
    }

    /// `127.0.0.1:port`
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// The address of `bucket/folder`, with settings that reach this server.
    pub(crate) fn location(&self, bucket: &str) -> String {
        format!("s3://{bucket}?endpoint={}&scheme=http", self.host())
    }

    /// Objects by path: `/bucket/key`.
    pub(crate) fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        self.state.objects.lock().unwrap().clone()
    }

    pub(crate) fn put(&self, path: &str, content: impl Into<Vec<u8>>) {
        self.state.objects.lock().unwrap().insert(path.to_owned(), content.into());
    }

    pub(crate) fn seen(&self) -> Vec<Request> {
        self.state.seen.lock().unwrap().clone()
    }

    pub(crate) fn unfinished_uploads(&self) -> usize {
        self.state.uploads.lock().unwrap().len()
    }

    /// How many requests there were whose path ends so.
    pub(crate) fn count(&self, method: &str, end: &str) -> usize {
        self.seen().iter().filter(|request| request.method == method && request.path.ends_with(end)).count()
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        if let Some(acceptor) = self.acceptor.take() {
            acceptor.join().unwrap();
        }
    }
}

fn serve(state: &State, mut stream: &TcpStream) {
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut input = BufReader::new(stream);
    while let Some(request) = read_request(&mut input) {
        if state.stop.load(Ordering::SeqCst) {
            return;
        }
        state.seen.lock().unwrap().push(request.clone());
        let answer = answer(state, &request);
        let mut head = format!("HTTP/1.1 {} X\r\ncontent-length: {}\r\n", answer.status, answer.body.len());
        for (name, value) in &answer.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        head.push_str("\r\n");
        if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&answer.body)).is_err() {
            return;
        }
    }
}

fn read_request(input: &mut BufReader<&TcpStream>) -> Option<Request> {
    let mut line = String::new();
    input.read_line(&mut line).ok().filter(|&count| count > 0)?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        input.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length: usize = headers.get("content-length").map_or(0, |text| text.parse().unwrap());
    let mut body = vec![0; length];
    input.read_exact(&mut body).ok()?;
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value))
    };
    let query = query.split('&').filter(|text| !text.is_empty()).map(pair).collect();
    Some(Request { method, path: path.to_owned(), query, headers, body })
}

struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    fn error(status: u16, code: &str) -> Self {
        let body = format!(
            "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>no</Message><ServerTime>2020-01-01T00:00:00Z</ServerTime></Error>"
        );
        Self::new(status, body)
    }

    fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

impl Request {
    fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

fn answer(state: &State, request: &Request) -> Answer {
    if request.path.starts_with("/latest/") {
        return metadata(state, request);
    }
    let refused = match state.rules.plain {
        Some(wanted) => {
            (request.headers.get("authorization").map(String::as_str) != Some(wanted)).then(|| Answer::new(401, ""))
        }
        None => check(&state.rules, request).err(),
    };
    match (refused, request.method.as_str()) {
        (Some(refused), _) => refused,
        (None, "GET") => get(state, request),
        (None, "POST") => post(state, request),
        (None, "DELETE") => {
            state.uploads.lock().unwrap().remove(request.query("uploadId").unwrap());
            Answer::new(204, "")
        }
        (None, _) => put(state, request),
    }
}

fn get(state: &State, request: &Request) -> Answer {
    match state.objects.lock().unwrap().get(&request.path) {
        Some(content) => Answer::new(200, content.clone()).header("etag", &etag(content)),
        None if state.rules.no_list => Answer::error(403, "AccessDenied"),
        None => Answer::error(404, "NoSuchKey"),
    }
}

fn put(state: &State, request: &Request) -> Answer {
    if let (Some(id), Some(number)) = (request.query("uploadId"), request.query("partNumber")) {
        if let Some(status) = state.rules.odd_parts.lock().unwrap().pop() {
            return Answer::error(status, "InternalError");
        }
        state.uploads.lock().unwrap().get_mut(id).unwrap().insert(number.parse().unwrap(), request.body.clone());
        return Answer::new(200, "").header("etag", &etag(&request.body));
    }
    let mut objects = state.objects.lock().unwrap();
    let known = objects.get(&request.path).map(|content| etag(content));
    let fits = match (request.headers.get("if-match"), request.headers.get("if-none-match")) {
        (Some(wanted), _) => known.as_ref() == Some(wanted),
        (None, Some(_)) => known.is_none(),
        (None, None) => true,
    };
    if !fits {
        return Answer::error(412, "PreconditionFailed");
    }
    objects.insert(request.path.clone(), request.body.clone());
    Answer::new(200, "").header("etag", &etag(&request.body))
}

fn post(state: &State, request: &Request) -> Answer {
    let mut uploads = state.uploads.lock().unwrap();
    let Some(id) = request.query("uploadId") else {
        let id = format!("id+/{}", uploads.len());
        uploads.insert(id.clone(), BTreeMap::new());
        return Answer::new(
            200,
            format!("<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"),
        );
    };
    let parts = uploads.remove(id).unwrap();
    let list = String::from_utf8(request.body.clone()).unwrap();
    let sizes: Vec<usize> = parts.values().map(Vec::len).collect();
    let small = sizes.iter().rev().skip(1).any(|&size| size < 5 << 20);
    if small || parts.values().any(|part| !list.contains(&format!("<ETag>{}</ETag>", etag(part)))) {
        return Answer::error(200, "InvalidPart");
    }
    state.objects.lock().unwrap().insert(request.path.clone(), parts.into_values().flatten().collect());
    Answer::new(200, "<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>")
}

/// The metadata service of an instance, version 2: nothing without its token.
fn metadata(state: &State, request: &Request) -> Answer {
    let token = request.headers.get("x-aws-ec2-metadata-token").map(String::as_str);
    match (request.method.as_str(), request.path.trim_start_matches("/latest/")) {
        ("PUT", "api/token") => Answer::new(200, "instance-token"),
        _ if token != Some("instance-token") => Answer::new(401, ""),
        (_, "meta-data/iam/security-credentials/") => Answer::new(200, "our-role"),
        (_, "meta-data/iam/security-credentials/our-role") => {
            let mut role = state.rules.role.lock().unwrap();
            let (key, secret, token) = if role.len() > 1 { role.remove(0) } else { role[0] };
            Answer::new(
                200,
                serde_json::json!({
                    "Code": "Success", "Type": "AWS-HMAC", "LastUpdated": "2026-01-01T00:00:00Z",
                    "AccessKeyId": key, "SecretAccessKey": secret, "Token": token, "Expiration": "2099-01-01T00:00:00Z",
                })
                .to_string(),
            )
        }
        _ => Answer::new(404, ""),
    }
}

fn etag(content: &[u8]) -> String {
    format!("\"{:.32}\"", hex(&Sha256::digest(content)))
}

/// Whether a request is signed as it should be.
fn check(rules: &Rules, request: &Request) -> Result<(), Answer> {
    let Some(authorization) = request.headers.get("authorization") else {
        return if rules.public && request.method == "GET" { Ok(()) } else { Err(Answer::error(403, "AccessDenied")) };
    };
    let malformed = || Answer::error(400, "AuthorizationHeaderMalformed");
    let field = |name: &str| {
        let (_, rest) = authorization.split_once(&format!("{name}="))?;
        Some(rest.split(',').next()?.trim())
    };
    let credential: Vec<&str> = field("Credential").ok_or_else(malformed)?.split('/').collect();
    let [key, date, region, "s3", "aws4_request"] = credential[..] else { return Err(malformed()) };
    let (secret, token) = rules.keys.get(key).ok_or_else(|| Answer::error(403, "InvalidAccessKeyId"))?;
    let sent_token = request.headers.get("x-amz-security-token").map(String::as_str);
    if sent_token.is_some_and(|token| rules.expired.contains(&token)) {
        return Err(Answer::error(400, "ExpiredToken"));
    }
    if region != rules.region {
        return Err(Answer::error(301, "PermanentRedirect").header("x-amz-bucket-region", rules.region));
    }
    if rules.skewed {
        return Err(Answer::error(403, "RequestTimeTooSkewed"));
    }
    let names: Vec<&str> = field("SignedHeaders").ok_or_else(malformed)?.split(';').collect();
    let all_signed =
        request.headers.keys().filter(|name| name.starts_with("x-amz-")).all(|name| names.contains(&name.as_str()));
    if !all_signed || !names.contains(&"host") || sent_token != *token {
        return Err(Answer::error(403, "AccessDenied"));
    }
    if request.headers.get("x-amz-content-sha256") != Some(&hex(&Sha256::digest(&request.body))) {
        return Err(Answer::error(400, "XAmzContentSHA256Mismatch"));
    }
    let expected = signature(request, &names, secret, (date, region));
    if field("Signature") == Some(&expected) { Ok(()) } else { Err(Answer::error(403, "SignatureDoesNotMatch")) }
}

/// Signature Version 4, as Amazon's documents have it.
fn signature(request: &Request, names: &[&str], secret: &str, (date, region): (&str, &str)) -> String {
    let mut query: Vec<(String, String)> =
        request.query.iter().map(|(name, value)| (encoded(name), encoded(value))).collect();
    query.sort();
    let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let path: Vec<String> = request.path.split('/').map(|part| encoded(&decoded(part))).collect();
    let headers = names.iter().map(|name| format!("{name}:{}\n", request.headers[*name])).collect::<Vec<_>>().concat();
    let canonical = [
        &request.method,
        &path.join("/"),
        &query.join("&"),
        &headers,
        &names.join(";"),
        &request.headers["x-amz-content-sha256"],
    ]
    .map(String::as_str)
    .join("\n");
    let scope = format!("{date}/{region}/s3/aws4_request");
    let digest = hex(&Sha256::digest(canonical));
    let text = format!("AWS4-HMAC-SHA256\n{}\n{scope}\n{digest}", request.headers["x-amz-date"]);
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in [date, region, "s3", "aws4_request", &text] {
        key = hmac(&key, part.as_bytes());
    }
    hex(&key)
}

/// RFC 2104 over SHA-256.
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut block = if key.len() > 64 { Sha256::digest(key).to_vec() } else { key.to_vec() };
    block.resize(64, 0);
    let pad = |byte: u8| block.iter().map(|key| key ^ byte).collect::<Vec<u8>>();
    let inner = Sha256::digest([pad(0x36), text.to_vec()].concat());
    Sha256::digest([pad(0x5c), inner.to_vec()].concat()).to_vec()
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        if first == b'%' {
            bytes.push(u8::from_str_radix(std::str::from_utf8(&tail[..2]).unwrap(), 16).unwrap());
            rest = &tail[2..];
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// The examples of Amazon's "Signature Calculations for the Authorization Header".
#[test]
fn signatures_are_those_that_amazon_publishes() {
    let sign = |method: &str, path: &str, query: &[(&str, &str)], headers: &[(&str, &str)], body: &str| {
        let digest = hex(&Sha256::digest(body));
        let mut all = BTreeMap::from([
            ("host".to_owned(), "examplebucket.s3.amazonaws.com".to_owned()),
            ("x-amz-content-sha256".to_owned(), digest),
            ("x-amz-date".to_owned(), "20130524T000000Z".to_owned()),
        ]);
        all.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let request =
            Request { method: method.to_owned(), path: path.to_owned(), query, headers: all, body: Vec::new() };
        let names: Vec<&str> = request.headers.keys().map(String::as_str).collect();
        signature(&request, &names, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ("20130524", "us-east-1"))
    };
    assert_eq!(
        sign("GET", "/test.txt", &[], &[("range", "bytes=0-9")], ""),
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    );
    let headers = [("date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")];
    assert_eq!(
        sign("PUT", "/test%24file.text", &[], &headers, "Welcome to Amazon S3."),
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
    );
    assert_eq!(
        sign("GET", "/", &[("lifecycle", "")], &[], ""),
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
    );
    assert_eq!(
        sign("GET", "/", &[("prefix", "J"), ("max-keys", "2")], &[], ""),
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
    );
}
