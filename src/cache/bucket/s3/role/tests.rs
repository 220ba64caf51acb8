//! Roles, against a token service that works out every signature itself.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqsign_core::{Context, FileRead, HttpSend, StaticEnv};
use sha2::{Digest as _, Sha256};
use ureq::http::{Request, Response};

use super::*;

/// Secrets by access key, and what roles give.
const KEYS: [(&str, &str); 3] = [
    ("AKIDSOURCEEXAMPLE0", "source-s3cret"),
    ("ASIDFIRSTEXAMPLE00", "first-s3cret"),
    ("ASIDSECONDEXAMPLE0", "second-s3cret"),
];

#[derive(Debug, Clone)]
struct Files(HashMap<&'static str, String>);

impl FileRead for Files {
    async fn file_read(&self, path: &str) -> reqsign_core::Result<Vec<u8>> {
        let text = self.0.get(path).ok_or_else(|| reqsign_core::Error::config_invalid("no such file"))?;
        Ok(text.clone().into_bytes())
    }
}

/// Gives the next of [`KEYS`] to whoever has one and signs for it.
#[derive(Debug, Clone, Default)]
struct Service(Arc<Mutex<Vec<String>>>);

impl HttpSend for Service {
    async fn http_send(&self, request: Request<Bytes>) -> reqsign_core::Result<Response<Bytes>> {
        let authorization = request.headers()["authorization"].to_str().unwrap();
        let index = KEYS.iter().position(|(key, _)| authorization.contains(&format!("Credential={key}/")));
        let good = index.filter(|&index| authorization.ends_with(&signature(&request, KEYS[index].1)));
        self.0.lock().unwrap().push(request.uri().to_string());
        let Some((key, secret)) = good.and_then(|index| KEYS.get(index + 1)) else {
            let refusal =
                "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>";
            return Ok(Response::builder().status(403).body(Bytes::from_static(refusal.as_bytes())).unwrap());
        };
        let answer = format!(
            "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>\
             <SessionToken>token-of-{key}</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
        );
        Ok(Response::new(answer.into()))
    }
}

/// Signature Version 4, as Amazon's documents have it, of a request without a body.
fn signature(request: &Request<Bytes>, secret: &str) -> String {
    let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
    let authorization = header("authorization");
    let field = |name: &str| authorization.split_once(name).unwrap().1.split(',').next().unwrap().trim().to_owned();
    let (scope, names) = (field("Credential="), field("SignedHeaders="));
    let scope: Vec<&str> = scope.split('/').collect();
    let host = request.uri().host().unwrap();
    let line = |name: &str| format!("{name}:{}\n", if name == "host" { host.to_owned() } else { header(name) });
    let headers = names.split(';').map(line).collect::<Vec<_>>().concat();
    let query: BTreeMap<&str, &str> =
        request.uri().query().unwrap().split('&').map(|pair| pair.split_once('=').unwrap()).collect();
    let query: Vec<String> =
        query.iter().map(|(name, value)| format!("{name}={}", value.replace('+', "%20"))).collect();
    let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
    let canonical =
        format!("GET\n/\n{}\n{headers}\n{names}\n{}", query.join("&"), hex(&Sha256::digest(request.body())));
    let text = format!(
        "AWS4-HMAC-SHA256\n{}\n{}\n{}",
        header("x-amz-date"),
        scope[1..].join("/"),
        hex(&Sha256::digest(canonical))
    );
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in scope[1..].iter().copied().chain([text.as_str()]) {
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(part.as_bytes());
        key = mac.finalize().into_bytes().to_vec();
    }
    hex(&key)
}

const SOURCE: &str = "[source]\naws_access_key_id = AKIDSOURCEEXAMPLE0\naws_secret_access_key = source-s3cret\n";

fn world(config: &str, credentials: &str, variables: &[(&str, &str)]) -> (Context, Service) {
    let files = [("/home/u/.aws/config", config.to_owned()), ("/home/u/.aws/credentials", credentials.to_owned())];
    let envs = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let service = Service::default();
    let context = Context::new()
        .with_file_read(Files(files.into()))
        .with_http_send(service.clone())
        .with_env(StaticEnv { home_dir: Some("/home/u".into()), envs });
    (context, service)
}

#[test]
fn a_profile_takes_the_role_that_it_names() {
    let config = "[profile team]\nrole_arn = arn:aws:iam::123456789012:role/reader\nsource_profile = source\n\
                  external_id = ours\nduration_seconds = 900\nregion = eu-west-1\n";
    let (context, service) = world(config, SOURCE, &[]);
    let found = take("team", "us-east-1", &context).unwrap().unwrap();
    assert_eq!(found.access_key_id, "ASIDFIRSTEXAMPLE00");
    assert_eq!(found.session_token.as_deref(), Some("token-of-ASIDFIRSTEXAMPLE00"));
    assert!(found.expires_in.is_some(), "and is asked for again then");
    let asked = service.0.lock().unwrap().concat();
    for part in [
        "https://sts.eu-west-1.amazonaws.com/?",
        "role%2Freader",
        "ExternalId=ours",
        "DurationSeconds=900",
        "RoleSessionName=dumbc",
    ] {
        assert!(asked.contains(part), "{part}: {asked}");
    }
}

#[test]
fn a_role_may_be_asked_for_by_a_role_or_by_the_environment() {
    let config = "[profile far]\nrole_arn = arn:aws:iam::123456789012:role/far\nsource_profile = near\n\
                  [profile near]\nrole_arn = arn:aws:iam::123456789012:role/near\ncredential_source = Environment\n";
    let variables = [("AWS_ACCESS_KEY_ID", "AKIDSOURCEEXAMPLE0"), ("AWS_SECRET_ACCESS_KEY", "source-s3cret")];
    let (context, service) = world(config, "", &variables);
    assert_eq!(take("far", "us-east-1", &context).unwrap().unwrap().access_key_id, "ASIDSECONDEXAMPLE0");
    let asked = service.0.lock().unwrap();
    assert!(asked[0].contains("role%2Fnear") && asked[1].contains("role%2Ffar"), "{asked:?}");
}

#[test]
fn a_profile_without_a_role_has_none() {
    let (context, service) = world("", SOURCE, &[]);
    assert!(take("source", "us-east-1", &context).unwrap().is_none());
    assert!(take("nobody", "us-east-1", &context).unwrap().is_none());
    assert!(service.0.lock().unwrap().is_empty());
}

#[test]
fn what_stands_in_the_way_is_told_without_secrets() {
    let role = "[profile team]\nrole_arn = arn:aws:iam::123456789012:role/reader\n";
    let round = "[profile a]\nrole_arn = arn:aws:iam::123456789012:role/a\nsource_profile = b\n\
                 [profile b]\nrole_arn = arn:aws:iam::123456789012:role/b\nsource_profile = a\n";
    let wrong = SOURCE.replace("source-s3cret", "wr0ng-s3cret");
    for (config, credentials, profile, expected) in [
        (role.to_owned(), SOURCE, "team", "needs one good `source_profile`"),
        (
            format!("{role}source_profile = source\nmfa_serial = arn:aws:iam::123456789012:mfa/u\n"),
            SOURCE,
            "team",
            "mfa_serial",
        ),
        (format!("{role}source_profile = nobody\n"), SOURCE, "team", "the profile `nobody`, which asks for its role"),
        (format!("{role}source_profile = source\n"), wrong.as_str(), "team", "role/reader` is not given"),
        (round.to_owned(), SOURCE, "a", "leads on and on"),
        ("[profile team\nrole_arn".to_owned(), SOURCE, "team", "malformed"),
    ] {
        let (context, _) = world(&config, credentials, &[]);
        let error = take(profile, "us-east-1", &context).map(drop).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    }
}
