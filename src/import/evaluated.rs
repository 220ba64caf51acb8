//! Lines of `nix-eval-jobs`. Those with an error are skipped, and told.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::channel::Line;
use crate::config::System;
use crate::nix::split_version;

use super::package::{Build, Imported, Skipped};

pub(super) fn read(text: &str) -> Imported {
    let mut imported = Imported::default();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        if let Err((what, why)) = line_of(line, &mut imported) {
            let what = what.unwrap_or_else(|| format!("line {}", number + 1));
            imported.skipped.push(Skipped::new(what, why));
        }
    }
    imported
}

/// What stands in the way, and of which attribute, where that is known.
type Fault = (Option<String>, String);

fn line_of(line: &str, imported: &mut Imported) -> Result<(), Fault> {
    let unnamed = |fault| (None, fault);
    let line = Line::read(line.as_bytes()).map_err(unnamed)?;
    let (attribute, to_install) = (line.attribute().map_err(unnamed)?, line.to_install());
    let what = || Some(attribute.to_string());
    if let Some(error) = line.error {
        return Err((what(), format!("its evaluation failed: {error}")));
    }
    let named = line.system.unwrap_or_default();
    let system = System::from_name(&named).ok_or_else(|| (what(), format!("it is for `{named}`")))?;
    let outputs = outputs(&line.outputs, &named);
    let mut build = Build::of(outputs, to_install).ok_or_else(|| (what(), "it has no store path".to_owned()))?;
    build.name = line.name.unwrap_or(build.name);
    let version = line.version.or_else(|| split_version(&build.name).1.map(str::to_owned));
    let attribute = attribute.clone().without_system(&named).to_string();
    imported.add(&attribute, version.as_deref(), system, build);
    Ok(())
}

/// `{"out": "/nix/store/…"}` or `{"out": {"x86_64-linux": "/nix/store/…"}}`; what has no path is left out.
fn outputs(value: &Value, system: &str) -> BTreeMap<String, crate::nix::StorePath> {
    let path = |value: &Value| value.get(system).unwrap_or(value).as_str()?.parse().ok();
    let outputs = value.as_object().into_iter().flatten();
    outputs.filter_map(|(name, value)| Some((name.clone(), path(value)?))).collect()
}
