//! JSON.

use serde_json::{Map, Number, Value};

use super::{DEEPEST, FormatError, sorted};

/// JSON, indented by two, keys sorted. Dates become strings; infinity and what is no number are refused.
pub fn json(data: &toml::Value) -> Result<String, FormatError> {
    let value = convert(data, &mut Vec::new())?;
    let text = serde_json::to_string_pretty(&value);
    text.map(|text| text + "\n").map_err(|_| refused(&[], "it could not be written"))
}

fn refused(path: &[String], reason: &'static str) -> FormatError {
    FormatError { format: "JSON", path: path.to_vec(), reason }
}

fn convert(data: &toml::Value, path: &mut Vec<String>) -> Result<Value, FormatError> {
    if path.len() > DEEPEST {
        return Err(refused(path, "it is nested too deeply"));
    }
    Ok(match data {
        toml::Value::String(text) => Value::String(text.clone()),
        toml::Value::Integer(number) => Value::from(*number),
        toml::Value::Float(number) => {
            Number::from_f64(*number).map(Value::Number).ok_or_else(|| refused(path, "JSON has no such number"))?
        }
        toml::Value::Boolean(value) => Value::Bool(*value),
        toml::Value::Datetime(day) => Value::String(day.to_string()),
        toml::Value::Array(values) => {
            let mut list = Vec::with_capacity(values.len());
            for (index, value) in values.iter().enumerate() {
                path.push(index.to_string());
                list.push(convert(value, path)?);
                path.pop();
            }
            Value::Array(list)
        }
        toml::Value::Table(table) => {
            let mut object = Map::new();
            for (key, value) in sorted(table) {
                path.push(key.clone());
                object.insert(key.clone(), convert(value, path)?);
                path.pop();
            }
            Value::Object(object)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_written_sorted_and_indented() {
        let data = toml::toml! {
            theme = "dark"
            list = [1, 2.5, true, "x"]
            empty = {}
            [a]
            b = 1979-05-27
        };
        let expected = r#"{
  "a": {
    "b": "1979-05-27"
  },
  "empty": {},
  "list": [
    1,
    2.5,
    true,
    "x"
  ],
  "theme": "dark"
}
"#;
        assert_eq!(json(&toml::Value::Table(data)).unwrap(), expected);
    }

    #[test]
    fn what_json_has_no_number_for_is_refused_by_name() {
        let data = toml::toml! { a = { b = [1.0, inf] } };
        let error = json(&toml::Value::Table(data)).unwrap_err();
        assert_eq!(error.to_string(), "JSON can't hold `a.b.1`: JSON has no such number");
    }
}
