//! What is claimed about a store path, and whether the claim is to be believed.
//!
//! Narinfos and the lock both come down to a [`PathInfo`]; there is one check for both, [`PathInfo::trust`].

use super::{ContentAddress, PublicKey, SecretKey, Sha256, Signature, StorePath, TrustError};

/// A claim about a store path: what signatures vouch for, and the signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathInfo {
    /// The path.
    pub path: StorePath,
    /// Hash of its NAR.
    pub nar_hash: Sha256,
    /// Bytes of its NAR.
    pub nar_size: u64,
    /// Store paths that it refers to, in the order of where they were read; may hold the path itself.
    pub references: Vec<StorePath>,
    /// Signatures of the above.
    pub signatures: Vec<Signature>,
    /// The content address as written; of a kind unknown here, too.
    pub content_address: Option<String>,
}

/// Which store path was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected<'a> {
    /// This one.
    Path(&'a StorePath),
    /// The one with this hash part, where the name is not known.
    HashPart(&'a str),
}

impl<'a> From<&'a StorePath> for Expected<'a> {
    fn from(path: &'a StorePath) -> Self {
        Self::Path(path)
    }
}

/// What becomes of a path without a good signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsigned {
    /// It is refused.
    Refuse,
    /// It is accepted if its path follows from its content address. For who asked for this very path: the user, the
    /// lock, a signed referrer; or whose channel says `allow-unsigned`.
    AcceptContentAddressed,
}

/// Why a path is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// This key, by its name, signed it.
    Signed(String),
    /// Its path follows from its content. Who fetches it holds it to the address with [`ContentAddress::check`].
    ContentAddressed(ContentAddress),
}

/// A [`PathInfo`] that was found to be true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedPathInfo {
    info: PathInfo,
    trust: Trust,
}

impl VerifiedPathInfo {
    /// For who has called [`PathInfo::trust`] on `info`.
    pub(super) fn proven(info: PathInfo, trust: Trust) -> Self {
        Self { info, trust }
    }

    /// What is true of the path.
    #[must_use]
    pub fn info(&self) -> &PathInfo {
        &self.info
    }

    /// Why that is believed.
    #[must_use]
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Gives up the proof.
    #[must_use]
    pub fn into_info(self) -> PathInfo {
        self.info
    }
}

impl PathInfo {
    /// What is signed: `1;path;hash;size;references`, the references sorted, as Nix does it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut sorted: Vec<_> = self.references.iter().collect();
        sorted.sort_unstable();
        sorted.dedup();
        self.fingerprint_over(sorted)
    }

    fn fingerprint_over<'a>(&self, references: impl IntoIterator<Item = &'a StorePath>) -> String {
        let references: Vec<_> = references.into_iter().map(ToString::to_string).collect();
        format!("1;{};{};{};{}", self.path, self.nar_hash, self.nar_size, references.join(","))
    }

    /// Adds `key`'s signature, in the place of an earlier one of that key.
    pub fn sign(&mut self, key: &SecretKey) {
        self.signatures.retain(|signature| signature.key_name() != key.name());
        self.signatures.push(key.sign(&self.fingerprint()));
    }

    /// Checks the claim against today's `keys`; see [`PathInfo::trust`].
    pub fn verify<'a>(
        self,
        keys: &[PublicKey],
        expected: impl Into<Expected<'a>>,
        unsigned: Unsigned,
    ) -> Result<VerifiedPathInfo, TrustError> {
        let trust = self.trust(keys, expected.into(), unsigned)?;
        Ok(VerifiedPathInfo { info: self, trust })
    }

    /// Why this claim is to be believed, if it is: it is about the `expected` path, and one of `keys` signed it, or,
    /// where `unsigned` allows that, its path follows from its content address.
    pub fn trust(&self, keys: &[PublicKey], expected: Expected<'_>, unsigned: Unsigned) -> Result<Trust, TrustError> {
        self.check_path(expected)?;
        if let Some(key) = self.signed_by(keys) {
            return Ok(Trust::Signed(key.name().to_owned()));
        }
        match (unsigned, &self.content_address) {
            (Unsigned::AcceptContentAddressed, Some(claimed)) => self.addressed_by(claimed),
            _ => Err(self.unsigned(keys)),
        }
    }

    fn check_path(&self, expected: Expected<'_>) -> Result<(), TrustError> {
        let (same, expected) = match expected {
            Expected::Path(path) => (self.path == *path, path.to_string()),
            Expected::HashPart(hash) => (self.path.hash_part() == hash, format!("a path with the hash {hash}")),
        };
        if same { Ok(()) } else { Err(TrustError::OtherPath { expected, found: self.path.clone() }) }
    }

    fn signed_by<'k>(&self, keys: &'k [PublicKey]) -> Option<&'k PublicKey> {
        let candidates: Vec<_> = self
            .signatures
            .iter()
            .flat_map(|signature| keys.iter().map(move |key| (key, signature)))
            .filter(|(key, signature)| key.name() == signature.key_name())
            .collect();
        if candidates.is_empty() {
            return None;
        }
        let signs = |message: &str| candidates.iter().find(|(key, signature)| key.verify(message, signature));
        // The first caches signed references in the order in which they wrote them.
        let found = signs(&self.fingerprint()).or_else(|| signs(&self.fingerprint_over(&self.references)));
        found.map(|(key, _)| *key)
    }

    fn addressed_by(&self, claimed: &str) -> Result<Trust, TrustError> {
        let refused = |reason: String| TrustError::ContentAddress {
            path: self.path.clone(),
            address: claimed.chars().take(120).collect(),
            reason,
        };
        let address: ContentAddress = claimed.parse().map_err(|_| refused("that kind is not trusted".to_owned()))?;
        if self.references.contains(&self.path) {
            return Err(refused("the path refers to itself, so its hash is not its NAR's".to_owned()));
        }
        if matches!(address, ContentAddress::Flat(_)) && !self.references.is_empty() {
            return Err(refused("a flat file has no references".to_owned()));
        }
        let derived =
            address.store_path(self.path.name(), &self.references).map_err(|error| refused(error.to_string()))?;
        if derived != self.path {
            return Err(refused(format!("that is the address of {derived}")));
        }
        match address {
            ContentAddress::Nar(hash) if hash != self.nar_hash => {
                Err(refused(format!("the NAR's hash is claimed to be {}", self.nar_hash)))
            }
            _ => Ok(Trust::ContentAddressed(address)),
        }
    }

    /// Why no signature was found good.
    fn unsigned(&self, keys: &[PublicKey]) -> TrustError {
        let mut names: Vec<_> = self.signatures.iter().map(|signature| signature.key_name().to_owned()).collect();
        names.sort_unstable();
        names.dedup();
        let path = self.path.clone();
        match keys.iter().find(|key| names.iter().any(|name| name == key.name())) {
            Some(key) => TrustError::BadSignature { path, key: key.name().to_owned() },
            None if names.is_empty() => TrustError::Unsigned { path },
            None => TrustError::UnknownKeys { path, names },
        }
    }
}

#[cfg(test)]
mod tests;
