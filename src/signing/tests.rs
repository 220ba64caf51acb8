use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::nix::Sha256;

/// Made for these tests with other programs (Python's hashlib, `PyNaCl`, OpenSSL); it opens nothing.
const PLAIN: &str = "\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg5dOl0RfNYw5bRk/1
4404q2Zmt7DNbFrqkaY1WslL6vChRANCAATFNJ9kopeI4zoX+FyvRPiq5XYgCm/U
DysrlpExNqfT9hFlgWYTG047Sc+zm+v8tVNpEYrYwKd/tuKa1oDL7v4A
-----END PRIVATE KEY-----
";

/// The same key as cosign keeps it, with fewer rounds, under the password `correct horse`.
const ENCRYPTED: &str = "\
-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----
eyJrZGYiOnsibmFtZSI6InNjcnlwdCIsInBhcmFtcyI6eyJOIjoxMDI0LCJyIjo4
LCJwIjoxfSwic2FsdCI6IlkwZWExcG9KQ3lXQ2QreVB1bStaUVpvdit5U0pnVkVH
VjhsRXpORVVqcGM9In0sImNpcGhlciI6eyJuYW1lIjoibmFjbC9zZWNyZXRib3gi
LCJub25jZSI6ImVEZDdVbGRYdEpSQ2Y0a0JUNWZYbVNqems0MFU2MUhpIn0sImNp
cGhlcnRleHQiOiJsdTZnb01URXNnYklsV1pYUWZGbGhXb1ZSaTljVHVJRWdwc0p5
KzZZRmVTb3M1ZS9vS0tyOFJiWlB2ajJ6WUpxV01nWHJyTmtsZmZwRkJGY2RSL3J5
OU9YNU1qZG5QbDQrN1hSQ2U1LzlkL1k3Wnk4ZThJSUNWcEJGVFlyK1RQTXRsM2NP
WjQzeHpkR1FVWjZYdWQ0akNpWmRpYTVvWlZlc1Z2dVRvbFRFOGJGZThmVnBJSVZR
K0FWR05PK0pYOUNhZkhxTGwzRHBRSktCUT09In0=
-----END ENCRYPTED SIGSTORE PRIVATE KEY-----
";

/// The same key as `openssl ecparam -genkey` writes it.
const SEC1: &str = "\
-----BEGIN EC PARAMETERS-----
BggqhkjOPQMBBw==
-----END EC PARAMETERS-----
-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIOXTpdEXzWMOW0ZP9eONOKtmZrewzWxa6pGmNVrJS+rwoAoGCCqGSM49
AwEHoUQDQgAExTSfZKKXiOM6F/hcr0T4quV2IApv1A8rK5aRMTan0/YRZYFmExtO
O0nPs5vr/LVTaRGK2MCnf7bimtaAy+7+AA==
-----END EC PRIVATE KEY-----
";

const PUBLIC: &str = "\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAExTSfZKKXiOM6F/hcr0T4quV2IApv
1A8rK5aRMTan0/YRZYFmExtOO0nPs5vr/LVTaRGK2MCnf7bimtaAy+7+AA==
-----END PUBLIC KEY-----
";

/// The key of RFC 6979, A.2.5.
const OF_THE_RFC: &str = "\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgya+p2EW6dRZrXCFX
Z7HWk05Qw9s26JsSe4piKxIPZyGhRANCAARg/tS6JVqdMclh63TGNW1owEm4kjth
+mzmaWIuYPKftnkD/hAIuLyZpBrp6VYovGTy8bIMLX6fUXejwpTURiKZ
-----END PRIVATE KEY-----
";

fn plain(text: &str) -> PrivateKey {
    match PrivateKeyFile::parse(text).unwrap() {
        PrivateKeyFile::Plain(key) => key,
        PrivateKeyFile::Encrypted(_) => panic!("it is encrypted"),
    }
}

fn encrypted(text: &str) -> Envelope {
    match PrivateKeyFile::parse(text).unwrap() {
        PrivateKeyFile::Plain(_) => panic!("it is not encrypted"),
        PrivateKeyFile::Encrypted(envelope) => envelope,
    }
}

fn digest() -> Sha256 {
    Sha256::of(b"manifest")
}

#[test]
fn every_form_of_a_key_is_the_same_key() {
    let public = PublicKey::parse(PUBLIC).unwrap();
    assert_eq!(plain(PLAIN).public(), public);
    assert_eq!(plain(SEC1).public(), public);
    assert_eq!(encrypted(ENCRYPTED).open(b"correct horse").unwrap().public(), public);
    let cosigns = ENCRYPTED.replace("SIGSTORE", "COSIGN").replace('\n', "\r\n");
    assert_eq!(encrypted(&cosigns).open(b"correct horse").unwrap().public(), public);
    assert_eq!(public.to_pem().unwrap(), PUBLIC);
}

#[test]
fn signatures_are_those_of_rfc_6979() {
    let expected = "3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716\
                    022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";
    assert_eq!(data_encoding::HEXLOWER.encode(&plain(OF_THE_RFC).sign(b"sample")), expected);
}

#[test]
fn another_password_opens_nothing() {
    for password in [&b""[..], b"correct hors", b"correct horse\n"] {
        assert!(matches!(encrypted(ENCRYPTED).open(password), Err(Error::Password)));
    }
}

#[test]
fn what_is_no_key_is_named() {
    let said = |text: &str| PrivateKeyFile::parse(text).unwrap_err().to_string();
    assert_eq!(said("nothing"), "there is no PEM block of a key in it");
    assert_eq!(said(PUBLIC), "it is `PUBLIC KEY`, which is no key that signs images");
    assert_eq!(
        PublicKey::parse(PLAIN).unwrap_err().to_string(),
        "it is `PRIVATE KEY`, which is no key that signs images"
    );
    let block = |content: &[u8]| {
        let text = data_encoding::BASE64.encode(content);
        format!(
            "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n{text}\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n"
        )
    };
    assert!(matches!(PrivateKeyFile::parse(&block(b"not JSON")), Err(Error::Malformed)));
    assert!(matches!(
        PrivateKeyFile::parse("-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----"),
        Err(Error::OtherKind)
    ));
    let costs = |n: &str, name: &str| {
        let text = format!(
            r#"{{"kdf":{{"name":"{name}","params":{{"N":{n},"r":8,"p":1}},"salt":""}},"cipher":{{"name":"nacl/secretbox","nonce":"{}"}},"ciphertext":""}}"#,
            data_encoding::BASE64.encode(&[0; 24])
        );
        encrypted(&block(text.as_bytes())).open(b"").unwrap_err()
    };
    assert!(matches!(costs("1099511627776", "scrypt"), Error::TooExpensive { .. }));
    assert!(matches!(costs("18446744073709551615", "scrypt"), Error::TooExpensive { .. }));
    for odd in ["0", "1", "1000"] {
        assert!(matches!(costs(odd, "scrypt"), Error::Malformed), "{odd}");
    }
    assert!(matches!(costs("1024", "argon2"), Error::OtherCipher(_)));
}

#[test]
fn nothing_of_a_key_is_shown() {
    let shown = format!("{:?} {:?}", plain(PLAIN), PrivateKeyFile::parse(ENCRYPTED).unwrap());
    assert_eq!(shown, "PrivateKey(…) Encrypted(Envelope(…))");
}

#[test]
fn the_document_is_cosigns() {
    let text = |registry| String::from_utf8(payload(registry, "team/app", &digest()).unwrap()).unwrap();
    insta::assert_snapshot!(text("registry.example.org:5000"), @r#"{"critical":{"identity":{"docker-reference":"registry.example.org:5000/team/app"},"image":{"docker-manifest-digest":"sha256:05b3abf2579a5eb66403cd78be557fd860633a1fe2103c7642030defe32c657f"},"type":"cosign container image signature"},"optional":null}"#);
    assert!(text("docker.io").contains("index.docker.io/team/app"));
    let document = payload("a.example", "b", &digest()).unwrap();
    assert_eq!(claimed(&document, &digest()).as_deref(), Some("a.example/b"));
    assert_eq!(claimed(&document, &Sha256::of(b"another")), None);
    assert_eq!(claimed(b"{}", &digest()), None);
}

#[test]
fn signing_again_changes_nothing_and_others_stay() {
    let (key, other) = (plain(PLAIN), plain(OF_THE_RFC));
    let document = payload("a.example", "b", &digest()).unwrap();
    let first = Signatures::default().with(&document, &key.sign(&document)).unwrap().unwrap();
    let read = |extended: &Extended| Signatures::parse(&extended.manifest, &digest()).unwrap();
    assert_eq!(read(&first).with(&document, &key.sign(&document)).unwrap(), None);
    let second = read(&first).with(&document, &other.sign(&document)).unwrap().unwrap();
    let candidates: Vec<_> = read(&second).candidates().collect();
    let verifies = |key: &PrivateKey| {
        candidates.iter().map(|found| key.public().verifies(&document, &found.signature)).collect::<Vec<_>>()
    };
    assert_eq!((verifies(&key), verifies(&other)), (vec![true, false], vec![false, true]));
    let config: Value = serde_json::from_slice(&second.config).unwrap();
    assert_eq!(config["rootfs"]["diff_ids"].as_array().unwrap().len(), 2);
    insta::assert_snapshot!(String::from_utf8(first.manifest).unwrap(), @r#"{"config":{"digest":"sha256:9cb11f8f4b2fefcce364368bcbcdb74721757c6c60e6e968488b10fd1cb6c0f7","mediaType":"application/vnd.oci.image.config.v1+json","size":233},"layers":[{"annotations":{"dev.cosignproject.cosign/signature":"MEUCIQCJIMt1n3qIoCJjID5IRpp0fNF6cbDd2SqLdOiOjjljOwIgR1MtjFQq9o+7BPQRFNv4pMjbbg0YXgZbZad1MxQX8QM="},"digest":"sha256:1d1f1e54062fb6e97a8e4ff7ebb5944b57f0fca2eb910a03128dc661eb1139b3","mediaType":"application/vnd.dev.cosign.simplesigning.v1+json","size":227}],"mediaType":"application/vnd.oci.image.manifest.v1+json","schemaVersion":2}"#);
}

#[test]
fn what_others_put_there_is_kept() {
    let foreign = br#"{"schemaVersion":2,"annotations":{"a":"b"},"layers":[{"mediaType":"x/y","digest":"sha256:00","size":1,"annotations":{"dev.sigstore.cosign/bundle":"{}"}}]}"#;
    let signatures = Signatures::parse(foreign, &digest()).unwrap();
    assert_eq!(signatures.candidates().count(), 0);
    let document: Value =
        serde_json::from_slice(&signatures.with(b"payload", b"signature").unwrap().unwrap().manifest).unwrap();
    assert_eq!(document["layers"][0]["annotations"]["dev.sigstore.cosign/bundle"], "{}");
    assert_eq!(document["annotations"]["a"], "b");
}

#[test]
fn what_lies_there_and_is_none_is_refused() {
    for manifest in ["", "[]", "{}", r#"{"layers":{}}"#, r#"{"layers":[{}]}"#] {
        assert!(
            matches!(Signatures::parse(manifest.as_bytes(), &digest()), Err(Error::NoSignatures { .. })),
            "{manifest}"
        );
    }
    let many = format!(r#"{{"layers":[{}]}}"#, vec![r#"{"digest":"x"}"#; 201].join(","));
    assert!(Signatures::parse(many.as_bytes(), &digest()).is_err());
}

proptest! {
    #[test]
    fn hostile_text_is_no_key(text in "\\PC{0,200}", content in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(PrivateKeyFile::parse(&text).is_err());
        let block = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----", data_encoding::BASE64.encode(&content));
        prop_assert!(PrivateKeyFile::parse(&block).is_err());
        prop_assert!(!plain(PLAIN).public().verifies(b"payload", &content));
    }

    #[test]
    fn a_signature_is_for_its_payload_alone(payload in prop::collection::vec(any::<u8>(), 1..100), at in any::<prop::sample::Index>()) {
        let key = plain(PLAIN);
        let signature = key.sign(&payload);
        prop_assert!(key.public().verifies(&payload, &signature));
        let mut changed = payload.clone();
        changed[at.index(payload.len())] ^= 1;
        prop_assert!(!key.public().verifies(&changed, &signature));
    }
}
