//! One line of an index: JSON whose shape varies with the program that wrote it.

use serde::Deserialize;
use serde_json::Value;

use crate::config::System;
use crate::nix::split_version;

#[cfg(feature = "build")]
use super::super::meta::About;
use super::super::name::Attribute;
use super::{Entry, Package};

/// More outputs than any package has.
const OUTPUTS: usize = 64;

/// What is read of a line; all else is skipped.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Line {
    attr: Option<String>,
    attr_path: Option<Vec<String>>,
    /// Name and version: `git-2.54.0`.
    pub(crate) name: Option<String>,
    /// The version, where the evaluator tells it by itself.
    pub(crate) version: Option<String>,
    /// What it was evaluated for.
    pub(crate) system: Option<String>,
    /// Why it could not be evaluated.
    pub(crate) error: Option<String>,
    /// Outputs in one of several shapes.
    #[serde(default)]
    pub(crate) outputs: Value,
    /// The package's `meta`, or a part of it.
    #[serde(default)]
    pub(crate) meta: Value,
}

impl Line {
    /// Reads a line's JSON; an error says what is wrong with it.
    pub(crate) fn read(line: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(line).map_err(|error| error.to_string())
    }

    /// What the line is about, as it stands there: a system may be part of it.
    ///
    /// # Errors
    /// It does not tell.
    pub(crate) fn attribute(&self) -> Result<Attribute, String> {
        match (&self.attr_path, &self.attr) {
            (Some(segments), _) if !segments.is_empty() => Ok(Attribute::from_segments(segments.clone())),
            (_, Some(text)) if !text.is_empty() => Ok(Attribute::parse(text)),
            _ => Err("it has neither `attr` nor `attrPath`".to_owned()),
        }
    }

    /// `meta.outputsToInstall`, in order.
    #[must_use]
    pub(crate) fn to_install(&self) -> Vec<String> {
        strings(self.meta.get("outputsToInstall"))
    }
}

/// Reads a line. `None`: it is for a system that images don't have.
pub(super) fn parse(line: &[u8]) -> Result<Option<(Attribute, Entry)>, String> {
    let line = Line::read(line)?;
    let (attribute, to_install) = (line.attribute()?, line.to_install());
    if let Some(message) = line.error {
        let attribute = System::ALL.into_iter().fold(attribute, |path, system| path.without_system(system.name()));
        let system = line.system.as_deref().and_then(System::from_name);
        return Ok(Some((attribute, Entry { system, evaluated: Err(first_line(&message)) })));
    }
    let Some(system_name) = line.system else { return Err("it has no `system`".to_owned()) };
    let Some(system) = System::from_name(&system_name) else { return Ok(None) };
    let full_name = line.name.ok_or("it has no `name`")?;
    let (name, version) = split_version(&full_name);
    let package = Package {
        name: name.to_owned(),
        version: line.version.filter(|version| !version.is_empty()).or(version.map(str::to_owned)),
        outputs: outputs(&line.outputs, &system_name)?,
        to_install,
        #[cfg(feature = "build")]
        about: About::of_meta(&line.meta).map(Box::new),
    };
    Ok(Some((attribute.without_system(&system_name), Entry { system: Some(system), evaluated: Ok(package) })))
}

/// `["out"]`, `{"out": null}`, `{"out": "/nix/store/…"}`, `{"out": {"x86_64-linux": "/nix/store/…"}}`, or nothing.
fn outputs(value: &Value, system: &str) -> Result<Vec<(String, Option<String>)>, String> {
    let path = |value: &Value| match value {
        Value::Object(by_system) => by_system.get(system).and_then(Value::as_str).map(str::to_owned),
        other => other.as_str().map(str::to_owned),
    };
    let outputs: Vec<_> = match value {
        Value::Object(outputs) => outputs.iter().map(|(name, value)| (name.clone(), path(value))).collect(),
        Value::Array(_) => strings(Some(value)).into_iter().map(|name| (name, None)).collect(),
        _ => Vec::new(),
    };
    if outputs.len() > OUTPUTS { Err(format!("it has more than {OUTPUTS} outputs")) } else { Ok(outputs) }
}

fn strings(value: Option<&Value>) -> Vec<String> {
    let values = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    values.iter().take(OUTPUTS).filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The first line that says something, without the colours of a terminal.
fn first_line(message: &str) -> String {
    let mut plain = String::new();
    let mut characters = message.chars();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            // `ESC [ … letter`
            characters.by_ref().skip(1).find(char::is_ascii_alphabetic);
        } else {
            plain.push(character);
        }
    }
    let mut lines = plain.lines().map(str::trim).filter(|line| !matches!(*line, "" | "error:"));
    lines.next().unwrap_or("no reason given").chars().take(300).collect()
}
