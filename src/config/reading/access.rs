//! What lies in lists and tables, one after the other.

use serde::Deserializer as _;
use serde::de::{DeserializeSeed, EnumAccess, Error as _, MapAccess, SeqAccess, VariantAccess, Visitor};
use toml::Table;
use toml::de::DeTable;
use toml::value::Datetime;

use super::Unfit;
use super::node::Node;

/// A table's entries.
pub(super) struct Entries<'a> {
    rest: Box<dyn Iterator<Item = (Node<'a>, Node<'a>)> + 'a>,
    value: Option<Node<'a>>,
}

impl<'a> Entries<'a> {
    fn new(entries: impl Iterator<Item = (Node<'a>, Node<'a>)> + 'a) -> Self {
        Self { rest: Box::new(entries), value: None }
    }

    pub(super) fn of_table(table: &'a Table) -> Self {
        Self::new(table.iter().map(|(key, value)| (Node::Key(key), Node::Value(value))))
    }

    pub(super) fn of_placed(table: &'a DeTable<'a>) -> Self {
        Self::new(table.iter().map(|(key, value)| (Node::PlacedKey(key), Node::Placed(value))))
    }

    /// What [`toml::Spanned`] is read from.
    pub(super) fn of_place(node: Node<'a>) -> Self {
        let span = node.span().unwrap_or_default();
        let entries = [
            (Node::Key("$__serde_spanned_private_start"), Node::Offset(span.start)),
            (Node::Key("$__serde_spanned_private_end"), Node::Offset(span.end)),
            (Node::Key("$__serde_spanned_private_value"), node),
        ];
        Self::new(entries.into_iter())
    }

    /// What [`Datetime`] is read from.
    pub(super) fn of_date(date: &'a Datetime) -> Self {
        Self::new(std::iter::once((Node::Key("$__toml_private_datetime"), Node::Date(date))))
    }
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Unfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Unfit> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        self.value = Some(value);
        seed.deserialize(key).map(Some).map_err(|error| error.at(key))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Unfit> {
        let Some(value) = self.value.take() else { return Err(Unfit::of(&"a value was asked for before its key")) };
        seed.deserialize(value).map_err(|error| error.at(value))
    }
}

/// A list's values.
pub(super) struct Elements<'a>(Box<dyn ExactSizeIterator<Item = Node<'a>> + 'a>);

impl<'a> Elements<'a> {
    pub(super) fn of(elements: impl ExactSizeIterator<Item = Node<'a>> + 'a) -> Self {
        Self(Box::new(elements))
    }
}

impl<'de> SeqAccess<'de> for Elements<'de> {
    type Error = Unfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Unfit> {
        let Some(node) = self.0.next() else { return Ok(None) };
        seed.deserialize(node).map(Some).map_err(|error| error.at(node))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

/// One of an enum's forms: its name, or a table whose only key is its name.
pub(super) struct Choice<'a> {
    name: Node<'a>,
    value: Option<Node<'a>>,
}

impl<'a> Choice<'a> {
    pub(super) fn of(node: Node<'a>) -> Result<Self, Unfit> {
        let Some(mut entries) = node.entries() else { return Ok(Self { name: node, value: None }) };
        match (entries.rest.next(), entries.rest.next()) {
            (Some((name, value)), None) => Ok(Self { name, value: Some(value) }),
            _ => Err(Unfit::of(&"a table with one key was expected").at(node)),
        }
    }

    fn value(&self) -> Result<Node<'a>, Unfit> {
        self.value.ok_or_else(|| Unfit::custom("it needs a value").at(self.name))
    }
}

impl<'de> EnumAccess<'de> for Choice<'de> {
    type Error = Unfit;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Unfit> {
        let name = seed.deserialize(self.name).map_err(|error| error.at(self.name))?;
        Ok((name, self))
    }
}

impl<'de> VariantAccess<'de> for Choice<'de> {
    type Error = Unfit;

    fn unit_variant(self) -> Result<(), Unfit> {
        match self.value {
            None => Ok(()),
            Some(value) => Err(Unfit::of(&"it takes no value").at(value)),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Unfit> {
        let value = self.value()?;
        seed.deserialize(value).map_err(|error| error.at(value))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Unfit> {
        self.value()?.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Unfit> {
        self.value()?.deserialize_map(visitor)
    }
}
