//! flox's manifest.lock: a list with an element for each package and system.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::config::System;
use crate::nix::StorePath;

use super::error::ImportError;
use super::package::{Build, Imported, Skipped};

#[derive(Deserialize)]
struct JsonLock {
    #[serde(rename = "lockfile-version")]
    version: Value,
    #[serde(default)]
    packages: Value,
}

/// A package of flox's catalog, of a flake (names with dashes), or a bare store path.
#[derive(Deserialize)]
struct JsonPackage {
    install_id: String,
    attr_path: Option<String>,
    version: Option<String>,
    #[serde(alias = "locked-system")]
    system: String,
    #[serde(default)]
    outputs: BTreeMap<String, String>,
    #[serde(default, alias = "outputs-to-install")]
    outputs_to_install: Option<Vec<String>>,
    store_path: Option<String>,
}

pub(super) fn read(text: &str, origin: &str) -> Result<Imported, ImportError> {
    let wrong = |source| ImportError::Json { origin: origin.to_owned(), kind: "manifest.lock of flox", source };
    let lock: JsonLock = serde_json::from_str(text).map_err(wrong)?;
    if lock.version != 1 && lock.version != "1" {
        let version = lock.version.to_string().chars().take(40).collect();
        return Err(ImportError::Version { origin: origin.to_owned(), version });
    }
    let mut imported = Imported::default();
    let packages = match lock.packages {
        Value::Null => Vec::new(),
        other => serde_json::from_value::<Vec<Value>>(other).map_err(wrong)?,
    };
    for package in packages {
        let what = package.get("install_id").and_then(Value::as_str).unwrap_or("a package").to_owned();
        match serde_json::from_value::<JsonPackage>(package) {
            Ok(package) => package.add(&mut imported),
            Err(error) => imported.skipped.push(Skipped::new(what, error.to_string())),
        }
    }
    Ok(imported)
}

impl JsonPackage {
    fn add(self, imported: &mut Imported) {
        // flox locks for four systems, and two of them are no Linux: nobody needs to hear of that.
        let Some(system) = System::from_name(&self.system) else { return };
        let alone = self.store_path.map(|path| ("out".to_owned(), path));
        let paths = self.outputs.into_iter().chain(alone);
        let outputs: BTreeMap<String, StorePath> =
            paths.filter_map(|(name, path)| Some((name, path.parse().ok()?))).collect();
        let Some(build) = Build::of(outputs, self.outputs_to_install.unwrap_or_default()) else {
            let why = format!("it has no store path for {system}");
            return imported.skipped.push(Skipped::new(self.install_id, why));
        };
        let attribute = self.attr_path.as_deref().unwrap_or(&self.install_id);
        imported.add(attribute, self.version.as_deref(), system, build);
    }
}
