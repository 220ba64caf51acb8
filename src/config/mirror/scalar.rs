//! Values that may be written in more than one way. Each has a visitor, as an untagged enum would lose spans and messages.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::super::source::At;
use super::PersistTable;

/// Text, a number, a list or a table.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) enum Either<Table> {
    Text(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    List(Vec<At<String>>),
    Table(Table),
}

struct EitherVisitor<Table>(std::marker::PhantomData<Table>);

impl<'de, Table: Deserialize<'de>> Visitor<'de> for EitherVisitor<Table> {
    type Value = Either<Table>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string, a number, a list of strings or a table")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Either::Text(text.to_owned()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Either::Integer(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Either::Float(number))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Either::Boolean(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(Either::List)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Table::deserialize(MapAccessDeserializer::new(map)).map(Either::Table)
    }
}

impl<'de, Table: Deserialize<'de>> Deserialize<'de> for Either<Table> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EitherVisitor(std::marker::PhantomData))
    }
}

/// No table may stand here; the schema sees to that.
pub(in super::super) type Scalar = Either<serde::de::IgnoredAny>;

/// A newtype over [`Either`] with a schema of its own.
macro_rules! either {
    ($(#[$documentation:meta])* $name:ident($inner:ty), $schema:tt) => {
        $(#[$documentation])*
        #[derive(Debug, Clone, PartialEq, Deserialize)]
        #[serde(transparent)]
        pub(in super::super) struct $name(pub(in super::super) $inner);

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

either!(
    /// As whom a unit runs.
    RunAsValue(Scalar),
    {"anyOf": [
        {"type": "string", "minLength": 1},
        {"type": "integer", "minimum": 0, "maximum": 4_294_967_294_u32},
        {"type": "array", "items": {"type": "string"}, "minItems": 1},
    ]}
);

either!(
    /// A format, or none.
    SbomValue(Scalar),
    {"anyOf": [
        {"type": "string", "enum": ["spdx", "cyclonedx"]},
        {"type": "boolean", "const": false},
    ]}
);

either!(
    /// A word, or several.
    WordsValue(Scalar),
    {"anyOf": [
        {"type": "string", "minLength": 1},
        {"type": "array", "items": {"type": "string"}, "minItems": 1},
    ]}
);

either!(
    /// Permission bits.
    ModeValue(Scalar),
    {"anyOf": [
        {"type": "string", "pattern": "^0?[0-7]{3,4}$"},
        {"type": "integer", "minimum": 0, "maximum": 4095},
    ]}
);

either!(
    /// A user, `user:group`, or a number.
    OwnerValue(Scalar),
    {"anyOf": [
        {"type": "string", "minLength": 1},
        {"type": "integer", "minimum": 0, "maximum": 4_294_967_294_u32},
    ]}
);

either!(
    /// A session variable's value.
    VariableValue(Scalar),
    {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "number"}, {"type": "boolean"}]}
);

/// A path kept on the volume, with or without owner and mode.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(transparent)]
pub(in super::super) struct PersistValue(pub(in super::super) Either<PersistTable>);

impl JsonSchema for PersistValue {
    fn schema_name() -> Cow<'static, str> {
        "PersistValue".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = generator.subschema_for::<PersistTable>();
        json_schema!({"anyOf": [{"type": "string"}, table]})
    }
}

/// Anything that TOML can say.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(transparent)]
pub(in super::super) struct Free(pub(in super::super) toml::Value);

impl JsonSchema for Free {
    fn schema_name() -> Cow<'static, str> {
        "Free".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({})
    }
}

/// A program of Home Manager's: `enable`, and whatever options the program has.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(transparent)]
pub(in super::super) struct Program(pub(in super::super) toml::Table);

impl JsonSchema for Program {
    fn schema_name() -> Cow<'static, str> {
        "Program".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": "A program: `enable`, and the options that Home Manager has for it.",
            "properties": {
                "enable": {"type": "boolean", "default": false, "description": "Install and configure the program."},
            },
            "additionalProperties": true,
        })
    }
}
