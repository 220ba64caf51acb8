use pgp::packet::{SignatureConfig, SignatureType, Subpacket};
use pgp::types::{Duration, Password};

use super::super::test_archive::{BIRTH, SIGNED, armored, clearsigned, config, key, now, sign};
use super::*;

const TEXT: &str = "Origin: Debian\n- a dash\nDate: today\n";

fn keyring(armor: &str) -> Keyring {
    let mut keyring = Keyring::default();
    keyring.add(armor.as_bytes(), "test.asc").unwrap();
    keyring
}

fn check_text(text: &str, keyring: &Keyring) -> Result<String, SignatureFault> {
    verify_inline(text, keyring, now())
}

#[test]
fn main_keys_and_their_subkeys_sign() {
    let key = key(1, true);
    let keyring = keyring(&armored(&key));
    let by_main = clearsigned(TEXT, vec![sign(&*key, TEXT, SIGNED)]);
    assert_eq!(check_text(&by_main, &keyring).unwrap(), TEXT);
    let by_sub = clearsigned(TEXT, vec![sign(&key.secret_subkeys[0].key, TEXT, SIGNED)]);
    assert_eq!(check_text(&by_sub, &keyring).unwrap(), TEXT);
}

#[test]
fn keyrings_hold_many_keys_in_either_form() {
    let (one, other) = (key(1, true), key(2, true));
    let binary = [one.to_public_key(), other.to_public_key()].map(|key| pgp::ser::Serialize::to_bytes(&key).unwrap());
    let text = clearsigned(TEXT, vec![sign(&*other, TEXT, SIGNED)]);
    let mut keyring = Keyring::default();
    keyring.add(&binary.concat(), "both.gpg").unwrap();
    assert_eq!(keyring.keys.len(), 2);
    check_text(&text, &keyring).unwrap();
    let mut keyring = Keyring::default();
    keyring.add(format!("A comment\n{}{}", armored(&one), armored(&other)).as_bytes(), "both.asc").unwrap();
    assert_eq!(keyring.keys.len(), 2);
    check_text(&text, &keyring).unwrap();
    assert!(keyring.add(b"nothing", "none.gpg").unwrap_err().to_string().contains("no OpenPGP keys"));
}

#[test]
fn strangers_are_named() {
    let (ours, theirs) = (key(1, true), key(2, true));
    let text = clearsigned(TEXT, vec![sign(&*theirs, TEXT, SIGNED)]);
    let fault = check_text(&text, &keyring(&armored(&ours))).unwrap_err();
    let expected =
        format!("it is not signed by any key in test.asc (signed by {})", fingerprint(&theirs.to_public_key()));
    assert_eq!(fault.to_string(), expected);
}

#[test]
fn what_was_not_signed_does_not_count() {
    let key = key(1, true);
    let keyring = keyring(&armored(&key));
    let text = clearsigned(TEXT, vec![sign(&*key, TEXT, SIGNED)]);
    let changed = text.replace("Origin: Debian", "Origin: Evil");
    assert!(matches!(check_text(&changed, &keyring), Err(SignatureFault::Wrong { .. })));
    for outside in [format!("Origin: Evil\n\n{text}"), format!("{text}\nOrigin: Evil\n")] {
        assert!(matches!(check_text(&outside, &keyring), Err(SignatureFault::Text(_))));
    }
    let without = text.replace("-----BEGIN PGP SIGNATURE-----\n", "-----BEGIN PGP SIGNATURE-----\n\nAAAA\n");
    assert!(check_text(&without, &keyring).is_err());
}

#[test]
fn one_good_signature_is_enough() {
    let (ours, theirs) = (key(1, true), key(2, true));
    let signatures = vec![sign(&*theirs, TEXT, SIGNED), sign(&*ours, "other\n", SIGNED), sign(&*ours, TEXT, SIGNED)];
    check_text(&clearsigned(TEXT, signatures), &keyring(&armored(&ours))).unwrap();
}

#[test]
fn only_fingerprints_that_are_named_count() {
    let key = key(1, true);
    let mut keyring = keyring(&armored(&key));
    let text = clearsigned(TEXT, vec![sign(&*key, TEXT, SIGNED)]);
    let print = fingerprint(&key.to_public_key());
    keyring.only = vec![print.clone()];
    check_text(&text, &keyring).unwrap();
    // A main key's fingerprint stands for its subkeys.
    check_text(&clearsigned(TEXT, vec![sign(&key.secret_subkeys[0].key, TEXT, SIGNED)]), &keyring).unwrap();
    for other in ["0".repeat(40), print[32..].to_owned()] {
        keyring.only = vec![other];
        assert!(matches!(check_text(&text, &keyring), Err(SignatureFault::Stranger { .. })));
    }
}

#[test]
fn keys_that_may_not_sign() {
    let key = key(1, false);
    let text = clearsigned(TEXT, vec![sign(&*key, TEXT, SIGNED)]);
    let fault = check_text(&text, &keyring(&armored(&key))).unwrap_err();
    assert!(matches!(fault, SignatureFault::Key { fault: KeyFault::NotForSigning, .. }), "{fault}");
    // A subkey that another key claims, without its consent.
    let (thief, victim) = (self::key(2, true), self::key(3, true));
    let mut stolen = thief.to_public_key();
    stolen.public_subkeys[0].key = victim.to_public_key().public_subkeys[0].key.clone();
    let by_victim = clearsigned(TEXT, vec![sign(&victim.secret_subkeys[0].key, TEXT, SIGNED)]);
    let mut keyring = Keyring::default();
    keyring.keys.push(stolen);
    let fault = check_text(&by_victim, &keyring).unwrap_err();
    assert!(matches!(fault, SignatureFault::Key { fault: KeyFault::NotForSigning, .. }), "{fault}");
}

#[test]
fn revoked_and_expired_keys() {
    let key = key(1, true);
    let text = clearsigned(TEXT, vec![sign(&*key, TEXT, SIGNED)]);
    let no_password = Password::empty();
    let revocation = config(&*key, SignatureType::KeyRevocation, BIRTH + 1);
    let mut revoked = key.to_public_key();
    revoked.details.revocation_signatures =
        vec![revocation.sign_key(&*key, &no_password, &revoked.primary_key).unwrap()];
    let mut keyring = Keyring { keys: vec![revoked], ..Keyring::default() };
    let fault = check_text(&text, &keyring).unwrap_err();
    assert!(matches!(fault, SignatureFault::Key { fault: KeyFault::Revoked, .. }), "{fault}");
    for (life, good) in [(SIGNED - BIRTH, false), (SIGNED - BIRTH + 1, true), (0, true)] {
        let mut limited = key.to_public_key();
        let mut statement = config(&*key, SignatureType::CertPositive, BIRTH + 1);
        let data = SubpacketData::KeyExpirationTime(Duration::from_secs(life));
        statement.hashed_subpackets.push(Subpacket::regular(data).unwrap());
        let user = &mut limited.details.users[0];
        let id = &user.id;
        user.signatures = vec![
            statement
                .sign_certification(&*key, &limited.primary_key, &no_password, pgp::types::Tag::UserId, id)
                .unwrap(),
        ];
        keyring.keys = vec![limited];
        assert_eq!(check_text(&text, &keyring).is_ok(), good, "{life}");
    }
    let before_birth = clearsigned(TEXT, vec![sign(&*key, TEXT, BIRTH - 1)]);
    keyring.keys = vec![key.to_public_key()];
    let fault = check_text(&before_birth, &keyring).unwrap_err();
    assert!(matches!(fault, SignatureFault::Key { fault: KeyFault::Expired, .. }), "{fault}");
}

#[test]
fn weak_expired_and_undated_signatures() {
    let key = key(1, true);
    let keyring = keyring(&armored(&key));
    let refused = |change: &dyn Fn(&mut SignatureConfig)| {
        let mut config = config(&*key, SignatureType::Text, SIGNED);
        change(&mut config);
        let canonical = TEXT.trim_end().replace('\n', "\r\n");
        let signature = config.clone().sign(&*key, &Password::empty(), canonical.as_bytes());
        // What can't be signed any more is only said to be of that kind.
        let signature = signature.unwrap_or_else(|_| {
            let good = sign(&*key, TEXT, SIGNED);
            Signature::from_config(config, [0; 2], good.signature().unwrap().clone()).unwrap()
        });
        check_text(&clearsigned(TEXT, vec![signature]), &keyring).unwrap_err().to_string()
    };
    for weak in [HashAlgorithm::Md5, HashAlgorithm::Sha1, HashAlgorithm::Ripemd160] {
        let fault = refused(&|config| config.hash_alg = weak);
        assert!(fault.ends_with(&format!("its digest {weak} is not safe")), "{fault}");
    }
    let fault = refused(&|config| {
        let life = SubpacketData::SignatureExpirationTime(Duration::from_secs(86_400));
        config.hashed_subpackets.push(Subpacket::regular(life).unwrap());
    });
    assert!(fault.ends_with("it has expired"), "{fault}");
    let fault = refused(&|config| drop(config.hashed_subpackets.remove(0)));
    assert!(fault.ends_with("it has no date"), "{fault}");
    let fault = refused(&|config| {
        let unknown = SubpacketData::Experimental(101, vec![1].into());
        config.hashed_subpackets.push(Subpacket::critical(unknown).unwrap());
    });
    assert!(fault.contains("not known here"), "{fault}");
    let fault = refused(&|config| config.typ = SignatureType::Standalone);
    assert!(fault.contains("another kind"), "{fault}");
}
