//! What to tell whoever wrote a key or value that the schema does not have.

use serde_json::{Map, Value};
use toml::de::DeValue;

use super::super::nearest::suggestion;

/// Remedy for a key that the table does not have.
pub(super) fn unknown_key(
    name: &str,
    path: &str,
    properties: Option<&Map<String, Value>>,
    root_keys: &Map<String, Value>,
) -> Option<String> {
    if !path.is_empty() && root_keys.get(name).is_some_and(is_no_table) {
        return Some(above_the_first_table(name));
    }
    if path.is_empty() && name == "home" && root_keys.contains_key("sessionVariables") {
        return Some("the keys of home.toml stand at its top, without `home.` before them".to_owned());
    }
    suggestion(name, "key", properties?.keys().map(String::as_str))
}

/// Remedy for a value of a wrong type; `text` is how it is written.
pub(super) fn wrong_type(
    schema: &Value,
    value: &DeValue<'_>,
    text: &str,
    path: &str,
    root_keys: &Map<String, Value>,
) -> Option<String> {
    let key = path.rsplit('.').next().unwrap_or_default();
    if path != key && root_keys.get(key).is_some_and(|root| is_no_table(root) && super::accepts(root, value)) {
        return Some(above_the_first_table(key));
    }
    let wants = |kind: &str| takes(schema, kind);
    match value {
        DeValue::String(command) if wants("array") && key == "command" => {
            Some(format!("write it as a list: {}", split_command(command)))
        }
        DeValue::String(_) if wants("array") => Some(format!("write a list: [{text}]")),
        DeValue::String(number) if wants("integer") && number.parse::<i64>().is_ok() => {
            Some(format!("write it without quotes: {number}"))
        }
        DeValue::String(word) if wants("boolean") && matches!(word.as_ref(), "true" | "false") => {
            Some(format!("write it without quotes: {word}"))
        }
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) if wants("string") => {
            let example = &schema["default"];
            Some(match example.as_str().filter(|example| example.starts_with(|c: char| c.is_ascii_digit())) {
                Some(example) => format!("write it with a unit, in quotes: \"{example}\""),
                None => format!("write it in quotes: \"{text}\""),
            })
        }
        DeValue::Integer(_) if wants("boolean") => Some("write `true` or `false`".to_owned()),
        DeValue::Integer(_) if wants("array") => Some(format!("write a list: [{text}]")),
        DeValue::Array(_) if wants("object") => {
            Some(format!("write a table: `[{path}]`, in single brackets, or {{ … }}"))
        }
        DeValue::Boolean(_) if wants("object") && key == "boot" => Some("write `boot.enable`".to_owned()),
        _ => None,
    }
}

/// "a string", "a list of strings", "a string, an integer or a table".
pub(super) fn expected(schema: &Value) -> String {
    if let Some(branches) = schema["anyOf"].as_array() {
        let names: Vec<_> = branches.iter().map(expected).collect();
        return match names.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
            None => "something else".to_owned(),
        };
    }
    match schema["type"].as_str() {
        Some("integer") => "an integer",
        Some("number") => "a number",
        Some("boolean") => "true or false",
        Some("object") => "a table",
        Some("array") => match schema["items"]["type"].as_str() {
            Some("string") => "a list of strings",
            Some("integer") => "a list of integers",
            _ => "a list",
        },
        _ => "a string",
    }
    .to_owned()
}

/// "a string", "a table".
pub(super) fn found(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// A value of the schema as TOML writes it.
pub(in super::super) fn as_toml(value: &Value) -> String {
    match value {
        Value::Array(values) => format!("[{}]", values.iter().map(as_toml).collect::<Vec<_>>().join(", ")),
        Value::Object(object) => {
            let pairs: Vec<_> =
                object.iter().map(|(key, value)| format!("{} = {}", as_key(key), as_toml(value))).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        scalar => scalar.to_string(),
    }
}

fn as_key(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !key.is_empty() && key.chars().all(bare) { key.to_owned() } else { Value::from(key).to_string() }
}

/// `uid = 1000`.
pub(super) fn example(key: &str, schema: &Value) -> String {
    let example = schema["examples"].get(0).or_else(|| schema.get("default"));
    example.map_or_else(|| format!("{key} = …"), |value| format!("{key} = {}", as_toml(value)))
}

/// What to add where a whole table is missing.
pub(super) fn missing_table(key: &str, schema: &Value) -> String {
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let keys: Vec<_> = required.map(|inner| example(inner, &schema["properties"][inner])).collect();
    format!("add a table `[{key}]` with `{}`; `dumbc init` writes one", keys.join("`, `"))
}

fn above_the_first_table(key: &str) -> String {
    format!(
        "in TOML a key belongs to the table above it: move `{key}` up, above the first table (the first line in `[…]`)"
    )
}

/// Whether the key is written as `key = value`, so that it can end up below a table by mistake.
fn is_no_table(schema: &Value) -> bool {
    schema["type"] != "object"
}

fn takes(schema: &Value, kind: &str) -> bool {
    schema["type"] == kind || schema["anyOf"].as_array().is_some_and(|all| all.iter().any(|one| takes(one, kind)))
}

/// The list that a command line in one string would be, split as a shell does it.
pub(in super::super) fn split_command(command: &str) -> String {
    let words = shlex::split(command).unwrap_or_else(|| command.split_whitespace().map(str::to_owned).collect());
    let words: Vec<_> = words.into_iter().map(|word| toml::Value::String(word).to_string()).collect();
    format!("[{}]", words.join(", "))
}
