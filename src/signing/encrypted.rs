//! Keys under a password, as cosign writes them: scrypt makes a key of the password, and NaCl's secretbox holds the PKCS #8.

use crypto_secretbox::aead::Aead as _;
use crypto_secretbox::{Key, KeyInit as _, Nonce, XSalsa20Poly1305};
use data_encoding::BASE64;
use scrypt::Params;
use serde::Deserialize;

use super::{Error, PrivateKey};

/// scrypt takes 128·N·r bytes. cosign's own N is 2^16 with r = 8: 64 MiB.
const MOST_MEMORY: u64 = 256 << 20;
const MOST_PASSES: u32 = 4;

/// A key under a password.
#[derive(Deserialize)]
pub struct Envelope {
    kdf: Kdf,
    cipher: Cipher,
    ciphertext: String,
}

#[derive(Deserialize)]
struct Kdf {
    name: String,
    params: Cost,
    salt: String,
}

#[derive(Deserialize)]
struct Cost {
    #[serde(rename = "N")]
    n: u64,
    r: u32,
    p: u32,
}

#[derive(Deserialize)]
struct Cipher {
    name: String,
    nonce: String,
}

impl std::fmt::Debug for Envelope {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Envelope(…)")
    }
}

impl Envelope {
    pub(super) fn parse(content: &[u8]) -> Result<Self, Error> {
        serde_json::from_slice(content).map_err(|_| Error::Malformed)
    }

    /// The key, by its password. Takes a moment and, with cosign's usual parameters, 64 MiB.
    pub fn open(&self, password: &[u8]) -> Result<PrivateKey, Error> {
        PrivateKey::from_pkcs8(&self.decrypt(password)?)
    }

    pub(super) fn decrypt(&self, password: &[u8]) -> Result<Vec<u8>, Error> {
        let (kdf, cipher) = (&self.kdf, &self.cipher);
        if (kdf.name.as_str(), cipher.name.as_str()) != ("scrypt", "nacl/secretbox") {
            let named = |name: &str| name.chars().filter(|c| !c.is_control()).take(40).collect::<String>();
            return Err(Error::OtherCipher(format!("{} and {}", named(&kdf.name), named(&cipher.name))));
        }
        let bytes = |text: &str| BASE64.decode(text.as_bytes()).map_err(|_| Error::Malformed);
        let nonce: [u8; 24] = bytes(&cipher.nonce)?.try_into().map_err(|_| Error::Malformed)?;
        let (salt, sealed) = (bytes(&kdf.salt)?, bytes(&self.ciphertext)?);
        let mut key = [0; 32];
        scrypt::scrypt(password, &salt, &kdf.params.params()?, &mut key).map_err(|_| Error::Malformed)?;
        let cipher = XSalsa20Poly1305::new(Key::from_slice(&key));
        cipher.decrypt(Nonce::from_slice(&nonce), sealed.as_slice()).map_err(|_| Error::Password)
    }
}

impl Cost {
    fn params(&self) -> Result<Params, Error> {
        let Self { n, r, p } = *self;
        let memory = n.checked_mul(128).and_then(|bytes| bytes.checked_mul(u64::from(r)));
        if memory.is_none_or(|memory| memory > MOST_MEMORY) || p > MOST_PASSES {
            return Err(Error::TooExpensive { n, r, p });
        }
        let log_n = u8::try_from(n.checked_ilog2().ok_or(Error::Malformed)?).map_err(|_| Error::Malformed)?;
        if n < 2 || !n.is_power_of_two() {
            return Err(Error::Malformed);
        }
        Params::new(log_n, r, p, 32).map_err(|_| Error::Malformed)
    }
}
