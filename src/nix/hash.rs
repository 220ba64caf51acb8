//! SHA-256 in the forms that Nix and OCI write it.

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use sha2::Digest as _;

use super::base32;

/// A SHA-256 digest. Displays as Nix writes it: `sha256:<nix32>`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256([u8; 32]);

impl Sha256 {
    /// Wraps 32 bytes that are a digest already.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Hashes `data`.
    #[must_use]
    pub fn of(data: &[u8]) -> Self {
        Self(sha2::Sha256::digest(data).into())
    }

    /// The digest's bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// 52 characters of nix32, without prefix.
    #[must_use]
    pub fn nix32(&self) -> String {
        base32::encode(&self.0)
    }

    /// 64 lower-case hexadecimal characters, without prefix.
    #[must_use]
    pub fn hex(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.0)
    }

    /// `sha256:<hex>`, as OCI writes digests.
    #[must_use]
    pub fn oci(&self) -> String {
        format!("sha256:{}", self.hex())
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "sha256:{}", self.nix32())
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// The text is no `sha256:` digest in nix32, base 16, nor an SRI `sha256-<base64>`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a SHA-256 digest (expected `sha256:` and 52 characters of nix32 or 64 hexadecimal ones)")]
pub struct ParseHashError(pub String);

impl FromStr for Sha256 {
    type Err = ParseHashError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || ParseHashError(text.chars().take(80).collect());
        if let Some(sri) = text.strip_prefix("sha256-") {
            let bytes = data_encoding::BASE64.decode(sri.as_bytes()).map_err(|_| refused())?;
            return bytes.try_into().map(Self).map_err(|_| refused());
        }
        let digits = text.strip_prefix("sha256:").ok_or_else(refused)?;
        if digits.len() == 64 {
            let bytes = data_encoding::HEXLOWER.decode(digits.as_bytes()).map_err(|_| refused())?;
            return bytes.try_into().map(Self).map_err(|_| refused());
        }
        base32::decode(digits).map(Self).ok_or_else(refused)
    }
}

impl serde::Serialize for Sha256 {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Sha256 {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Hashes what is written to it, and counts it.
#[derive(Clone, Default)]
pub struct Hasher {
    state: sha2::Sha256,
    length: u64,
}

impl Hasher {
    /// An empty hasher.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `data`.
    pub fn update(&mut self, data: &[u8]) {
        self.state.update(data);
        self.length += data.len() as u64;
    }

    /// Bytes seen so far.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// The digest of all that was written.
    #[must_use]
    pub fn finish(self) -> Sha256 {
        Sha256(self.state.finalize().into())
    }
}

impl Write for Hasher {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.update(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_digest_parses() {
        let hash = Sha256::of(b"");
        assert_eq!(hash.to_string(), "sha256:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73");
        assert_eq!(hash.oci(), "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        for text in [hash.to_string(), hash.oci(), "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=".to_owned()] {
            assert_eq!(text.parse(), Ok(hash), "{text}");
        }
    }

    #[test]
    fn other_texts_do_not() {
        let hex = Sha256::of(b"").hex();
        let upper = format!("sha256:{}", hex.to_uppercase());
        let short = format!("sha256:{}", &hex[1..]);
        for text in ["", "sha256:", &hex, &upper, &short, "md5:d41d8cd98f00b204e9800998ecf8427e", "sha256-47DEQpj8"] {
            assert!(text.parse::<Sha256>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_hasher_counts_what_it_hashes() {
        let mut hasher = Hasher::new();
        hasher.update(b"ab");
        hasher.write_all(b"c").unwrap();
        assert_eq!(hasher.length(), 3);
        assert_eq!(hasher.finish(), Sha256::of(b"abc"));
    }

    #[test]
    fn serialises_as_it_displays() {
        let hash = Sha256::of(b"x");
        let text = serde_json::to_string(&hash).unwrap();
        assert_eq!(text, format!("\"{hash}\""));
        assert_eq!(serde_json::from_str::<Sha256>(&text).unwrap(), hash);
    }
}
