//! Lines of `nix-eval-jobs`. Those with an error are skipped, and told.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::channel::Attribute;
use crate::config::System;
use crate::nix::split_version;

use super::package::{Build, Imported, Skipped};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonLine {
    attr: Option<String>,
    attr_path: Option<Vec<String>>,
    name: Option<String>,
    version: Option<String>,
    system: Option<String>,
    error: Option<String>,
    #[serde(default)]
    outputs: Value,
    #[serde(default)]
    meta: Value,
}

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
    let line: JsonLine = serde_json::from_str(line).map_err(|error| (None, error.to_string()))?;
    let attribute = match (line.attr_path, line.attr) {
        (Some(segments), _) if !segments.is_empty() => Attribute::from_segments(segments),
        (_, Some(text)) if !text.is_empty() => Attribute::parse(&text),
        _ => return Err((None, "it has neither `attr` nor `attrPath`".to_owned())),
    };
    let what = || Some(attribute.to_string());
    if let Some(error) = line.error {
        return Err((what(), format!("its evaluation failed: {error}")));
    }
    let named = line.system.unwrap_or_default();
    let system = System::from_name(&named).ok_or_else(|| (what(), format!("it is for `{named}`")))?;
    let outputs = outputs(&line.outputs, &named);
    let to_install = line.meta.get("outputsToInstall").and_then(Value::as_array).into_iter().flatten();
    let to_install = to_install.filter_map(Value::as_str).map(str::to_owned).collect();
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
