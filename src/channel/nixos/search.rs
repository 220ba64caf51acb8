//! Versions that a release does not have: the search API knows revisions of nixpkgs that had them.
//!
//! It only names store paths: that they are whole and signed, the binary cache shows. Answers are kept for a day; what is
//! locked is not asked again.

mod answers;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::cache::http::{Answer, Conditions, Http};
use crate::config::System;
use crate::nix::{Sha256, StorePath};

use super::super::hosts::Hosts;
use super::super::hydra::percent_encoded;
use super::super::kept::write_whole;
use super::error::SearchFault;
use answers::{JsonFirst, JsonPackage, JsonResolved};

/// The longest answer: a package with some hundred releases, each on several systems.
const ANSWER: u64 = 8 << 20;
/// How long an answer counts.
const DAY: Duration = Duration::from_hours(24);

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
        let (names, mut answered) = (names(attribute, pname), false);
        for name in &names {
            let Some(resolved) = self.ask::<JsonResolved>(&question("v2", name, version))? else { continue };
            answered = true;
            let found = resolved.of(version, system)?;
            if let Some(resolved) = found.filter(|found| found.is_meant(name, attribute, pname)) {
                return Ok(Some(resolved.found));
            }
        }
        // Who knows nothing of any of them may only speak as the service did at first.
        for name in names.iter().filter(|_| !answered) {
            let Some(resolved) = self.ask::<JsonFirst>(&question("v1", name, version))? else { continue };
            let found = resolved.of(version, system)?;
            if let Some(resolved) = found.filter(|found| found.is_meant(name, attribute, pname)) {
                return Ok(Some(resolved.found));
            }
        }
        Ok(None)
    }

    /// All versions that `attribute` was known to have, the newest first.
    pub(super) fn versions(&self, attribute: &str, pname: Option<&str>) -> Result<Vec<KnownVersion>, SearchFault> {
        for name in &names(attribute, pname) {
            let package: Option<JsonPackage> = self.ask(&format!("v2/pkg?name={}", percent_encoded(name)))?;
            if let Some(package) = package.filter(|package| !package.is_empty()) {
                return Ok(package.versions());
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

/// The question for a version, in one of the service's generations.
fn question(generation: &str, name: &str, version: &str) -> String {
    format!("{generation}/resolve?name={}&version={}", percent_encoded(name), percent_encoded(version))
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

    #[test]
    fn a_name_is_looked_for_as_others_write_it() {
        assert_eq!(names("python312", Some("python3")), ["python312", "python3", "python"]);
        assert_eq!(names("nodejs_20", Some("nodejs")), ["nodejs_20", "nodejs"]);
        assert_eq!(names("ripgrep", None), ["ripgrep"]);
    }
}
