use super::double::Act;
use super::*;
use crate::failure::{Class, Classified as _};
use crate::registry::{Identifier, Uploaded};

fn sent(setting: &Setting, blob: &Blob) -> u64 {
    let uploaded = setting.repository().upload(blob, &[], &unheard);
    let Uploaded::Sent(count) = uploaded.unwrap() else { panic!("it was not sent") };
    assert_eq!(setting.double.blob("team/app", &blob.digest).as_ref(), Some(&blob.bytes));
    count
}

#[test]
fn cut_at_any_byte() {
    let blob = Blob::of_size(1003);
    for part in [100_000, 400] {
        for forgets in [false, true] {
            for cut in [0, 1, 2, 399, 400, 401, 1002, 1003] {
                let mut setting = Setting::new();
                setting.registry.part = part;
                setting.double.state().forgets_cut_uploads = forgets;
                let method = if part > 1003 { "PUT" } else { "PATCH" };
                setting.double.fault(method, "", 1, Act::CutRequest(cut));
                let count = sent(&setting, &blob);
                assert!(count >= 1003, "{count}");
                // `Range: 0-0` may be nothing or one byte: then it is begun anew.
                if !forgets && part > 1003 && cut != 1 {
                    assert_eq!(setting.double.seen("POST", "").len(), 1, "cut at {cut}: it is taken up again");
                }
            }
        }
    }
}

#[test]
fn every_answer_may_break_off() {
    let blob = Blob::of_size(1003);
    for method in ["HEAD", "POST", "PATCH", "PUT"] {
        for cut in [0, 10, 30] {
            let mut setting = Setting::new();
            setting.registry.part = 400;
            setting.double.fault(method, "", 2, Act::CutAnswer(cut));
            sent(&setting, &blob);
        }
    }
}

#[test]
fn an_answer_that_was_lost_need_not_be_asked_for_again() {
    let setting = Setting::new();
    setting.double.fault("PUT", "", 1, Act::CutAnswer(0));
    assert_eq!(sent(&setting, &Blob::of_size(5)), 5);
}

#[test]
fn what_is_temporary_is_tried_again() {
    let setting = Setting::new();
    let answer = |status| Act::Answer(status, vec![], String::new());
    for (method, status) in [("HEAD", 503), ("POST", 500), ("PUT", 502), ("PUT", 408)] {
        setting.double.fault(method, "", 1, answer(status));
    }
    sent(&setting, &Blob::of_size(2000));
    assert_eq!(setting.clock.waits(), [250, 250, 250, 500]);
}

#[test]
fn patience_ends() {
    let setting = Setting::new();
    setting.double.fault("PUT", "", 100, Act::Answer(500, vec![], String::new()));
    let error = setting.repository().upload(&Blob::of_size(9), &[], &unheard).unwrap_err();
    assert!(matches!(error, Error::Status { status: 500, .. }), "{error}");
    assert_eq!(error.class(), Class::Network);
    assert_eq!(setting.clock.waits().len(), 6);
    assert!(setting.double.state().blobs.is_empty());
}

#[test]
fn retry_after_is_waited_for_within_reason() {
    let setting = Setting::new();
    let limited = |after: &str| Act::Answer(429, vec![("retry-after", after.to_owned())], String::new());
    setting.double.fault("HEAD", "", 1, limited("7"));
    // The clock stands at 08:49:44 then.
    setting.double.fault("HEAD", "", 1, limited("Sun, 06 Nov 1994 08:50:00 GMT"));
    let digest = Sha256::of(b"");
    assert!(!setting.repository().has_blob(&digest).unwrap());
    assert_eq!(setting.clock.waits(), [7000, 16_000]);
    setting.double.fault("HEAD", "", 9, limited("3600"));
    let error = setting.repository().has_blob(&digest).unwrap_err();
    assert_eq!(error.help().unwrap(), "try again in 3600 s; who is logged in may often ask for more");
    assert_eq!(setting.clock.waits().len(), 2);
}

#[test]
fn a_spoilt_upload_is_begun_anew() {
    let setting = Setting::new();
    let refusal = r#"{"errors":[{"code":"DIGEST_INVALID","message":"provided digest did not match"}]}"#;
    setting.double.fault("PUT", "", 1, Act::Answer(400, vec![], refusal.to_owned()));
    sent(&setting, &Blob::of_size(100));
    assert_eq!(setting.double.seen("POST", "").len(), 2);
}

#[test]
fn another_digest_is_an_error() {
    let setting = Setting::new();
    let other = Sha256::of(b"other").oci();
    setting.double.fault("PUT", "", 2, Act::Header("docker-content-digest", other));
    let error = setting.repository().upload(&Blob::of_size(5), &[], &unheard).unwrap_err();
    assert!(matches!(error, Error::Digest { .. }), "{error}");
    assert_eq!(error.class(), Class::Trust);
    let error = setting.repository().put_manifest(&Identifier::Tag("v1".into()), "a/b", b"{}").unwrap_err();
    assert!(matches!(error, Error::Digest { .. }), "{error}");
}

fn refusal(status: u16, body: &str) -> (String, Class, String) {
    let setting = Setting::with(password());
    setting.double.fault("POST", "", 9, Act::Answer(status, vec![], body.to_owned()));
    let error = setting.repository().upload(&Blob::of_size(5), &[], &unheard).unwrap_err();
    let host = setting.double.host();
    (error.to_string().replace(&host, "HOST"), error.class(), error.help().unwrap_or_default().replace(&host, "HOST"))
}

#[test]
fn refusals_say_what_to_do() {
    let coded = |code: &str, message: &str| format!(r#"{{"errors":[{{"code":"{code}","message":"{message}"}}]}}"#);
    let cases = [
        (403, coded("DENIED", "requested access to the resource is denied")),
        (404, coded("NAME_UNKNOWN", "app repository not found")),
        (413, "<html>Request Entity Too Large".to_owned()),
        (507, String::new()),
        (403, coded("DENIED", "quota\\u001b[31m exceeded")),
        (400, coded("TOOMANYREQUESTS", "slow down")),
        (418, "short and\nstout".to_owned()),
    ];
    let told: Vec<_> = cases.iter().map(|(status, body)| format!("{:?}", refusal(*status, body))).collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    ("HOST does not let us push to `team/app`: requested access to the resource is denied", Credentials, "run `docker login HOST`, or give `--creds USER:PASSWORD`")
    ("HOST has no repository `team/app`: app repository not found", Network, "create the repository `team/app` at HOST first, or check its name")
    ("HOST refuses blob sha256:8855508aade16ec573d21e6a485dfd0a7624085c1a14b5ecdd6485de0c6839a4 of 5 bytes as too large (HTTP 413)", Network, "a proxy before the registry may limit bodies: let it take 5 bytes or more (nginx: `client_max_body_size 0;`), or make smaller layers")
    ("HOST has no room left for `team/app`", Network, "delete images that nobody needs there, or get more room")
    ("HOST has no room left for `team/app`: quota [31m exceeded", Network, "delete images that nobody needs there, or get more room")
    ("HOST takes no more requests for now: slow down", Network, "try again later; who is logged in may often ask for more")
    ("pushing blob sha256:8855508aade16ec573d21e6a485dfd0a7624085c1a14b5ecdd6485de0c6839a4 (HOST/team/app): HTTP 418: short and stout", Network, "")
    "#);
}

#[test]
fn a_refusal_of_a_large_body_is_heard() {
    let setting = Setting::new();
    setting.double.fault("PUT", "", 9, Act::Answer(413, vec![], String::new()));
    let blob = Blob::of_size(20 << 20);
    let error = setting.repository().upload(&blob, &[], &unheard).unwrap_err();
    assert!(matches!(error, Error::RefusedSize { size: 20_971_520, .. }), "{error}");
    assert!(error.help().unwrap().contains("client_max_body_size"));
}

#[test]
fn nobody_is_there() {
    let setting = Setting::new();
    let reference: Reference = "127.0.0.1:1/a".parse().unwrap();
    let repository = setting.registry.repository(&reference);
    let error = repository.has_blob(&Sha256::of(b"")).unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert_eq!(setting.clock.waits(), [250, 500]);
    // The next one does not wait for it again.
    assert!(repository.has_blob(&Sha256::of(b"")).is_err());
    assert_eq!(setting.clock.waits().len(), 2);
}

#[test]
fn offline_is_obeyed() {
    let setting = Setting::new();
    let settings = Settings { offline: true, ..settings(&setting.clock) };
    let registry = Registry::new(settings, Arc::new(NoCredentials)).unwrap();
    let error = registry.repository(&setting.reference()).has_blob(&Sha256::of(b"")).unwrap_err();
    assert!(matches!(error, Error::Offline { .. }), "{error}");
    assert_eq!(setting.double.connections(), 0);
}

#[test]
fn authorities_must_be_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    let clock = Arc::new(TestClock::default());
    let with = || Registry::new(Settings { ca_file: Some(path.clone()), ..settings(&clock) }, Arc::new(NoCredentials));
    assert!(matches!(with(), Err(Error::CaFile { .. })));
    std::fs::write(&path, "no certificate").unwrap();
    assert!(matches!(with(), Err(Error::CaFile { .. })));
}
