//! What is signed: the "simple signing" document, which names a repository and a digest.

use serde::{Deserialize, Serialize};

use crate::nix::Sha256;

const KIND: &str = "cosign container image signature";

#[derive(Serialize, Deserialize)]
struct Document {
    critical: Critical,
    /// What its makers add; nothing of ours.
    optional: Option<serde_json::Value>,
}

#[derive(Serialize, Deserialize)]
struct Critical {
    identity: Identity,
    image: Image,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Serialize, Deserialize)]
struct Identity {
    #[serde(rename = "docker-reference")]
    docker_reference: String,
}

#[derive(Serialize, Deserialize)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    docker_manifest_digest: String,
}

/// The document for the manifest or index `digest` in a repository: `registry.example.org/team/app`, without tag. Byte for byte as
/// cosign writes it.
pub fn payload(registry: &str, repository: &str, digest: &Sha256) -> serde_json::Result<Vec<u8>> {
    // By its older name, as Docker's own clients write it and all others read it.
    let registry = if registry == "docker.io" { "index.docker.io" } else { registry };
    serde_json::to_vec(&Document {
        critical: Critical {
            identity: Identity { docker_reference: format!("{registry}/{repository}") },
            image: Image { docker_manifest_digest: digest.oci() },
            kind: KIND.to_owned(),
        },
        optional: None,
    })
}

/// The reference that a signed document names, if it is one for `digest`.
#[must_use]
pub fn claimed(payload: &[u8], digest: &Sha256) -> Option<String> {
    let Document { critical, .. } = serde_json::from_slice(payload).ok()?;
    let is_for = critical.kind == KIND && critical.image.docker_manifest_digest == digest.oci();
    is_for.then_some(critical.identity.docker_reference)
}
