//! What a daemon has already.

use serde::Deserialize;

use crate::emit::EngineKind;
use crate::image::DiffId;

use super::super::Image;
use super::{Daemon, DaemonError, SMALL};

/// Podman's own API, of a version that all its releases of recent years have.
pub(super) const PODMAN: &str = "/v4.0.0/libpod";

/// Images that are looked into at most, and what their list may have.
const LOOKED_INTO: usize = 300;
const LIST: u64 = 64 << 20;

/// Docker's store, where containerd keeps images.
const CONTAINERD: &str = "io.containerd.snapshotter.v1";

const ACTION: &str = "looking at its images";

#[derive(Deserialize)]
struct Info {
    #[serde(rename = "DriverStatus", default)]
    driver_status: Option<Vec<Vec<String>>>,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(rename = "Id")]
    id: String,
    #[serde(rename = "RepoTags", default)]
    tags: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Inspected {
    #[serde(rename = "Id")]
    id: String,
    #[serde(rename = "RootFS", default)]
    root: RootFs,
}

#[derive(Deserialize, Default)]
struct RootFs {
    #[serde(rename = "Layers", default)]
    layers: Option<Vec<String>>,
}

impl Daemon {
    fn images_path(&self) -> String {
        if self.kind == EngineKind::Podman { format!("{PODMAN}/images") } else { "/images".to_owned() }
    }

    fn inspect(&self, name: &str) -> Result<Option<Inspected>, DaemonError> {
        self.document(&format!("{}/{name}/json", self.images_path()), ACTION, SMALL)
    }

    /// The ID of what it calls `name`: hexadecimal digits.
    pub(super) fn id_of(&self, name: &str) -> Result<Option<String>, DaemonError> {
        let found = self.inspect(name)?;
        Ok(found.map(|found| found.id.strip_prefix("sha256:").unwrap_or(&found.id).to_owned()))
    }

    /// Whether containerd keeps its images, and calls them by their manifests.
    pub(super) fn keeps_manifests(&self) -> Result<bool, DaemonError> {
        if self.kind == EngineKind::Podman {
            return Ok(false);
        }
        let info: Option<Info> = self.document("/info", "its settings", SMALL)?;
        let status = info.and_then(|info| info.driver_status).unwrap_or_default();
        Ok(status.iter().flatten().any(|text| text == CONTAINERD))
    }

    /// How many of the image's lowest layers some image of docker's classic store has, one upon the other as ours. Images of
    /// `repository` are looked into first.
    pub(super) fn layers_present(&self, image: &Image, repository: &str) -> Result<usize, DaemonError> {
        let ours = image.layers.iter().map(|(layer, _)| layer.diff_id).collect::<Vec<_>>();
        let mut listed: Vec<Listed> = self.document("/images/json", ACTION, LIST)?.unwrap_or_default();
        let prefix = format!("{repository}:");
        let is_ours = |one: &Listed| one.tags.iter().flatten().any(|tag| tag.starts_with(&prefix));
        listed.sort_by_key(|one| !is_ours(one));
        let mut most = 0;
        for one in listed.iter().take(LOOKED_INTO).filter(|one| is_id(&one.id)) {
            // It may have gone since it was listed.
            let layers = self.inspect(&one.id)?.and_then(|found| found.root.layers).unwrap_or_default();
            most = most.max(common(&ours, &layers));
            if most == ours.len() {
                break;
            }
        }
        Ok(most)
    }
}

/// What goes into a path is nothing but an ID.
fn is_id(text: &str) -> bool {
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn common(ours: &[DiffId], theirs: &[String]) -> usize {
    ours.iter().zip(theirs).take_while(|(ours, theirs)| ours.0.oci() == **theirs).count()
}
