//! An image's JSON documents: configuration, manifests, index.
//!
//! Canonical: keys sorted, no white space, nothing of the clock, so that a digest depends on what is said alone.

use std::collections::BTreeMap;

use oci_spec::OciSpecError;
use oci_spec::image::{
    Arch, ConfigBuilder, Descriptor, DescriptorBuilder, HistoryBuilder, ImageConfigurationBuilder, ImageIndexBuilder,
    ImageManifestBuilder, MediaType, Os, PlatformBuilder, RootFsBuilder, Sha256Digest,
};
use serde_json::json;

use crate::config::System;
use crate::nix::Sha256;

use super::codec::Packing;
use super::{BlobDigest, DiffId};

/// What runs, as whom and with what: the part of an image's configuration that is not about layers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunConfig {
    /// `User`: a number, or a number, a colon and another; empty: root.
    pub user: String,
    /// `Env`, each once, in order of names.
    pub env: BTreeMap<String, String>,
    /// `Entrypoint`.
    pub entrypoint: Vec<String>,
    /// `Cmd`.
    pub command: Vec<String>,
    /// `ExposedPorts`, TCP.
    pub ports: Vec<u16>,
    /// `Volumes`.
    pub volumes: Vec<String>,
    /// `WorkingDir`.
    pub working_dir: String,
    /// `Labels`.
    pub labels: BTreeMap<String, String>,
    /// `StopSignal`.
    pub stop_signal: Option<String>,
}

/// A layer as the documents name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerDescription {
    /// Digest of the uncompressed tar.
    pub diff_id: DiffId,
    /// Bytes of the uncompressed tar.
    pub tar_size: u64,
    /// Digest as compressed.
    pub blob: BlobDigest,
    /// Bytes as compressed.
    pub blob_size: u64,
    /// How it is compressed.
    pub packing: Packing,
    /// What it holds, for `docker history`.
    pub comment: String,
    /// Names it by what it is made of; `None` for a layer that somebody else made.
    pub key: Option<Sha256>,
    /// Where in it the facts of packages are, if they are in it.
    pub facts: Option<&'static str>,
}

/// The annotation of a layer by which the next build knows it again: `sha256:…`, which names what it is made of.
pub const LAYER_KEY: &str = "dev.dumbc.layer.key";

/// The annotation that tells the bytes of the uncompressed layer.
pub const LAYER_SIZE: &str = "dev.dumbc.layer.size";

/// The annotation of the layer that keeps the facts of packages: their path in it.
pub const LAYER_FACTS: &str = "dev.dumbc.layer.facts";

impl LayerDescription {
    /// What registries and OCI layouts are told of a layer, for the next build.
    fn annotations(&self) -> BTreeMap<&'static str, String> {
        let key = self.key.iter().flat_map(|key| [(LAYER_KEY, key.oci()), (LAYER_SIZE, self.tar_size.to_string())]);
        key.chain(self.facts.map(|path| (LAYER_FACTS, path.to_owned()))).collect()
    }
}

/// In which form a destination holds layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// OCI manifest, layers as compressed.
    Oci,
    /// OCI manifest, layers as plain tars: inside a compressed archive.
    OciUncompressed,
    /// Docker's manifest of schema 2, layers gzipped, or plain; it has no name for zstd.
    Docker,
}

/// The bytes of an image's configuration. Their digest is the image ID.
pub fn configuration(
    run: &RunConfig,
    system: System,
    layers: &[LayerDescription],
    created: &str,
) -> Result<Vec<u8>, OciSpecError> {
    let mut config = ConfigBuilder::default();
    if !run.user.is_empty() {
        config = config.user(&run.user);
    }
    if !run.entrypoint.is_empty() {
        config = config.entrypoint(run.entrypoint.clone());
    }
    if !run.command.is_empty() {
        config = config.cmd(run.command.clone());
    }
    if !run.ports.is_empty() {
        config = config.exposed_ports(run.ports.iter().map(|port| format!("{port}/tcp")).collect::<Vec<_>>());
    }
    if !run.volumes.is_empty() {
        config = config.volumes(run.volumes.clone());
    }
    if !run.working_dir.is_empty() {
        config = config.working_dir(&run.working_dir);
    }
    if !run.labels.is_empty() {
        config = config.labels(run.labels.clone().into_iter().collect::<std::collections::HashMap<_, _>>());
    }
    if let Some(signal) = &run.stop_signal {
        config = config.stop_signal(signal);
    }
    let env = run.env.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>();
    let history = layers
        .iter()
        .map(|layer| HistoryBuilder::default().created(created).created_by("dumbc").comment(&layer.comment).build());
    let diff_ids = layers.iter().map(|layer| layer.diff_id.to_string()).collect::<Vec<_>>();
    let image = ImageConfigurationBuilder::default()
        .created(created)
        .architecture(Arch::from(system.architecture()))
        .os(Os::Linux)
        .config(config.env(env).build()?)
        .rootfs(RootFsBuilder::default().typ("layers").diff_ids(diff_ids).build()?)
        .history(history.collect::<Result<Vec<_>, _>>()?)
        .build()?;
    canonical(&image)
}

/// The bytes of a manifest over `config` and `layers`.
pub fn manifest(config: &[u8], layers: &[LayerDescription], form: Form) -> Result<Vec<u8>, OciSpecError> {
    if form == Form::Docker {
        return canonical(&docker_manifest(config, layers));
    }
    let descriptors = layers.iter().map(|layer| match (form, layer.packing) {
        (Form::OciUncompressed, _) => descriptor(MediaType::ImageLayer, &layer.diff_id.0, layer.tar_size),
        (_, Packing::Gzip) => layer_descriptor(MediaType::ImageLayerGzip, layer),
        (_, Packing::Zstd) => layer_descriptor(MediaType::ImageLayerZstd, layer),
        (_, Packing::Plain) => layer_descriptor(MediaType::ImageLayer, layer),
    });
    let manifest = ImageManifestBuilder::default()
        .schema_version(2u32)
        .media_type(MediaType::ImageManifest)
        .config(descriptor(MediaType::ImageConfig, &Sha256::of(config), config.len() as u64)?)
        .layers(descriptors.collect::<Result<Vec<_>, _>>()?)
        .build()?;
    canonical(&manifest)
}

fn docker_manifest(config: &[u8], layers: &[LayerDescription]) -> serde_json::Value {
    let layers = layers.iter().map(|layer| {
        let media_type = match layer.packing {
            Packing::Plain => "application/vnd.docker.image.rootfs.diff.tar",
            Packing::Gzip | Packing::Zstd => "application/vnd.docker.image.rootfs.diff.tar.gzip",
        };
        let mut descriptor = json!({
            "mediaType": media_type,
            "size": layer.blob_size,
            "digest": layer.blob.to_string(),
        });
        let annotations = layer.annotations();
        if !annotations.is_empty() {
            descriptor["annotations"] = json!(annotations);
        }
        descriptor
    });
    json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "size": config.len(),
            "digest": Sha256::of(config).oci(),
        },
        "layers": layers.collect::<Vec<_>>(),
    })
}

/// The entry of an index for one manifest.
pub fn index_entry(
    manifest: &[u8],
    system: System,
    annotations: &BTreeMap<String, String>,
) -> Result<Descriptor, OciSpecError> {
    let platform = PlatformBuilder::default().architecture(Arch::from(system.architecture())).os(Os::Linux).build()?;
    let digest = Sha256::of(manifest).hex().parse::<Sha256Digest>()?;
    let entry = DescriptorBuilder::default()
        .media_type(MediaType::ImageManifest)
        .digest(digest)
        .size(manifest.len() as u64)
        .platform(platform);
    if annotations.is_empty() {
        return entry.build();
    }
    entry.annotations(annotations.clone().into_iter().collect::<std::collections::HashMap<_, _>>()).build()
}

/// The bytes of an index over `manifests`.
pub fn index(manifests: Vec<Descriptor>) -> Result<Vec<u8>, OciSpecError> {
    let index =
        ImageIndexBuilder::default().schema_version(2u32).media_type(MediaType::ImageIndex).manifests(manifests);
    canonical(&index.build()?)
}

fn descriptor(media_type: MediaType, digest: &Sha256, size: u64) -> Result<Descriptor, OciSpecError> {
    DescriptorBuilder::default().media_type(media_type).digest(digest.hex().parse::<Sha256Digest>()?).size(size).build()
}

/// A layer as it lies in a registry or OCI layout.
fn layer_descriptor(media_type: MediaType, layer: &LayerDescription) -> Result<Descriptor, OciSpecError> {
    let mut descriptor = descriptor(media_type, &layer.blob.0, layer.blob_size)?;
    let annotations = layer.annotations();
    if !annotations.is_empty() {
        descriptor.set_annotations(Some(annotations.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()));
    }
    Ok(descriptor)
}

/// JSON by way of a value whose maps are sorted: the types above keep some of theirs in no order.
fn canonical(document: &impl serde::Serialize) -> Result<Vec<u8>, OciSpecError> {
    Ok(serde_json::to_vec(&serde_json::to_value(document)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer() -> LayerDescription {
        LayerDescription {
            diff_id: DiffId(Sha256::of(b"tar")),
            tar_size: 1024,
            blob: BlobDigest(Sha256::of(b"gzip")),
            blob_size: 100,
            packing: Packing::Gzip,
            comment: "hello-1.0".to_owned(),
            key: Some(Sha256::of(b"key")),
            facts: None,
        }
    }

    fn run() -> RunConfig {
        let pairs = |list: &[(&str, &str)]| list.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        RunConfig {
            user: "1000".into(),
            env: pairs(&[("PATH", "/bin"), ("A", "b")]),
            command: vec!["hello".into()],
            ports: vec![8080, 80],
            volumes: vec!["/data".into()],
            working_dir: "/home/a".into(),
            labels: pairs(&[("z", "1"), ("a", "2"), ("m", "3"), ("b", "4")]),
            stop_signal: Some("SIGTERM".into()),
            ..RunConfig::default()
        }
    }

    #[test]
    fn layers_are_annotated_where_the_next_build_looks() {
        let layer = LayerDescription { facts: Some("usr/facts"), ..layer() };
        let other = LayerDescription { key: None, facts: None, ..layer.clone() };
        let annotations = |form| {
            let manifest = manifest(b"{}", &[layer.clone(), other.clone()], form).unwrap();
            let document: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
            assert!(document["layers"][1].get("annotations").is_none());
            document["layers"][0]["annotations"].clone()
        };
        let key = Sha256::of(b"key").oci();
        let all = json!({
            "dev.dumbc.layer.facts": "usr/facts", "dev.dumbc.layer.key": key, "dev.dumbc.layer.size": "1024",
        });
        assert_eq!(annotations(Form::Oci), all);
        assert_eq!(annotations(Form::Docker), all);
        assert!(annotations(Form::OciUncompressed).is_null());
    }

    #[test]
    fn golden_digests_catch_drift() {
        let config = configuration(&run(), System::X86_64Linux, &[layer()], "1970-01-01T00:00:01Z").unwrap();
        let text = String::from_utf8(config.clone()).unwrap();
        assert!(text.contains(r#""Labels":{"a":"2","b":"4","m":"3","z":"1"}"#), "{text}");
        let digest = |bytes: &[u8]| Sha256::of(bytes).hex()[..16].to_owned();
        let manifest = |form| manifest(&config, &[layer()], form).unwrap();
        assert_eq!(digest(&config), "e6a92ddd5ad62fbe");
        assert_eq!(digest(&manifest(Form::Oci)), "8a388a0aa1e55349");
        assert_eq!(digest(&manifest(Form::OciUncompressed)), "b7e6289f2023f1a1");
        assert_eq!(digest(&manifest(Form::Docker)), "00543f106b46ee71");
    }
}
