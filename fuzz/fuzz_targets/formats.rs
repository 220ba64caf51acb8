//! A TOML text as other programs' data, and references to variables: JSON, TOML and YAML read back to the same, git's files and INI
//! have a line for every value and no other; what is expanded is bounded.

#![no_main]

use std::collections::BTreeMap;

use dumbc::home::format::Format;
use dumbc::home::generation::expand;
use libfuzzer_sys::fuzz_target;
use yaml_rust2::{Yaml, YamlLoader};

fuzz_target!(|text: &str| {
    variables(text);
    let Ok(table) = toml::from_str::<toml::Table>(text) else { return };
    let data = toml::Value::Table(table);
    if let Ok(text) = Format::Toml.render(&data) {
        let back: toml::Value = toml::Value::Table(toml::from_str(&text).expect("TOML"));
        assert!(alike(&back, &data), "{text}");
    }
    if let Ok(text) = Format::Json.render(&data) {
        serde_json::from_str::<serde_json::Value>(&text).expect("JSON");
    }
    if let Ok(text) = Format::Yaml.render(&data) {
        let read = YamlLoader::load_from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert!(read.len() == 1 && same(&data, &read[0]), "{text}\n{read:?}");
    }
    if let Ok(text) = Format::GitConfig.render(&data) {
        assert!(text.lines().all(|line| line.is_empty() || line.starts_with(['[', '\t'])), "{text}");
    }
    let _ = Format::Ini.render(&data);
});

/// The text in lines: the last is expanded, the others are variables.
fn variables(text: &str) {
    let mut known = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let value = expand(line, &known);
        assert!(value.len() <= 64 * 1024);
        if !line.contains(['$', '\\']) && line.len() < 64 * 1024 {
            assert_eq!(value, line);
        }
        known.insert(char::from(b'a' + (number % 26) as u8).to_string(), value);
    }
}

/// The same data; the order of keys and what no number is don't count.
fn alike(one: &toml::Value, two: &toml::Value) -> bool {
    match (one, two) {
        (toml::Value::Table(one), toml::Value::Table(two)) => {
            one.len() == two.len()
                && one.iter().all(|(key, value)| two.get(key).is_some_and(|other| alike(value, other)))
        }
        (toml::Value::Array(one), toml::Value::Array(two)) => {
            one.len() == two.len() && one.iter().zip(two).all(|(one, two)| alike(one, two))
        }
        (toml::Value::Float(one), toml::Value::Float(two)) => one == two || (one.is_nan() && two.is_nan()),
        _ => one == two,
    }
}

/// What a parser should read.
fn same(data: &toml::Value, read: &Yaml) -> bool {
    match (data, read) {
        (toml::Value::String(text), Yaml::String(read)) => text == read,
        (toml::Value::Datetime(date), Yaml::String(read)) => date.to_string() == *read,
        (toml::Value::Integer(number), Yaml::Integer(read)) => number == read,
        (toml::Value::Float(number), Yaml::Real(_)) => {
            read.as_f64().is_some_and(|read| read == *number || (read.is_nan() && number.is_nan()))
        }
        (toml::Value::Boolean(value), Yaml::Boolean(read)) => value == read,
        (toml::Value::Array(values), Yaml::Array(read)) => {
            values.len() == read.len() && values.iter().zip(read).all(|(value, read)| same(value, read))
        }
        (toml::Value::Table(table), Yaml::Hash(read)) => {
            let of = |key: &str| read.get(&Yaml::String(key.to_owned()));
            table.len() == read.len() && table.iter().all(|(key, value)| of(key).is_some_and(|read| same(value, read)))
        }
        _ => false,
    }
}
