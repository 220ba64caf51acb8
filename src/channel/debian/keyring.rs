//! Keyrings: files of OpenPGP keys, and which of them may sign what and when.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use pgp::composed::{Deserializable as _, SignedPublicKey, SignedPublicSubKey};
use pgp::packet::{Signature, SignatureType};
use pgp::types::{KeyDetails as _, KeyVersion, Tag, Timestamp, VerifyingKey};

use super::error::ArchiveError;

/// A keyring larger than this is refused.
const LARGEST: u64 = 16 << 20;

/// Keys that may sign an archive.
#[derive(Debug, Clone, Default)]
pub(super) struct Keyring {
    /// Names them in messages: the files.
    pub(super) name: String,
    /// All keys of all files.
    pub(super) keys: Vec<SignedPublicKey>,
    /// Where not empty, only keys with one of these fingerprints count.
    pub(super) only: Vec<String>,
}

/// Why a key's signature does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// Its owner took it back.
    #[error("it is revoked")]
    Revoked,
    /// It had expired when it signed, or did not exist yet.
    #[error("it was not valid when it signed")]
    Expired,
    /// It is not for signing, or nothing binds it to its owner.
    #[error("it is not made for signing")]
    NotForSigning,
}

impl Keyring {
    /// Adds a file's keys, armoured or not.
    pub(super) fn add_file(&mut self, path: &Path) -> Result<(), ArchiveError> {
        let name = path.display().to_string();
        let refused = |reason: String| ArchiveError::Keyring { keyring: name.clone(), reason };
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
            .map_err(|fault| refused(fault.to_string()))?;
        if bytes.len() as u64 > LARGEST {
            return Err(refused(format!("it is larger than {} MiB", LARGEST >> 20)));
        }
        self.add(&bytes, &name)
    }

    /// Adds keys that are called `name` in messages. Single ones that can't be read are passed over.
    pub(super) fn add(&mut self, bytes: &[u8], name: &str) -> Result<(), ArchiveError> {
        let before = self.keys.len();
        if bytes.starts_with(b"-----BEGIN") || find(bytes, b"\n-----BEGIN PGP").is_some() {
            for block in String::from_utf8_lossy(bytes).split_inclusive("-----END PGP PUBLIC KEY BLOCK-----") {
                let start = block.find("-----BEGIN PGP").unwrap_or(block.len());
                if let Ok((keys, _)) = SignedPublicKey::from_string_many(&block[start..]) {
                    self.keys.extend(keys.filter_map(Result::ok));
                }
            }
        } else if let Ok(keys) = SignedPublicKey::from_bytes_many(bytes) {
            self.keys.extend(keys.filter_map(Result::ok));
        }
        if self.keys.len() == before {
            let is_box = bytes.get(8..12) == Some(b"KBXf");
            let reason = if is_box { "it is GnuPG's keybox, not exported keys" } else { "it has no OpenPGP keys" };
            return Err(ArchiveError::Keyring { keyring: name.to_owned(), reason: reason.to_owned() });
        }
        self.name = if self.name.is_empty() { name.to_owned() } else { format!("{}, {name}", self.name) };
        Ok(())
    }

    /// Whether the channel or apt takes signatures of this key, whose own fingerprint or its main key's is given.
    pub(super) fn allows(&self, fingerprints: &[String]) -> bool {
        let is = |wanted: &String| wanted.len() >= 16 && fingerprints.iter().any(|known| known.ends_with(wanted));
        self.only.is_empty() || self.only.iter().any(is)
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// Whether the main key itself may have signed at `time`.
pub(super) fn check_primary(key: &SignedPublicKey, time: Timestamp) -> Result<(), KeyFault> {
    let statement = check_alive(key, time)?;
    let flags = statement.key_flags();
    // Keys from before there were flags say nothing, and may do all that their algorithm can.
    let silent = !(flags.sign() || flags.certify() || flags.authentication() || flags.encrypt_comms());
    if flags.sign() || silent { Ok(()) } else { Err(KeyFault::NotForSigning) }
}

/// Whether a subkey may have signed at `time`.
pub(super) fn check_subkey(key: &SignedPublicKey, sub: &SignedPublicSubKey, time: Timestamp) -> Result<(), KeyFault> {
    check_alive(key, time)?;
    let primary = &key.primary_key;
    let bound = |signature: &&Signature| signature.verify_subkey_binding(primary, &sub.key).is_ok();
    let of_type = |wanted| sub.signatures.iter().filter(move |signature| signature.typ() == Some(wanted));
    if of_type(SignatureType::SubkeyRevocation).any(|signature| bound(&signature)) {
        return Err(KeyFault::Revoked);
    }
    let newest = of_type(SignatureType::SubkeyBinding).filter(bound).max_by_key(|signature| created(signature));
    let binding = newest.ok_or(KeyFault::NotForSigning)?;
    // Without the subkey's own consent, anybody could take it for theirs.
    let consents = binding
        .embedded_signature()
        .is_some_and(|signature| signature.verify_primary_key_binding(&sub.key, primary).is_ok());
    if !(binding.key_flags().sign() && consents) {
        return Err(KeyFault::NotForSigning);
    }
    if lives(sub.key.created_at(), binding, time) { Ok(()) } else { Err(KeyFault::Expired) }
}

/// Whether the main key was alive at `time`; the newest statement of its owner's on it.
fn check_alive(key: &SignedPublicKey, time: Timestamp) -> Result<&Signature, KeyFault> {
    let primary = &key.primary_key;
    if key.details.revocation_signatures.iter().any(|signature| signature.verify_key(primary).is_ok()) {
        return Err(KeyFault::Revoked);
    }
    let statement = statement(key).ok_or(KeyFault::NotForSigning)?;
    if lives(primary.created_at(), statement, time) { Ok(statement) } else { Err(KeyFault::Expired) }
}

/// What the owner said last: of one of the key's names, else of the key. Keys of version 6 speak for themselves.
fn statement(key: &SignedPublicKey) -> Option<&Signature> {
    let primary = &key.primary_key;
    let certifies =
        |signature: &Signature| signature.is_certification() && signature.typ() != Some(SignatureType::CertRevocation);
    let of_names = key.details.users.iter().flat_map(|user| {
        let own = move |signature: &&Signature| signature.verify_certification(primary, Tag::UserId, &user.id).is_ok();
        user.signatures.iter().filter(move |signature| certifies(signature)).filter(own)
    });
    let of_key = key.details.direct_signatures.iter().filter(|signature| signature.verify_key(primary).is_ok());
    let newest = of_names.filter(|_| primary.version() != KeyVersion::V6).max_by_key(|signature| created(signature));
    newest.or_else(|| of_key.max_by_key(|signature| created(signature)))
}

/// Whether a key made at `birth` was valid at `time`, by what is said of its end.
fn lives(birth: Timestamp, statement: &Signature, time: Timestamp) -> bool {
    let (birth, time) = (u64::from(birth.as_secs()), u64::from(time.as_secs()));
    let life = statement.key_expiration_time().map_or(0, |life| u64::from(life.as_secs()));
    birth <= time && (life == 0 || time < birth + life)
}

fn created(signature: &Signature) -> u32 {
    signature.created().map_or(0, Timestamp::as_secs)
}

/// In upper-case hexadecimal.
pub(super) fn fingerprint(key: &impl VerifyingKey) -> String {
    format!("{:X}", key.fingerprint())
}
