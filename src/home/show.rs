//! A merged home for people: as TOML, with where each value comes from; and as a document for programs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::merge::{Merged, Origin, Origins};

/// TOML's parser stops earlier.
const DEEPEST: usize = 128;

/// The home as TOML that reads back as the same; behind each value stands where it comes from. Keys are sorted, values
/// stand before tables.
#[must_use]
pub fn as_toml(merged: &Merged) -> String {
    let mut text = String::new();
    table(&merged.table, &merged.origins, &mut Vec::new(), &mut text);
    text
}

fn table(merged: &toml::Table, origins: &Origins, path: &mut Vec<String>, text: &mut String) {
    let sorted: BTreeMap<&String, &toml::Value> = merged.iter().collect();
    let (inner_tables, values): (Vec<_>, Vec<_>) =
        sorted.into_iter().partition(|(_, value)| matches!(value, toml::Value::Table(inner) if !inner.is_empty()));
    if !path.is_empty() && (!values.is_empty() || inner_tables.is_empty()) {
        let keys: Vec<String> = path.iter().map(|key| as_key(key)).collect();
        let gap = if text.is_empty() { "" } else { "\n" };
        text.extend([gap, "[", keys.join(".").as_str(), "]\n"]);
    }
    for (key, value) in values {
        let origins = origins.inner.get(key);
        line(&as_key(key), value, origins, text);
    }
    for (key, value) in inner_tables {
        if let (toml::Value::Table(inner), Some(origins)) = (value, origins.inner.get(key))
            && path.len() < DEEPEST
        {
            path.push(key.clone());
            table(inner, origins, path, text);
            path.pop();
        }
    }
}

/// A value on a line of its own; a list whose items come from several places has a line for each.
fn line(key: &str, value: &toml::Value, origins: Option<&Origins>, text: &mut String) {
    match (value, origins) {
        (toml::Value::Array(items), Some(origins)) if !items.is_empty() => {
            let of_item = |index: usize| origins.inner.get(&index.to_string()).map(|item| comment(&item.own));
            let comments: Vec<String> = (0..items.len()).map(|index| of_item(index).unwrap_or_default()).collect();
            if comments.iter().all(|comment| *comment == comments[0]) {
                text.extend([key, " = ", value.to_string().as_str(), comments[0].as_str(), "\n"]);
                return;
            }
            text.extend([key, " = [\n"]);
            for (item, comment) in items.iter().zip(comments) {
                text.extend(["  ", on_one_line(item).as_str(), ",", comment.as_str(), "\n"]);
            }
            text.push_str("]\n");
        }
        _ => {
            let comment = origins.map(|origins| comment(&origins.own)).unwrap_or_default();
            text.extend([key, " = ", on_one_line(value).as_str(), comment.as_str(), "\n"]);
        }
    }
}

/// Strings of several lines, too: a comment can stand behind them then.
fn on_one_line(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => quoted(text),
        other => other.to_string(),
    }
}

/// `  # home.toml:12, users.toml:3`
fn comment(origins: &[Origin]) -> String {
    let names: Vec<String> = origins.iter().map(ToString::to_string).collect();
    if names.is_empty() { String::new() } else { format!("  # {}", names.join(", ")) }
}

fn as_key(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !key.is_empty() && key.chars().all(bare) { key.to_owned() } else { quoted(key) }
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            c if c.is_control() => quoted.extend(["\\u", format!("{:04X}", u32::from(c)).as_str()]),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

/// `{"home": …, "origins": [{"path": […], "from": [{"file": …, "line": …}]}]}`: an entry for each value.
#[must_use]
pub fn as_document(merged: &Merged) -> Value {
    let mut entries = Vec::new();
    collect(&merged.origins, &mut Vec::new(), &mut entries);
    json!({ "version": 1, "home": merged.table, "origins": entries })
}

fn collect(origins: &Origins, path: &mut Vec<String>, entries: &mut Vec<Value>) {
    if origins.inner.is_empty() && !origins.own.is_empty() {
        let from = |origin: &Origin| json!({ "file": &*origin.file, "line": origin.line() });
        entries.push(json!({ "path": path, "from": origins.own.iter().map(from).collect::<Vec<_>>() }));
    }
    for (key, inner) in &origins.inner {
        if path.len() < DEEPEST {
            path.push(key.clone());
            collect(inner, path, entries);
            path.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::merge::{Layer, layers, merge};
    use super::*;
    use crate::config::{Places, Sources, parse};

    /// The sample of the manual, as `users.toml` and `home.toml` say it.
    fn sample() -> Merged {
        let system = "channel = \"c\"\n[channels.c]\nindex = \"./i\"\n[image]\nname = \"x\"\n".to_owned();
        let users = "[alice]\nuid = 1000\n[alice.home]\npackages = [\"jq\"]\nwithout = [\"fd\"]\n\
                     [alice.home.programs.git.settings.user]\nname = \"Alice\"\n[alice.home.programs.bash]\n\
                     initExtra = \"echo 'x'\"\n"
            .to_owned();
        let home = "packages = [\"git\", \"fd\"]\nsessionVariables.EDITOR = \"vi\"\n[programs.git]\nenable = true\n\
                    [programs.bash]\nenable = true\ninitExtra = \"cd\"\n[file.\".x y\"]\ntext = '''\na \"b\"\n'''\n"
            .to_owned();
        let loaded = parse(&Sources { system: Some(system), users: Some(users), home: Some(home) });
        merge(&layers(&loaded.machine.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics)), "alice"))
    }

    #[test]
    fn every_value_says_where_it_comes_from() {
        insta::assert_snapshot!(as_toml(&sample()), @r#"
        packages = [
          "git",  # home.toml:1
          "jq",  # users.toml:4
        ]

        [file.".x y"]
        text = "a \"b\"\n"  # home.toml:9

        [programs.bash]
        enable = true  # home.toml:6
        initExtra = "cd\necho 'x'"  # home.toml:7, users.toml:9

        [programs.git]
        enable = true  # home.toml:4

        [programs.git.settings.user]
        name = "Alice"  # users.toml:7

        [sessionVariables]
        EDITOR = "vi"  # home.toml:2
        "#);
        assert_eq!(toml::from_str::<toml::Table>(&as_toml(&sample())).unwrap(), sample().table);
    }

    #[test]
    fn programs_get_a_document() {
        let table = toml::from_str("a = [1]\nb.c = 2").unwrap();
        let merged = merge(&[Layer { file: "f".to_owned(), table, places: Places::default() }]);
        let document = as_document(&merged);
        assert_eq!(document["home"], json!({"a": [1], "b": {"c": 2}}));
        let from = json!([{"file": "f", "line": null}]);
        let expected = json!([{"path": ["a", "0"], "from": from}, {"path": ["b", "c"], "from": from}]);
        assert_eq!(document["origins"], expected);
    }
}
