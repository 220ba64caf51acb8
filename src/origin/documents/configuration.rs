//! Configurations of images that others wrote.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{Digest, Platform, or_null};

/// An image's configuration. Fields that no client of ours tells of are left out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Configuration {
    /// What it runs on.
    #[serde(flatten)]
    pub platform: Platform,
    /// When it was made, as it says.
    pub created: Option<String>,
    /// What runs.
    #[serde(default, deserialize_with = "or_null")]
    pub config: Run,
    /// Layers.
    #[serde(default, deserialize_with = "or_null")]
    pub rootfs: RootFs,
    /// Steps by which it was made, those without a layer included.
    #[serde(default, deserialize_with = "or_null")]
    pub history: Vec<Step>,
}

/// What runs, as whom and with what.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Run {
    /// Number or name, and maybe a group's.
    #[serde(default, deserialize_with = "or_null")]
    pub user: String,
    /// `NAME=value`.
    #[serde(default, deserialize_with = "or_null")]
    pub env: Vec<String>,
    /// Runs always.
    #[serde(default, deserialize_with = "words")]
    pub entrypoint: Vec<String>,
    /// Runs, or is what the entrypoint is given.
    #[serde(default, deserialize_with = "words")]
    pub cmd: Vec<String>,
    /// `80/tcp`.
    #[serde(default, deserialize_with = "keys")]
    pub exposed_ports: BTreeSet<String>,
    /// Folders.
    #[serde(default, deserialize_with = "keys")]
    pub volumes: BTreeSet<String>,
    /// Where it starts.
    #[serde(default, deserialize_with = "or_null")]
    pub working_dir: String,
    /// Notes.
    #[serde(default, deserialize_with = "or_null")]
    pub labels: BTreeMap<String, String>,
    /// What ends it.
    pub stop_signal: Option<String>,
}

/// Layers by the digests of their tars.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct RootFs {
    /// The lowest first.
    #[serde(default, deserialize_with = "or_null")]
    pub diff_ids: Vec<Digest>,
}

/// A step by which an image was made.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Step {
    /// The command, or the tool.
    #[serde(default, deserialize_with = "or_null")]
    pub created_by: String,
    /// A note: with dumbc, what the layer holds.
    #[serde(default, deserialize_with = "or_null")]
    pub comment: String,
    /// Whether it made no layer.
    #[serde(default, deserialize_with = "or_null")]
    pub empty_layer: bool,
}

impl Configuration {
    /// Reads one. The error says what is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(bytes).map_err(|error| error.to_string())
    }

    /// The steps that made a layer each, the lowest first; as many as there are layers, or none where they don't fit.
    #[must_use]
    pub fn layer_steps(&self) -> Vec<&Step> {
        let steps = self.history.iter().filter(|step| !step.empty_layer).collect::<Vec<_>>();
        if steps.len() == self.rootfs.diff_ids.len() { steps } else { Vec::new() }
    }
}

/// Names whose values say nothing.
fn keys<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<String>, D::Error> {
    let map = Option::<BTreeMap<String, serde_json::Value>>::deserialize(deserializer)?;
    Ok(map.unwrap_or_default().into_keys().collect())
}

/// A command in words; old builders wrote one without.
fn words<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Words {
        Many(Vec<String>),
        One(String),
    }
    Ok(match Option::deserialize(deserializer)? {
        None => Vec::new(),
        Some(Words::Many(words)) => words,
        Some(Words::One(word)) => vec![word],
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::nix::Sha256;

    #[test]
    fn configurations_of_docker_are_read_with_their_nulls() {
        let text = json!({
            "architecture": "amd64", "os": "linux", "variant": null, "container": "x",
            "config": { "Env": null, "Cmd": ["sh"], "Entrypoint": "/init", "Volumes": { "/data": {} },
                        "ExposedPorts": { "80/tcp": {} }, "Labels": null, "OnBuild": null },
            "history": [{ "created_by": "a", "empty_layer": true }, { "created_by": "b" }],
            "rootfs": { "type": "layers", "diff_ids": [Sha256::of(b"x").oci()] },
        });
        let config = Configuration::parse(text.to_string().as_bytes()).unwrap();
        assert_eq!((config.platform.to_string().as_str(), config.config.entrypoint.len()), ("linux/amd64", 1));
        assert_eq!(config.layer_steps().iter().map(|step| step.created_by.as_str()).collect::<Vec<_>>(), ["b"]);
        assert!(Configuration::parse(b"[]").is_err());
    }
}
