use super::double::{Act, Gate, parameter};
use super::*;
use crate::failure::Classified as _;
use crate::registry::Uploaded;

const ALICE: &str = "Basic YWxpY2U6czNjcmV0LXdvcmQ=";

fn has(setting: &Setting) -> Result<bool, Error> {
    setting.repository().has_blob(&Sha256::of(b""))
}

#[test]
fn basic_is_shown_when_it_is_asked_for() {
    let setting = Setting::with(password());
    setting.double.state().gate = Gate::Exactly(ALICE, r#"Basic realm="a, Bearer b", Negotiate"#);
    assert!(!has(&setting).unwrap());
    assert!(!has(&setting).unwrap());
    let shown: Vec<_> =
        setting.double.seen("HEAD", "").iter().map(|seen| seen.header("authorization").is_some()).collect();
    assert_eq!(shown, [false, true, true]);
}

#[test]
fn nobody_and_somebody_else_are_told_to_log_in() {
    let nobody = Setting::new();
    nobody.double.state().gate = Gate::Exactly(ALICE, "Basic realm=x");
    let error = has(&nobody).unwrap_err();
    let host = nobody.double.host();
    assert_eq!(error.to_string(), format!("{host} wants credentials for `team/app`"));
    assert_eq!(error.help().unwrap(), format!("run `docker login {host}`, or give `--creds USER:PASSWORD`"));
    let other = Setting::with(password());
    other.double.state().gate = Gate::Exactly("Basic other", "Basic realm=x");
    let echo = r#"{"errors":[{"code":"UNAUTHORIZED","message":"no s3cret-word here"}]}"#;
    other.double.fault(
        "GET",
        "manifests",
        9,
        Act::Answer(401, vec![("www-authenticate", "Basic".into())], echo.into()),
    );
    let error = other.repository().manifest(&super::super::Identifier::Tag("v1".into())).unwrap_err();
    assert!(matches!(error, Error::Unauthorized { shown: true, .. }), "{error}");
    assert!(error.to_string().ends_with(": no … here"), "{error}");
    assert!(error.help().unwrap().starts_with("they may have expired: "));
    assert_eq!(other.double.log().len(), 2);
}

#[test]
fn a_token_does_for_many_requests() {
    let setting = Setting::with(password());
    setting.double.state().gate = Gate::Tokens(Some(ALICE.to_owned()));
    let repository = setting.repository().for_push();
    std::thread::scope(|scope| {
        for size in 1..5 {
            let repository = &repository;
            scope.spawn(move || repository.upload(&Blob::of_size(size), &[], &unheard).unwrap());
        }
    });
    let asked = setting.double.seen("GET", "/token");
    assert_eq!(asked.len(), 1, "{:?}", setting.double.log());
    assert_eq!(asked[0].target, "/token?kept=1&service=double%2C%20inc&scope=repository%3Ateam%2Fapp%3Apull%2Cpush");
}

#[test]
fn nobody_gets_a_token_too() {
    let setting = Setting::new();
    setting.double.state().gate = Gate::Tokens(None);
    assert!(!has(&setting).unwrap());
    let asked = setting.double.seen("GET", "/token");
    assert_eq!(asked[0].header("authorization"), None);
    assert!(asked[0].target.ends_with("scope=repository%3Ateam%2Fapp%3Apull"), "{}", asked[0].target);
}

#[test]
fn an_identity_token_is_posted() {
    let setting = Setting::with(Arc::new(Known(Credentials::Identity(Secret::new("identity-1")))));
    setting.double.state().gate = Gate::Tokens(Some("identity-1".to_owned()));
    assert!(!has(&setting).unwrap());
    let form = String::from_utf8(setting.double.seen("POST", "/token")[0].body.clone()).unwrap();
    assert_eq!(parameter(&form, "grant_type").as_deref(), Some("refresh_token"));
    assert_eq!(parameter(&form, "scope").as_deref(), Some("repository:team/app:pull"));
    assert_eq!(parameter(&form, "client_id").as_deref(), Some("dumbc"));
}

#[test]
fn a_registrys_own_token_goes_to_it_directly() {
    let setting = Setting::with(Arc::new(Known(Credentials::Bearer(Secret::new("own-token")))));
    setting.double.state().gate = Gate::Tokens(None);
    setting.double.state().tokens.insert("own-token".to_owned());
    assert!(!has(&setting).unwrap());
    assert_eq!(setting.double.seen("GET", "/token").len(), 0);
    setting.double.state().tokens.clear();
    assert!(matches!(has(&setting), Err(Error::Unauthorized { shown: true, .. })));
}

#[test]
fn a_mount_asks_for_both_repositories() {
    let setting = Setting::with(password());
    setting.double.state().gate = Gate::Tokens(Some(ALICE.to_owned()));
    let blob = Blob::of_size(5);
    setting.double.put_blob("team/base", &blob.bytes);
    let uploaded = setting.repository().upload(&blob, &["team/base".to_owned()], &unheard).unwrap();
    assert_eq!(uploaded, Uploaded::Mounted("team/base".to_owned()));
    let asked = setting.double.seen("GET", "/token");
    assert!(asked[1].target.ends_with("&scope=repository%3Ateam%2Fbase%3Apull"), "{}", asked[1].target);
}

#[test]
fn tokens_are_got_anew_before_they_end() {
    let setting = Setting::with(password());
    setting.double.state().gate = Gate::Tokens(Some(ALICE.to_owned()));
    setting.double.state().token_fields = r#","expires_in":300"#.to_owned();
    for (seconds, tokens) in [(0, 1), (280, 1), (15, 2)] {
        setting.clock.pass(Duration::from_secs(seconds));
        assert!(!has(&setting).unwrap());
        assert_eq!(setting.double.seen("GET", "/token").len(), tokens);
    }
    let refused = setting.double.seen("HEAD", "").len();
    assert_eq!(refused, 4, "only the first request was refused");
}

#[test]
fn tokens_may_end_in_mid_push() {
    for (part, method) in [(1 << 20, "PUT"), (400, "PATCH"), (400, "PUT")] {
        let mut setting = Setting::with(password());
        setting.registry.part = part;
        setting.double.state().gate = Gate::Tokens(Some(ALICE.to_owned()));
        let refusal = Act::Answer(
            401,
            vec![("www-authenticate", format!("Bearer realm=\"http://{}/token\"", setting.double.host()))],
            String::new(),
        );
        setting.double.fault(method, "", 1, refusal);
        let blob = Blob::of_size(1000);
        assert!(matches!(setting.repository().upload(&blob, &[], &unheard).unwrap(), Uploaded::Sent(_)));
        assert_eq!(setting.double.blob("team/app", &blob.digest), Some(blob.bytes));
        assert_eq!(setting.double.seen("GET", "/token").len(), 2);
        let begun = setting.double.seen("POST", "uploads").len();
        assert_eq!(begun, 1, "it is taken up again");
        assert_eq!(setting.clock.waits(), Vec::<u128>::new());
    }
}

#[test]
fn a_token_that_never_does_ends_it() {
    let setting = Setting::with(password());
    setting.double.state().gate = Gate::Tokens(Some(ALICE.to_owned()));
    let refusal = Act::Answer(
        401,
        vec![(
            "www-authenticate",
            format!("Bearer realm=\"http://{}/token\",error=\"insufficient_scope\"", setting.double.host()),
        )],
        String::new(),
    );
    setting.double.fault("PUT", "", 9, refusal.clone());
    let error = setting.repository().upload(&Blob::of_size(100), &[], &unheard).unwrap_err();
    assert!(matches!(error, Error::Unauthorized { .. }), "{error}");
    setting.double.fault("POST", "", 9, refusal);
    let error = setting.repository().upload(&Blob::of_size(101), &[], &unheard).unwrap_err();
    assert!(matches!(error, Error::Denied { push: true, shown: true, .. }), "{error}");
}

#[test]
fn the_token_server_refuses_or_stumbles() {
    let setting = Setting::with(password());
    setting.double.state().gate = Gate::Tokens(Some("Basic somebody else".to_owned()));
    assert!(matches!(has(&setting), Err(Error::Unauthorized { shown: true, .. })));
    setting.double.state().gate = Gate::Tokens(Some(ALICE.to_owned()));
    setting.double.fault("GET", "/token", 2, Act::Answer(503, vec![], String::new()));
    assert!(!has(&setting).unwrap());
    assert_eq!(setting.clock.waits(), [250, 500]);
    setting.double.state().tokens.clear();
    setting.double.fault("GET", "/token", 1, Act::Answer(200, vec![], r#"{"token":"s3cret\n"}"#.into()));
    let error = has(&setting).unwrap_err();
    assert!(matches!(error, Error::Malformed { .. }), "{error}");
    assert!(!error.to_string().contains("s3cret"), "{error}");
}

#[test]
fn no_password_goes_over_an_open_line() {
    let setting = Setting::with(password());
    setting.double.state().gate = Gate::Tokens(None);
    setting.double.state().realm = Some("http://tokens.example.org/token?x=y".to_owned());
    let error = has(&setting).unwrap_err();
    assert!(matches!(&error, Error::OpenRealm { realm, .. } if realm == "http://tokens.example.org/token"), "{error}");
    setting.double.state().gate = Gate::Exactly("x", "Negotiate, Digest realm=y");
    assert!(matches!(has(&setting), Err(Error::Challenge { .. })));
}

#[test]
fn a_refused_head_is_asked_again_for_the_words() {
    let setting = Setting::with(password());
    setting.double.state().gate = Gate::Exactly("Basic other", "Basic realm=x");
    let error = has(&setting).unwrap_err();
    assert!(error.to_string().ends_with("refuses the credentials for `team/app`: it is UNAUTHORIZED"), "{error}");
    setting.double.state().gate = Gate::Open;
    let words = r#"{"errors":[{"code":"DENIED","message":"this app is another's"}]}"#;
    for method in ["HEAD", "GET"] {
        setting.double.fault(method, "manifests", 1, Act::Answer(403, vec![], words.into()));
    }
    let tag = super::super::Identifier::Tag("v1".into());
    let error = setting.repository().head_manifest(&tag).unwrap_err();
    assert!(matches!(&error, Error::Denied { said, .. } if said == "this app is another's"), "{error}");
    // Where the second answer is another one, the first counts.
    setting.double.fault("HEAD", "manifests", 1, Act::Answer(403, vec![], String::new()));
    let error = setting.repository().head_manifest(&tag).unwrap_err();
    assert!(matches!(&error, Error::Denied { said, .. } if said.is_empty()), "{error}");
}
