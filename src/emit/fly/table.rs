//! Changes a TOML document where it must, and leaves every comment, order and spelling where it need not.

use std::time::Duration;

use toml_edit::{Array, ArrayOfTables, InlineTable, Item, Table, TableLike, Value};

use super::super::text::{duration, parse_duration};
use super::FlyError;

/// Sets a key to a value; one that is equal stays as it is written.
pub(super) fn set(table: &mut dyn TableLike, key: &'static str, new: impl Into<Value>) -> Result<(), FlyError> {
    let new = new.into();
    match table.get_mut(key) {
        None | Some(Item::None) => insert(table, key, new),
        Some(Item::Value(old)) => {
            if !is_same(old, &new) {
                let decor = old.decor().clone();
                *old = new;
                *old.decor_mut() = decor;
            }
        }
        Some(_) => return Err(FlyError::Shape { key, expected: "value" }),
    }
    Ok(())
}

/// Sets a key where there is none.
pub(super) fn propose(table: &mut dyn TableLike, key: &'static str, new: impl Into<Value>) {
    if table.get(key).is_none_or(Item::is_none) {
        insert(table, key, new.into());
    }
}

/// Puts in a key that is not there, as far to the right as the table's first.
fn insert(table: &mut dyn TableLike, key: &'static str, new: Value) {
    let first = table.iter().next().map(|(first, _)| first.to_owned());
    let prefix = first.and_then(|first| table.key(&first)?.leaf_decor().prefix()?.as_str().map(str::to_owned));
    let indent = prefix.as_deref().and_then(|prefix| prefix.rsplit('\n').next()).unwrap_or_default();
    table.insert(key, Item::Value(new));
    if !indent.is_empty()
        && indent.trim().is_empty()
        && let Some(mut key) = table.key_mut(key)
    {
        key.leaf_decor_mut().set_prefix(indent);
    }
}

/// Sets a duration; one that is as long stays as it is written. Numbers count `unit`s.
pub(super) fn set_duration(
    table: &mut dyn TableLike,
    key: &'static str,
    new: Duration,
    unit: Duration,
) -> Result<(), FlyError> {
    let said = table.get(key).and_then(|item| match item.as_integer() {
        Some(number) => u32::try_from(number).ok().and_then(|number| unit.checked_mul(number)),
        None => item.as_str().and_then(parse_duration),
    });
    if said == Some(new) { Ok(()) } else { set(table, key, duration(new)) }
}

/// The table at a key; made where there is none.
pub(super) fn table<'a>(root: &'a mut dyn TableLike, key: &'static str) -> Result<&'a mut dyn TableLike, FlyError> {
    if root.get(key).is_none_or(Item::is_none) {
        root.insert(key, Item::Table(Table::new()));
    }
    let found = root.get_mut(key).and_then(Item::as_table_like_mut);
    found.ok_or(FlyError::Shape { key, expected: "table" })
}

/// The tables of a list, which may be written as `[[key]]`, as one `[key]`, or inline.
pub(super) fn entries<'a>(
    root: &'a mut dyn TableLike,
    key: &'static str,
) -> Result<Vec<&'a mut dyn TableLike>, FlyError> {
    let wrong = FlyError::Shape { key, expected: "list of tables" };
    let inline = |value: &'a mut Value| value.as_inline_table_mut().map(|table| table as &mut dyn TableLike);
    match root.get_mut(key) {
        None | Some(Item::None) => Ok(Vec::new()),
        Some(Item::Table(table)) => Ok(vec![table]),
        Some(Item::ArrayOfTables(tables)) => Ok(tables.iter_mut().map(|table| table as &mut dyn TableLike).collect()),
        Some(Item::Value(Value::InlineTable(table))) => Ok(vec![table]),
        Some(Item::Value(Value::Array(array))) => array.iter_mut().map(inline).collect::<Option<_>>().ok_or(wrong),
        Some(Item::Value(_)) => Err(wrong),
    }
}

/// Adds a table to a list, in the way in which the list is written; a single `[key]` becomes the first `[[key]]`.
pub(super) fn new_entry(
    root: &mut dyn TableLike,
    key: &'static str,
    fill: &mut dyn FnMut(&mut dyn TableLike),
) -> Result<(), FlyError> {
    let mut fresh = Table::new();
    let comments = uncommented(root, key);
    let item = root.entry(key).or_insert(Item::None);
    match item {
        Item::Value(Value::Array(array)) if !array.is_empty() => {
            let mut inline = InlineTable::new();
            fill(&mut inline);
            array.push(inline);
        }
        Item::Value(Value::InlineTable(table)) => {
            let mut inline = InlineTable::new();
            fill(&mut inline);
            let array = [std::mem::take(table), inline].into_iter().collect::<Array>();
            *item = Item::Value(array.into());
        }
        Item::ArrayOfTables(tables) => {
            fill(&mut fresh);
            tables.push(fresh);
        }
        Item::Table(table) => {
            fill(&mut fresh);
            let tables = [std::mem::take(table), fresh].into_iter().collect::<ArrayOfTables>();
            *item = Item::ArrayOfTables(tables);
        }
        // An empty list may be written as a value: Fly's own tool does.
        Item::None | Item::Value(Value::Array(_)) => {
            fill(&mut fresh);
            if !comments.trim().is_empty() {
                fresh.decor_mut().set_prefix(format!("\n{comments}"));
            }
            *item = Item::ArrayOfTables([fresh].into_iter().collect());
        }
        Item::Value(_) => return Err(FlyError::Shape { key, expected: "list of tables" }),
    }
    Ok(())
}

/// What stands above an empty list that is written as a value: a header would have it, and the spaces behind the key, within its
/// brackets.
fn uncommented(root: &mut dyn TableLike, key: &str) -> String {
    let is_empty = root.get(key).and_then(Item::as_array).is_some_and(Array::is_empty);
    let Some(mut key) = root.key_mut(key).filter(|_| is_empty) else { return String::new() };
    let decor = key.leaf_decor_mut();
    let comments = decor.prefix().and_then(|prefix| prefix.as_str()).unwrap_or_default().to_owned();
    decor.clear();
    comments
}

fn is_same(old: &Value, new: &Value) -> bool {
    match (old, new) {
        (Value::String(old), Value::String(new)) => old.value() == new.value(),
        (Value::Integer(old), Value::Integer(new)) => old.value() == new.value(),
        (Value::Boolean(old), Value::Boolean(new)) => old.value() == new.value(),
        _ => false,
    }
}
