//! One package of a release, as its list of packages tells it.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

use crate::channel::meta::{About, JsonMeta, Outputs, Text};
use crate::config::System;

/// A package.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// `python3Packages.requests`
    pub attribute: String,
    /// `python3.13-requests-2.32.3`
    pub name: String,
    /// `requests`
    pub pname: String,
    /// `2.32.3`
    pub version: String,
    /// Outputs, sorted, with the store paths that are known, by system. Empty: the list does not tell.
    pub outputs: BTreeMap<String, BTreeMap<String, String>>,
    /// Outputs that a request without `^` means, in order.
    pub to_install: Vec<String>,
    /// Its main command.
    pub program: Option<String>,
    /// A line.
    pub description: Option<String>,
    /// An address.
    pub homepage: Option<String>,
    /// SPDX identifiers, or names where there are none, with commas between.
    pub licence: Option<String>,
    /// Why the public cache does not have it.
    pub hindrance: Option<Hindrance>,
    /// Linux systems that it says it runs on.
    pub systems: Vec<System>,
}

/// Why nobody builds a package for the public cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hindrance {
    /// Its licence forbids it.
    Unfree,
    /// It does not build.
    Broken,
    /// It has known holes.
    Insecure,
}

impl Hindrance {
    /// Every one of them, by the number that the catalog keeps.
    const ALL: [Self; 3] = [Self::Unfree, Self::Broken, Self::Insecure];

    pub(super) fn number(self) -> i64 {
        Self::ALL.into_iter().zip(1..).find(|(one, _)| *one == self).map_or(0, |(_, number)| number)
    }

    pub(super) fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().zip(1..).find(|(_, of)| *of == number).map(|(one, _)| one)
    }
}

impl fmt::Display for Hindrance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Unfree => "is unfree",
            Self::Broken => "is marked as broken",
            Self::Insecure => "has known vulnerabilities",
        })
    }
}

/// The part of an entry that is read; all else is skipped.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JsonEntry {
    #[serde(default)]
    name: Text,
    #[serde(default)]
    pname: Text,
    #[serde(default)]
    version: Text,
    #[serde(default)]
    outputs: Outputs,
    #[serde(default)]
    output_name: Text,
    #[serde(default)]
    meta: JsonMeta,
}

impl JsonEntry {
    pub(super) fn entry(self, attribute: String) -> Entry {
        let Self { name, pname, version, outputs, output_name, meta } = self;
        let hindrance = match (meta.is_unfree(), meta.is_broken(), meta.is_insecure()) {
            (true, _, _) => Some(Hindrance::Unfree),
            (_, true, _) => Some(Hindrance::Broken),
            (_, _, true) => Some(Hindrance::Insecure),
            _ => None,
        };
        let (systems, mut to_install) = (meta.systems(), meta.to_install());
        if to_install.is_empty() && !output_name.0.is_empty() && output_name.0 != "out" {
            to_install.push(output_name.0);
        }
        let About { description, homepage, licence, program } = meta.about();
        Entry {
            attribute,
            name: name.0,
            pname: pname.0,
            version: version.0,
            outputs: outputs.0,
            to_install,
            program,
            description,
            homepage,
            licence,
            hindrance,
            systems,
        }
    }
}
