//! A value in either form, and serde's questions to it.

use std::borrow::Cow;
use std::ops::Range;

use serde::de::{Error as _, Expected, Unexpected, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};
use toml::de::{DeTable, DeValue};
use toml::value::Datetime;
use toml::{Spanned, Table, Value};

use super::Unfit;
use super::access::{Choice, Elements, Entries};

/// Something to be read.
#[derive(Clone, Copy)]
pub(super) enum Node<'a> {
    Value(&'a Value),
    Table(&'a Table),
    Document(&'a Spanned<DeTable<'a>>),
    Placed(&'a Spanned<DeValue<'a>>),
    PlacedKey(&'a Spanned<Cow<'a, str>>),
    /// A key; also of those entries by which serde takes places and dates through.
    Key(&'a str),
    /// A place's beginning or end.
    Offset(usize),
    /// A date as text.
    Date(&'a Datetime),
}

/// What a node is, in either form.
enum Kind<'a> {
    Text(&'a str),
    Integer(i64),
    Great(u64),
    Float(f64),
    Boolean(bool),
    Date(&'a Datetime),
    DateText(&'a Datetime),
    List,
    Table,
}

impl<'a> Node<'a> {
    /// Where it stands, if it was read from a document.
    pub(super) fn span(self) -> Option<Range<usize>> {
        match self {
            Self::Document(table) => Some(table.span()),
            Self::Placed(value) => Some(value.span()),
            Self::PlacedKey(key) => Some(key.span()),
            _ => None,
        }
    }

    fn kind(self) -> Result<Kind<'a>, Unfit> {
        Ok(match self {
            Self::Value(Value::String(text)) => Kind::Text(text),
            Self::Value(Value::Integer(number)) => Kind::Integer(*number),
            Self::Value(Value::Float(number)) => Kind::Float(*number),
            Self::Value(Value::Boolean(value)) => Kind::Boolean(*value),
            Self::Value(Value::Datetime(date)) => Kind::Date(date),
            Self::Value(Value::Array(_)) => Kind::List,
            Self::Value(Value::Table(_)) | Self::Table(_) | Self::Document(_) => Kind::Table,
            Self::Placed(value) => return placed(value.get_ref()),
            Self::PlacedKey(key) => Kind::Text(key.get_ref()),
            Self::Key(key) => Kind::Text(key),
            Self::Offset(offset) => Kind::Integer(i64::try_from(offset).map_err(|error| Unfit::of(&error))?),
            Self::Date(date) => Kind::DateText(date),
        })
    }

    /// A table's entries; `None` where this is no table.
    pub(super) fn entries(self) -> Option<Entries<'a>> {
        match self {
            Self::Value(Value::Table(table)) | Self::Table(table) => Some(Entries::of_table(table)),
            Self::Document(table) => Some(Entries::of_placed(table.get_ref())),
            Self::Placed(value) => value.get_ref().as_table().map(Entries::of_placed),
            _ => None,
        }
    }

    /// A list's values; `None` where this is no list.
    fn elements(self) -> Option<Elements<'a>> {
        match self {
            Self::Value(Value::Array(values)) => Some(Elements::of(values.iter().map(Node::Value))),
            Self::Placed(value) => {
                value.get_ref().as_array().map(|values| Elements::of(values.iter().map(Node::Placed)))
            }
            _ => None,
        }
    }

    /// That it is something else than what was expected.
    pub(super) fn mismatch(self, expected: &dyn Expected) -> Unfit {
        let date;
        let found = match self.kind() {
            Ok(Kind::Text(text)) => Unexpected::Str(text),
            Ok(Kind::Integer(number)) => Unexpected::Signed(number),
            Ok(Kind::Great(number)) => Unexpected::Unsigned(number),
            Ok(Kind::Float(number)) => Unexpected::Float(number),
            Ok(Kind::Boolean(value)) => Unexpected::Bool(value),
            Ok(Kind::DateText(text)) => {
                date = text.to_string();
                Unexpected::Str(&date)
            }
            Ok(Kind::List) => Unexpected::Seq,
            Ok(Kind::Date(_) | Kind::Table) => Unexpected::Map,
            Err(error) => return error,
        };
        Unfit::invalid_type(found, expected).at(self)
    }

    /// Whatever is neither list nor table.
    fn scalar<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Unfit> {
        let read = match self.kind()? {
            Kind::Text(text) => visitor.visit_borrowed_str(text),
            Kind::Integer(number) => visitor.visit_i64(number),
            Kind::Great(number) => visitor.visit_u64(number),
            Kind::Float(number) => visitor.visit_f64(number),
            Kind::Boolean(value) => visitor.visit_bool(value),
            Kind::DateText(date) => visitor.visit_str(&date.to_string()),
            Kind::Date(_) | Kind::List | Kind::Table => Err(self.mismatch(&visitor)),
        };
        read.map_err(|error| error.at(self))
    }
}

fn placed<'a>(value: &'a DeValue<'a>) -> Result<Kind<'a>, Unfit> {
    Ok(match value {
        DeValue::String(text) => Kind::Text(text),
        DeValue::Integer(number) => {
            let (digits, radix) = (number.as_str(), number.radix());
            match i64::from_str_radix(digits, radix) {
                Ok(number) => Kind::Integer(number),
                Err(_) => Kind::Great(u64::from_str_radix(digits, radix).map_err(|error| Unfit::of(&error))?),
            }
        }
        DeValue::Float(number) => Kind::Float(number.as_str().parse().map_err(|error| Unfit::of(&error))?),
        DeValue::Boolean(value) => Kind::Boolean(*value),
        DeValue::Datetime(date) => Kind::Date(date),
        DeValue::Array(_) => Kind::List,
        DeValue::Table(_) => Kind::Table,
    })
}

/// Only what is asked for is made for a type: a struct has no list's code, and a list no table's.
macro_rules! scalars {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
            self.scalar(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = Unfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        let read = match self.kind()? {
            Kind::List => return self.deserialize_seq(visitor),
            Kind::Table => return self.deserialize_map(visitor),
            Kind::Date(date) => visitor.visit_map(Entries::of_date(date)),
            _ => return self.scalar(visitor),
        };
        read.map_err(|error| error.at(self))
    }

    scalars! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32 deserialize_f64
        deserialize_char deserialize_str deserialize_string deserialize_identifier
    }

    forward_to_deserialize_any! { bytes byte_buf unit unit_struct }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Unfit> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        let Some(elements) = self.elements() else { return Err(self.mismatch(&visitor)) };
        visitor.visit_seq(elements).map_err(|error| error.at(self))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Unfit> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        let Some(entries) = self.entries() else { return Err(self.mismatch(&visitor)) };
        visitor.visit_map(entries).map_err(|error| error.at(self))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        let Some(entries) = self.entries_of(name) else { return Err(self.mismatch(&visitor)) };
        visitor.visit_map(entries).map_err(|error| error.at(self))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        visitor.visit_enum(Choice::of(self)?).map_err(|error| error.at(self))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        visitor.visit_unit()
    }
}

impl<'a> Node<'a> {
    /// What stands for the fields of the struct `name`: a table's entries, but for those that stand for a place or a date.
    fn entries_of(self, name: &'static str) -> Option<Entries<'a>> {
        match self.kind() {
            _ if serde_spanned::de::is_spanned(name) => Some(Entries::of_place(self)),
            Ok(Kind::Date(date)) if name == "$__toml_private_Datetime" => Some(Entries::of_date(date)),
            _ => self.entries(),
        }
    }
}
