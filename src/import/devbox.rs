//! devbox.lock: `name@version` with store paths by system.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::config::System;
use crate::nix::StorePath;

use super::error::ImportError;
use super::package::{Build, Imported, Skipped};

#[derive(Deserialize)]
struct JsonLock {
    lockfile_version: Value,
    packages: Option<BTreeMap<String, JsonPackage>>,
}

#[derive(Deserialize)]
struct JsonPackage {
    /// `github:NixOS/nixpkgs/<revision>#<attribute>`
    resolved: Option<String>,
    version: Option<String>,
    systems: Option<BTreeMap<String, JsonBuild>>,
}

#[derive(Deserialize)]
struct JsonBuild {
    outputs: Option<Vec<JsonOutput>>,
    /// What older locks have in place of outputs.
    store_path: Option<String>,
}

#[derive(Deserialize)]
struct JsonOutput {
    name: Option<String>,
    path: String,
    #[serde(default)]
    default: bool,
}

pub(super) fn read(text: &str, origin: &str) -> Result<Imported, ImportError> {
    let wrong = |source| ImportError::Json { origin: origin.to_owned(), kind: "devbox.lock", source };
    let lock: JsonLock = serde_json::from_str(text).map_err(wrong)?;
    if lock.lockfile_version != "1" && lock.lockfile_version != 1 {
        let version = lock.lockfile_version.to_string().chars().take(40).collect();
        return Err(ImportError::Version { origin: origin.to_owned(), version });
    }
    let mut imported = Imported::default();
    for (key, package) in lock.packages.unwrap_or_default() {
        package.add(&key, &mut imported);
    }
    Ok(imported)
}

impl JsonPackage {
    fn add(self, key: &str, imported: &mut Imported) {
        let attribute = self.attribute(key);
        let systems = self.systems.unwrap_or_default();
        if systems.is_empty() {
            let why = if is_nixpkgs(key) {
                "it is devbox's own source of packages"
            } else {
                "the lock has no store paths of it: `devbox update` may put them in"
            };
            return imported.skipped.push(Skipped::new(key, why));
        }
        let mut found = false;
        for (name, build) in systems {
            let Some(system) = System::from_name(&name) else { continue };
            found = true;
            match build.build() {
                Some(build) => imported.add(&attribute, self.version.as_deref(), system, build),
                None => imported.skipped.push(Skipped::new(key, format!("it has no store path for {name}"))),
            }
        }
        if !found {
            imported.skipped.push(Skipped::new(key, "it is for no Linux"));
        }
    }

    /// The attribute of nixpkgs that it was resolved to, else the name in front of `@`.
    fn attribute(&self, key: &str) -> String {
        let resolved = self.resolved.as_deref().and_then(|resolved| resolved.split_once('#')).map(|(_, name)| name);
        let name = resolved.filter(|name| !name.is_empty());
        let name = name.unwrap_or_else(|| key.rsplit_once('@').map_or(key, |(name, _)| name));
        name.split('^').next().unwrap_or(name).to_owned()
    }
}

/// Whether a package's name is the flake that devbox takes everything from.
fn is_nixpkgs(key: &str) -> bool {
    !key.contains('#') && key.to_ascii_lowercase().starts_with("github:nixos/nixpkgs")
}

impl JsonBuild {
    fn build(self) -> Option<Build> {
        let (mut outputs, mut to_install) = (BTreeMap::<String, StorePath>::new(), Vec::new());
        for output in self.outputs.unwrap_or_default() {
            let name = output.name.unwrap_or_else(|| "out".to_owned());
            if let Ok(path) = output.path.parse() {
                to_install.extend(output.default.then(|| name.clone()));
                outputs.insert(name, path);
            }
        }
        if outputs.is_empty()
            && let Some(path) = self.store_path.and_then(|path| path.parse().ok())
        {
            outputs.insert("out".to_owned(), path);
        }
        Build::of(outputs, to_install)
    }
}
