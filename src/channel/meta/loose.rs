//! JSON whose shape varies with who wrote it: texts, lists of texts, licences and outputs, as far as they can be used.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::config::System;

/// More outputs than any package has.
const OUTPUTS: usize = 64;

/// A text; of a list its first, anything else is nothing.
#[derive(Default)]
pub(in crate::channel) struct Text(pub(in crate::channel) String);

/// A list of texts, or one; what else stands in it is skipped.
#[derive(Default)]
pub(super) struct Texts(pub(super) Vec<String>);

#[derive(Default)]
pub(super) struct Flag(pub(super) bool);

/// `{"out": null}`, `{"out": "/nix/store/…"}`, `{"out": {"x86_64-linux": "/nix/store/…"}}`, `["out"]`.
#[derive(Default)]
pub(in crate::channel) struct Outputs(pub(in crate::channel) BTreeMap<String, BTreeMap<String, String>>);

/// A licence, several, or their names.
#[derive(Default)]
pub(super) struct Licences {
    pub(super) names: Vec<String>,
    pub(super) unfree: bool,
}

/// Characters of the longest text that is kept.
const TEXT: usize = 1000;

/// A text that can be kept, and shown on a terminal.
pub(in crate::channel) fn shortened(text: &str) -> String {
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
