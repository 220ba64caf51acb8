//! A file's attributes one by one, each with its whole path; and the TOML that they become.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::{Table, Value as Toml};

use super::value::{Entry, File, Leftover, Value};
use crate::config::{Part, Template};

/// One attribute that is no set, or an empty one.
pub(super) struct Leaf {
    pub(super) path: Vec<String>,
    pub(super) value: Value,
    pub(super) span: Range<usize>,
}

/// All attributes of `entries`, sets taken apart.
pub(super) fn leaves(entries: Vec<Entry>) -> Vec<Leaf> {
    let mut all = Vec::new();
    // Last first, as the end of the list is what is taken next.
    let mut waiting: Vec<(Vec<String>, Entry)> = entries.into_iter().rev().map(|entry| (Vec::new(), entry)).collect();
    while let Some((mut path, entry)) = waiting.pop() {
        path.extend(entry.path);
        match entry.value {
            Value::Set(inner) if !inner.is_empty() => {
                waiting.extend(inner.into_iter().rev().map(|entry| (path.clone(), entry)));
            }
            value => all.push(Leaf { path, value, span: entry.span }),
        }
    }
    all
}

/// A TOML file in the making.
#[derive(Default)]
pub(super) struct Sheet {
    pub(super) table: Table,
    pub(super) leftovers: Vec<Leftover>,
    /// What stands in the table, with its span in the Nix file.
    placed: Vec<(Vec<String>, Range<usize>)>,
}

impl Sheet {
    /// With what reading `file` left over.
    pub(super) fn of(file: &mut File) -> Self {
        Self { leftovers: std::mem::take(&mut file.leftovers), ..Self::default() }
    }

    pub(super) fn leave(&mut self, span: Range<usize>, why: impl Into<String>) {
        self.leftovers.push(Leftover { span, why: why.into() });
    }

    /// Puts a leaf's value at `path`, as far as it is literal.
    pub(super) fn put(&mut self, path: &[String], leaf: Leaf) {
        let Leaf { value, span, .. } = leaf;
        match value {
            Value::Opaque(why, _) => self.leave(span, why),
            Value::Null => self.leave(span, "TOML has no null"),
            value => {
                let Some(value) = self.plain(value, &span) else { return };
                if insert(&mut self.table, path, value) {
                    self.placed.push((path.to_vec(), span));
                } else {
                    self.leave(span, "it is said twice");
                }
            }
        }
    }

    /// A value as TOML has it; what is no literal in it is left over.
    fn plain(&mut self, value: Value, within: &Range<usize>) -> Option<Toml> {
        match value {
            Value::Text(text) | Value::Package(text) => Some(Toml::String(text)),
            Value::Integer(number) => Some(Toml::Integer(number)),
            Value::Float(number) => Some(Toml::Float(number)),
            Value::Bool(is) => Some(Toml::Boolean(is)),
            Value::List(items) => {
                Some(Toml::Array(items.into_iter().filter_map(|item| self.plain(item, within)).collect()))
            }
            Value::Set(entries) => {
                let mut table = Table::new();
                for leaf in leaves(entries) {
                    let Leaf { path, value, span } = leaf;
                    if let Some(value) = self.plain(value, &span)
                        && !insert(&mut table, &path, value)
                    {
                        self.leave(span, "it is said twice");
                    }
                }
                Some(Toml::Table(table))
            }
            Value::Null => {
                self.leave(within.clone(), "TOML has no null");
                None
            }
            Value::Opaque(why, span) => {
                self.leave(span, why);
                None
            }
        }
    }

    /// Requests the packages that texts below `base` name: in Nix, naming one brings it along.
    pub(super) fn request_named(&mut self, base: &[String]) {
        let Some(inside) = table_at(&self.table, base) else { return };
        let mut named = BTreeSet::new();
        inside.iter().filter(|(key, _)| *key != "packages").for_each(|(_, value)| collect_named(value, &mut named));
        let is_there = |name: &String| {
            let packages = inside.get("packages").and_then(Toml::as_array);
            packages.into_iter().flatten().any(|request| request.as_str() == Some(name))
        };
        let missing: Vec<Toml> = named.into_iter().filter(|name| !is_there(name)).map(Toml::String).collect();
        if !missing.is_empty() {
            insert(&mut self.table, &[base, &["packages".to_owned()]].concat(), Toml::Array(missing));
        }
    }

    /// Takes out again what stands at `path`, and leaves it over.
    pub(super) fn take_out(&mut self, path: &[String], why: &str) {
        remove(&mut self.table, path);
        let (gone, rest) = std::mem::take(&mut self.placed).into_iter().partition(|(at, _)| at.starts_with(path));
        self.placed = rest;
        let gone: Vec<(Vec<String>, Range<usize>)> = gone;
        for (_, span) in gone {
            self.leave(span, why);
        }
    }
}

/// The table at `path`.
pub(super) fn table_at<'a>(table: &'a Table, path: &[String]) -> Option<&'a Table> {
    path.iter().try_fold(table, |table, key| table.get(key)?.as_table())
}

/// The packages that texts in `value` name. Values are no deeper than what is read of a Nix file.
fn collect_named(value: &Toml, named: &mut BTreeSet<String>) {
    match value {
        Toml::String(text) => {
            let parts = Template::parse(text, None).map(|template| template.parts).unwrap_or_default();
            named.extend(parts.into_iter().filter_map(|part| match part {
                Part::Package(name) => Some(name),
                Part::Text(_) => None,
            }));
        }
        Toml::Array(values) => values.iter().for_each(|value| collect_named(value, named)),
        Toml::Table(table) => table.values().for_each(|value| collect_named(value, named)),
        _ => {}
    }
}

/// Puts `value` at `path`. `false`: something stands there, or in the way. Lists that are said twice are one.
fn insert(table: &mut Table, path: &[String], value: Toml) -> bool {
    let Some((last, parents)) = path.split_last() else { return false };
    let mut table = table;
    for parent in parents {
        match table.entry(parent.as_str()).or_insert_with(|| Toml::Table(Table::new())) {
            Toml::Table(inner) => table = inner,
            _ => return false,
        }
    }
    match (table.get_mut(last), value) {
        (None, value) => table.insert(last.clone(), value).is_none(),
        (Some(Toml::Array(there)), Toml::Array(more)) => {
            there.extend(more);
            true
        }
        (Some(Toml::Table(_)), Toml::Table(more)) if more.is_empty() => true,
        _ => false,
    }
}

/// Takes out what stands at `path`, and tables that are empty then.
fn remove(table: &mut Table, path: &[String]) {
    let Some((first, rest)) = path.split_first() else { return };
    let is_empty = match table.get_mut(first) {
        Some(Toml::Table(inner)) if !rest.is_empty() => {
            remove(inner, rest);
            inner.is_empty()
        }
        _ => rest.is_empty(),
    };
    if is_empty {
        table.remove(first);
    }
}
