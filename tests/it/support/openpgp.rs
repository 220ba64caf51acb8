//! Keys that sign what tests publish.

use pgp::composed::{
    ArmorOptions, CleartextSignedMessage, DetachedSignature, KeyType, SecretKeyParamsBuilder, SignedSecretKey,
};
use pgp::crypto::hash::HashAlgorithm;
use pgp::ser::Serialize as _;
use pgp::types::Password;

/// A key pair without a password.
pub(crate) struct Key(SignedSecretKey);

impl Key {
    pub(crate) fn generate() -> Self {
        let parameters = SecretKeyParamsBuilder::default()
            .key_type(KeyType::Ed25519Legacy)
            .can_certify(true)
            .can_sign(true)
            .primary_user_id("Test <test@example.org>".into())
            .build()
            .unwrap();
        Self(parameters.generate(rand::thread_rng()).unwrap())
    }

    /// The public key, not armored.
    pub(crate) fn public(&self) -> Vec<u8> {
        self.0.to_public_key().to_bytes().unwrap()
    }

    /// `text` in a cleartext signature, as `InRelease` is.
    pub(crate) fn clearsign(&self, text: &str) -> String {
        let signed = CleartextSignedMessage::sign(rand::thread_rng(), text, &*self.0, &Password::empty()).unwrap();
        signed.to_armored_string(ArmorOptions::default()).unwrap()
    }

    /// The public key as text.
    pub(crate) fn armored(&self) -> String {
        self.0.to_public_key().to_armored_string(ArmorOptions::default()).unwrap()
    }

    /// A signature of `content` on its own, as `Release.gpg` is.
    pub(crate) fn detached(&self, content: &[u8]) -> String {
        let (random, password, hash) = (rand::thread_rng(), Password::empty(), HashAlgorithm::Sha256);
        let signature = DetachedSignature::sign_binary_data(random, &*self.0, &password, hash, content).unwrap();
        signature.to_armored_string(ArmorOptions::default()).unwrap()
    }
}
