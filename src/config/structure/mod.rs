//! Holds a file against its schema: unknown keys, wrong types, values outside their range, missing keys.
//!
//! What is wrong is reported and taken out, so that the rest can be read and checked in the same run.

mod hints;

pub(super) use hints::{as_toml, split_command};

use std::ops::Range;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table};

use super::source::{Findings, Source};
use super::{Diagnostic, Places, reading};

/// A file that was read as far as it makes sense.
pub(super) struct Structured<T> {
    /// As its mirror type.
    pub(super) mirror: T,
    /// The same as plain TOML.
    pub(super) table: Table,
    /// Where all of it stands.
    pub(super) places: Places,
}

/// Reads `source`, which `schema` tells the shape of. `None` where its syntax is broken; whatever is wrong is in `findings`.
pub(super) fn read<T: DeserializeOwned>(schema: &Value, source: &Source, findings: &Findings) -> Option<Structured<T>> {
    let (mut document, errors) = DeTable::parse_recoverable(&source.text);
    if !errors.is_empty() {
        report_syntax(errors, source, findings);
        return None;
    }
    let root_keys = schema["properties"].as_object().cloned().unwrap_or_default();
    let whole = document.span();
    Walk { source, findings, root_keys: &root_keys }.table(schema, document.get_mut(), "", 0..whole.start.min(1));
    let places = Places::of_table(document.get_ref(), source);
    let mirror = reading::document(&document);
    let table = reading::document(&document);
    match (mirror, table) {
        (Ok(mirror), Ok(table)) => Some(Structured { mirror, table, places }),
        (Err(error), _) | (_, Err(error)) => {
            let place = error.span().map(|span| source.place(span));
            findings.push(Diagnostic::error(error.message().to_owned(), place));
            None
        }
    }
}

/// One finding a line: what follows on a line is mostly the first one's doing. Only what was never closed is said always.
fn report_syntax(mut errors: Vec<toml::de::Error>, source: &Source, findings: &Findings) {
    errors.sort_by_key(|error| error.span().map(|span| span.start));
    let mut last_line = 0;
    for error in errors {
        let place = error.span().map(|span| source.place(span));
        let line = place.as_ref().map_or(0, |place| place.line_column().0);
        let first = error.message().lines().next().unwrap_or_default();
        if line > last_line || line == 0 || first.starts_with("unclosed") {
            last_line = line;
            let key = place.as_ref().filter(|_| first == "duplicate key").map(|place| &place.source[place.clamped()]);
            let message = key.map_or_else(|| first.to_owned(), |key| format!("{first} `{key}`"));
            findings.push(Diagnostic::error(format!("not TOML: {message}"), place));
        }
    }
}

struct Walk<'a> {
    source: &'a Source,
    findings: &'a Findings,
    /// Keys that the file has at its top.
    root_keys: &'a Map<String, Value>,
}

impl Walk<'_> {
    /// `header` is where the table's name stands.
    fn table(&self, schema: &Value, table: &mut DeTable<'_>, path: &str, header: Range<usize>) {
        let properties = schema["properties"].as_object();
        for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !table.contains_key(required) {
                self.missing(schema, path, required, header.clone());
            }
        }
        for (key, mut value) in std::mem::take(table) {
            let name: &str = key.get_ref();
            let inner_path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            if name.contains('\0') {
                self.error(key.span(), "a key has a NUL character".to_owned(), None);
                continue;
            }
            let known = properties.and_then(|properties| properties.get(name));
            let keep = match known.unwrap_or(&schema["additionalProperties"]) {
                Value::Bool(false) => {
                    let help = hints::unknown_key(name, path, properties, self.root_keys);
                    self.error(key.span(), unknown_message(name, path), help);
                    false
                }
                // Absent says the same as true.
                inner => self.value(inner, &mut value, &inner_path, key.span()),
            };
            if keep {
                table.insert(key, value);
            }
        }
    }

    /// Whether the value can stay. `key` is where its key stands.
    fn value(&self, schema: &Value, value: &mut Spanned<DeValue<'_>>, path: &str, key: Range<usize>) -> bool {
        let span = value.span();
        if let Some(branches) = schema["anyOf"].as_array() {
            return match branches.iter().find(|branch| accepts(branch, value.get_ref())) {
                Some(branch) => self.value(branch, value, path, key),
                None => self.mismatch(schema, value, path),
            };
        }
        if !accepts(schema, value.get_ref()) {
            return self.mismatch(schema, value, path);
        }
        match value.get_mut() {
            DeValue::Table(table) => {
                self.table(schema, table, path, key);
                true
            }
            DeValue::Array(array) => {
                let items = schema.get("items").unwrap_or(&Value::Bool(true));
                let mut kept = Vec::new();
                for item in array.iter_mut() {
                    if self.value(items, item, path, key.clone()) {
                        kept.push(item.clone());
                    }
                }
                // A list of which nothing is left counts as absent: that it is empty would be a second complaint.
                let emptied = !array.is_empty() && kept.is_empty();
                *array = kept.into_iter().collect();
                !emptied
            }
            DeValue::String(text) => self.string(schema, text, path, span),
            DeValue::Integer(number) => {
                let value = i64::from_str_radix(number.as_str(), number.radix()).ok();
                self.integer(schema, value, path, span)
            }
            _ => true,
        }
    }

    fn string(&self, schema: &Value, text: &str, path: &str, span: Range<usize>) -> bool {
        if text.contains('\0') {
            self.error(span, format!("`{path}` has a NUL character"), None);
            return false;
        }
        let choices = choices(schema);
        if choices.is_empty() || choices.contains(&text) {
            return true;
        }
        let help = super::nearest::suggestion(text, "choice", choices.into_iter());
        self.error(span, format!("`{path}` can't be `{text}`"), help);
        false
    }

    fn integer(&self, schema: &Value, value: Option<i64>, path: &str, span: Range<usize>) -> bool {
        let least = schema["minimum"].as_i64().unwrap_or(i64::MIN);
        let most = schema["maximum"].as_i64().unwrap_or(i64::MAX);
        if value.is_some_and(|value| (least..=most).contains(&value)) {
            return true;
        }
        let help = match (least, most) {
            (i64::MIN, i64::MAX) => "it has to fit into 64 bits".to_owned(),
            (least, i64::MAX) => format!("it can be {least} or more"),
            (least, most) => format!("it can be from {least} to {most}"),
        };
        self.error(span, format!("`{path}` is out of range"), Some(help));
        false
    }

    fn mismatch(&self, schema: &Value, value: &Spanned<DeValue<'_>>, path: &str) -> bool {
        let expected = hints::expected(schema);
        let message = format!("`{path}` has to be {expected}, not {}", hints::found(value.get_ref()));
        let text = &self.source.text[self.source.place(value.span()).clamped()];
        let help = hints::wrong_type(schema, value.get_ref(), text, path, self.root_keys);
        let place = self.source.place(value.span());
        let finding = Diagnostic::error(message, Some(place)).label(format!("expected {expected}"));
        self.findings.push(Diagnostic { help, ..finding });
        false
    }

    fn missing(&self, schema: &Value, path: &str, key: &str, header: Range<usize>) {
        let example = hints::example(key, &schema["properties"][key]);
        let (message, help) = if path.is_empty() {
            (format!("`[{key}]` is missing"), hints::missing_table(key, &schema["properties"][key]))
        } else {
            (format!("`{key}` is missing in `{path}`"), format!("add `{example}`"))
        };
        self.error(header, message, Some(help));
    }

    fn error(&self, span: Range<usize>, message: String, help: Option<String>) {
        let finding = Diagnostic::error(message, Some(self.source.place(span)));
        self.findings.push(Diagnostic { help, ..finding });
    }
}

fn unknown_message(name: &str, path: &str) -> String {
    if path.is_empty() { format!("unknown key `{name}`") } else { format!("unknown key `{name}` in `{path}`") }
}

/// Whether the schema takes a value of this type.
fn accepts(schema: &Value, value: &DeValue<'_>) -> bool {
    let wanted = match &schema["type"] {
        Value::String(kind) => kind.as_str(),
        // Choices with documentation of their own are a list of constants.
        _ if !choices(schema).is_empty() => "string",
        _ => return true,
    };
    match value {
        DeValue::String(_) => wanted == "string",
        DeValue::Integer(_) => wanted == "integer",
        DeValue::Float(_) => wanted == "number",
        DeValue::Boolean(_) => wanted == "boolean",
        DeValue::Array(_) => wanted == "array",
        DeValue::Table(_) => wanted == "object",
        DeValue::Datetime(_) => false,
    }
}

/// The words that may stand here, where they are counted.
fn choices(schema: &Value) -> Vec<&str> {
    let listed = schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let constants = schema["oneOf"].as_array().into_iter().flatten().filter_map(|branch| branch["const"].as_str());
    listed.chain(constants).collect()
}
