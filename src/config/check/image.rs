//! `[image]`

use std::collections::BTreeMap;

use super::super::mirror::{Either, Image, SystemName};
use super::super::project::Entry;
use super::super::{BaseReference, ImageSettings, Request, SbomFormat, System, Template};
use super::MOST_LAYERS;
use super::scope::Scope;
use super::syntax::{image_reference_fault, is_image_name, is_registry, is_tag};

const DEFAULT_LAYERS: usize = 100;
const FLY_REGISTRY: &str = "registry.fly.io";

/// `[image]`, with defaults for what is missing or wrong.
pub(super) fn check(scope: &Scope<'_>, image: Option<&Image>) -> ImageSettings {
    let nothing = Image::default();
    let image = image.unwrap_or(&nothing);
    if let Some(name) = image.name.as_ref().filter(|name| !is_image_name(name)) {
        let help = "use lower case letters and digits, with single `-`, `_` or `.` between".to_owned();
        scope.error(name.span(), format!("`{name}` can't be an image's name"), help);
    }
    if let Some(tag) = image.tag.as_ref().filter(|tag| !is_tag(tag)) {
        let help = "use letters, digits, `_`, `.` and `-`, 128 at most".to_owned();
        scope.error(tag.span(), format!("`{tag}` can't be a tag"), help);
    }
    check_registry(scope, image);
    ImageSettings {
        name: image.name.as_ref().map(ToString::to_string).unwrap_or_default(),
        tag: image.tag.as_ref().map_or_else(|| "latest".to_owned(), ToString::to_string),
        systems: systems(scope, image),
        layers: image.layers.as_ref().map_or(DEFAULT_LAYERS, |layers| (**layers).min(MOST_LAYERS) as usize),
        from: base(scope, image),
        registry: image.registry.as_ref().map(ToString::to_string),
        env: environment(scope, image),
        labels: labels(scope, image),
        sbom: sbom(scope, image),
    }
}

fn sbom(scope: &Scope<'_>, image: &Image) -> Option<SbomFormat> {
    let Some(value) = &image.sbom else { return Some(SbomFormat::Spdx) };
    match &value.0 {
        Either::Text(text) if text == "spdx" => return Some(SbomFormat::Spdx),
        Either::Text(text) if text == "cyclonedx" => return Some(SbomFormat::CycloneDx),
        Either::Boolean(false) => {}
        _ => {
            let help = "write sbom = \"spdx\", sbom = \"cyclonedx\", or sbom = false for none".to_owned();
            scope.error(value.span(), "this is no format of an SBOM", help);
        }
    }
    None
}

/// What exists, or looks like a path, is a file or folder; the rest is a reference.
fn base(scope: &Scope<'_>, image: &Image) -> Option<BaseReference> {
    let from = image.from.as_ref()?;
    let found = scope.project.look(from, true);
    let is_path = from.starts_with(['.', '/', '~']);
    match found {
        // An archive may lie anywhere on this machine: its digest is pinned.
        Entry::File { .. } | Entry::Directory | Entry::Unknown | Entry::Outside if is_path => {}
        Entry::File { .. } | Entry::Directory => {}
        // Home folders are found when the image is read.
        Entry::Missing if from.starts_with("~/") => {}
        _ if is_path => {
            let help =
                "write the path of an archive or an OCI layout, or a reference such as debian:12-slim".to_owned();
            scope.error(from.span(), format!("`{}` is no archive and no OCI layout", from.as_str()), help);
        }
        _ => {
            if let Some(fault) = image_reference_fault(from) {
                let help = "write `NAME:TAG`, `HOST/NAME:TAG`, or a path that begins with `./`".to_owned();
                scope.error(from.span(), format!("`{}` names no image: {fault}", from.as_str()), help);
            }
        }
    }
    Some(BaseReference { written: from.to_string(), place: Some(scope.place(from.span())) })
}

fn check_registry(scope: &Scope<'_>, image: &Image) {
    let Some(registry) = &image.registry else { return };
    if !is_registry(registry) {
        let help = "write a host, maybe with a port and a prefix: registry.example.org:5000/team".to_owned();
        scope.error(registry.span(), format!("`{registry}` can't be a registry"), help);
    }
    let is_app = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if registry.as_str() == FLY_REGISTRY
        && let Some(name) = image.name.as_ref().filter(|name| is_image_name(name) && !is_app(name))
    {
        let help = "Fly's apps have lower case letters, digits and `-` only".to_owned();
        scope.error(name.span(), format!("`{name}` can't be a Fly app's name"), help);
    }
}

fn systems(scope: &Scope<'_>, image: &Image) -> Vec<System> {
    let mut systems = Vec::new();
    let Some(list) = &image.systems else { return vec![System::X86_64Linux] };
    for system in &**list {
        let known = match **system {
            SystemName::X86_64Linux => System::X86_64Linux,
            SystemName::Aarch64Linux => System::Aarch64Linux,
        };
        if systems.contains(&known) {
            scope.warn(system.span(), format!("`{known}` is named twice"), "remove one of them".to_owned());
        } else {
            systems.push(known);
        }
    }
    if list.is_empty() {
        scope.error(list.span(), "an image needs a system", "write systems = [\"x86_64-linux\"]".to_owned());
    }
    systems
}

fn environment(scope: &Scope<'_>, image: &Image) -> BTreeMap<String, Template> {
    let requested: Vec<&Request> = scope.names.requested.iter().flatten().collect();
    let mut environment = BTreeMap::new();
    for (name, value) in &image.env {
        if name.is_empty() || name.contains(['=', '\n']) {
            let help = "a name is not empty and has no `=`".to_owned();
            scope.error(name.span(), format!("`{name}` can't be a variable's name"), help);
        }
        environment.insert(name.to_string(), scope.template(value, &requested));
    }
    environment
}

fn labels(scope: &Scope<'_>, image: &Image) -> BTreeMap<String, String> {
    for name in image.labels.keys() {
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c.is_control()) {
            let help = "a label is named like org.opencontainers.image.source, without spaces".to_owned();
            scope.error(name.span(), format!("`{name}` can't be a label's name"), help);
        }
    }
    image.labels.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}
