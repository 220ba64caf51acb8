//! The search API's answers: the shapes of both of its generations, and what of them can be true.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Elsewhere, KnownVersion};
use crate::channel::name::{compare_versions, version_matches};
use crate::channel::nixos::SearchFault;
use crate::config::System;
use crate::nix::split_version;

/// More outputs than any package has.
const OUTPUTS: usize = 64;
/// The longest name, attribute or version that is believed.
const TEXT: usize = 200;

/// `/v2/resolve`
#[derive(Deserialize)]
pub(super) struct JsonResolved {
    #[serde(default)]
    version: String,
    #[serde(default)]
    systems: BTreeMap<String, JsonSystem>,
}

#[derive(Deserialize)]
struct JsonSystem {
    flake_installable: JsonInstallable,
    #[serde(default)]
    last_updated: Option<String>,
    #[serde(default)]
    outputs: Option<Vec<JsonOutput>>,
}

#[derive(Deserialize)]
struct JsonInstallable {
    #[serde(rename = "ref")]
    reference: JsonReference,
    attr_path: String,
}

#[derive(Deserialize)]
struct JsonReference {
    rev: String,
}

#[derive(Deserialize)]
struct JsonOutput {
    #[serde(default)]
    name: String,
    #[serde(default)]
    path: String,
    #[serde(default)]
    default: bool,
}

/// `/v2/pkg`
#[derive(Deserialize)]
pub(super) struct JsonPackage {
    #[serde(default)]
    releases: Vec<JsonRelease>,
}

#[derive(Deserialize)]
struct JsonRelease {
    #[serde(default)]
    version: String,
    #[serde(default)]
    last_updated: Option<String>,
    #[serde(default)]
    platforms: Option<Vec<JsonPlatform>>,
}

#[derive(Deserialize)]
struct JsonPlatform {
    #[serde(default)]
    system: String,
    #[serde(default)]
    attribute_path: String,
    #[serde(default)]
    commit_hash: String,
    #[serde(default)]
    date: Option<String>,
    #[serde(default)]
    outputs: Option<Vec<JsonOutput>>,
}

/// `/v1/resolve`. Its `store_hash` does not say of which output it is, so that no store path can be made of it.
#[derive(Deserialize)]
pub(super) struct JsonFirst {
    #[serde(default)]
    systems: BTreeMap<String, JsonFirstSystem>,
}

#[derive(Deserialize)]
struct JsonFirstSystem {
    #[serde(default)]
    version: String,
    #[serde(default)]
    commit_hash: String,
    /// Seconds since 1970.
    #[serde(default)]
    last_updated: Option<i64>,
    #[serde(default)]
    attr_paths: Vec<String>,
    /// The package's name without version.
    #[serde(default)]
    store_name: String,
}

/// An answer to the question for a version.
pub(super) struct Resolved {
    pub(super) found: Elsewhere,
    /// What the package is called without version, where the answer tells.
    called: Option<String>,
}

impl Resolved {
    /// Whether this is about the package: what was asked for by a shortened `name` may be another's.
    pub(super) fn is_meant(&self, name: &str, attribute: &str, pname: Option<&str>) -> bool {
        let is_called = |pname| self.called.as_deref().is_none_or(|called| called == pname);
        name == attribute || pname.is_some_and(|pname| name == pname || is_called(pname))
    }
}

impl JsonResolved {
    /// What it says of `system`, if it is about `version`: an answer about another one is about none.
    pub(super) fn of(mut self, version: &str, system: System) -> Result<Option<Resolved>, SearchFault> {
        if !version_matches(&self.version, version) || !is_plain(&self.version) {
            return Ok(None);
        }
        let Some(found) = self.systems.remove(system.name()) else { return Ok(None) };
        let JsonInstallable { reference, attr_path } = found.flake_installable;
        let place = (attr_path, reference.rev);
        let found = elsewhere(self.version, place, found.last_updated.as_deref(), found.outputs)?;
        let called = found.outputs.get("out").or_else(|| found.outputs.values().next());
        let called = called.map(|path| split_version(path.name()).0.to_owned());
        Ok(Some(Resolved { found, called }))
    }
}

impl JsonFirst {
    /// As [`JsonResolved::of`].
    pub(super) fn of(mut self, version: &str, system: System) -> Result<Option<Resolved>, SearchFault> {
        let Some(found) = self.systems.remove(system.name()) else { return Ok(None) };
        if !version_matches(&found.version, version) || !is_plain(&found.version) {
            return Ok(None);
        }
        let moment = found.last_updated.and_then(|second| jiff::Timestamp::from_second(second).ok());
        let date = moment.map(|moment| moment.to_string());
        let place = (found.attr_paths.into_iter().next().unwrap_or_default(), found.commit_hash);
        let called = Some(found.store_name).filter(|name| !name.is_empty());
        Ok(Some(Resolved { found: elsewhere(found.version, place, date.as_deref(), None)?, called }))
    }
}

impl JsonPackage {
    /// Whether it has no version.
    pub(super) fn is_empty(&self) -> bool {
        self.releases.is_empty()
    }

    /// All versions that can be true, the newest first.
    pub(super) fn versions(self) -> Vec<KnownVersion> {
        let mut known: Vec<_> = self.releases.into_iter().filter_map(known_version).collect();
        known.sort_by(|one, other| compare_versions(&other.version, &one.version));
        known
    }
}

/// What an answer says of one system, if it can be true.
fn elsewhere(
    version: String,
    (attribute, revision): (String, String),
    date: Option<&str>,
    outputs: Option<Vec<JsonOutput>>,
) -> Result<Elsewhere, SearchFault> {
    if revision.len() != 40 || !revision.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(SearchFault::Odd("it names no revision".to_owned()));
    }
    if !is_plain(&attribute) {
        return Err(SearchFault::Odd("it names no attribute".to_owned()));
    }
    let (mut paths, mut to_install) = (BTreeMap::new(), Vec::new());
    for JsonOutput { name, path, default } in outputs.into_iter().flatten().take(OUTPUTS) {
        let odd = |fault| SearchFault::Odd(format!("output {}: {fault}", shortened(&name)));
        // Some are listed without a path: as good as not at all.
        if path.is_empty() || !is_plain(&name) {
            continue;
        }
        let path = path.parse().map_err(odd)?;
        if default {
            to_install.push(name.clone());
        }
        paths.insert(name, path);
    }
    let revision = revision.to_ascii_lowercase();
    Ok(Elsewhere { version, attribute, revision, date: date.and_then(day), outputs: paths, to_install })
}

fn known_version(release: JsonRelease) -> Option<KnownVersion> {
    let JsonRelease { version, last_updated, platforms } = release;
    if !is_plain(&version) {
        return None;
    }
    let of_platform = |platform: JsonPlatform| {
        let system = System::from_name(&platform.system)?;
        let place = (platform.attribute_path, platform.commit_hash);
        Some((system, elsewhere(version.clone(), place, platform.date.as_deref(), platform.outputs).ok()?))
    };
    let systems = platforms.into_iter().flatten().filter_map(of_platform).collect();
    Some(KnownVersion { version, date: last_updated.as_deref().and_then(day), systems })
}

/// Whether a text can stand in a lock, an address and on a terminal.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.len() <= TEXT && !text.chars().any(|character| character.is_control() || character == ' ')
}

fn shortened(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(40).collect()
}

/// The day of `2025-11-23T21:50:36Z`.
fn day(moment: &str) -> Option<String> {
    let digits = |byte: u8, index: usize| if matches!(index, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
    let day = moment.get(..10)?;
    day.bytes().zip(0..).all(|(byte, index)| digits(byte, index)).then(|| day.to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const PYTHON: &str = r#"{"name":"python","version":"3.11.14","summary":"A language","systems":{"x86_64-linux":{
        "flake_installable":{"ref":{"type":"github","owner":"NixOS","repo":"nixpkgs","rev":"EE09932cedcef15aaf476f9343d1dea2cb77e261"},
        "attr_path":"python311"},"last_updated":"2025-11-23T21:50:36Z","outputs":[
        {"name":"out","path":"/nix/store/00x3abm7y8j13i6n4sahvbar99irkc7d-python3-3.11.14","default":true},
        {"name":"debug","path":"/nix/store/2lj58b7mhib83mb0cx8flyahbs9pnd9z-python3-3.11.14-debug"}]}}}"#;

    fn resolved(text: &str) -> Result<Elsewhere, SearchFault> {
        let resolved: JsonResolved = serde_json::from_str(text).map_err(|fault| SearchFault::Odd(fault.to_string()))?;
        let version = resolved.version.clone();
        resolved.of(&version, System::X86_64Linux)?.map(|resolved| resolved.found).ok_or(SearchFault::Empty)
    }

    #[test]
    fn the_first_generation_names_revision_and_attribute() {
        let text = r#"{"name":"hello","version":"2.12.3","systems":{"aarch64-linux":{"version":"2.12.1",
            "commit_hash":"c27cdad491a991b11ed731760aa2ef8db0cb0410","last_updated":1700000000,"attr_paths":["hello","x"],
            "store_hash":"85py0qgpd9llilbkgjpcwc4svrx056ld","store_name":"hello","store_version":"2.12.1"}}}"#;
        let of = |text: &str, version, system| serde_json::from_str::<JsonFirst>(text).unwrap().of(version, system);
        let Resolved { found, called } = of(text, "2.12", System::Aarch64Linux).unwrap().unwrap();
        assert_eq!((found.version.as_str(), found.attribute.as_str()), ("2.12.1", "hello"));
        assert_eq!(found.revision, "c27cdad491a991b11ed731760aa2ef8db0cb0410");
        assert_eq!((found.date.as_deref(), called.as_deref()), (Some("2023-11-14"), Some("hello")));
        assert!(found.outputs.is_empty());
        assert!(of(text, "2.12.3", System::Aarch64Linux).unwrap().is_none(), "each system has its own version");
        assert!(of(text, "2.12", System::X86_64Linux).unwrap().is_none());
        assert!(of(&text.replace("[\"hello\",\"x\"]", "[]"), "2.12", System::Aarch64Linux).is_err());
        assert!(of(&text.replace("c27c", "branch/"), "2.12.1", System::Aarch64Linux).is_err());
        assert!(of("{}", "1", System::X86_64Linux).unwrap().is_none());
    }

    #[test]
    fn an_answer_names_revision_attribute_and_paths() {
        let found = resolved(PYTHON).unwrap();
        assert_eq!((found.version.as_str(), found.attribute.as_str()), ("3.11.14", "python311"));
        assert_eq!(found.revision, "ee09932cedcef15aaf476f9343d1dea2cb77e261");
        assert_eq!(found.date.as_deref(), Some("2025-11-23"));
        assert_eq!(found.outputs["out"].name(), "python3-3.11.14");
        assert_eq!(found.to_install, ["out"]);
        let without = resolved(&PYTHON.replace("\"outputs\"", "\"later\"")).unwrap();
        assert!(without.outputs.is_empty());
    }

    #[test]
    fn what_can_not_be_true_is_refused() {
        for (from, to) in [
            ("EE09932c", "EE0993"),
            ("/nix/store/00x3", "/etc/00x3"),
            ("\"python311\"", "\"\""),
            ("\"python311\"", "\"a\\nb\""),
        ] {
            assert!(PYTHON.contains(from), "{from}");
            assert!(matches!(resolved(&PYTHON.replace(from, to)), Err(SearchFault::Odd(_))), "{from} -> {to}");
        }
        let dated = resolved(&PYTHON.replace("2025-11-23T", "yesterday, ")).unwrap();
        assert_eq!(dated.date, None);
    }

    #[test]
    fn versions_come_with_what_is_known_of_them() {
        let text = r#"{"name":"hello","releases":[{"version":"2.12.1","last_updated":"2025-05-16T20:19:48Z"},
            {"version":"2.12.2","last_updated":"2025-11-23T21:50:36Z","platforms":[{"arch":"x86-64","system":"x86_64-linux",
            "attribute_path":"hello","commit_hash":"ee09932cedcef15aaf476f9343d1dea2cb77e261","outputs":[{"name":"out",
            "path":"/nix/store/2bcv91i8fahqghn8dmyr791iaycbsjdd-hello-2.12.2","default":true}]},{"system":"x86_64-darwin"}]},
            {"version":"\u001b[2J"}]}"#;
        let package: JsonPackage = serde_json::from_str(text).unwrap();
        let known: Vec<_> = package.releases.into_iter().filter_map(known_version).collect();
        assert_eq!(known.len(), 2);
        assert!(known[0].systems.is_empty() && known[0].date.as_deref() == Some("2025-05-16"));
        assert_eq!(known[1].systems[&System::X86_64Linux].attribute, "hello");
    }

    #[test]
    fn real_answers_are_read() {
        let Some(folder) = crate::channel::test_support::shared("vectors/names") else { return };
        let text = fs::read_to_string(folder.join("v2-resolve-python-3.11.json")).unwrap();
        assert_eq!(resolved(&text).unwrap().attribute, "python311");
        let package: JsonPackage =
            serde_json::from_slice(&fs::read(folder.join("v2-pkg-hello.json")).unwrap()).unwrap();
        assert_eq!(package.releases.len(), 2);
        let text = fs::read(folder.join("v1-resolve-hello.json")).unwrap();
        let first: JsonFirst = serde_json::from_slice(&text).unwrap();
        assert_eq!(first.systems["aarch64-darwin"].attr_paths, ["hello"]);
    }
}
