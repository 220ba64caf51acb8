//! The manual of the three files, made of their schemas: `docs/configuration.md`.

use std::fmt::Write as _;

use serde_json::Value;

use super::structure::as_toml;
use super::{ConfigFile, schema};

const INTRODUCTION: &str = "\
# The three files

This page is made of the files' schemas by `dumbc schema --markdown`; a test keeps it so. `dumbc init` writes a first set of
the files, `dumbc check` finds what is wrong with them, and `dumbc schema` prints JSON Schema for editors.

* A plain key (`packages = […]`) belongs to the table above it; those at a file's top stand above the first `[table]`.
* Durations are `\"500ms\"`, `\"30s\"`, `\"5m\"`, `\"2h\"`, `\"1m30s\"`; sizes `\"4GiB\"`, `\"500MB\"`; permissions `\"0644\"` or `0o644`.
* A path of the project begins with `./`. What it names must lie in the project; to leave it, write an absolute path.
* `${pkgs.NAME}` in commands, variables and text is the store path of a requested package; `$${pkgs.NAME}` stands for those
  very characters.
* Packages are written `name`, `channel#name`, `name@version`, `name^output,output` (or `^*` for all of them), in this order:
  `channel#name@version^output`. A name is an attribute: `python3Packages.requests`, `aspellDicts.\"or\"`.
* Some keys are checked, but not part of the image yet; a build that meets one says so.
";

/// The manual as Markdown.
#[must_use]
pub fn reference() -> String {
    let mut page = Page { text: INTRODUCTION.to_owned(), told: Vec::new() };
    for file in ConfigFile::ALL {
        let schema = schema(file);
        let _ = write!(page.text, "\n## {}\n\n{}\n", file.file_name(), description(&schema));
        let path = if file == ConfigFile::Users { "NAME" } else { "" };
        let table = if file == ConfigFile::Users { &schema["additionalProperties"] } else { &schema };
        // A user's home has home.toml's keys, which are told once.
        page.tables(path, table, file == ConfigFile::Users);
    }
    page.text
}

struct Page {
    text: String,
    /// Tables that have been told: their schema and heading.
    told: Vec<(Value, String)>,
}

impl Page {
    /// A table's keys, then the tables in it.
    fn tables(&mut self, path: &str, schema: &Value, skip_home: bool) {
        let empty = serde_json::Map::new();
        let properties = schema["properties"].as_object().unwrap_or(&empty);
        if !properties.is_empty() && !self.table(path, schema, properties) {
            return;
        }
        for (key, value) in properties {
            let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            if skip_home && key == "home" {
                let text = format!("{} Its keys are those of home.toml, below.", description(value));
                let _ = write!(self.text, "\n### `[{inner}]`\n\n{text}\n");
                continue;
            }
            let by_name = &value["additionalProperties"];
            if by_name.get("properties").is_some() {
                self.tables(&format!("{inner}.{}", placeholder(key)), by_name, false);
            } else {
                self.tables(&inner, value, false);
            }
        }
    }

    /// A table's own keys. `false` where an equal table has been told, with all that is in it.
    fn table(&mut self, path: &str, schema: &Value, properties: &serde_json::Map<String, Value>) -> bool {
        if !path.is_empty() {
            let _ = write!(self.text, "\n### `[{path}]`\n\n{}", description(schema));
            if let Some((_, heading)) = self.told.iter().find(|(told, _)| told["properties"] == schema["properties"]) {
                let _ = writeln!(self.text, " Its keys are those of `[{heading}]`, above.");
                return false;
            }
            self.told.push((schema.clone(), path.to_owned()));
            self.text.push('\n');
        }
        self.text.push_str("\n| key | type | default | meaning |\n|---|---|---|---|\n");
        for (key, value) in properties {
            let required =
                schema["required"].as_array().is_some_and(|required| required.contains(&key.as_str().into()));
            row(&mut self.text, key, value, required);
        }
        true
    }
}

/// What stands for the user's own key in a heading.
fn placeholder(key: &str) -> &'static str {
    match key {
        "files" => "\"/target\"",
        "file" | "configFile" => "\"path\"",
        _ => "NAME",
    }
}

fn row(text: &mut String, key: &str, schema: &Value, required: bool) {
    let default = match schema.get("default") {
        Some(default) => format!("`{}`", as_toml(default)),
        None if required => "required".to_owned(),
        None => String::new(),
    };
    let mut meaning = description(schema);
    if let Some(example) = schema["examples"].get(0) {
        let _ = write!(meaning, " Example: `{}`", as_toml(example));
    }
    let _ = writeln!(text, "| `{key}` | {} | {} | {} |", kind(schema), cell(&default), cell(&meaning));
}

fn description(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Bars would end a cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn kind(schema: &Value) -> String {
    if let Some(branches) = schema["anyOf"].as_array() {
        return branches.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    if let Some(words) = schema["enum"].as_array() {
        return words.iter().map(|word| format!("`{}`", as_toml(word))).collect::<Vec<_>>().join(", ");
    }
    let range = match (schema["minimum"].as_u64(), schema["maximum"].as_u64()) {
        (Some(least), Some(most)) => format!(" ({least} to {most})"),
        _ => String::new(),
    };
    match schema["type"].as_str() {
        Some("array") => format!("list of {}", plural(&kind(&schema["items"]))),
        Some("object") => match schema.get("additionalProperties") {
            Some(Value::Object(inner)) if !inner.contains_key("properties") => {
                format!("table of {}", plural(&kind(&schema["additionalProperties"])))
            }
            _ => "table".to_owned(),
        },
        Some("boolean") => "true or false".to_owned(),
        Some(plain) => plain.to_owned() + &range,
        None => "anything".to_owned(),
    }
}

fn plural(kind: &str) -> String {
    let words = ["string", "integer", "number", "table"];
    match words.into_iter().find(|word| {
        kind.strip_prefix(word)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(" (") || rest.starts_with(" of "))
    }) {
        Some(word) => format!("{word}s{}", &kind[word.len()..]),
        None => kind.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// With `UPDATE_DOCS=1` the page is written instead.
    #[test]
    fn the_committed_page_is_up_to_date() -> std::io::Result<()> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
        if std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1") {
            return std::fs::write(path, reference());
        }
        let committed = std::fs::read_to_string(path)?;
        assert!(committed == reference(), "docs/configuration.md is stale: UPDATE_DOCS=1 cargo test config::reference");
        Ok(())
    }
}
