//! Looks at every blob of an image in a registry once, several at a time, and keeps none.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::json;

use crate::failure::{Class, Classified as _, carried};
use crate::image::check::{Blob, Blobs};
use crate::nix::Sha256;
use crate::origin::{Location, Origin, OriginLayer};
use crate::registry::{self, Registry};

use super::Context;

/// Layers that are read at a time.
const READERS: usize = 4;

/// The images of a reference as a layout would hold them, and layers that are not what their digest says.
pub(super) fn read(
    location: &Location,
    registry: &Registry,
    context: &Context,
) -> anyhow::Result<(Blobs, Vec<String>)> {
    let origin = Origin::open(location, registry)?;
    let mut blobs = documents(&origin)?;
    let mut faults = Vec::new();
    for (digest, outcome) in layers(&origin, context) {
        match outcome {
            Ok(blob) => blobs.add(name(&digest), blob)?,
            Err(error) if is_other(&error) => faults.push(carried(&error).to_string()),
            Err(error) => {
                return Err(anyhow::Error::from(error).context(format!("can't read {} of {location}", digest.oci())));
            }
        }
    }
    Ok((blobs, faults))
}

fn name(digest: &Sha256) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

/// Manifests and configurations. The index that names them is one of ours: what a registry's holds beside images is not looked at.
fn documents(origin: &Origin<'_>) -> std::io::Result<Blobs> {
    let mut blobs = Blobs::default();
    let mut add = |name: String, bytes: &[u8]| {
        let blob = Blobs::look_at(Cursor::new(bytes), bytes.len() as u64)?;
        blobs.add(name, blob)
    };
    let mut entries = Vec::new();
    for (digest, media_type, bytes) in origin.manifests() {
        if origin.images().iter().any(|image| image.manifest == Some(*digest)) {
            entries.push(json!({ "mediaType": media_type, "digest": digest.oci(), "size": bytes.len() }));
            add(name(digest), bytes)?;
        }
    }
    for image in origin.images() {
        add(name(&image.id()), &image.config)?;
    }
    add("oci-layout".to_owned(), br#"{"imageLayoutVersion":"1.0.0"}"#)?;
    add("index.json".to_owned(), json!({ "schemaVersion": 2, "manifests": entries }).to_string().as_bytes())?;
    Ok(blobs)
}

type Looked = BTreeMap<Sha256, std::io::Result<Blob>>;

/// Every layer, looked at once, however many images have it.
fn layers(origin: &Origin<'_>, context: &Context) -> Looked {
    let all = origin.images().iter().flat_map(|image| &image.layers);
    let distinct: Vec<&OriginLayer> =
        all.map(|layer| (layer.digest, layer)).collect::<BTreeMap<_, _>>().into_values().collect();
    let total = distinct.iter().fold(0, |sum: u64, layer| sum.saturating_add(layer.size));
    context.progress.begin("reading layers", Some(total));
    let (next, looked) = (AtomicUsize::new(0), Mutex::new(Looked::new()));
    thread::scope(|scope| {
        for _ in 0..READERS.min(distinct.len()) {
            scope.spawn(|| {
                while let Some(layer) = distinct.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let blob = look_at(origin, layer);
                    context.progress.advance(layer.size);
                    looked.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(layer.digest, blob);
                }
            });
        }
    });
    looked.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn look_at(origin: &Origin<'_>, layer: &OriginLayer) -> std::io::Result<Blob> {
    let blob = origin.open_blob(layer).map_err(std::io::Error::other)?;
    Blobs::look_at(blob, layer.size)
}

/// Whether the blob is there, and is another one: a finding, and no reason to stop.
fn is_other(error: &std::io::Error) -> bool {
    let cause = carried(error);
    let class = cause.downcast_ref::<registry::Error>().map(registry::Error::class);
    class.or_else(|| cause.downcast_ref::<crate::origin::Error>().map(crate::origin::Error::class))
        == Some(Class::Trust)
}
