//! Values of variables as zsh writes them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use toml::Value;

use super::super::OptionError;
use super::super::options::wrong;
use super::super::shell::check_variables;

/// `export NAME=value` for each.
pub(super) fn exports(variables: &BTreeMap<String, Value>) -> Result<String, Vec<OptionError>> {
    statements("sessionVariables", "export ", variables)
}

/// `NAME=value` for each, `typeset -A NAME=(…)` for a table.
pub(super) fn definitions(variables: &BTreeMap<String, Value>) -> Result<String, Vec<OptionError>> {
    statements("localVariables", "", variables)
}

fn statements(option: &str, before: &str, variables: &BTreeMap<String, Value>) -> Result<String, Vec<OptionError>> {
    let mut errors = check_variables("zsh", option, variables.keys());
    let mut text = String::new();
    for (name, value) in variables {
        match written(value) {
            Some(value) if matches!(before, "") && value.starts_with("([") => {
                _ = writeln!(text, "typeset -A {name}={value}");
            }
            Some(value) => _ = writeln!(text, "{before}{name}={value}"),
            None => errors.push(wrong("zsh", &[option, name], "lists and tables hold texts, numbers and truth values")),
        }
    }
    if errors.is_empty() { Ok(text) } else { Err(errors) }
}

fn written(value: &Value) -> Option<String> {
    let words = match value {
        Value::Array(values) => values.iter().map(scalar).collect::<Option<Vec<_>>>()?,
        Value::Table(table) => {
            table.iter().map(|(key, value)| Some(format!("[{key}]={}", scalar(value)?))).collect::<Option<_>>()?
        }
        value => return scalar(value),
    };
    Some(format!("({})", words.join(" ")))
}

/// What stands in quotes may name variables.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Boolean(value) => Some(value.to_string()),
        Value::String(text) => Some(format!("\"{text}\"")),
        Value::Integer(number) => Some(format!("\"{number}\"")),
        Value::Float(number) => Some(format!("\"{number}\"")),
        Value::Datetime(time) => Some(format!("\"{time}\"")),
        Value::Array(_) | Value::Table(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_by_their_type() {
        let table: toml::Table = "V1 = true\nV2 = false\nV3 = 'some-string'\nV4 = 42\nV5 = [true, false, 'x', 42]
            V6 = { a = true, c = 'some-string', d = 42 }"
            .parse()
            .expect("TOML");
        let variables: BTreeMap<_, _> = table.into_iter().collect();
        assert_eq!(
            definitions(&variables).expect("fits"),
            "V1=true\nV2=false\nV3=\"some-string\"\nV4=\"42\"\nV5=(true false \"x\" \"42\")\n\
             typeset -A V6=([a]=true [c]=\"some-string\" [d]=\"42\")\n"
        );
    }

    #[test]
    fn lists_in_lists_are_refused() {
        let table: toml::Table = "V = [[1]]\n'a-b' = 1".parse().expect("TOML");
        let errors = exports(&table.into_iter().collect()).expect_err("two");
        let paths: Vec<_> = errors.iter().map(|error| error.path.join(".")).collect();
        assert_eq!(paths, ["sessionVariables.a-b", "sessionVariables.V"]);
    }
}
