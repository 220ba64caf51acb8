//! Keys: ECDSA over P-256 with SHA-256.

use std::fmt;

use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::ecdsa::{DerSignature, SigningKey, VerifyingKey};
use p256::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _, EncodePublicKey as _};

use super::pem::block;
use super::{Envelope, Error};

/// The labels of PEM blocks that hold a private key.
const PKCS8: &str = "PRIVATE KEY";
const SEC1: &str = "EC PRIVATE KEY";
const ENCRYPTED: [&str; 2] = ["ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY"];

/// What a file of a private key holds.
#[derive(Debug)]
pub enum PrivateKeyFile {
    /// The key itself.
    Plain(PrivateKey),
    /// A key that needs its password.
    Encrypted(Envelope),
}

impl PrivateKeyFile {
    /// Reads PEM: cosign's own, PKCS #8, or SEC 1 as openssl writes it.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let block = block(text, |label| [PKCS8, SEC1].contains(&label) || ENCRYPTED.contains(&label))?;
        match block.label.as_str() {
            PKCS8 => PrivateKey::from_pkcs8(&block.content).map(Self::Plain),
            SEC1 => {
                let key = p256::SecretKey::from_sec1_der(&block.content).map_err(|_| Error::OtherKind)?;
                Ok(Self::Plain(PrivateKey(key.into())))
            }
            _ => Envelope::parse(&block.content).map(Self::Encrypted),
        }
    }
}

/// A key that signs.
pub struct PrivateKey(SigningKey);

impl fmt::Debug for PrivateKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PrivateKey(…)")
    }
}

impl PrivateKey {
    pub(super) fn from_pkcs8(der: &[u8]) -> Result<Self, Error> {
        SigningKey::from_pkcs8_der(der).map(Self).map_err(|_| Error::OtherKind)
    }

    /// The signature of `payload`: ASN.1 DER. The same each time.
    #[must_use]
    pub fn sign(&self, payload: &[u8]) -> Vec<u8> {
        let signature: DerSignature = self.0.sign(payload);
        signature.as_bytes().to_vec()
    }

    /// The key that checks what this one signs.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(*self.0.verifying_key())
    }
}

/// A key that checks signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads PEM, as `cosign.pub` has it.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let block = block(text, |label| label == "PUBLIC KEY")?;
        VerifyingKey::from_public_key_der(&block.content).map(Self).map_err(|_| Error::OtherKind)
    }

    /// Whether `signature`, ASN.1 DER, is this key's over `payload`.
    #[must_use]
    pub fn verifies(&self, payload: &[u8], signature: &[u8]) -> bool {
        DerSignature::try_from(signature).is_ok_and(|signature| self.0.verify(payload, &signature).is_ok())
    }

    /// The key as its makers write it: PEM.
    pub fn to_pem(&self) -> Result<String, Error> {
        let der = self.0.to_public_key_der().map_err(|_| Error::OtherKind)?;
        let text = data_encoding::BASE64.encode(der.as_bytes());
        let lines = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect::<Vec<_>>().join("\n");
        Ok(format!("-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n"))
    }
}
