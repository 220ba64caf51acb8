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
