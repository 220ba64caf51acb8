//! A server that speaks as S3 does, in this process: it works out every signature itself. Stops when it is dropped.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use sha2::{Digest as _, Sha256};

use super::clouds::hmac;
use super::listener::{Answer, Listener, decoded};

pub(crate) use super::listener::Request;

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
}

pub(crate) struct S3 {
    listener: Listener,
    state: Arc<State>,
}

impl S3 {
    pub(crate) fn start(rules: Rules) -> Self {
        let (objects, uploads, seen) = Default::default();
        let state = Arc::new(State { rules, objects, uploads, seen });
        let shared = Arc::clone(&state);
        let listener = Listener::answering(move |request| {
            shared.seen.lock().unwrap().push(request.clone());
            answer(&shared, request)
        });
        Self { listener, state }
    }

    /// Rules of a bucket in `region` whose owner is `AKIDEXAMPLE` with `secret`.
    pub(crate) fn owned() -> Rules {
        Rules { region: "us-east-1", keys: [("AKIDEXAMPLE", ("s3cret-example", None))].into(), ..Rules::default() }
    }

    /// `127.0.0.1:port`
    pub(crate) fn host(&self) -> String {
        self.listener.address().to_string()
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

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

fn encoded(text: &str) -> String {
    const PLAIN: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    percent_encoding::utf8_percent_encode(text, PLAIN).to_string()
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
        let request = Request {
            method: method.to_owned(),
            target: String::new(),
            path: path.to_owned(),
            query,
            headers: all,
            body: Vec::new(),
        };
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
