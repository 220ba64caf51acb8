//! Versions that a release does not have: the search API knows revisions of nixpkgs that had them.
//!
//! It only names store paths: that they are whole and signed, the binary cache shows. Answers are kept for a day; what is
//! locked is not asked again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::cache::http::{Answer, Conditions, Http};
use crate::config::System;
use crate::nix::{Sha256, StorePath, split_version};

use super::error::SearchFault;
use super::hosts::Hosts;
use super::hydra::percent_encoded;
use super::kept::write_whole;
use crate::channel::name::{compare_versions, version_matches};

/// The longest answer: a package with some hundred releases, each on several systems.
const ANSWER: u64 = 8 << 20;
/// How long an answer counts.
const DAY: Duration = Duration::from_hours(24);
/// More outputs than any package has.
const OUTPUTS: usize = 64;
/// The longest name, attribute or version that is believed.
const TEXT: usize = 200;

/// The search API.
pub(super) struct Search<'a> {
    pub(super) http: &'a Http,
    pub(super) hosts: &'a Hosts,
    /// Where answers are kept.
    pub(super) state: &'a Path,
    /// Whether others may have written there: then what is kept counts for nothing.
    pub(super) untrusted: bool,
}

/// A package of another revision, on one system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// Its version.
    pub version: String,
    /// Its attribute in that revision.
    pub attribute: String,
    /// 40 hexadecimal digits.
    pub revision: String,
    /// `2025-11-23`
    pub date: Option<String>,
    /// Outputs with store paths; empty where the API does not tell them.
    pub outputs: BTreeMap<String, StorePath>,
    /// Outputs that a request without `^` means.
    pub to_install: Vec<String>,
}

/// A version that the API knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownVersion {
    /// Its version.
    pub version: String,
    /// `2025-11-23`: the last day on which it was nixpkgs'.
    pub date: Option<String>,
    /// What it was on each system that we know, as far as the API tells.
    pub systems: BTreeMap<System, Elsewhere>,
}

/// `/v2/resolve`
#[derive(Deserialize)]
struct JsonResolved {
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
struct JsonPackage {
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

impl Search<'_> {
    /// Whom this asks.
    pub(super) fn host(&self) -> String {
        self.hosts.search.host().to_owned()
    }

    /// What `attribute` was in `version`, or the newest that begins with it; `None`: nobody knows. `pname` is what its
    /// package is called without version, where that is known.
    pub(super) fn resolve(
        &self,
        attribute: &str,
        pname: Option<&str>,
        version: &str,
        system: System,
    ) -> Result<Option<Elsewhere>, SearchFault> {
        for name in &names(attribute, pname) {
            let question = format!("v2/resolve?name={}&version={}", percent_encoded(name), percent_encoded(version));
            let Some(mut resolved): Option<JsonResolved> = self.ask(&question)? else { continue };
            // An answer about another version is one about none.
            if !version_matches(&resolved.version, version) || !is_plain(&resolved.version) {
                continue;
            }
            if let Some(found) = resolved.systems.remove(system.name()) {
                let JsonInstallable { reference, attr_path } = found.flake_installable;
                let place = (attr_path, reference.rev);
                let found = elsewhere(resolved.version, place, found.last_updated.as_deref(), found.outputs)?;
                // A shortened name may be another package's.
                if name == attribute || Some(name.as_str()) == pname || is_called(&found, pname) {
                    return Ok(Some(found));
                }
            }
        }
        Ok(None)
    }

    /// All versions that `attribute` was known to have, the newest first.
    pub(super) fn versions(&self, attribute: &str, pname: Option<&str>) -> Result<Vec<KnownVersion>, SearchFault> {
        for name in &names(attribute, pname) {
            let package: Option<JsonPackage> = self.ask(&format!("v2/pkg?name={}", percent_encoded(name)))?;
            if let Some(package) = package.filter(|package| !package.releases.is_empty()) {
                let mut known: Vec<_> = package.releases.into_iter().filter_map(known_version).collect();
                known.sort_by(|one, other| compare_versions(&other.version, &one.version));
                return Ok(known);
            }
        }
        Ok(Vec::new())
    }

    /// The answer to a question: kept, or asked now. `None`: there is no such package.
    fn ask<T: DeserializeOwned>(&self, question: &str) -> Result<Option<T>, SearchFault> {
        let place = self.hosts.search.join(question).map_err(crate::cache::http::HttpError::from)?;
        let kept = self.path(&place.to_string());
        if let Some(answer) = self.recall(&kept).and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
            return Ok(Some(answer));
        }
        let conditions = Conditions { accept: Some("application/json"), ..Conditions::default() };
        let document = match self.http.fetch_bytes(&place, ANSWER, conditions)? {
            Answer::Body(document) => document,
            Answer::Absent { .. } | Answer::NotModified => return Ok(None),
        };
        let kind = document.content_type.as_deref().unwrap_or_default().trim_start().to_ascii_lowercase();
        let text = document.bytes.trim_ascii();
        if text.is_empty() || text == b"null" {
            return Err(SearchFault::Empty);
        }
        if kind.starts_with("text/html") || text.starts_with(b"<") {
            return Err(SearchFault::Page);
        }
        if !text.starts_with(b"{") {
            return Err(SearchFault::Odd("it is no object".to_owned()));
        }
        let answer = serde_json::from_slice(text).map_err(|fault| SearchFault::Odd(fault.to_string()))?;
        Self::keep(&kept, text);
        Ok(Some(answer))
    }

    fn path(&self, place: &str) -> PathBuf {
        self.state.join("search").join(&Sha256::of(place.as_bytes()).hex()[..32])
    }

    fn recall(&self, kept: &Path) -> Option<Vec<u8>> {
        let written = fs::metadata(kept).and_then(|data| data.modified()).ok()?;
        let age = self.http.clock().now().duration_since(written).unwrap_or_default();
        let counts = !self.untrusted && (age < DAY || self.http.is_offline());
        if counts { fs::read(kept).ok() } else { None }
    }

    /// What can't be kept is asked again.
    fn keep(kept: &Path, answer: &[u8]) {
        if let Err(fault) = write_whole(kept, answer) {
            tracing::debug!("{}: {fault}", kept.display());
        }
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

/// Whether the store paths are those of a package of that name.
fn is_called(found: &Elsewhere, pname: Option<&str>) -> bool {
    let Some(pname) = pname else { return false };
    let of_path = |path: &StorePath| split_version(path.name()).0 == pname;
    found.outputs.get("out").or_else(|| found.outputs.values().next()).is_none_or(of_path)
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

/// What the API may call a package: its attribute, its name, and both without the version that they end in.
///
/// It knows `python3` as `python`, `python312` too.
fn names(attribute: &str, pname: Option<&str>) -> Vec<String> {
    let mut names = Vec::new();
    let whole = [Some(attribute), pname].into_iter().flatten();
    let stems = whole.clone().map(|name| name.trim_end_matches(|end: char| end.is_ascii_digit() || end == '_'));
    for name in whole.chain(stems) {
        if !name.is_empty() && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    const PYTHON: &str = r#"{"name":"python","version":"3.11.14","summary":"A language","systems":{"x86_64-linux":{
        "flake_installable":{"ref":{"type":"github","owner":"NixOS","repo":"nixpkgs","rev":"EE09932cedcef15aaf476f9343d1dea2cb77e261"},
        "attr_path":"python311"},"last_updated":"2025-11-23T21:50:36Z","outputs":[
        {"name":"out","path":"/nix/store/00x3abm7y8j13i6n4sahvbar99irkc7d-python3-3.11.14","default":true},
        {"name":"debug","path":"/nix/store/2lj58b7mhib83mb0cx8flyahbs9pnd9z-python3-3.11.14-debug"}]}}}"#;

    fn resolved(text: &str) -> Result<Elsewhere, SearchFault> {
        let mut resolved: JsonResolved =
            serde_json::from_str(text).map_err(|fault| SearchFault::Odd(fault.to_string()))?;
        let found = resolved.systems.remove("x86_64-linux").ok_or(SearchFault::Empty)?;
        let place = (found.flake_installable.attr_path, found.flake_installable.reference.rev);
        elsewhere(resolved.version, place, found.last_updated.as_deref(), found.outputs)
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
    }

    #[test]
    fn a_name_is_looked_for_as_others_write_it() {
        assert_eq!(names("python312", Some("python3")), ["python312", "python3", "python"]);
        assert_eq!(names("nodejs_20", Some("nodejs")), ["nodejs_20", "nodejs"]);
        assert_eq!(names("ripgrep", None), ["ripgrep"]);
    }
}
