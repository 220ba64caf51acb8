//! YAML, in block style, for parsers of 1.1 and 1.2 alike.

use std::fmt::Write as _;

use super::{DEEPEST, FormatError, sorted};

/// Longer keys need a syntax that not every parser has.
const LONGEST_KEY: usize = 1000;

/// YAML in block style, keys sorted. A string that would be read as something else stands in double quotes; so does one of
/// several lines. Dates are strings.
pub fn yaml(data: &toml::Value) -> Result<String, FormatError> {
    let mut text = String::new();
    node(data, &mut Vec::new(), 0, &mut text)?;
    // A list or table begins on a line of its own.
    Ok(text.trim_start_matches(['\n', ' ']).to_owned() + if text.ends_with('\n') { "" } else { "\n" })
}

/// What stands behind `key:` or `-`: a scalar on the same line, or a block on the following ones.
fn node(data: &toml::Value, path: &mut Vec<String>, indent: usize, text: &mut String) -> Result<(), FormatError> {
    if path.len() > DEEPEST {
        return Err(refused(path, "it is nested too deeply"));
    }
    match data {
        toml::Value::Table(table) if !table.is_empty() => mapping(table, path, indent, text),
        toml::Value::Array(values) if !values.is_empty() => sequence(values, path, indent, text),
        scalar => {
            if !path.is_empty() {
                text.push(' ');
            }
            text.push_str(&written(scalar));
            text.push('\n');
            Ok(())
        }
    }
}

fn mapping(table: &toml::Table, path: &mut Vec<String>, indent: usize, text: &mut String) -> Result<(), FormatError> {
    begin(indent, text);
    for (index, (key, value)) in sorted(table).into_iter().enumerate() {
        path.push(key.clone());
        if key.len() > LONGEST_KEY {
            return Err(refused(path, "the key is too long"));
        }
        if index > 0 {
            text.extend(std::iter::repeat_n(' ', indent));
        }
        text.push_str(&string(key));
        text.push(':');
        let inner = indent + if matches!(value, toml::Value::Array(_)) { 0 } else { 2 };
        line_break(value, text);
        node(value, path, inner, text)?;
        path.pop();
    }
    Ok(())
}

fn sequence(
    values: &[toml::Value],
    path: &mut Vec<String>,
    indent: usize,
    text: &mut String,
) -> Result<(), FormatError> {
    begin(indent, text);
    for (index, value) in values.iter().enumerate() {
        path.push(index.to_string());
        if index > 0 {
            text.extend(std::iter::repeat_n(' ', indent));
        }
        // What is nested begins on the dash's own line.
        text.push('-');
        if is_block(value) {
            text.push(' ');
        }
        node(value, path, indent + 2, text)?;
        path.pop();
    }
    Ok(())
}

fn is_block(value: &toml::Value) -> bool {
    match value {
        toml::Value::Table(table) => !table.is_empty(),
        toml::Value::Array(values) => !values.is_empty(),
        _ => false,
    }
}

fn line_break(value: &toml::Value, text: &mut String) {
    if is_block(value) {
        text.push('\n');
    }
}

/// Indents the first line of a block, where it does not stand behind a dash.
fn begin(indent: usize, text: &mut String) {
    if text.ends_with('\n') {
        text.extend(std::iter::repeat_n(' ', indent));
    }
}

fn written(scalar: &toml::Value) -> String {
    match scalar {
        toml::Value::String(text) => string(text),
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Float(number) => float(*number),
        toml::Value::Boolean(value) => value.to_string(),
        toml::Value::Datetime(date) => string(&date.to_string()),
        toml::Value::Array(_) => "[]".to_owned(),
        toml::Value::Table(_) => "{}".to_owned(),
    }
}

/// With a point always: older parsers take `1e9` for a string.
fn float(number: f64) -> String {
    if number.is_nan() {
        return ".nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let text = format!("{number:?}");
    match text.split_once('e') {
        None => text,
        Some((mantissa, exponent)) => {
            let point = if mantissa.contains('.') { "" } else { ".0" };
            let sign = if exponent.starts_with('-') { "" } else { "+" };
            format!("{mantissa}{point}e{sign}{exponent}")
        }
    }
}

/// A string, plain where every parser reads it back as this string.
fn string(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { double_quoted(text) }
}

fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    let first = text.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '/'));
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_-./+@ ".contains(c);
    first
        && !text.ends_with(' ')
        && text.len() < 200
        && text.chars().all(allowed)
        && WORDS.iter().all(|word| !word.eq_ignore_ascii_case(text))
}

fn double_quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') => {
                // Writing to a string can't fail.
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn refused(path: &[String], reason: &'static str) -> FormatError {
    FormatError { format: "YAML", path: path.to_vec(), reason }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn blocks_are_indented() {
        let data = toml::toml! {
            name = "a b"
            switch = "no"
            empty = { list = [], table = {} }
            jobs = [{ run = "x", with = { a = [1, 2] } }, "text", [[1], 2.0]]
            [deep.er]
            on = true
        };
        let expected = "\
deep:
  er:
    \"on\": true
empty:
  list: []
  table: {}
jobs:
- run: x
  with:
    a:
    - 1
    - 2
- text
- - - 1
  - 2.0
name: a b
switch: \"no\"
";
        assert_eq!(yaml(&toml::Value::Table(data)).unwrap(), expected);
    }

    /// What a parser should read.
    fn same(data: &toml::Value, read: &Value) -> bool {
        match (data, read) {
            (toml::Value::String(text), Value::String(read)) => text == read,
            (toml::Value::Integer(number), Value::Number(read)) => read.as_i64() == Some(*number),
            (toml::Value::Float(number), Value::Number(read)) => read.as_f64() == Some(*number),
            (toml::Value::Boolean(value), Value::Bool(read)) => value == read,
            (toml::Value::Array(values), Value::Array(read)) => {
                values.len() == read.len() && values.iter().zip(read).all(|(value, read)| same(value, read))
            }
            (toml::Value::Table(table), Value::Object(read)) => {
                let of = |key: &str| read.get(key);
                table.len() == read.len()
                    && table.iter().all(|(key, value)| of(key).is_some_and(|read| same(value, read)))
            }
            _ => false,
        }
    }

    fn any_value() -> impl Strategy<Value = toml::Value> {
        let words =
            prop::sample::select(vec!["yes", "~", "null", "1", "0x1f", "1e3", "a: b", "# x", "- x", "", " x", "x "]);
        let leaf = prop_oneof![
            words.prop_map(toml::Value::from),
            "\\PC{0,12}".prop_map(toml::Value::from),
            any::<String>().prop_map(|text| toml::Value::from(text.replace('\0', ""))),
            any::<i64>().prop_map(toml::Value::from),
            prop::num::f64::NORMAL.prop_map(toml::Value::from),
            any::<bool>().prop_map(toml::Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(toml::Value::from),
                prop::collection::btree_map("[ -~é]{0,8}", inner, 0..5)
                    .prop_map(|map| toml::Value::Table(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_parser_reads_back_what_was_written(data in any_value()) {
            let text = yaml(&data).unwrap();
            let read: Value = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
            prop_assert!(same(&data, &read), "{:?}\n{}\n{:?}", data, text, read);
        }
    }
}
