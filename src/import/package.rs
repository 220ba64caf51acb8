//! Packages with their store paths, and the index that names them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::channel::Attribute;
use crate::config::{Request, System};
use crate::nix::StorePath;

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Imported {
    /// Packages that have a name, in the order of their attributes and versions.
    pub packages: BTreeMap<(Attribute, Option<String>), Package>,
    /// Store paths without a name, in the order given.
    pub paths: Vec<StorePath>,
    /// What is left out.
    pub skipped: Vec<Skipped>,
}

/// A package on each system that it is there for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Package {
    /// By system; never empty.
    pub builds: BTreeMap<System, Build>,
}

/// What a package is on one system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// Name and version, as the store path has them: `git-2.54.0`.
    pub name: String,
    /// Store paths by output; never empty.
    pub outputs: BTreeMap<String, StorePath>,
    /// The outputs to install, in order; empty where the file doesn't say.
    pub to_install: Vec<String>,
}

/// Something that is left out.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Skipped {
    /// As the file names it.
    pub what: String,
    /// Why.
    pub why: String,
}

impl Skipped {
    pub(super) fn new(what: impl Into<String>, why: impl Into<String>) -> Self {
        // A file may hold anything, and this is shown on a terminal.
        let line = |text: String| text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect();
        Self { what: line(what.into()), why: line(why.into()) }
    }
}

impl Build {
    /// Of outputs by name; `None` where there are none. Paths that are none are left out.
    pub(super) fn of(outputs: BTreeMap<String, StorePath>, to_install: Vec<String>) -> Option<Self> {
        let to_install: Vec<String> = to_install.into_iter().filter(|name| outputs.contains_key(name)).collect();
        let first = to_install.first().map_or("out", String::as_str);
        let (output, path) = outputs.get_key_value(first).or_else(|| outputs.first_key_value())?;
        let name = path.name();
        let name = name.strip_suffix(&format!("-{output}")).filter(|_| output != "out").unwrap_or(name).to_owned();
        Some(Self { name, outputs, to_install })
    }
}

impl Imported {
    /// Adds what a package is on one system. What can't be asked for by that name is skipped.
    pub(super) fn add(&mut self, attribute: &str, version: Option<&str>, system: System, build: Build) {
        let attribute = Attribute::parse(attribute);
        let version = version.filter(|version| !version.is_empty()).map(str::to_owned);
        if let Err(error) = Request::parse(&request(&attribute, version.as_deref()), None) {
            return self.skipped.push(Skipped::new(attribute.to_string(), error.to_string()));
        }
        let known = self.packages.entry((attribute.clone(), version)).or_default();
        let there = known.builds.entry(system).or_insert_with(|| build.clone());
        if *there != build {
            // Whichever comes last: the other one is told.
            *there = build;
            self.skipped.push(Skipped::new(attribute.to_string(), format!("it is there twice for {system}")));
        }
    }

    /// Leaves out packages that are not there for all of `systems`: nothing could be built of them.
    #[must_use]
    pub fn for_systems(mut self, systems: &[System]) -> Self {
        let lacks = |package: &Package| systems.iter().copied().find(|system| !package.builds.contains_key(system));
        let skipped = &mut self.skipped;
        self.packages.retain(|(attribute, version), package| {
            let lacking = lacks(package);
            if let Some(system) = lacking {
                let what = request(attribute, version.as_deref());
                skipped.push(Skipped::new(what, format!("it is not there for {system}")));
            }
            lacking.is_none()
        });
        self
    }

    /// Requests for all packages, each with what answers it: names, with the version where a name alone means several.
    #[must_use]
    pub fn requests(&self) -> Vec<(String, &Package)> {
        let mut seen = BTreeSet::new();
        let attributes = self.packages.keys().map(|(attribute, _)| attribute);
        let several: BTreeSet<&Attribute> = attributes.filter(|attribute| !seen.insert(*attribute)).collect();
        let named = self.packages.iter().map(|((attribute, version), package)| {
            let version = version.as_deref().filter(|_| several.contains(attribute));
            (request(attribute, version), package)
        });
        named.collect()
    }

    /// An index of the packages: lines as `nix-eval-jobs` prints them, sorted.
    #[must_use]
    pub fn index(&self) -> String {
        let mut text = String::new();
        for ((attribute, version), package) in &self.packages {
            for (system, build) in &package.builds {
                let mut line = json!({
                    "attr": attribute.to_string(),
                    "name": build.name,
                    "outputs": build.outputs.iter().map(|(name, path)| (name, path.to_string())).collect::<BTreeMap<_, _>>(),
                    "system": system.name(),
                });
                if let Some(version) = version {
                    line["version"] = json!(version);
                }
                if !build.to_install.is_empty() {
                    line["meta"] = json!({ "outputsToInstall": build.to_install });
                }
                text.push_str(&line.to_string());
                text.push('\n');
            }
        }
        text
    }
}

fn request(attribute: &Attribute, version: Option<&str>) -> String {
    version.map_or_else(|| attribute.to_string(), |version| format!("{attribute}@{version}"))
}
