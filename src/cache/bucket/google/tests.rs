//! Files with Google's credentials, and a token endpoint that looks at what it is shown.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use reqsign_core::{FileRead, HttpSend, StaticEnv};
use rsa::pkcs1v15::{Signature, VerifyingKey};
use rsa::pkcs8::{EncodePrivateKey as _, LineEnding};
use rsa::signature::Verifier as _;
use rsa::{RsaPrivateKey, RsaPublicKey};
use ureq::http::{Request, Response};

use super::super::signer::{Cloud as _, Signer};
use super::*;
use crate::cache::http::Authorize as _;

#[derive(Debug)]
struct File(String);

impl FileRead for File {
    async fn file_read(&self, path: &str) -> reqsign_core::Result<Vec<u8>> {
        match path {
            "/ours.json" => Ok(self.0.clone().into_bytes()),
            _ => Err(reqsign_core::Error::config_invalid("no such file")),
        }
    }
}

/// Google's token endpoint: gives a token for an assertion that is signed with this key, or for the log-in.
#[derive(Debug, Clone)]
struct Tokens {
    key: Option<RsaPublicKey>,
    asked: Arc<Mutex<usize>>,
}

impl HttpSend for Tokens {
    async fn http_send(&self, request: Request<Bytes>) -> reqsign_core::Result<Response<Bytes>> {
        *self.asked.lock().unwrap() += 1;
        assert_eq!(request.uri(), "https://oauth2.googleapis.com/token");
        let body = String::from_utf8(request.body().to_vec()).unwrap();
        let good = self.key.as_ref().map_or_else(|| is_log_in(&body), |key| is_signed(&body, key));
        let (status, answer) = if good {
            (200, r#"{"access_token":"t0ken","expires_in":3600}"#)
        } else {
            (400, r#"{"error":"invalid_grant"}"#)
        };
        Ok(Response::builder().status(status).body(Bytes::from_static(answer.as_bytes())).unwrap())
    }
}

/// RFC 7523: who, for what, to whom, until when, and signed.
fn is_signed(body: &str, key: &RsaPublicKey) -> bool {
    let form: BTreeMap<_, _> = body.split('&').filter_map(|pair| pair.split_once('=')).collect();
    assert!(form["grant_type"].ends_with("jwt-bearer"));
    let (signed, signature) = form["assertion"].rsplit_once('.').unwrap();
    let claims = BASE64URL_NOPAD.decode(signed.split_once('.').unwrap().1.as_bytes()).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["iss"], "builder@ours.iam.gserviceaccount.com");
    assert_eq!(claims["aud"], "https://oauth2.googleapis.com/token");
    assert!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap() <= 3600);
    let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
    let signature = Signature::try_from(signature.as_slice()).unwrap();
    VerifyingKey::<rsa::sha2::Sha256>::new(key.clone()).verify(signed.as_bytes(), &signature).is_ok()
}

fn is_log_in(body: &str) -> bool {
    let form: serde_json::Value = serde_json::from_str(body).unwrap();
    form["grant_type"] == "refresh_token" && form["refresh_token"] == "refresh-s3cret" && form["client_id"] == "gcloud"
}

fn cloud(file: String, tokens: Tokens) -> Cloud {
    let envs = [(FILE.to_owned(), "/ours.json".to_owned())].into();
    let context =
        Context::new().with_file_read(File(file)).with_http_send(tokens).with_env(StaticEnv { home_dir: None, envs });
    Cloud { place: Place::parse("ours", &[]).unwrap(), is_trusted: true, context }
}

fn account(key: &RsaPrivateKey) -> String {
    let pem = key.to_pkcs8_pem(LineEnding::LF).unwrap();
    serde_json::json!({ "type": "service_account", "client_email": "builder@ours.iam.gserviceaccount.com", "private_key": pem.as_str() })
        .to_string()
}

fn key() -> RsaPrivateKey {
    RsaPrivateKey::new(&mut rand::rngs::OsRng, 2048).unwrap()
}

#[test]
fn a_service_account_signs_for_a_token_that_requests_show() {
    let key = key();
    let tokens = Tokens { key: Some(key.to_public_key()), asked: Arc::default() };
    let signer = Signer::new(cloud(account(&key), tokens.clone()));
    let url = "https://storage.googleapis.com/ours/x".parse().unwrap();
    let head = Head { method: "GET", url: &url, headers: &[("range", "bytes=1-")], digest: None, length: None };
    for _ in 0..3 {
        let sent = signer.sign(&head).unwrap();
        assert_eq!(sent.target, "https://storage.googleapis.com/ours/x");
        assert_eq!(
            sent.headers,
            [("range", "bytes=1-"), ("authorization", "Bearer t0ken")].map(|(name, value)| (name.into(), value.into()))
        );
    }
    assert_eq!(*tokens.asked.lock().unwrap(), 1, "a token is good for an hour");
}

#[test]
fn a_key_that_was_taken_back_is_told_without_it() {
    let (key, other) = (key(), key());
    let file = account(&key);
    let tokens = Tokens { key: Some(other.to_public_key()), asked: Arc::default() };
    let error = cloud(file, tokens).ask().map(drop).unwrap_err();
    assert!(error.to_string().contains("GOOGLE_APPLICATION_CREDENTIALS leads to no token"), "{error}");
    assert!(!format!("{error:?}").contains("PRIVATE KEY"));
}

#[test]
fn a_users_log_in_is_exchanged() {
    let file =
        r#"{"type":"authorized_user","client_id":"gcloud","client_secret":"x","refresh_token":"refresh-s3cret"}"#;
    let tokens = Tokens { key: None, asked: Arc::default() };
    let credential = cloud(file.to_owned(), tokens).ask().unwrap().unwrap();
    assert_eq!(credential.token.unwrap().access_token, "t0ken");
}

#[test]
fn refusals_are_told_apart() {
    let code = |status, code: &str, is_nobody| {
        let said = Said { code: code.to_owned(), ..Said::default() };
        refusal::meaning(status, &said, is_nobody)
    };
    assert!(matches!(code(401, "AuthenticationRequired", false), Meaning::Expired(..)));
    assert!(
        matches!(code(403, "AccessDenied", true), Meaning::Refused(reason, _) if reason.contains("no credentials"))
    );
    assert!(matches!(code(403, "AccessDenied", false), Meaning::Refused(reason, _) if reason.contains("denied")));
    assert!(matches!(code(404, "NoSuchBucket", false), Meaning::Refused(..)));
    assert_eq!(code(404, "NoSuchKey", true), Meaning::Usual);
    assert_eq!(code(412, "PreconditionFailed", false), Meaning::Usual);
}
