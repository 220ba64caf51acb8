//! Ed25519 keys and signatures in Nix's form: `name:base64`.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64;
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};

/// A key that caches are trusted by: `cache.nixos.org-1:6NCH…`.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    name: String,
    key: VerifyingKey,
}

/// A key that signs: `name:base64` of 32 bytes of seed and 32 of public key, as `nix-store --generate-binary-cache-key` writes
/// it. Its `Debug` keeps the secret.
#[derive(Clone)]
pub struct SecretKey {
    name: String,
    key: SigningKey,
}

/// A signature and the name of the key that claims to have made it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signature {
    key_name: String,
    bytes: [u8; 64],
}

/// The text is no key or signature. It does not repeat the text, which may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is not {what} of the form `name:base64`: {reason}")]
pub struct ParseSignatureError {
    /// What was to be parsed: "a public key".
    pub what: &'static str,
    /// What is wrong.
    pub reason: &'static str,
}

impl PublicKey {
    /// The name that signatures refer to.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether `signature` is this key's, of `message`.
    #[must_use]
    pub fn verify(&self, message: &str, signature: &Signature) -> bool {
        let bytes = ed25519_dalek::Signature::from_bytes(&signature.bytes);
        self.name == signature.key_name && self.key.verify_strict(message.as_bytes(), &bytes).is_ok()
    }
}

impl SecretKey {
    /// A key made of `seed`, which must be random and not be used for anything else.
    pub fn generate(name: &str, seed: [u8; 32]) -> Result<Self, ParseSignatureError> {
        check_name("a secret key", name)?;
        Ok(Self { name: name.to_owned(), key: SigningKey::from_bytes(&seed) })
    }

    /// The key's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key that verifies what this one signs.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey { name: self.name.clone(), key: self.key.verifying_key() }
    }

    /// Signs `message`.
    #[must_use]
    pub fn sign(&self, message: &str) -> Signature {
        Signature { key_name: self.name.clone(), bytes: self.key.sign(message.as_bytes()).to_bytes() }
    }

    /// The key as Nix's key files hold it: a secret.
    #[must_use]
    pub fn expose(&self) -> String {
        format!("{}:{}", self.name, BASE64.encode(&self.key.to_keypair_bytes()))
    }
}

impl Signature {
    /// The name of the key that claims to have made it.
    #[must_use]
    pub fn key_name(&self) -> &str {
        &self.key_name
    }
}

impl FromStr for PublicKey {
    type Err = ParseSignatureError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let what = "a public key";
        let (name, bytes) = split(what, text)?;
        let refused = |reason| ParseSignatureError { what, reason };
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| refused("the key does not have 32 bytes"))?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| refused("the bytes are no point of the curve"))?;
        Ok(Self { name, key })
    }
}

impl FromStr for SecretKey {
    type Err = ParseSignatureError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let what = "a secret key";
        let (name, bytes) = split(what, text)?;
        let refused = |reason| ParseSignatureError { what, reason };
        let bytes: [u8; 64] = bytes.try_into().map_err(|_| refused("the key does not have 64 bytes"))?;
        let key =
            SigningKey::from_keypair_bytes(&bytes).map_err(|_| refused("its two halves don't belong together"))?;
        Ok(Self { name, key })
    }
}

impl FromStr for Signature {
    type Err = ParseSignatureError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let what = "a signature";
        let (key_name, bytes) = split(what, text)?;
        let bytes = bytes
            .try_into()
            .map_err(|_| ParseSignatureError { what, reason: "the signature does not have 64 bytes" })?;
        Ok(Self { key_name, bytes })
    }
}

fn split(what: &'static str, text: &str) -> Result<(String, Vec<u8>), ParseSignatureError> {
    let refused = |reason| ParseSignatureError { what, reason };
    let (name, encoded) = text.split_once(':').ok_or_else(|| refused("it has no `:`"))?;
    check_name(what, name)?;
    let bytes = BASE64.decode(encoded.as_bytes()).map_err(|_| refused("what follows the `:` is not base64"))?;
    Ok((name.to_owned(), bytes))
}

fn check_name(what: &'static str, name: &str) -> Result<(), ParseSignatureError> {
    let allowed = |character: char| !character.is_whitespace() && !character.is_control() && character != ':';
    if name.is_empty() {
        Err(ParseSignatureError { what, reason: "the name is empty" })
    } else if name.chars().all(allowed) {
        Ok(())
    } else {
        Err(ParseSignatureError { what, reason: "the name holds a space, a control character or a `:`" })
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.name, BASE64.encode(self.key.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:(secret)", self.name)
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.key_name, BASE64.encode(&self.bytes))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nix::test_data::shared;

    // RFC 8032, section 7.1, test 2.
    const SEED: [u8; 32] = [
        0x4c, 0xcd, 0x08, 0x9b, 0x28, 0xff, 0x96, 0xda, 0x9d, 0xb6, 0xc3, 0x46, 0xec, 0x11, 0x4e, 0x0f, 0x5b, 0x8a,
        0x31, 0x9f, 0x35, 0xab, 0xa6, 0x24, 0xda, 0x8c, 0xf6, 0xed, 0x4f, 0xb8, 0xa6, 0xfb,
    ];

    fn key() -> SecretKey {
        SecretKey::generate("test-1", SEED).unwrap()
    }

    #[test]
    fn signs_as_the_standard_says() {
        let signature = key().sign("r");
        let expected = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
                        085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
        assert_eq!(data_encoding::HEXLOWER.encode(&signature.bytes), expected);
        assert!(key().public_key().verify("r", &signature));
        assert!(!key().public_key().verify("s", &signature));
        let renamed: Signature = signature.to_string().replace("test-1", "test-2").parse().unwrap();
        assert!(!key().public_key().verify("r", &renamed));
    }

    #[test]
    fn texts_come_back() {
        let secret = key();
        assert_eq!(secret.expose().parse::<SecretKey>().unwrap().expose(), secret.expose());
        let public = secret.public_key();
        assert_eq!(public.to_string(), "test-1:PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=");
        assert_eq!(public.to_string().parse::<PublicKey>().unwrap(), public);
        let signature = secret.sign("");
        assert_eq!(signature.to_string().parse::<Signature>().unwrap(), signature);
    }

    #[test]
    fn a_secret_shows_nowhere() {
        assert_eq!(format!("{:?}", key()), "test-1:(secret)");
        let truncated = key().expose().replace("==", "");
        let error = truncated.parse::<SecretKey>().unwrap_err();
        assert!(!format!("{error} {error:?}").contains(&truncated[7..20]), "{error:?}");
    }

    #[test]
    fn refuses_what_is_no_key() {
        let public = key().public_key().to_string();
        for text in ["", "test-1", ":abcd", "test-1:", "test-1:abcd", " test-1:abcd", &public[..public.len() - 1]] {
            assert!(text.parse::<PublicKey>().is_err(), "{text}");
            assert!(text.parse::<SecretKey>().is_err(), "{text}");
            assert!(text.parse::<Signature>().is_err(), "{text}");
        }
        assert!(format!("{public}\n").parse::<PublicKey>().is_err());
        assert!(SecretKey::generate("a b", SEED).is_err());
        // A secret key whose public half is another's.
        let mut halves = BASE64.decode(&key().expose().as_bytes()["test-1:".len()..]).unwrap();
        halves[63] ^= 1;
        assert!(format!("test-1:{}", BASE64.encode(&halves)).parse::<SecretKey>().is_err());
    }

    #[test]
    fn weak_keys_verify_nothing() {
        // The neutral element as key and as R, with S = 0: without strictness a signature of every message.
        let mut point = [0; 32];
        point[0] = 1;
        let key: PublicKey = format!("weak-1:{}", BASE64.encode(&point)).parse().unwrap();
        let signature = [point, [0; 32]].concat();
        let signature: Signature = format!("weak-1:{}", BASE64.encode(&signature)).parse().unwrap();
        assert!(!key.verify("anything", &signature));
    }

    #[test]
    fn real_key_files_parse() {
        for name in ["base", "odd"] {
            let Some(file) = shared(&format!("nixcache/{name}.key.pub")) else { return };
            let text = std::fs::read_to_string(file).unwrap();
            assert_eq!(text.trim().parse::<PublicKey>().unwrap().name(), format!("{name}-1"));
        }
    }
}
