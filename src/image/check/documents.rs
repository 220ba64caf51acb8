//! Holds an image's documents against its blobs.

use std::collections::BTreeSet;

use oci_spec::image::{Descriptor, ImageConfiguration, ImageIndex, ImageManifest, MediaType};
use serde::Deserialize;

use super::{Blobs, CheckedImage, Report, diff_id};

/// An entry of Docker's `manifest.json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DockerEntry {
    config: String,
    layers: Vec<String>,
}

/// Indexes in indexes.
const DEEPEST: usize = 2;

/// What Docker calls an index.
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// What Docker calls a configuration.
const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";

struct Check<'a> {
    blobs: &'a Blobs,
    report: Report,
    used: BTreeSet<String>,
}

pub(super) fn check(blobs: &Blobs) -> Report {
    let mut check = Check { blobs, report: Report::default(), used: BTreeSet::new() };
    check.names();
    let index = check.index();
    let docker = check.docker();
    if !index && !docker {
        check.fault("there is neither an index.json nor a manifest.json: this is no image".to_owned());
    }
    check.leftovers();
    check.report.files = blobs.files.len();
    check.report.layers = blobs.files.values().filter(|blob| blob.layer.is_some()).count();
    check.report
}

impl Check<'_> {
    fn fault(&mut self, fault: String) {
        self.report.faults.push(fault);
    }

    /// Content-addressed files bear their own digest; layers are well formed.
    fn names(&mut self) {
        for (name, blob) in &self.blobs.files {
            if let Some(hex) = name.strip_prefix("blobs/sha256/")
                && hex != blob.digest.hex()
            {
                self.fault(format!("{name} holds other bytes: their digest is {}", blob.digest.oci()));
            }
            if let Some(fault) = blob.layer.as_ref().and_then(|layer| layer.fault.as_ref()) {
                self.fault(format!("{name}: {fault}"));
            }
        }
    }

    fn document<T: serde::de::DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        self.used.insert(name.to_owned());
        let Some(blob) = self.blobs.files.get(name) else {
            self.fault(format!("{name} is missing"));
            return None;
        };
        match serde_json::from_slice(&blob.content) {
            Ok(document) => Some(document),
            Err(error) => {
                self.fault(format!("{name} is not the document that it should be: {error}"));
                None
            }
        }
    }

    fn index(&mut self) -> bool {
        if !self.blobs.files.contains_key("index.json") {
            return false;
        }
        self.used.insert("oci-layout".to_owned());
        if !self.blobs.files.contains_key("oci-layout") {
            self.fault("oci-layout is missing".to_owned());
        }
        if let Some(index) = self.document::<ImageIndex>("index.json") {
            for entry in index.manifests() {
                self.entry(entry, 0);
            }
        }
        true
    }

    /// A manifest, or another index: images of several systems may stand in one below.
    fn entry(&mut self, entry: &Descriptor, depth: usize) {
        let kind = entry.media_type();
        if *kind != MediaType::ImageIndex && kind.to_string() != DOCKER_LIST {
            return self.manifest(entry);
        }
        let Some(name) = self.described(entry) else { return };
        if depth >= DEEPEST {
            return self.fault(format!("{name} is an index too deep in others"));
        }
        if let Some(index) = self.document::<ImageIndex>(&name) {
            for entry in index.manifests() {
                self.entry(entry, depth + 1);
            }
        }
    }

    fn manifest(&mut self, entry: &Descriptor) {
        let Some(name) = self.described(entry) else { return };
        let Some(manifest) = self.document::<ImageManifest>(&name) else { return };
        let Some(config) = self.described(manifest.config()) else { return };
        let files = manifest.layers().iter().filter_map(|layer| self.described(layer)).collect::<Vec<_>>();
        if files.len() == manifest.layers().len() && is_image(entry, &manifest) {
            self.image("index.json", Some(entry.digest().to_string()), &config, files);
        }
    }

    /// The file that a descriptor means, if it is there with the size that it should have.
    fn described(&mut self, descriptor: &Descriptor) -> Option<String> {
        let name = format!("blobs/{}", descriptor.digest().to_string().replace(':', "/"));
        self.used.insert(name.clone());
        match self.blobs.files.get(&name) {
            None => self.fault(format!("{name} is missing")),
            Some(blob) if blob.size != descriptor.size() => {
                self.fault(format!("{name} has {} bytes, not {}", blob.size, descriptor.size()));
            }
            Some(_) => return Some(name),
        }
        None
    }

    fn docker(&mut self) -> bool {
        if !self.blobs.files.contains_key("manifest.json") {
            return false;
        }
        for entry in self.document::<Vec<DockerEntry>>("manifest.json").unwrap_or_default() {
            self.used.extend(entry.layers.iter().cloned());
            self.image("manifest.json", None, &entry.config, entry.layers);
        }
        true
    }

    /// Layers are those that the configuration names, in its order.
    fn image(&mut self, named_by: &str, manifest: Option<String>, config_name: &str, files: Vec<String>) {
        let Some(config) = self.document::<ImageConfiguration>(config_name) else { return };
        let id = self.blobs.files.get(config_name).map_or_else(String::new, |blob| blob.digest.oci());
        let expected = config.rootfs().diff_ids();
        if expected.len() != files.len() {
            self.fault(format!("{config_name} names {} layers, {named_by} {}", expected.len(), files.len()));
        }
        let mut layers = Vec::new();
        for (file, expected) in files.iter().zip(expected) {
            match diff_id(self.blobs, file) {
                None => self.fault(format!("{file} is missing, or no layer")),
                Some(found) if found.to_string() != *expected => {
                    self.fault(format!("{file} has diff ID {found}, {config_name} says {expected}"));
                }
                Some(found) => layers.push(found.to_string()),
            }
        }
        let architecture = config.architecture().to_string();
        self.report.images.push(CheckedImage {
            named_by: named_by.to_owned(),
            architecture,
            id,
            manifest,
            layers,
            files,
        });
    }

    /// Blobs that nothing refers to are not harmful, but no builder of one image writes them.
    fn leftovers(&mut self) {
        let extra = self.blobs.files.keys().filter(|name| name.starts_with("blobs/") && !self.used.contains(*name));
        let extra = extra.cloned().collect::<Vec<_>>();
        for name in extra {
            self.fault(format!("{name} is referred to by nothing"));
        }
    }
}

/// Whether a manifest is an image's: attestations and signatures lie beside images, and what they call layers is none.
fn is_image(entry: &Descriptor, manifest: &ImageManifest) -> bool {
    let kind = manifest.config().media_type();
    let is_config = *kind == MediaType::ImageConfig || kind.to_string() == DOCKER_CONFIG;
    let is_unknown = entry.platform().as_ref().is_some_and(|platform| platform.architecture().to_string() == "unknown");
    is_config && !is_unknown && manifest.artifact_type().is_none()
}
