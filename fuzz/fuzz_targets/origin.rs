//! Documents of an image that somebody wrote: reading them ends, and what is read keeps to its bounds.

#![no_main]

use dumbc::origin::documents::{Configuration, Document, MOST_LAYERS, MOST_MANIFESTS, docker_entries};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    for media_type in ["", "application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json"] {
        match Document::parse(input, media_type) {
            Ok(Document::Index(entries)) => assert!(entries.len() <= MOST_MANIFESTS),
            Ok(Document::Manifest(manifest)) => assert!(manifest.layers.len() <= MOST_LAYERS),
            Ok(Document::Artifact(_)) | Err(_) => {}
        }
    }
    if let Ok(configuration) = Configuration::parse(input) {
        let steps = configuration.layer_steps().len();
        assert!(steps == 0 || steps == configuration.rootfs.diff_ids.len());
    }
    if let Ok(entries) = docker_entries(input) {
        assert!(entries.iter().all(|entry| entry.layers.len() <= MOST_LAYERS));
    }
});
