//! One package of a release, as its list of packages tells it.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::config::System;

/// More outputs than any package has.
const OUTPUTS: usize = 64;

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

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct JsonMeta {
    #[serde(default)]
    description: Text,
    #[serde(default)]
    homepage: Text,
    #[serde(default)]
    license: Licences,
    #[serde(default)]
    main_program: Text,
    #[serde(default)]
    outputs_to_install: Texts,
    #[serde(default)]
    platforms: Option<Texts>,
    #[serde(default)]
    broken: Flag,
    #[serde(default)]
    insecure: Flag,
    #[serde(default)]
    unfree: Flag,
}

impl JsonEntry {
    pub(super) fn entry(self, attribute: String) -> Entry {
        let Self { name, pname, version, outputs, output_name, meta } = self;
        let hindrance = match (meta.unfree.0 || meta.license.unfree, meta.broken.0, meta.insecure.0) {
            (true, _, _) => Some(Hindrance::Unfree),
            (_, true, _) => Some(Hindrance::Broken),
            (_, _, true) => Some(Hindrance::Insecure),
            _ => None,
        };
        let systems = System::ALL.into_iter().filter(|system| match &meta.platforms {
            Some(Texts(platforms)) => platforms.iter().any(|platform| platform == system.name()),
            None => true,
        });
        let mut to_install = meta.outputs_to_install.0;
        if to_install.is_empty() && !output_name.0.is_empty() && output_name.0 != "out" {
            to_install.push(output_name.0);
        }
        let some = |text: Text| Some(text.0).filter(|text| !text.is_empty());
        Entry {
            attribute,
            name: name.0,
            pname: pname.0,
            version: version.0,
            outputs: outputs.0,
            to_install,
            program: some(meta.main_program),
            description: some(meta.description),
            homepage: some(meta.homepage),
            licence: Some(meta.license.names.join(", ")).filter(|text| !text.is_empty()),
            hindrance,
            systems: systems.collect(),
        }
    }
}

/// A text; of a list its first, anything else is nothing.
#[derive(Default)]
struct Text(String);

/// A list of texts, or one; what else stands in it is skipped.
#[derive(Default)]
struct Texts(Vec<String>);

#[derive(Default)]
struct Flag(bool);

/// `{"out": null}`, `{"out": "/nix/store/…"}`, `{"out": {"x86_64-linux": "/nix/store/…"}}`, `["out"]`.
#[derive(Default)]
struct Outputs(BTreeMap<String, BTreeMap<String, String>>);

/// A licence, several, or their names.
#[derive(Default)]
struct Licences {
    names: Vec<String>,
    unfree: bool,
}

/// Longest text that is kept.
const TEXT: usize = 1000;

fn shortened(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(TEXT).collect()
}

/// Any JSON value, as far as any of the types above can use it.
enum Loose {
    Nothing,
    Bool(bool),
    Text(String),
    List(Vec<Loose>),
    Map(BTreeMap<String, Loose>),
}

struct LooseVisitor {
    depth: u8,
}

impl<'de> serde::de::DeserializeSeed<'de> for LooseVisitor {
    type Value = Loose;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Loose, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for LooseVisitor {
    type Value = Loose;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Loose, E> {
        Ok(Loose::Nothing)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Loose, E> {
        Ok(Loose::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Loose, E> {
        Ok(Loose::Text(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Loose, E> {
        Ok(Loose::Text(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Loose, E> {
        Ok(Loose::Text(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Loose, E> {
        Ok(Loose::Text(shortened(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Loose, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = sequence.next_element_seed(Self { depth: self.depth + 1 })? {
            if list.len() < OUTPUTS {
                list.push(value);
            }
        }
        Ok(Loose::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Loose, A::Error> {
        let mut fields = BTreeMap::new();
        while let Some(key) = map.next_key::<String>()? {
            if self.depth < 3 && fields.len() < OUTPUTS {
                fields.insert(shortened(&key), map.next_value_seed(Self { depth: self.depth + 1 })?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Loose::Map(fields))
    }
}

fn loose<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Loose, D::Error> {
    deserializer.deserialize_any(LooseVisitor { depth: 0 })
}

impl Loose {
    fn text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            Self::List(list) => list.into_iter().find_map(Self::text),
            _ => None,
        }
    }

    fn texts(self) -> Vec<String> {
        match self {
            Self::Text(text) => vec![text],
            Self::List(list) => list.into_iter().filter_map(Self::text).collect(),
            _ => Vec::new(),
        }
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(loose(deserializer)?.text().unwrap_or_default()))
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(loose(deserializer)?.texts()))
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(matches!(loose(deserializer)?, Loose::Bool(true))))
    }
}

impl<'de> Deserialize<'de> for Outputs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let evaluated_for = System::X86_64Linux.name();
        let paths = |value: Loose| match value {
            Loose::Text(path) => BTreeMap::from([(evaluated_for.to_owned(), path)]),
            Loose::Map(systems) => {
                systems.into_iter().filter_map(|(system, path)| Some((system, path.text()?))).collect()
            }
            _ => BTreeMap::new(),
        };
        Ok(Self(match loose(deserializer)? {
            Loose::Map(outputs) => outputs.into_iter().map(|(name, value)| (name, paths(value))).collect(),
            Loose::List(names) => {
                names.into_iter().filter_map(Loose::text).map(|name| (name, BTreeMap::new())).collect()
            }
            _ => BTreeMap::new(),
        }))
    }
}

impl<'de> Deserialize<'de> for Licences {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut licences = Self::default();
        match loose(deserializer)? {
            Loose::List(list) => list.into_iter().for_each(|licence| licences.add(licence)),
            one => licences.add(one),
        }
        Ok(licences)
    }
}

impl Licences {
    fn add(&mut self, licence: Loose) {
        let name = match licence {
            Loose::Text(name) => Some(name),
            Loose::Map(mut fields) => {
                self.unfree |= matches!(fields.get("free"), Some(Loose::Bool(false)));
                let names = ["spdxId", "shortName", "fullName"];
                names.into_iter().find_map(|name| fields.remove(name)?.text())
            }
            _ => None,
        };
        self.names.extend(name);
    }
}
