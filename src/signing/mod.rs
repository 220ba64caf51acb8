//! Signatures of images with a key pair, as cosign lays them out.
//!
//! Pure. A signature is over a small document that names an image's digest ([`payload`]); it lies in the image's own repository,
//! under the tag that [`tag`] tells, as the annotation of a layer which is that document ([`Signatures`]). The same key and image
//! give the same signature (RFC 6979), so that signing again changes nothing.
//!
//! After cosign's `specs/SIGNATURE_SPEC.md`.

mod encrypted;
mod error;
mod key;
mod layout;
mod payload;
mod pem;
#[cfg(test)]
mod tests;

pub use encrypted::Envelope;
pub use error::Error;
pub use key::{PrivateKey, PrivateKeyFile, PublicKey};
pub use layout::{Candidate, Extended, Signatures, tag};
pub use payload::{claimed, payload};

/// The type of a signed document, as a layer.
pub const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";

/// Of a layer: its signature, base64.
pub const SIGNATURE: &str = "dev.cosignproject.cosign/signature";

/// A signed document longer than this is none.
pub const LARGEST_PAYLOAD: u64 = 64 << 10;
