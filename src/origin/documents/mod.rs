//! Indexes, manifests and configurations that others wrote. Pure; forgiving of what does not matter here, and of nothing else.

mod configuration;

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::nix::Sha256;

pub use configuration::{Configuration, RootFs, Run, Step};

/// Larger documents are refused. Registries agree on this limit.
pub const LARGEST_DOCUMENT: u64 = 4 << 20;

/// More layers than any client takes.
pub const MOST_LAYERS: usize = 512;

/// Entries of one index.
pub const MOST_MANIFESTS: usize = 256;

const INDEXES: [&str; 2] =
    ["application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"];
const MANIFESTS: [&str; 2] =
    ["application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"];
const CONFIGS: [&str; 2] =
    ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];

/// By this annotation an entry of an index says that it is about another one.
const REFERENCE_TYPE: &str = "vnd.docker.reference.type";

/// What an index or manifest says of a blob or another document.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// Its type.
    #[serde(default)]
    pub media_type: String,
    /// `sha256:…`
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
    /// Notes.
    #[serde(default, deserialize_with = "or_null")]
    pub annotations: BTreeMap<String, String>,
    /// Of an index's entry, where it says so.
    pub platform: Option<Platform>,
    /// Of what is no image.
    pub artifact_type: Option<String>,
}

/// A digest as others write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Digest(pub Sha256);

impl TryFrom<String> for Digest {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let hex = text.strip_prefix("sha256:").filter(|hex| hex.len() == 64);
        let digest = hex.and_then(|_| text.parse().ok());
        digest.map(Self).ok_or_else(|| format!("`{text}` is no SHA-256 digest, and other kinds are not known here"))
    }
}

/// What something runs on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Platform {
    /// `linux`
    #[serde(default, deserialize_with = "or_null")]
    pub os: String,
    /// `amd64`
    #[serde(default, deserialize_with = "or_null")]
    pub architecture: String,
    /// `v8`
    #[serde(default, deserialize_with = "or_null")]
    pub variant: String,
}

impl std::fmt::Display for Platform {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let or_unknown = |text: &str| if text.is_empty() { "unknown" } else { text }.to_owned();
        write!(formatter, "{}/{}", or_unknown(&self.os), or_unknown(&self.architecture))?;
        if self.variant.is_empty() { Ok(()) } else { write!(formatter, "/{}", self.variant) }
    }
}

/// A document that a digest or tag leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Document {
    /// Leads to others.
    Index(Vec<Descriptor>),
    /// An image.
    Manifest(Box<Manifest>),
    /// A manifest of something else: a signature, an SBOM, a chart. Its kind.
    Artifact(String),
}

/// An image's manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The configuration's.
    pub config: Descriptor,
    /// The lowest first.
    pub layers: Vec<Descriptor>,
    /// Notes.
    pub annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    schema_version: Option<u64>,
    media_type: Option<String>,
    artifact_type: Option<String>,
    manifests: Option<Vec<Descriptor>>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    #[serde(default, deserialize_with = "or_null")]
    annotations: BTreeMap<String, String>,
}

impl Document {
    /// Reads an index or manifest; `media_type` is what led to it, empty where nothing was said. The error says what is wrong.
    pub fn parse(bytes: &[u8], media_type: &str) -> Result<Self, String> {
        if media_type.starts_with("application/vnd.docker.distribution.manifest.v1+") {
            return Err("it is a manifest of Docker's first schema, which names no image ID: push it again".to_owned());
        }
        let raw: Raw = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if raw.schema_version.is_some_and(|version| version != 2) {
            return Err(format!("its schema is {}, and 2 is known here", raw.schema_version.unwrap_or_default()));
        }
        let own = raw.media_type.as_deref().unwrap_or_default();
        // What is said twice must be the same: else one client takes for an image what another takes for an index.
        if !own.is_empty() && !media_type.is_empty() && own != media_type && is_known(own) && is_known(media_type) {
            return Err(format!("it says that it is {own}, and what led to it {media_type}"));
        }
        match (raw.manifests, raw.config, raw.layers) {
            (Some(manifests), None, None) if !MANIFESTS.contains(&own) => index(manifests),
            (None, Some(config), layers) if !INDEXES.contains(&own) => {
                manifest(config, layers.unwrap_or_default(), raw.annotations, raw.artifact_type)
            }
            (Some(_), _, _) => Err("it is an index and a manifest at once".to_owned()),
            _ => Err("it is neither an index nor a manifest".to_owned()),
        }
    }
}

fn is_known(media_type: &str) -> bool {
    INDEXES.contains(&media_type) || MANIFESTS.contains(&media_type)
}

fn index(manifests: Vec<Descriptor>) -> Result<Document, String> {
    if manifests.len() > MOST_MANIFESTS {
        return Err(format!("it names more than {MOST_MANIFESTS} manifests"));
    }
    Ok(Document::Index(manifests))
}

fn manifest(
    config: Descriptor,
    layers: Vec<Descriptor>,
    annotations: BTreeMap<String, String>,
    artifact_type: Option<String>,
) -> Result<Document, String> {
    if layers.len() > MOST_LAYERS {
        return Err(format!("it names more than {MOST_LAYERS} layers"));
    }
    if artifact_type.is_some() || !CONFIGS.contains(&config.media_type.as_str()) {
        return Ok(Document::Artifact(artifact_type.unwrap_or(config.media_type)));
    }
    Ok(Document::Manifest(Box::new(Manifest { config, layers, annotations })))
}

impl Descriptor {
    /// Whether it can lead to an image: no attestation, no artifact.
    #[must_use]
    pub fn may_be_image(&self) -> bool {
        let attests = self.annotations.contains_key(REFERENCE_TYPE);
        let is_unknown = self.platform.as_ref().is_some_and(|platform| platform.architecture == "unknown");
        let is_other = !self.media_type.is_empty() && !is_known(&self.media_type);
        !attests && !is_unknown && !is_other && self.artifact_type.is_none()
    }

    /// Whether it leads to an index, as far as it says so.
    #[must_use]
    pub fn is_index(&self) -> bool {
        INDEXES.contains(&self.media_type.as_str())
    }
}

/// Go writes `null` for what is empty.
fn or_null<'de, D: serde::Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// An entry of Docker's `manifest.json`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DockerEntry {
    /// Name of the configuration's file.
    pub config: String,
    /// Names, `app:latest`.
    #[serde(default, deserialize_with = "or_null")]
    pub repo_tags: Vec<String>,
    /// Names of the layers' files, the lowest first.
    #[serde(default, deserialize_with = "or_null")]
    pub layers: Vec<String>,
}

/// Reads Docker's `manifest.json`. The error says what is wrong.
pub fn docker_entries(bytes: &[u8]) -> Result<Vec<DockerEntry>, String> {
    let entries: Vec<DockerEntry> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if entries.len() > MOST_MANIFESTS || entries.iter().any(|entry| entry.layers.len() > MOST_LAYERS) {
        return Err(format!("it names more than {MOST_MANIFESTS} images or {MOST_LAYERS} layers"));
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parse(value: &Value, media_type: &str) -> Result<Document, String> {
        Document::parse(value.to_string().as_bytes(), media_type)
    }

    fn descriptor(media_type: &str) -> Value {
        json!({ "mediaType": media_type, "digest": Sha256::of(b"x").oci(), "size": 1, "annotations": null })
    }

    #[test]
    fn documents_are_what_they_hold_and_never_two_things() {
        let (config, layer) = (descriptor(CONFIGS[0]), descriptor("application/vnd.oci.image.layer.v1.tar+gzip"));
        let manifest = json!({ "schemaVersion": 2, "config": config, "layers": [layer] });
        assert!(matches!(parse(&manifest, ""), Ok(Document::Manifest(it)) if it.layers.len() == 1));
        let index = json!({ "schemaVersion": 2, "manifests": [descriptor(MANIFESTS[0])] });
        assert!(matches!(parse(&index, INDEXES[1]), Ok(Document::Index(it)) if it[0].may_be_image()));
        let both = json!({ "config": config, "layers": [], "manifests": [] });
        assert!(parse(&both, "").unwrap_err().contains("at once"));
        let said = json!({ "mediaType": INDEXES[0], "config": config, "layers": [] });
        assert!(parse(&said, "").is_err() && parse(&said, MANIFESTS[0]).is_err());
        let chart = json!({ "config": descriptor("application/vnd.cncf.helm.config.v1+json"), "layers": [layer] });
        assert!(matches!(parse(&chart, MANIFESTS[0]), Ok(Document::Artifact(kind)) if kind.contains("helm")));
        assert!(parse(&json!({ "schemaVersion": 1 }), "").is_err() && parse(&json!([]), "").is_err());
        assert!(parse(&json!({}), "application/vnd.docker.distribution.manifest.v1+prettyjws").is_err());
    }

    #[test]
    fn digests_of_other_kinds_and_too_many_layers_are_refused() {
        let mut odd = descriptor(MANIFESTS[0]);
        for digest in ["sha512:00", "sha256:zz", "", "sha256:../../etc/passwd"] {
            odd["digest"] = json!(digest);
            assert!(parse(&json!({ "manifests": [odd] }), "").is_err(), "{digest}");
        }
        let layers = vec![descriptor("x"); MOST_LAYERS + 1];
        assert!(parse(&json!({ "config": descriptor(CONFIGS[1]), "layers": layers }), "").is_err());
    }

    #[test]
    fn attestations_are_no_images() {
        let mut entry = descriptor(MANIFESTS[0]);
        entry["platform"] = json!({ "os": "unknown", "architecture": "unknown" });
        let read = |entry: &Value| serde_json::from_value::<Descriptor>(entry.clone()).unwrap();
        assert!(!read(&entry).may_be_image());
        entry["platform"] = json!({ "os": "linux", "architecture": "arm64", "variant": "v8" });
        assert!(read(&entry).may_be_image());
        assert_eq!(read(&entry).platform.unwrap().to_string(), "linux/arm64/v8");
        entry["annotations"] = json!({ REFERENCE_TYPE: "attestation-manifest" });
        assert!(!read(&entry).may_be_image());
    }

    #[test]
    fn docker_lists_its_images() {
        assert!(docker_entries(b"{}").is_err());
        let entries =
            docker_entries(br#"[{ "Config": "a.json", "RepoTags": null, "Layers": ["b/layer.tar"] }]"#).unwrap();
        assert_eq!((entries[0].config.as_str(), entries[0].layers.len()), ("a.json", 1));
    }
}
