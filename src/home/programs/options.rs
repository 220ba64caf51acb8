//! Reads a program's table into its type, and says of what doesn't fit where it stands and what was meant.

use std::fmt;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::OptionError;
use crate::config::{nearest, reading};

/// What a program's `package` says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "`false` or a package request")]
pub enum Package {
    /// `false`: the system has the program. `true` is as if nothing were said.
    Install(bool),
    /// Another package than the program's own.
    Request(String),
}

impl Package {
    /// What the program is installed from; `None` where the system has it.
    #[must_use]
    pub fn request<'a>(package: Option<&'a Self>, default: &'a str) -> Option<&'a str> {
        match package {
            Some(Self::Install(false)) => None,
            Some(Self::Request(request)) => Some(request),
            Some(Self::Install(true)) | None => Some(default),
        }
    }
}

/// One text, or a list of them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "a text or a list of texts")]
pub enum OneOrMany {
    /// `"a"`
    One(String),
    /// `["a", "b"]`
    Many(Vec<String>),
}

impl OneOrMany {
    /// As a list.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

/// Text, a number or a truth value: what variables are set to. Prints as Nix's `toString` does: `true` is `1`, `false` is empty.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged, expecting = "a text, a number, `true` or `false`")]
pub enum Scalar {
    /// `true`
    Bool(bool),
    /// `30`
    Integer(i64),
    /// `0.5`
    Float(f64),
    /// `"text"`
    Text(String),
}

impl fmt::Display for Scalar {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(true) => formatter.write_str("1"),
            Self::Bool(false) => Ok(()),
            Self::Integer(number) => write!(formatter, "{number}"),
            Self::Float(number) => write!(formatter, "{number:.6}"),
            Self::Text(text) => formatter.write_str(text),
        }
    }
}

/// `table` as `T`, whose type refuses unknown fields.
pub fn options<T: DeserializeOwned>(program: &str, table: &Table) -> Result<T, OptionError> {
    let read = |table: &Table| reading::table::<T>(table).map_err(|error| error.to_string());
    read(table).map_err(|message| {
        let path = locate(table, &message, &|table| read(&table).err());
        explain(program, path, &message)
    })
}

/// A finding that stops nothing: `path` is an older name of what `instead` says.
#[must_use]
pub fn renamed(program: &str, path: &[&str], instead: &str) -> OptionError {
    OptionError {
        path: path.iter().map(ToString::to_string).collect(),
        message: format!("`programs.{program}.{}` is an older name", path.join(".")),
        help: Some(format!("write `{instead}`")),
        warning: true,
    }
}

/// A value at `path` that can't be.
#[must_use]
pub fn wrong(program: &str, path: &[&str], reason: &str) -> OptionError {
    OptionError {
        path: path.iter().map(ToString::to_string).collect(),
        message: format!("`programs.{program}.{}`: {reason}", path.join(".")),
        help: None,
        warning: false,
    }
}

/// Where `table` has what `fails` says `message` of: the way to it is looked for by leaving out everything beside. A deserializer
/// that remembers its way would be another one for each type, and what runs inside a machine is to be small.
fn locate(table: &Table, message: &str, fails: &dyn Fn(Table) -> Option<String>) -> Vec<String> {
    let mut path: Vec<Step> = Vec::new();
    let mut current = Value::Table(table.clone());
    loop {
        let parts: Vec<(Step, Value)> = match current {
            Value::Table(table) => table.into_iter().map(|(key, value)| (Step::Key(key), value)).collect(),
            Value::Array(values) => {
                values.into_iter().enumerate().map(|(at, value)| (Step::Index(at), value)).collect()
            }
            _ => break,
        };
        let is_there = |(step, value): &(Step, Value)| {
            let alone = path.iter().rev().fold(step.around(value.clone()), |value, step| step.around(value));
            let Value::Table(alone) = alone else { return false };
            fails(alone).as_deref() == Some(message)
        };
        let Some((step, value)) = parts.into_iter().find(is_there) else { break };
        path.push(step);
        current = value;
    }
    path.into_iter().map(|step| step.to_string()).collect()
}

/// A step from a value into what it holds.
enum Step {
    Key(String),
    Index(usize),
}

impl Step {
    /// What holds `value` alone.
    fn around(&self, value: Value) -> Value {
        match self {
            Self::Key(key) => Value::Table(std::iter::once((key.clone(), value)).collect()),
            Self::Index(_) => Value::Array(vec![value]),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => formatter.write_str(key),
            Self::Index(index) => write!(formatter, "{index}"),
        }
    }
}

fn explain(program: &str, mut path: Vec<String>, message: &str) -> OptionError {
    // A finding of an enum's untagged form may have the text of the inner one's; only the first line is a sentence.
    let message = message.lines().next().unwrap_or_default();
    let Some((name, known)) = unknown_field(message) else {
        let place = whole(program, &path);
        return OptionError { path, message: format!("`{place}`: {message}"), help: None, warning: false };
    };
    if let Some(at) = path.iter().position(|key| key == name) {
        path.truncate(at);
    }
    let message = format!("`{}` has no option `{name}`", whole(program, &path));
    let help = match nearest(name, known.iter().copied()) {
        Some(near) => Some(format!("did you mean `{near}`?")),
        None if known.is_empty() => None,
        None => Some(format!("its options are {}", known.join(", "))),
    };
    path.push(name.to_owned());
    OptionError { path, message, help, warning: false }
}

fn whole(program: &str, path: &[String]) -> String {
    let mut whole = format!("programs.{program}");
    for key in path {
        whole.push('.');
        whole += key;
    }
    whole
}

/// The name and the known ones in serde's "unknown field `a`, expected one of `b`, `c`".
fn unknown_field(message: &str) -> Option<(&str, Vec<&str>)> {
    let rest = message.strip_prefix("unknown field `")?;
    let (name, known) = rest.rsplit_once("`, expected ").or_else(|| rest.rsplit_once("`, there are no fields"))?;
    Some((name, known.split('`').skip(1).step_by(2).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase", default)]
    #[derive(Default)]
    struct Sample {
        enable: bool,
        history_size: u32,
        package: Option<Package>,
        keys: Option<OneOrMany>,
        inner: Inner,
    }

    #[derive(Debug, Deserialize, Default)]
    #[serde(deny_unknown_fields, rename_all = "camelCase", default)]
    struct Inner {
        ignore_dups: bool,
    }

    fn read(text: &str) -> Result<Sample, OptionError> {
        options("sample", &text.parse().expect("TOML"))
    }

    #[test]
    fn reads_what_fits() {
        let sample = read("enable = true\nhistorySize = 3\npackage = false\nkeys = \"a\"\ninner.ignoreDups = true")
            .expect("fits");
        assert!(sample.enable && sample.inner.ignore_dups);
        assert_eq!(sample.history_size, 3);
        assert_eq!(sample.package, Some(Package::Install(false)));
        assert_eq!(sample.keys.expect("keys").as_slice(), ["a"]);
    }

    #[test]
    fn names_the_place_and_the_nearest_option() {
        let error = read("enabel = true").expect_err("unknown");
        assert_eq!(error.message, "`programs.sample` has no option `enabel`");
        assert_eq!(error.help.as_deref(), Some("did you mean `enable`?"));
        assert_eq!(error.path, ["enabel"]);

        let error = read("inner.ignoreDup = true").expect_err("unknown");
        assert_eq!(error.message, "`programs.sample.inner` has no option `ignoreDup`");
        assert_eq!(error.path, ["inner", "ignoreDup"]);

        let error = read("zzz = 1").expect_err("unknown");
        assert_eq!(error.help.as_deref(), Some("its options are enable, historySize, package, keys, inner"));
    }

    #[test]
    fn names_the_place_of_a_wrong_type() {
        let error = read("inner.ignoreDups = \"yes\"").expect_err("no truth value");
        assert_eq!(
            error.message,
            "`programs.sample.inner.ignoreDups`: invalid type: string \"yes\", expected a boolean"
        );
        assert_eq!(error.path, ["inner", "ignoreDups"]);
        let error = read("package = 3").expect_err("no package");
        assert_eq!(error.message, "`programs.sample.package`: `false` or a package request");
        assert!(!error.warning);
    }

    #[test]
    fn scalars_print_as_nix_does() {
        let texts = ["true", "false", "30", "\"a\""].map(|value| {
            let table: Table = format!("v = {value}").parse().expect("TOML");
            table["v"].clone().try_into::<Scalar>().expect("scalar").to_string()
        });
        assert_eq!(texts, ["1", "", "30", "a"]);
    }
}
