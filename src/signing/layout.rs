//! Where signatures lie: layers of a manifest under a tag of the image's own repository.

use data_encoding::BASE64;
use serde_json::{Value, json};

use crate::nix::Sha256;

use super::{Error, LARGEST_PAYLOAD, SIGNATURE, SIMPLE_SIGNING};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// An image has few signatures; a manifest of more is somebody's mischief.
const MOST: usize = 200;

/// No time, as Go writes it.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// The tag under which signatures of the manifest or index `digest` lie.
#[must_use]
pub fn tag(digest: &Sha256) -> String {
    format!("sha256-{}.sig", digest.hex())
}

/// The signatures of one image, as its repository has them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signatures {
    /// Layers as they stand, whatever they are: others' stay untouched.
    layers: Vec<Value>,
    annotations: Option<Value>,
}

/// What may be a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Of the signed document, a blob.
    pub digest: Sha256,
    /// Its bytes.
    pub size: u64,
    /// ASN.1 DER.
    pub signature: Vec<u8>,
}

/// A manifest with one signature more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extended {
    /// The manifest's bytes; an OCI image manifest.
    pub manifest: Vec<u8>,
    /// The configuration that it names.
    pub config: Vec<u8>,
}

impl Signatures {
    /// Reads the manifest that lies under [`tag`]`(digest)`.
    pub fn parse(manifest: &[u8], digest: &Sha256) -> Result<Self, Error> {
        let fault = |reason| Error::NoSignatures { tag: tag(digest), reason };
        let mut document: Value = serde_json::from_slice(manifest).map_err(|_| fault("it is no JSON"))?;
        let layers = document.get_mut("layers").map(Value::take);
        let Some(Value::Array(layers)) = layers else { return Err(fault("it has no layers")) };
        if layers.len() > MOST {
            return Err(fault("it has too many layers"));
        }
        if layers.iter().any(|layer| digest_of(layer).is_none()) {
            return Err(fault("a layer has no digest"));
        }
        Ok(Self { layers, annotations: document.get_mut("annotations").map(Value::take) })
    }

    /// What may be a signature, in order.
    pub fn candidates(&self) -> impl Iterator<Item = Candidate> {
        self.layers.iter().filter_map(candidate)
    }

    /// With a signature of `payload`. `None`: it is there already.
    pub fn with(mut self, payload: &[u8], signature: &[u8]) -> Result<Option<Extended>, Error> {
        let digest = Sha256::of(payload);
        if self.candidates().any(|there| there.digest == digest && there.signature == signature) {
            return Ok(None);
        }
        self.layers.push(json!({
            "mediaType": SIMPLE_SIGNING,
            "size": payload.len(),
            "digest": digest.oci(),
            "annotations": { SIGNATURE: BASE64.encode(signature) },
        }));
        let config = self.config()?;
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": { "mediaType": CONFIG, "size": config.len(), "digest": Sha256::of(&config).oci() },
            "layers": self.layers,
        });
        if let (Some(annotations), Value::Object(fields)) = (self.annotations, &mut manifest) {
            fields.insert("annotations".to_owned(), annotations);
        }
        Ok(Some(Extended { manifest: serde_json::to_vec(&manifest)?, config }))
    }

    /// A configuration that says nothing, in the form of an image's.
    fn config(&self) -> serde_json::Result<Vec<u8>> {
        let digests = self.layers.iter().map(digest_of).collect::<Vec<_>>();
        serde_json::to_vec(&json!({
            "architecture": "",
            "created": NEVER,
            "history": self.layers.iter().map(|_| json!({ "created": NEVER })).collect::<Vec<_>>(),
            "os": "",
            "rootfs": { "type": "layers", "diff_ids": digests },
            "config": {},
        }))
    }
}

fn digest_of(layer: &Value) -> Option<&str> {
    layer.get("digest")?.as_str()
}

fn candidate(layer: &Value) -> Option<Candidate> {
    let is_signature = layer.get("mediaType")?.as_str()? == SIMPLE_SIGNING;
    let size = layer.get("size")?.as_u64().filter(|&size| is_signature && size <= LARGEST_PAYLOAD)?;
    let signature = BASE64.decode(layer.get("annotations")?.get(SIGNATURE)?.as_str()?.as_bytes()).ok()?;
    let digest = digest_of(layer)?.parse().ok()?;
    Some(Candidate { digest, size, signature })
}
