//! OpenPGP signatures over Release files.
//!
//! An archive is signed by several keys; one good signature of a key in the keyring is enough.

use jiff::Timestamp;
use pgp::armor::Dearmor;
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Packet, PacketParser, Signature, SignatureConfig, SignatureType, SignatureVersion, SubpacketData};

use super::keyring::{KeyFault, Keyring, check_primary, check_subkey, fingerprint};
use crate::deb::{SignedText, SignedTextError};

/// More signatures than any archive has.
const MOST_SIGNATURES: usize = 64;

/// Why a text does not count as signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    /// It is no text with signatures.
    #[error("its signed text is malformed: {0}")]
    Text(#[from] SignedTextError),
    /// What should be signatures is none.
    #[error("its signatures can't be read: {0}")]
    Malformed(
        /// As the OpenPGP library says it.
        String,
    ),
    /// None of the keys signed it.
    #[error("it is not signed by any key in {keyring} (signed by {})", .signers.join(", "))]
    Stranger {
        /// The keyring's files.
        keyring: String,
        /// Key ids or fingerprints of those who signed.
        signers: Vec<String>,
    },
    /// It is not what was signed.
    #[error("the signature of key {key} does not hold")]
    Wrong {
        /// The key's fingerprint.
        key: String,
    },
    /// The key's signatures don't count.
    #[error("it is signed by key {key}, but {fault}")]
    Key {
        /// The key's fingerprint.
        key: String,
        /// Why.
        fault: KeyFault,
    },
    /// A signature of a kind that is not safe.
    #[error("the signature of key {key} does not count: {reason}")]
    Unfit {
        /// Who made it.
        key: String,
        /// Why.
        reason: String,
    },
}

/// Verifies a text with signatures around it; gives what was signed.
pub(super) fn verify_inline(text: &str, keyring: &Keyring, now: Timestamp) -> Result<String, SignatureFault> {
    let signed = SignedText::parse(text)?;
    verify(&signed.canonical, signed.signatures.as_bytes(), keyring, now)?;
    Ok(signed.text)
}

/// Verifies signatures that lie beside the text, armoured or not.
pub(super) fn verify(data: &[u8], signatures: &[u8], keyring: &Keyring, now: Timestamp) -> Result<(), SignatureFault> {
    let mut strangers = Vec::new();
    let mut worst = None;
    for signature in parse(signatures)? {
        match check(&signature, data, keyring, now) {
            Ok(()) => return Ok(()),
            Err(SignatureFault::Stranger { signers, .. }) => strangers.extend(signers),
            Err(fault) => worst = worst.or(Some(fault)),
        }
    }
    Err(worst.unwrap_or(SignatureFault::Stranger { keyring: keyring.name.clone(), signers: strangers }))
}

fn parse(bytes: &[u8]) -> Result<Vec<Signature>, SignatureFault> {
    let malformed = |fault: pgp::errors::Error| SignatureFault::Malformed(fault.to_string());
    let packets: Vec<_> = if bytes.trim_ascii_start().starts_with(b"-----BEGIN") {
        let dearmor = std::io::BufReader::new(Dearmor::new(bytes));
        PacketParser::new(dearmor).take(MOST_SIGNATURES).collect()
    } else {
        PacketParser::new(bytes).take(MOST_SIGNATURES).collect()
    };
    let mut signatures = Vec::new();
    for packet in packets {
        match packet {
            Ok(Packet::Signature(signature)) => signatures.push(signature),
            // Signatures of kinds to come stand beside those that are known.
            Ok(_) | Err(pgp::errors::Error::Unsupported { .. }) => {}
            Err(fault) => return Err(malformed(fault)),
        }
    }
    if signatures.is_empty() { Err(SignatureFault::Malformed("there are none".to_owned())) } else { Ok(signatures) }
}

/// Whether a key of the keyring made this signature, over this, when it was good to do so.
fn check(signature: &Signature, data: &[u8], keyring: &Keyring, now: Timestamp) -> Result<(), SignatureFault> {
    let mut stranger = true;
    let mut fault = SignatureFault::Stranger { keyring: keyring.name.clone(), signers: signers(signature) };
    for key in &keyring.keys {
        let primary = fingerprint(&key.primary_key);
        if is_issuer(signature, &key.primary_key) && keyring.allows(std::slice::from_ref(&primary)) {
            let time = check_kind(signature, &primary, now)?;
            let good = signature.verify(&key.primary_key, data).is_ok();
            let usable = check_primary(key, time);
            match judge(good, usable, &primary) {
                Ok(()) => return Ok(()),
                Err(found) => (stranger, fault) = (false, if stranger { found } else { fault }),
            }
        }
        for sub in key.public_subkeys.iter().filter(|sub| is_issuer(signature, &sub.key)) {
            let own = fingerprint(&sub.key);
            if !keyring.allows(&[own.clone(), primary.clone()]) {
                continue;
            }
            let time = check_kind(signature, &own, now)?;
            let good = signature.verify(&sub.key, data).is_ok();
            match judge(good, check_subkey(key, sub, time), &own) {
                Ok(()) => return Ok(()),
                Err(found) => (stranger, fault) = (false, if stranger { found } else { fault }),
            }
        }
    }
    Err(fault)
}

fn judge(good: bool, usable: Result<(), KeyFault>, key: &str) -> Result<(), SignatureFault> {
    let key = key.to_owned();
    match usable {
        _ if !good => Err(SignatureFault::Wrong { key }),
        Err(fault) => Err(SignatureFault::Key { key, fault }),
        Ok(()) => Ok(()),
    }
}

/// Whether the signature is of a safe kind; when it was made.
fn check_kind(signature: &Signature, key: &str, now: Timestamp) -> Result<pgp::types::Timestamp, SignatureFault> {
    let unfit = |reason: String| SignatureFault::Unfit { key: key.to_owned(), reason };
    let digest = signature.hash_alg().unwrap_or(HashAlgorithm::None);
    let safe = [
        HashAlgorithm::Sha224,
        HashAlgorithm::Sha256,
        HashAlgorithm::Sha384,
        HashAlgorithm::Sha512,
        HashAlgorithm::Sha3_256,
        HashAlgorithm::Sha3_512,
    ];
    if !safe.contains(&digest) {
        return Err(unfit(format!("its digest {digest} is not safe")));
    }
    let modern = matches!(signature.version(), SignatureVersion::V4 | SignatureVersion::V6);
    if !modern || !matches!(signature.typ(), Some(SignatureType::Binary | SignatureType::Text)) {
        return Err(unfit("it is of another kind than those over files".to_owned()));
    }
    let unknown = |data: &SubpacketData| {
        matches!(data, SubpacketData::Other(..) | SubpacketData::Experimental(..) | SubpacketData::Notation(_))
    };
    let mut marks = signature.config().into_iter().flat_map(SignatureConfig::hashed_subpackets);
    if marks.any(|mark| mark.is_critical && unknown(&mark.data)) {
        return Err(unfit(
            "it must not be believed without understanding a part of it that is not known here".to_owned(),
        ));
    }
    let created = signature.created().ok_or_else(|| unfit("it has no date".to_owned()))?;
    let life = signature.signature_expiration_time().map_or(0, |life| i64::from(life.as_secs()));
    if life > 0 && i64::from(created.as_secs()) + life <= now.as_second() {
        return Err(unfit("it has expired".to_owned()));
    }
    Ok(created)
}

/// Whether the signature names this key; one that names none could be anybody's.
fn is_issuer(signature: &Signature, key: &impl pgp::types::KeyDetails) -> bool {
    let (ids, fingerprints) = (signature.issuer_key_id(), signature.issuer_fingerprint());
    let unnamed = ids.is_empty() && fingerprints.is_empty();
    unnamed || ids.contains(&&key.legacy_key_id()) || fingerprints.contains(&&key.fingerprint())
}

/// Who claims to have signed.
fn signers(signature: &Signature) -> Vec<String> {
    let fingerprint = signature.issuer_fingerprint().first().map(|print| format!("{print:X}"));
    let id = signature.issuer_key_id().first().map(|id| id.to_string().to_uppercase());
    vec![fingerprint.or(id).unwrap_or_else(|| "a key without a name".to_owned())]
}

#[cfg(test)]
mod tests;
