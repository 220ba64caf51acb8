//! Reads TOML that was parsed into typed values.
//!
//! toml's own readers are made anew for each type, once for values and once for documents with places, and each can read a
//! struct from a list, too. This one reader stands before both and does what our types ask for, which makes a program that
//! goes into images a good deal smaller. What it says of what doesn't fit is what serde says.

mod access;
mod node;

use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use toml::de::DeTable;
use toml::{Spanned, Table, Value};

use node::Node;

/// Why a value doesn't fit its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit(Box<Reason>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Reason {
    message: String,
    span: Option<Range<usize>>,
}

impl Unfit {
    /// What serde says: "invalid type: string "yes", expected a boolean".
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The bytes of the document that it is about, where a document was read.
    #[must_use]
    pub fn span(&self) -> Option<Range<usize>> {
        self.0.span.clone()
    }

    fn of(message: &dyn fmt::Display) -> Self {
        Self(Box::new(Reason { message: message.to_string(), span: None }))
    }

    /// Names the place, where none further inside was named.
    fn at(mut self, node: Node<'_>) -> Self {
        if self.0.span.is_none() {
            self.0.span = node.span();
        }
        self
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.message())
    }
}

impl std::error::Error for Unfit {}

impl serde::de::Error for Unfit {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::of(&message)
    }
}

/// Reads a document; the values' places are kept by [`Spanned`].
pub fn document<'a, T: Deserialize<'a>>(document: &'a Spanned<DeTable<'a>>) -> Result<T, Unfit> {
    let node = Node::Document(document);
    T::deserialize(node).map_err(|error| error.at(node))
}

/// Reads a table.
pub fn table<'a, T: Deserialize<'a>>(table: &'a Table) -> Result<T, Unfit> {
    T::deserialize(Node::Table(table))
}

/// Reads any value.
pub fn value<'a, T: Deserialize<'a>>(value: &'a Value) -> Result<T, Unfit> {
    T::deserialize(Node::Value(value))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Choice {
        One,
        Two(u8),
        Three { a: bool },
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        text: Option<Spanned<String>>,
        #[serde(default)]
        small: u8,
        #[serde(default)]
        ratio: f64,
        #[serde(default)]
        flag: bool,
        #[serde(default)]
        inner: BTreeMap<Spanned<String>, Vec<Choice>>,
        free: Option<Value>,
    }

    fn sample(text: &str) -> Result<Sample, Unfit> {
        document(&DeTable::parse(text).expect("TOML"))
    }

    /// What toml's own reader says of the same.
    fn reference(text: &str) -> Result<Sample, (String, Option<Range<usize>>)> {
        let table = DeTable::parse(text).expect("TOML");
        Sample::deserialize(toml::de::Deserializer::from(table))
            .map_err(|error| (error.message().to_owned(), error.span()))
    }

    #[test]
    fn documents_are_read_as_toml_reads_them() {
        for text in [
            "",
            "text = 'a'\nsmall = 255\nratio = 2\nflag = true",
            "ratio = -1.5e3\nsmall = 0xff",
            "[inner]\na = ['one', {two = 3}]\nb = []",
            "free = {a = [1, 2.5, 'x', true], d = 2024-02-29T10:00:00Z, t = 07:32:00}",
            "free = 1979-05-27",
        ] {
            assert_eq!(sample(text).ok(), reference(text).ok(), "{text}");
            assert!(sample(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn findings_are_those_of_toml_at_the_same_place() {
        for text in [
            "small = 256",
            "small = -1",
            "small = 'x'",
            "flag = 1",
            "text = ['x']",
            "textt = 'x'",
            "inner = 3",
            "inner.a = 'one'",
            "inner.a = ['four']",
            "inner.a = ['one', {two = 'x'}]",
            "[inner]\na = [\n  {two = 1000}]",
        ] {
            let found = sample(text).map_err(|error| (error.message().to_owned(), error.span()));
            assert_eq!(found, reference(text), "{text}");
        }
    }

    #[test]
    fn choices_may_have_values() {
        let read = |text: &str| document::<BTreeMap<String, Choice>>(&DeTable::parse(text).expect("TOML"));
        assert_eq!(read("a = {three = {a = true}}").unwrap()["a"], Choice::Three { a: true });
        assert_eq!(read("a = {two = 1}").unwrap()["a"], Choice::Two(1));
        for text in ["a = 'two'", "a = {one = 1}", "a = {}", "a = {one = 1, two = 2}", "a = 3", "a = {three = 1}"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_no_number_of_ours_holds_is_refused() {
        let read = |text: &str| document::<BTreeMap<String, u64>>(&DeTable::parse(text).expect("TOML"));
        assert_eq!(read("a = 18446744073709551615").unwrap()["a"], u64::MAX);
        assert!(read("a = 18446744073709551616").is_err());
        assert!(read("a = -1").is_err());
        assert!(sample("free = 9223372036854775808").is_err());
        assert!(sample("free = 9223372036854775807").is_ok());
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::Boolean),
            any::<i64>().prop_map(Value::Integer),
            any::<f64>().prop_filter("equal to itself", |number| !number.is_nan()).prop_map(Value::Float),
            ".{0,8}".prop_map(Value::String),
            Just(Value::Datetime("1979-05-27T07:32:00-08:00".parse().expect("a date"))),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                prop::collection::btree_map("[a-z]{0,3}", inner, 0..4)
                    .prop_map(|map| Value::Table(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn values_are_read_as_they_are(any in any_value()) {
            prop_assert_eq!(value::<Value>(&any).expect("a value"), any);
        }
    }
}
