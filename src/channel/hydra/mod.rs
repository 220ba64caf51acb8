//! Which store paths a package has: Hydra's job of its name in the release's own evaluation.
//!
//! An evaluation never changes, so its answers are kept for ever. Hydra takes two requests a second; a question is two of
//! them, as the job leads to its build.

mod error;
mod pace;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::cache::http::{Answer, Conditions, Fetched, Http, HttpError, RESERVED, Url};
use crate::config::System;
use crate::nix::{Sha256, StorePath};

use super::kept::write_whole;

pub use error::HydraError;
pub(super) use pace::Pace;

/// Builds are told at length.
const BUILD: u64 = 16 << 20;
/// More outputs than any package has.
const OUTPUTS: usize = 64;
/// How long to wait where we are refused with a page, each time.
const PATIENCE: [Duration; 2] = [Duration::from_secs(20), Duration::from_mins(1)];

/// Outputs with their store paths.
pub type Outputs = BTreeMap<String, StorePath>;

/// The evaluation that a release was made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evaluation {
    /// Hydra's number of it.
    pub number: u64,
    /// What stands before the names of its jobs.
    prefix: &'static str,
}

impl Evaluation {
    /// That of a release, by its name: those of nixpkgs alone have their jobs right in the jobset.
    #[must_use]
    pub fn of(release: &str, number: u64) -> Self {
        Self { number, prefix: if release.starts_with("nixpkgs-") { "" } else { "nixpkgs." } }
    }

    /// What Hydra calls a package on one system.
    fn job(self, attribute: &str, system: System) -> String {
        format!("{}{attribute}.{system}", self.prefix)
    }
}

/// Hydra, and what it told before.
pub(super) struct Hydra<'a> {
    pub(super) http: &'a Http,
    /// Its address.
    pub(super) place: &'a Url,
    pub(super) pace: &'a Pace,
    /// Where answers are kept.
    pub(super) state: &'a Path,
    /// Whether others may have written there: then what is kept counts for nothing.
    pub(super) untrusted: bool,
}

/// Why a job has no outputs that anybody could fetch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoBuild {
    /// The evaluation has no such job: it is an alias, or not built for the public cache.
    #[error("it was not built for the public cache")]
    NoJob,
    /// Not built yet.
    #[error("it is still being built")]
    Unfinished,
    /// It failed.
    #[error("it failed to build")]
    Failed,
}

/// What is read of a build.
#[derive(Deserialize)]
struct JsonBuild {
    #[serde(default)]
    finished: serde_json::Value,
    #[serde(default)]
    buildstatus: serde_json::Value,
    #[serde(default)]
    system: Option<String>,
    #[serde(default)]
    buildoutputs: BTreeMap<String, JsonOutput>,
}

#[derive(Deserialize)]
struct JsonOutput {
    path: Option<String>,
}

impl Hydra<'_> {
    /// The outputs that `attribute` has on `system` in an evaluation.
    pub(super) fn outputs(
        &self,
        evaluation: Evaluation,
        attribute: &str,
        system: System,
    ) -> Result<Result<Outputs, NoBuild>, HydraError> {
        let job = evaluation.job(attribute, system);
        let kept = self.path(evaluation, &job);
        if let Some(outputs) = self.recall(&kept) {
            return Ok(Ok(outputs));
        }
        let Some(document) = self.ask(evaluation, &job)? else { return Ok(Err(NoBuild::NoJob)) };
        let outputs = match check(&document, &job, system)? {
            Ok(outputs) => outputs,
            Err(reason) => return Ok(Err(reason)),
        };
        Self::keep(&kept, &outputs)?;
        Ok(Ok(outputs))
    }

    /// Whether asking for `attribute` takes no request, as far as a look at what is kept tells: it is read when it is asked for.
    #[cfg(feature = "build")]
    pub(super) fn knows(&self, evaluation: Evaluation, attribute: &str, system: System) -> bool {
        !self.untrusted && self.path(evaluation, &evaluation.job(attribute, system)).is_file()
    }

    /// The build's document; `None`: there is no such job.
    fn ask(&self, evaluation: Evaluation, job: &str) -> Result<Option<Fetched>, HydraError> {
        let path = format!("eval/{}/job/{}", evaluation.number, percent_encoded(job));
        let place = self.place.join(&path).map_err(HttpError::from)?;
        let conditions = Conditions { accept: Some("application/json"), ..Conditions::default() };
        let mut patience = PATIENCE.into_iter();
        loop {
            self.pace.wait(2, self.http.clock());
            let answered = self.http.fetch_bytes(&place, BUILD, conditions);
            self.pace.spent(2, self.http.clock());
            let document = match answered? {
                Answer::Body(document) => document,
                Answer::Absent { .. } | Answer::NotModified => return Ok(None),
            };
            // Who asks too much gets a page, with a status of success.
            let is_data = |kind: &str| kind.trim_start().to_ascii_lowercase().starts_with("application/json");
            if document.content_type.as_deref().is_some_and(is_data) {
                return Ok(Some(document));
            }
            let Some(wait) = patience.next() else {
                return Err(HydraError::Blocked { asked: job.to_owned(), waited: PATIENCE.iter().sum() });
            };
            self.http.clock().sleep(wait);
        }
    }

    fn path(&self, evaluation: Evaluation, job: &str) -> PathBuf {
        // Attributes may hold any character.
        let name = &Sha256::of(job.as_bytes()).hex()[..32];
        self.state.join("hydra").join(evaluation.number.to_string()).join(name)
    }

    fn recall(&self, kept: &Path) -> Option<Outputs> {
        if self.untrusted {
            return None;
        }
        let text: BTreeMap<String, String> = serde_json::from_slice(&fs::read(kept).ok()?).ok()?;
        text.into_iter().map(|(name, path)| Some((name, path.parse().ok()?))).collect()
    }

    fn keep(kept: &Path, outputs: &Outputs) -> Result<(), HydraError> {
        let text: BTreeMap<_, _> = outputs.iter().map(|(name, path)| (name, path.to_string())).collect();
        let text = serde_json::to_vec(&text).map_err(io::Error::from);
        let written = text.and_then(|text| write_whole(kept, &text));
        written.map_err(|source| HydraError::Write { path: kept.to_owned(), source })
    }
}

/// What a build's document says, if it is about what was asked.
fn check(document: &Fetched, job: &str, system: System) -> Result<Result<Outputs, NoBuild>, HydraError> {
    let odd = |reason: String| HydraError::Answer { job: job.to_owned(), reason };
    let build: JsonBuild = serde_json::from_slice(&document.bytes).map_err(|fault| odd(fault.to_string()))?;
    if let Some(other) = build.system.as_deref().filter(|of| *of != system.name()) {
        return Err(odd(format!("it is about {}", other.chars().take(40).collect::<String>())));
    }
    if number(&build.finished) != Some(1) {
        return Ok(Err(NoBuild::Unfinished));
    }
    if number(&build.buildstatus) != Some(0) {
        return Ok(Err(NoBuild::Failed));
    }
    let named = build.buildoutputs.into_iter().take(OUTPUTS).filter_map(|(name, output)| Some((name, output.path?)));
    let path = |(name, path): (String, String)| match path.parse() {
        Ok(path) => Ok((name, path)),
        Err(fault) => Err(odd(format!("output {name}: {fault}"))),
    };
    let outputs: Outputs = named.map(path).collect::<Result<_, _>>()?;
    if outputs.is_empty() { Err(odd("it has no outputs".to_owned())) } else { Ok(Ok(outputs)) }
}

/// Numbers and truth values are written in several ways.
fn number(value: &serde_json::Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_bool().map(i64::from)).or_else(|| value.as_str()?.parse().ok())
}

/// Quotes and other characters of attributes, as a path of an address has them.
pub(super) fn percent_encoded(job: &str) -> String {
    percent_encoding::utf8_percent_encode(job, const { &RESERVED.remove(b'+') }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Fetched {
        let url = "https://hydra.example.org/build/1".parse().unwrap();
        Fetched { bytes: text.into(), etag: None, content_type: None, url }
    }

    fn checked(text: &str) -> Result<Result<Outputs, NoBuild>, HydraError> {
        check(&document(text), "nixpkgs.hello.x86_64-linux", System::X86_64Linux)
    }

    const HELLO: &str = r#"{"finished":1,"buildstatus":0,"system":"x86_64-linux",
        "buildoutputs":{"out":{"path":"/nix/store/y26qxcq1gg2hrqpxdc58b2fghv2bhxjg-hello-2.10"}}}"#;

    #[test]
    fn a_build_counts_when_it_succeeded_for_the_system() {
        let outputs = checked(HELLO).unwrap().unwrap();
        assert_eq!(outputs["out"].name(), "hello-2.10");
        assert_eq!(checked(&HELLO.replace("\"finished\":1", "\"finished\":0")).unwrap(), Err(NoBuild::Unfinished));
        assert_eq!(checked(&HELLO.replace("\"buildstatus\":0", "\"buildstatus\":1")).unwrap(), Err(NoBuild::Failed));
        assert_eq!(checked(&HELLO.replace("\"buildstatus\":0,", "")).unwrap(), Err(NoBuild::Failed));
        assert!(checked(&HELLO.replace("x86_64", "aarch64")).is_err());
        assert!(checked(&HELLO.replace("/nix/store/", "/etc/")).is_err());
        assert!(checked("<html>").is_err());
    }

    #[test]
    fn attributes_become_part_of_an_address() {
        assert_eq!(
            percent_encoded("nixpkgs.aspellDicts.\"or\".x86_64-linux"),
            "nixpkgs.aspellDicts.%22or%22.x86_64-linux"
        );
        assert_eq!(percent_encoded("a/../b?c"), "a%2F..%2Fb%3Fc");
    }
}
