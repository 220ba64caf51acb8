//! The client: retries, ranges, credentials, redirects.

use std::io::Read as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dumbc::cache::http::{Answer, Conditions, Fetched, Http, HttpError, HttpSettings, Netrc, Proxies, Tokens, Url};
use dumbc::failure::{Class, Classified as _};

use super::http;
use crate::support::clock::FakeClock;
use crate::support::proxy::Proxy;
use crate::support::server::{Fault, Server};

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

fn fetch(server: &Server, path: &str) -> Result<Answer, HttpError> {
    http(&Arc::new(FakeClock::new()), false, Netrc::default()).fetch_bytes(
        &url(&server.url(path)),
        1 << 20,
        Conditions::default(),
    )
}

fn body(answer: Result<Answer, HttpError>) -> Fetched {
    match answer {
        Ok(Answer::Body(document)) => document,
        other => panic!("no document: {other:?}"),
    }
}

/// Bytes that show where they stand.
fn pattern(length: u32) -> Vec<u8> {
    (0..length / 4).flat_map(u32::to_be_bytes).collect()
}

#[test]
fn temporary_faults_are_waited_out() {
    let server = Server::start()
        .file("/x", "content")
        .status("/x", 503)
        .fault("/x", Fault::Close)
        .fault("/x", Fault::Status(429, vec![("retry-after", "7".into())]))
        .fault("/x", Fault::CutAt(3));
    let clock = Arc::new(FakeClock::new());
    let client = http(&clock, false, Netrc::default());
    let document = body(client.fetch_bytes(&url(&server.url("/x")), 100, Conditions::default()));
    assert_eq!(document.bytes, b"content");
    assert_eq!(server.count("/x"), 5);
    assert_eq!(clock.waits(), [250, 500, 7000, 2000].map(Duration::from_millis));
}

#[test]
fn a_date_to_retry_after_is_understood_and_capped() {
    let date = httpdate::fmt_http_date(std::time::UNIX_EPOCH + Duration::from_secs(1_700_003_600));
    let server = Server::start().file("/x", "y").fault("/x", Fault::Status(503, vec![("retry-after", date)]));
    let clock = Arc::new(FakeClock::new());
    body(http(&clock, false, Netrc::default()).fetch_bytes(&url(&server.url("/x")), 100, Conditions::default()));
    assert_eq!(clock.waits(), [Duration::from_mins(1)]);
}

#[test]
fn a_server_that_stays_broken_is_given_up() {
    let server = (0..9).fold(Server::start().file("/x", "y"), |server, _| server.status("/x", 500));
    let fault = fetch(&server, "/x").unwrap_err();
    assert!(matches!(fault, HttpError::Status { status: 500, .. }), "{fault}");
    assert_eq!((fault.class(), server.count("/x")), (Class::Network, 5));
}

#[test]
fn absence_is_an_answer() {
    let server = Server::start().status("/b", 403).status("/c", 410).status("/d", 418);
    for (path, expected) in [("/a", 404), ("/b", 403), ("/c", 410)] {
        assert!(matches!(fetch(&server, path), Ok(Answer::Absent { status }) if status == expected), "{path}");
        assert_eq!(server.count(path), 1);
    }
    assert!(matches!(fetch(&server, "/d"), Err(HttpError::Status { status: 418, .. })));
}

#[test]
fn documents_have_limits_and_encodings() {
    let packed = zstd::encode_all(&[b'x'; 5000][..], 3).unwrap();
    let server = Server::start()
        .file("/big", vec![0; 2 << 20])
        .file("/chunks", vec![0; 2 << 20])
        .fault("/chunks", Fault::Chunked)
        .file("/packed", packed)
        .header("/packed", "content-encoding", "zstd");
    assert!(matches!(fetch(&server, "/big"), Err(HttpError::TooLarge { .. })));
    assert!(matches!(fetch(&server, "/chunks"), Err(HttpError::TooLarge { .. })));
    assert_eq!(body(fetch(&server, "/packed")).bytes, [b'x'; 5000]);
}

#[test]
fn an_etag_spares_the_body() {
    let server = Server::start().file("/x", "y").header("/x", "etag", "\"1\"").header("/x", "content-type", "text/x");
    let document = body(fetch(&server, "/x"));
    assert_eq!((document.etag.as_deref(), document.content_type.as_deref()), (Some("\"1\""), Some("text/x")));
    let client = http(&Arc::new(FakeClock::new()), false, Netrc::default());
    let again = Conditions { etag: Some("\"1\""), accept: Some("application/json"), ..Conditions::default() };
    assert!(matches!(client.fetch_bytes(&url(&server.url("/x")), 9, again), Ok(Answer::NotModified)));
    let request = server.seen().pop().unwrap();
    assert_eq!(request.headers["accept"], "application/json");
    assert_eq!(request.headers["user-agent"], concat!("dumbc/", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_download_goes_on_where_it_broke_off() {
    let content = pattern(400_000);
    let server = Server::start()
        .file("/x", content.clone())
        .header("/x", "etag", "\"1\"")
        .fault("/x", Fault::CutAt(100_000))
        .fault("/x", Fault::CutAt(50_000));
    let client = http(&Arc::new(FakeClock::new()), false, Netrc::default());
    let mut found = Vec::new();
    client.open(&url(&server.url("/x"))).unwrap().read_to_end(&mut found).unwrap();
    assert!(found == content);
    let ranges: Vec<_> = server.seen().iter().map(|seen| seen.headers.get("range").cloned()).collect();
    assert_eq!(ranges, [None, Some("bytes=100000-".into()), Some("bytes=150000-".into())]);
    assert_eq!(server.seen()[1].headers["if-range"], "\"1\"");
}

#[test]
fn a_server_without_ranges_is_read_up_to_where_we_were() {
    let content = pattern(400_000);
    let server =
        Server::start().file("/x", content.clone()).fault("/x", Fault::CutAt(100_000)).fault("/x", Fault::IgnoreRange);
    let mut found = Vec::new();
    let client = http(&Arc::new(FakeClock::new()), false, Netrc::default());
    assert_eq!(client.fetch_to(&url(&server.url("/x")), 400_000, &mut found).unwrap(), 400_000);
    assert!(found == content);
}

#[test]
fn a_file_that_changed_meanwhile_is_not_joined() {
    let server = Server::start()
        .file("/x", pattern(400_000))
        .fault("/x", Fault::CutAt(100_000))
        .fault("/x", Fault::Status(206, vec![("content-range", "bytes 100000-399999/500000".into())]));
    let client = http(&Arc::new(FakeClock::new()), false, Netrc::default());
    let fault = client.fetch_to(&url(&server.url("/x")), 1 << 20, &mut Vec::new()).unwrap_err();
    assert!(fault.to_string().contains("changed while it was read"), "{fault}");
}

#[test]
fn a_download_that_always_breaks_ends() {
    let server =
        (0..99).fold(Server::start().file("/x", pattern(400_000)), |server, _| server.fault("/x", Fault::CutAt(1)));
    let client = http(&Arc::new(FakeClock::new()), false, Netrc::default());
    let fault = client.fetch_to(&url(&server.url("/x")), 1 << 20, &mut Vec::new()).unwrap_err();
    assert!(matches!(fault, HttpError::Interrupted { .. }), "{fault}");
    assert!(server.count("/x") < 40);
}

#[test]
fn credentials_stay_with_their_host() {
    let other = Server::start().file("/target", "content");
    // The same machine under another name is another host.
    let elsewhere = format!("http://localhost:{}/target", other.port());
    let server = Server::start()
        .password("alice:secret")
        .file("/x", "y")
        .fault("/away", Fault::Status(302, vec![("location", elsewhere)]))
        .fault("/near", Fault::Status(302, vec![("location", "x".into())]));
    let netrc = Netrc::parse("machine 127.0.0.1 login alice password secret");
    let client = http(&Arc::new(FakeClock::new()), false, netrc);
    let fetch = |path: &str| client.fetch_bytes(&url(&server.url(path)), 100, Conditions::default());
    assert_eq!(body(fetch("/near")).bytes, b"y");
    let away = body(fetch("/away"));
    assert_eq!(away.bytes, b"content");
    assert!(away.url.to_string().contains("localhost"));
    assert!(!other.seen()[0].headers.contains_key("authorization"));
    let in_address = url(&format!("http://alice:secret@127.0.0.1:{}/x", server.port()));
    let bare = http(&Arc::new(FakeClock::new()), false, Netrc::default());
    assert_eq!(body(bare.fetch_bytes(&in_address, 100, Conditions::default())).bytes, b"y");
}

#[test]
fn missing_credentials_are_named_and_never_shown() {
    let server = Server::start().password("alice:secret").file("/x", "y");
    let client = http(&Arc::new(FakeClock::new()), false, Netrc::default());
    let wrong = url(&format!("http://alice:hunter2@127.0.0.1:{}/x", server.port()));
    let fault = client.fetch_bytes(&wrong, 100, Conditions::default()).unwrap_err();
    assert_eq!(fault.class(), Class::Credentials);
    assert!(fault.help().unwrap().contains("~/.netrc"));
    assert!(!format!("{fault} {fault:?}").contains("hunter2"));
}

#[test]
fn redirects_end() {
    let server = (0..20)
        .fold(Server::start(), |server, _| server.fault("/x", Fault::Status(301, vec![("location", "/x".into())])));
    assert!(matches!(fetch(&server, "/x"), Err(HttpError::Redirect { .. })));
    let to_disk = Server::start().fault("/x", Fault::Status(301, vec![("location", "file:///etc/passwd".into())]));
    assert!(matches!(fetch(&to_disk, "/x"), Err(HttpError::Redirect { .. })));
}

#[test]
fn an_unreachable_host_is_tried_for_one_request_only() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/x", listener.local_addr().unwrap());
    drop(listener);
    let clock = Arc::new(FakeClock::new());
    let client = http(&clock, false, Netrc::default());
    for _ in 0..3 {
        let fault = client.fetch_bytes(&url(&address), 100, Conditions::default()).unwrap_err();
        assert!(matches!(fault, HttpError::Unreachable { .. }), "{fault}");
        assert_eq!(fault.class(), Class::Network);
    }
    assert_eq!(clock.waits(), [250, 500].map(Duration::from_millis));
}

#[test]
fn a_silent_host_is_said_within_ten_seconds() {
    let start = Instant::now();
    let client = http(&Arc::new(FakeClock::new()), false, Netrc::default());
    // A name that can't exist (RFC 6761): resolvers answer at once, or not at all.
    let fault = client.fetch_bytes(&url("http://no.such.host.invalid/x"), 100, Conditions::default()).unwrap_err();
    assert!(matches!(&fault, HttpError::Unreachable { host, .. } if host == "no.such.host.invalid:80"), "{fault}");
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn offline_asks_nobody() {
    let server = Server::start().file("/x", "y");
    let client = http(&Arc::new(FakeClock::new()), true, Netrc::default());
    let fault = client.fetch_bytes(&url(&server.url("/x")), 100, Conditions::default()).unwrap_err();
    assert!(matches!(fault, HttpError::Offline { .. }));
    assert!(server.seen().is_empty());
}

#[test]
fn proxies_are_used_except_for_hosts_that_need_none() {
    let (proxy, server) = (Proxy::start(), Server::start().file("/x", "y"));
    let fetch = |exceptions: &str| {
        let proxies = Proxies::from_variables(|name| match name {
            "http_proxy" => Some(proxy.url()),
            "no_proxy" => Some(exceptions.to_owned()),
            _ => None,
        });
        let clock = Arc::new(FakeClock::new());
        let client = Http::new(HttpSettings {
            offline: false,
            netrc: Netrc::default(),
            tokens: Tokens::default(),
            proxies,
            clock,
        });
        body(client.fetch_bytes(&url(&server.url("/x")), 100, Conditions::default())).bytes
    };
    assert_eq!(fetch("example.org"), b"y");
    let heads = proxy.heads();
    assert_eq!(heads.len(), 1);
    assert!(heads[0][0].starts_with(&format!("CONNECT 127.0.0.1:{} ", server.port())), "{heads:?}");
    assert!(heads[0].iter().any(|line| line == "Proxy-Authorization: Basic dXNlcjpwYXNz"), "{heads:?}");
    assert_eq!(fetch("127.0.0.1"), b"y");
    assert_eq!(proxy.heads().len(), 1);
}
