//! JSON Schema of the files, made of the mirror types: what editors complete with, what the structure is checked
//! against, and what the manual is written from.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::mirror::{HomeTable, SystemFile, UsersFile};

/// One of the three files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfigFile {
    /// system.toml
    System,
    /// users.toml
    Users,
    /// home.toml
    Home,
}

impl ConfigFile {
    /// In the order in which they are read and reported.
    pub const ALL: [Self; 3] = [Self::System, Self::Users, Self::Home];

    /// `system.toml`
    #[must_use]
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::System => "system.toml",
            Self::Users => "users.toml",
            Self::Home => "home.toml",
        }
    }
}

/// The schema of a file: JSON Schema, draft 2020-12, without references.
#[must_use]
pub fn schema(file: ConfigFile) -> Value {
    let mut schema = match file {
        ConfigFile::System => schema_of::<SystemFile>(),
        ConfigFile::Users => schema_of::<UsersFile>(),
        ConfigFile::Home => schema_of::<HomeTable>(),
    };
    if let Value::Object(root) = &mut schema {
        // The directive that names the schema to editors is a comment; `$schema` as a key is not ours.
        root.insert("title".to_owned(), json!(file.file_name()));
    }
    schema
}

/// What home.toml is checked against: its schema, without descriptions.
///
/// Inside a machine it is kept as text: what makes schemas is only part of what makes images.
pub(super) fn of_home() -> Value {
    if cfg!(feature = "build") { schema(ConfigFile::Home) } else { serde_json::from_str(HOME).unwrap_or_default() }
}

/// A test keeps it so, and can write it.
const HOME: &str = include_str!("home.schema.json");

/// The schema of what a type is read from: JSON Schema, draft 2020-12, without references or null.
#[must_use]
pub fn schema_of<T: JsonSchema>() -> Value {
    let mut settings = SchemaSettings::draft2020_12().for_deserialize();
    settings.inline_subschemas = true;
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    tidy(&mut schema);
    schema
}

/// TOML has no null, and names of Rust's number types mean nothing to editors.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|kind| kind != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    object.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(words)) = object.get_mut("enum") {
                words.retain(|word| !word.is_null());
            }
            without_null_branch(object);
            object.remove("format");
            if object.get("properties").is_some() {
                object.entry("type").or_insert(json!("object"));
            }
            for (key, value) in object.iter_mut() {
                match key.as_str() {
                    // Its keys are the user's, not JSON Schema's.
                    "properties" => value.as_object_mut().into_iter().flat_map(Map::values_mut).for_each(tidy),
                    "default" | "examples" | "enum" => {}
                    _ => tidy(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(tidy),
        _ => {}
    }
}

fn without_null_branch(object: &mut Map<String, Value>) {
    let Some(Value::Array(branches)) = object.get_mut("anyOf") else { return };
    branches.retain(|branch| branch.get("type").is_none_or(|kind| kind != "null"));
    if branches.len() == 1
        && let Some(Value::Object(only)) = branches.pop()
    {
        object.remove("anyOf");
        for (key, value) in only {
            // What the key says goes before what its type says.
            object.entry(key).or_insert(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_have_no_null_and_no_references() {
        for file in ConfigFile::ALL {
            let text = schema(file).to_string();
            assert!(!text.contains("null") && !text.contains("$ref"), "{file:?}: {text}");
        }
    }

    /// `DUMBC_WRITE_SCHEMA=1 cargo test --lib config::schema` writes it anew.
    #[test]
    fn the_schema_inside_machines_is_that_of_the_types() {
        fn without_descriptions(schema: &mut Value) {
            if let Value::Object(object) = schema {
                object.remove("description");
                object.remove("$schema");
                object.remove("title");
                for (key, value) in object.iter_mut() {
                    match key.as_str() {
                        "properties" => {
                            value.as_object_mut().into_iter().flat_map(Map::values_mut).for_each(without_descriptions);
                        }
                        "default" | "examples" | "enum" => {}
                        "anyOf" | "oneOf" => value.as_array_mut().into_iter().flatten().for_each(without_descriptions),
                        _ => without_descriptions(value),
                    }
                }
            }
        }
        let mut expected = schema(ConfigFile::Home);
        without_descriptions(&mut expected);
        let text = format!("{expected}\n");
        if std::env::var_os("DUMBC_WRITE_SCHEMA").is_some() {
            std::fs::write("src/config/home.schema.json", &text).expect("written");
        } else {
            assert!(
                text == HOME,
                "home.schema.json is old: write it with `DUMBC_WRITE_SCHEMA=1 cargo test --lib config::schema`"
            );
        }
    }

    #[test]
    fn every_key_is_described() {
        fn walk(path: &str, schema: &Value) {
            for (key, value) in schema["properties"].as_object().into_iter().flatten() {
                assert!(value["description"].is_string(), "{path}.{key} has no description");
                walk(&format!("{path}.{key}"), value);
            }
            for inner in [schema.get("additionalProperties"), schema.get("items")].into_iter().flatten() {
                walk(path, inner);
            }
        }
        for file in ConfigFile::ALL {
            walk(file.file_name(), &schema(file));
        }
    }

    #[test]
    fn required_keys_are_named() {
        assert_eq!(schema(ConfigFile::System)["required"], json!(["image"]));
        assert_eq!(schema(ConfigFile::Users)["additionalProperties"]["required"], json!(["uid"]));
    }
}
