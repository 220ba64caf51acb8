//! `packages.json` as a stream of packages: a hundred thousand of them, one at a time.

use std::fmt;
use std::io::{BufReader, Read};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::entry::{Entry, JsonEntry};

/// Bytes read at a time.
const BUFFER: usize = 1 << 20;

/// Hands every package of `input` to `take`. Memory: one package.
pub(super) fn read_packages(
    input: impl Read,
    take: &mut dyn FnMut(Entry) -> Result<(), String>,
) -> Result<u64, serde_json::Error> {
    let mut document = serde_json::Deserializer::from_reader(BufReader::with_capacity(BUFFER, input));
    let count = Document(take).deserialize(&mut document)?;
    document.end()?;
    Ok(count)
}

type Take<'a> = dyn FnMut(Entry) -> Result<(), String> + 'a;

/// `{"version": "2", "packages": {…}}`
struct Document<'a>(&'a mut Take<'a>);

/// `{"attribute": {…}, …}`
struct Packages<'a, 'b>(&'b mut Take<'a>);

impl<'de> DeserializeSeed<'de> for Document<'_> {
    type Value = u64;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u64, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = u64;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of packages")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<u64, A::Error> {
        let mut count = None;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "packages" => count = Some(map.next_value_seed(Packages(self.0))?),
                "version" => {
                    let version: serde_json::Value = map.next_value()?;
                    if !matches!(&version, serde_json::Value::String(text) if text == "2") && version != 2 {
                        return Err(serde::de::Error::custom(format!("it has version {version}, not 2")));
                    }
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        count.ok_or_else(|| serde::de::Error::missing_field("packages"))
    }
}

impl<'de> DeserializeSeed<'de> for Packages<'_, '_> {
    type Value = u64;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u64, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Packages<'_, '_> {
    type Value = u64;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("packages by attribute")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<u64, A::Error> {
        let mut count = 0;
        while let Some(attribute) = map.next_key::<String>()? {
            let entry: JsonEntry = map.next_value()?;
            (self.0)(entry.entry(attribute)).map_err(serde::de::Error::custom)?;
            count += 1;
        }
        Ok(count)
    }
}
