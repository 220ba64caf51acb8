//! What changed in the configuration.

use std::collections::{BTreeMap, BTreeSet};

use super::ConfigChange;
use crate::origin::documents::Configuration;

/// What changed, by key.
pub(super) fn config(before: &Configuration, after: &Configuration) -> Vec<ConfigChange> {
    let (before, after) = (flat(before), flat(after));
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let change = |key: &String| {
        let (before, after) = (before.get(key).cloned(), after.get(key).cloned());
        (before != after).then(|| ConfigChange { key: key.clone(), before, after })
    };
    keys.into_iter().filter_map(change).collect()
}

/// A configuration as a value for each key; what is empty has none.
fn flat(configuration: &Configuration) -> BTreeMap<String, String> {
    let run = &configuration.config;
    let json = |words: &[String]| if words.is_empty() { String::new() } else { serde_json::json!(words).to_string() };
    let mut all = BTreeMap::from([
        ("platform".to_owned(), configuration.platform.to_string()),
        ("created".to_owned(), configuration.created.clone().unwrap_or_default()),
        ("user".to_owned(), run.user.clone()),
        ("entrypoint".to_owned(), json(&run.entrypoint)),
        ("command".to_owned(), json(&run.cmd)),
        ("working directory".to_owned(), run.working_dir.clone()),
        ("stop signal".to_owned(), run.stop_signal.clone().unwrap_or_default()),
    ]);
    all.retain(|_, value| !value.is_empty());
    for variable in &run.env {
        let (name, value) = variable.split_once('=').unwrap_or((variable, ""));
        all.insert(format!("env {name}"), value.to_owned());
    }
    all.extend(run.labels.iter().map(|(name, value)| (format!("label {name}"), value.clone())));
    all.extend(run.exposed_ports.iter().map(|port| (format!("port {port}"), "exposed".to_owned())));
    all.extend(run.volumes.iter().map(|path| (format!("volume {path}"), "declared".to_owned())));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configurations_differ_by_key() {
        let read = |text: &str| Configuration::parse(text.as_bytes()).unwrap();
        let before = read(r#"{"config":{"User":"1","Env":["A=1","B=2"],"Cmd":["sh"]}}"#);
        let after = read(r#"{"config":{"Env":["A=1","B=3"],"Cmd":["sh"],"ExposedPorts":{"80/tcp":{}}}}"#);
        let told = config(&before, &after);
        let keys: Vec<_> = told.iter().map(|change| change.key.as_str()).collect();
        assert_eq!(keys, ["env B", "port 80/tcp", "user"]);
        assert_eq!((told[0].before.as_deref(), told[2].after.as_deref()), (Some("2"), None));
    }
}
