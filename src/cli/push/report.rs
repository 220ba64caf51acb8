//! What a push did, for people and for `--json`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::build::Built;
use crate::cli::attach;
use crate::cli::built::LockReport;
use crate::cli::figures::{bytes, counted};
use crate::export::{PushFormat, Pushed, PushedBlob, Target};
use crate::registry::{Reference, Uploaded};

/// What a push did.
#[derive(Serialize)]
pub(in super::super) struct Report {
    version: u32,
    /// Registry, repository and first tag.
    pub(in super::super) reference: String,
    /// The same by digest: what can't change any more.
    pub(in super::super) pinned: String,
    tags: Vec<String>,
    /// `sha256:…` of the manifest, or of the index of several.
    pub(in super::super) digest: String,
    media_type: &'static str,
    format: &'static str,
    /// What each tag named before.
    pub(in super::super) previous: BTreeMap<String, String>,
    unchanged: bool,
    images: Vec<ImageReport>,
    blobs: Vec<BlobReport>,
    layers: Counts,
    /// Bytes of all blobs.
    size: u64,
    /// Bytes that went over the line, repeated ones included.
    sent: u64,
    milliseconds: u64,
    lock: LockReport,
    /// What went beside the images.
    #[serde(flatten)]
    pub(super) attached: attach::Report,
}

#[derive(Serialize)]
struct ImageReport {
    system: &'static str,
    image_id: String,
    manifest: String,
}

#[derive(Serialize)]
struct BlobReport {
    digest: String,
    size: u64,
    kind: &'static str,
    name: String,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mounted_from: Option<String>,
    sent: u64,
}

/// What became of layers.
#[derive(Serialize)]
struct Counts {
    uploaded: usize,
    mounted: usize,
    skipped: usize,
}

impl Report {
    pub(super) fn new(
        target: &Target,
        format: PushFormat,
        built: &Built,
        pushed: &Pushed,
        time: Duration,
        lock: LockReport,
    ) -> Self {
        let images = built.images.iter().zip(&pushed.manifests).map(|(image, manifest)| ImageReport {
            system: image.system.name(),
            image_id: image.id().oci(),
            manifest: manifest.oci(),
        });
        let pinned = Reference { tag: None, digest: Some(pushed.digest), ..target.reference.clone() };
        let blobs = pushed.blobs.iter().map(blob).collect::<Vec<_>>();
        Self {
            version: 1,
            reference: target.reference.to_string(),
            pinned: pinned.to_string(),
            tags: target.tags.clone(),
            digest: pushed.digest.oci(),
            media_type: pushed.media_type,
            format: format.name(),
            previous: pushed.previous.iter().map(|(tag, digest)| (tag.clone(), digest.oci())).collect(),
            unchanged: pushed.is_unchanged,
            images: images.collect(),
            layers: counts(&pushed.blobs),
            size: blobs.iter().map(|blob| blob.size).sum(),
            sent: blobs.iter().map(|blob| blob.sent).sum(),
            blobs,
            milliseconds: u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
            lock,
            attached: attach::Report::default(),
        }
    }

    /// What the first tag named before this push.
    pub(in super::super) fn previous_digest(&self) -> Option<&str> {
        self.previous.get(self.tags.first()?).map(String::as_str)
    }

    /// For people.
    pub(in super::super) fn text(&self) -> String {
        let mut lines = vec![self.reference.clone()];
        for image in &self.images {
            lines.push(format!("  image ID   {} ({})", image.image_id, image.system));
        }
        let Counts { uploaded, mounted, skipped } = self.layers;
        if self.unchanged {
            lines.push(format!("  nothing to do: {} there already", counted(self.blobs.len(), "blob")));
        } else {
            lines.push(format!("  layers     {uploaded} uploaded, {mounted} mounted, {skipped} there already"));
        }
        let seconds = format!("{}.{:02} s", self.milliseconds / 1000, self.milliseconds % 1000 / 10);
        lines.push(format!("  sent       {} of {} in {seconds}", bytes(self.sent), bytes(self.size)));
        if let Some(previous) = self.previous_digest().filter(|previous| *previous != self.digest) {
            lines.push(format!("  before     {previous}"));
        }
        if self.tags.len() > 1 {
            lines.push(format!("  tags       {}", self.tags.join(", ")));
        }
        lines.extend(self.attached.lines());
        lines.push(self.pinned.clone());
        lines.join("\n") + "\n"
    }
}

fn blob(blob: &PushedBlob) -> BlobReport {
    let (outcome, mounted_from, sent) = match &blob.outcome {
        Uploaded::Skipped => ("skipped", None, 0),
        Uploaded::Mounted(from) => ("mounted", Some(from.clone()), 0),
        Uploaded::Sent(bytes) => ("uploaded", None, *bytes),
    };
    BlobReport {
        digest: blob.digest.oci(),
        size: blob.size,
        kind: if blob.is_layer { "layer" } else { "config" },
        name: blob.name.clone(),
        outcome,
        mounted_from,
        sent,
    }
}

fn counts(blobs: &[PushedBlob]) -> Counts {
    let count = |is: fn(&Uploaded) -> bool| blobs.iter().filter(|blob| blob.is_layer && is(&blob.outcome)).count();
    Counts {
        uploaded: count(|outcome| matches!(outcome, Uploaded::Sent(_))),
        mounted: count(|outcome| matches!(outcome, Uploaded::Mounted(_))),
        skipped: count(|outcome| matches!(outcome, Uploaded::Skipped)),
    }
}
