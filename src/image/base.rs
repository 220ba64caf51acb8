//! The configuration of an image that ours stands on: checked, and ours put over it.
//!
//! As `fromImage` of Nixpkgs' dockerTools has it, the base's environment is kept and ours wins by name; beyond that, what a Dockerfile's
//! `FROM` keeps is kept: ports, volumes and labels join, the rest is the base's where we say nothing.

use serde_json::{Map, Value, json};

use crate::config::System;
use crate::nix::Sha256;

use super::DiffId;

/// Keys of a configuration that tell of the build of the base, and not of what it runs.
const OF_ITS_BUILD: [&str; 12] = [
    "ArgsEscaped",
    "AttachStderr",
    "AttachStdin",
    "AttachStdout",
    "Domainname",
    "Hostname",
    "Image",
    "MacAddress",
    "OnBuild",
    "OpenStdin",
    "StdinOnce",
    "Tty",
];

/// Sets that join: objects by key.
const JOINED: [&str; 3] = ["ExposedPorts", "Labels", "Volumes"];

/// Entries of a history, and bytes of each, beyond which it is made anew.
const LONGEST_HISTORY: usize = 1000;

/// A base's configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct BaseConfiguration {
    document: Map<String, Value>,
    diff_ids: Vec<DiffId>,
}

/// A base's configuration that can't be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BaseConfigurationError {
    /// It is not what an image's configuration is.
    #[error("the base image's configuration can't be read: {0}")]
    Malformed(String),
    /// It is for another machine.
    #[error("the base image is for {found}, and the image for {system} ({expected})")]
    Platform {
        /// What ours is for.
        system: System,
        /// `linux/amd64`
        expected: String,
        /// What the base is for.
        found: String,
    },
}

/// What of ours counts, where the base says something of it, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    /// What runs, as whom and where: the base's entrypoint, command, user and health check are of no use then.
    pub runs: bool,
}

impl BaseConfiguration {
    /// Reads a configuration.
    pub fn parse(bytes: &[u8]) -> Result<Self, BaseConfigurationError> {
        let wrong = |what: &str| BaseConfigurationError::Malformed(what.to_owned());
        let document: Map<String, Value> =
            serde_json::from_slice(bytes).map_err(|error| BaseConfigurationError::Malformed(error.to_string()))?;
        let diff_ids = document.get("rootfs").and_then(|rootfs| rootfs.get("diff_ids")).and_then(Value::as_array);
        let parse = |id: &Value| id.as_str().and_then(|text| text.parse::<Sha256>().ok()).map(DiffId);
        let diff_ids = diff_ids.ok_or_else(|| wrong("it names no layers"))?.iter().map(parse).collect::<Option<_>>();
        let base = Self { document, diff_ids: diff_ids.ok_or_else(|| wrong("it names a layer that can't be"))? };
        let config = base.config();
        for key in JOINED {
            if config.get(key).is_some_and(|value| !value.is_object() && !value.is_null()) {
                return Err(BaseConfigurationError::Malformed(format!("its `{key}` is no table")));
            }
        }
        let is_list = |value: &Value| value.as_array().is_some_and(|list| list.iter().all(Value::is_string));
        for key in ["Cmd", "Entrypoint", "Env"] {
            if config.get(key).is_some_and(|value| !is_list(value) && !value.is_null()) {
                return Err(BaseConfigurationError::Malformed(format!("its `{key}` is no list of texts")));
            }
        }
        Ok(base)
    }

    /// Layers, the lowest first.
    #[must_use]
    pub fn diff_ids(&self) -> &[DiffId] {
        &self.diff_ids
    }

    /// Refuses a base for another machine than `system`.
    pub fn check(&self, system: System) -> Result<(), BaseConfigurationError> {
        let text = |key| self.document.get(key).and_then(Value::as_str).unwrap_or_default();
        let (os, architecture, variant) = (text("os"), text("architecture"), text("variant"));
        let is_plain = match system {
            System::X86_64Linux => matches!(variant, "" | "v1"),
            System::Aarch64Linux => matches!(variant, "" | "v8"),
        };
        let found = [os, architecture, variant].into_iter().filter(|part| !part.is_empty());
        if os == "linux" && architecture == system.architecture() && is_plain {
            return Ok(());
        }
        let found = found.collect::<Vec<_>>().join("/").escape_debug().to_string();
        let found = if found.is_empty() { "no machine that it names".to_owned() } else { found };
        let expected = format!("linux/{}", system.architecture());
        Err(BaseConfigurationError::Platform { system, expected, found })
    }

    /// Variables of its environment, in their order.
    pub fn environment(&self) -> impl Iterator<Item = (&str, &str)> {
        let env = self.config_of("Env").and_then(Value::as_array).into_iter().flatten();
        env.filter_map(|entry| entry.as_str()?.split_once('=')).filter(|(name, _)| !name.is_empty())
    }

    /// Whether it runs something by itself.
    #[must_use]
    pub fn runs(&self) -> bool {
        let is_set = |key| self.config_of(key).and_then(Value::as_array).is_some_and(|words| !words.is_empty());
        is_set("Entrypoint") || is_set("Cmd")
    }

    /// What it runs, as words to show: entrypoint and command.
    #[must_use]
    pub fn command(&self) -> Vec<&str> {
        let words = |key| self.config_of(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        words("Entrypoint").chain(words("Cmd")).collect()
    }

    /// `ours`, the bytes of our configuration, over this one: canonical bytes again.
    pub fn under(&self, ours: &[u8], said: Said) -> Result<Vec<u8>, BaseConfigurationError> {
        let wrong = |error: serde_json::Error| BaseConfigurationError::Malformed(error.to_string());
        let mut image: Map<String, Value> = serde_json::from_slice(ours).map_err(wrong)?;
        let ours = image.get("config").and_then(Value::as_object).cloned().unwrap_or_default();
        image.insert("config".to_owned(), Value::Object(self.joined(ours, said)));
        if let Some(variant) = self.document.get("variant").filter(|variant| variant.is_string()) {
            image.insert("variant".to_owned(), variant.clone());
        }
        let own_ids = image.get("rootfs").and_then(|rootfs| rootfs.get("diff_ids")).and_then(Value::as_array).cloned();
        let below = self.diff_ids.iter().map(|id| Value::String(id.to_string()));
        let diff_ids: Vec<Value> = below.chain(own_ids.unwrap_or_default()).collect();
        image.insert("rootfs".to_owned(), json!({"type": "layers", "diff_ids": diff_ids}));
        let own_history = image.get("history").and_then(Value::as_array).cloned().unwrap_or_default();
        let history: Vec<Value> = self.history().into_iter().chain(own_history).collect();
        image.insert("history".to_owned(), Value::Array(history));
        serde_json::to_vec(&image).map_err(wrong)
    }

    fn joined(&self, ours: Map<String, Value>, said: Said) -> Map<String, Value> {
        let mut config = self.config();
        config.retain(|key, value| !OF_ITS_BUILD.contains(&key.as_str()) && !value.is_null());
        if said.runs {
            for key in ["Cmd", "Entrypoint", "Healthcheck", "User", "WorkingDir"] {
                config.remove(key);
            }
        }
        let stays = |key: &str| match key {
            "Cmd" | "Entrypoint" => self.runs(),
            "User" | "WorkingDir" => config.get(key).and_then(Value::as_str).is_some_and(|text| !text.is_empty()),
            _ => false,
        };
        let ours: Vec<_> = ours.into_iter().filter(|(key, _)| said.runs || !stays(key)).collect();
        for (key, value) in ours {
            match (config.get_mut(&key).filter(|_| JOINED.contains(&key.as_str())), value) {
                (Some(Value::Object(both)), Value::Object(more)) => both.extend(more),
                (_, value) => drop(config.insert(key, value)),
            }
        }
        config
    }

    /// Its history, with as many layers as it has: tools refuse another number.
    fn history(&self) -> Vec<Value> {
        let told = self.document.get("history").and_then(Value::as_array).cloned().unwrap_or_default();
        let is_layer = |entry: &Value| entry.get("empty_layer").and_then(Value::as_bool) != Some(true);
        let fits = told.iter().all(Value::is_object)
            && told.len() <= LONGEST_HISTORY
            && told.iter().filter(|entry| is_layer(entry)).count() == self.diff_ids.len();
        if fits { told } else { vec![json!({"created_by": "the base image"}); self.diff_ids.len()] }
    }

    fn config(&self) -> Map<String, Value> {
        self.document.get("config").and_then(Value::as_object).cloned().unwrap_or_default()
    }

    fn config_of(&self, key: &str) -> Option<&Value> {
        self.document.get("config")?.get(key)
    }
}

/// `PATH` of an image over another: ours first, then what only the base has.
#[must_use]
pub fn joined_path(ours: &str, base: &str) -> String {
    let mut folders: Vec<&str> = Vec::new();
    for folder in ours.split(':').chain(base.split(':')).filter(|folder| !folder.is_empty()) {
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    folders.join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> String {
        Sha256::of(text.as_bytes()).oci()
    }

    fn base(config: &Value) -> Value {
        json!({
            "architecture": "amd64", "os": "linux", "config": config, "docker_version": "20",
            "rootfs": {"type": "layers", "diff_ids": [id("one"), id("two")]},
            "history": [{"created_by": "a"}, {"created_by": "b", "empty_layer": true}, {"created_by": "c"}],
        })
    }

    fn parsed(document: &Value) -> Result<BaseConfiguration, BaseConfigurationError> {
        BaseConfiguration::parse(document.to_string().as_bytes())
    }

    fn over(config: &Value, ours: &Value, runs: bool) -> Value {
        let ours = json!({
            "architecture": "amd64", "os": "linux", "created": "now", "config": ours,
            "rootfs": {"type": "layers", "diff_ids": [id("own")]}, "history": [{"created_by": "dumbc"}],
        });
        let bytes = parsed(&base(config)).unwrap().under(ours.to_string().as_bytes(), Said { runs }).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn layers_and_history_come_one_after_the_other() {
        let image = over(&json!({}), &json!({}), false);
        assert_eq!(image["rootfs"]["diff_ids"], json!([id("one"), id("two"), id("own")]));
        let history: Vec<_> = image["history"].as_array().unwrap().iter().map(|entry| &entry["created_by"]).collect();
        assert_eq!(history, ["a", "b", "c", "dumbc"]);
        assert_eq!((&image["created"], image.get("docker_version")), (&json!("now"), None));
        let mut odd = base(&json!({}));
        odd["history"] = json!([{"created_by": "a"}]);
        assert_eq!(parsed(&odd).unwrap().history(), vec![json!({"created_by": "the base image"}); 2]);
    }

    #[test]
    fn ports_volumes_and_labels_join_and_ours_win() {
        let theirs = json!({
            "ExposedPorts": {"80/tcp": {}}, "Volumes": {"/a": {}}, "Labels": {"x": "1", "y": "1"}, "OnBuild": ["RUN x"],
            "Image": "sha256:1", "Shell": ["/bin/sh"], "StopSignal": "SIGQUIT", "Healthcheck": {"Test": ["CMD", "x"]},
        });
        let ours = json!({"ExposedPorts": {"90/tcp": {}}, "Labels": {"y": "2"}, "StopSignal": "SIGTERM"});
        let image = over(&theirs, &ours, false);
        assert_eq!(
            image["config"],
            json!({
                "ExposedPorts": {"80/tcp": {}, "90/tcp": {}}, "Volumes": {"/a": {}}, "Labels": {"x": "1", "y": "2"},
                "Shell": ["/bin/sh"], "StopSignal": "SIGTERM", "Healthcheck": {"Test": ["CMD", "x"]},
            })
        );
    }

    #[test]
    fn who_says_what_runs_says_all_of_it() {
        let theirs =
            json!({"Entrypoint": ["/docker-entrypoint.sh"], "Cmd": ["serve"], "User": "app", "WorkingDir": "/srv"});
        let ours = json!({"Cmd": ["/bin/sh"], "WorkingDir": "/"});
        assert_eq!(over(&theirs, &ours, false)["config"], theirs);
        assert_eq!(over(&theirs, &ours, true)["config"], ours);
        assert_eq!(over(&json!({"Cmd": null, "User": ""}), &ours, false)["config"]["Cmd"], json!(["/bin/sh"]));
    }

    #[test]
    fn a_base_for_another_machine_is_refused() {
        let told = |os: &str, architecture: &str, variant: &str, system| {
            let mut document = base(&json!({}));
            (document["os"], document["architecture"]) = (json!(os), json!(architecture));
            document["variant"] = json!(variant);
            parsed(&document).unwrap().check(system).map_err(|error| error.to_string())
        };
        assert_eq!(told("linux", "amd64", "", System::X86_64Linux), Ok(()));
        assert_eq!(told("linux", "arm64", "v8", System::Aarch64Linux), Ok(()));
        let refused = told("linux", "amd64", "v3", System::X86_64Linux).unwrap_err();
        assert_eq!(refused, "the base image is for linux/amd64/v3, and the image for x86_64-linux (linux/amd64)");
        assert!(told("windows", "amd64", "", System::X86_64Linux).is_err());
        assert!(told("linux", "arm64", "", System::X86_64Linux).is_err());
    }

    #[test]
    fn what_is_no_configuration_is_refused() {
        for config in [json!({"Env": "A=b"}), json!({"Env": [1]}), json!({"Labels": []}), json!({"Cmd": "sh -c x"})] {
            assert!(parsed(&base(&config)).is_err(), "{config}");
        }
        for text in ["", "[]", "{}", r#"{"rootfs":{"diff_ids":["sha256:1"]}}"#] {
            assert!(BaseConfiguration::parse(text.as_bytes()).is_err(), "{text}");
        }
        let env = parsed(&base(&json!({"Env": ["A=1=2", "odd", "=x", "B="]}))).unwrap();
        assert_eq!(env.environment().collect::<Vec<_>>(), [("A", "1=2"), ("B", "")]);
    }

    #[test]
    fn paths_join_without_repeating() {
        assert_eq!(joined_path("/usr/bin:/bin", "/usr/local/bin:/bin:/opt/x:"), "/usr/bin:/bin:/usr/local/bin:/opt/x");
    }
}
