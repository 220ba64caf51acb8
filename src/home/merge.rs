//! Lays the layers of a home over each other, and remembers where every value came from.
//!
//! Tables merge, a later scalar wins. Lists follow Home Manager: they come one after the other (`packages`, `sessionPath`
//! and `plugins` without what is there already); so do texts of several lines, such as `initExtra`. Where data is free
//! (`settings`, files' contents, daemons), a later list takes the earlier one's place.

mod origin;
mod rule;
mod without;

use std::collections::BTreeMap;

use crate::boot::HomeLayer;
use crate::config::{Home, Machine, Place, Places};

pub use origin::{Origin, Origins};
use rule::{Rule, exclusive, rule};
pub use without::Unmatched;

/// TOML's parser and JSON's stop earlier; what lies deeper is taken as one value.
const DEEPEST: usize = 100;

/// One file's part of a home.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Layer {
    /// What to call it: `home.toml`.
    pub file: String,
    /// As a home's file has it, `packages`, `without` and `inherit` too.
    pub table: toml::Table,
    /// Where all of it stands, as far as that is known.
    pub places: Places,
}

impl Layer {
    /// A checked home, from the file of this name.
    #[must_use]
    pub fn of_home(file: &str, home: &Home) -> Self {
        let mut table = home.settings.clone();
        let mut put = |key: &str, list: Vec<toml::Value>| {
            if !list.is_empty() {
                table.insert(key.to_owned(), toml::Value::Array(list));
            }
        };
        put("packages", home.packages.iter().map(|request| request.text.clone().into()).collect());
        put("without", home.without.iter().map(|name| name.clone().into()).collect());
        Self { file: file.to_owned(), table, places: home.places.clone() }
    }

    /// A layer that an image keeps: its lines are not known any more.
    #[must_use]
    pub fn of_base(layer: &HomeLayer) -> Self {
        Self { file: layer.origin.clone(), table: layer.table.clone(), places: Places::default() }
    }

    /// What an image keeps of it.
    #[must_use]
    pub fn to_base(&self) -> HomeLayer {
        HomeLayer { origin: self.file.clone(), table: self.table.clone() }
    }

    fn inherits(&self) -> bool {
        self.table.get("inherit").and_then(toml::Value::as_bool) != Some(false)
    }
}

/// The layers of a declared user's home, the most general first.
#[must_use]
pub fn layers(machine: &Machine, user: &str) -> Vec<Layer> {
    let shared = Layer::of_home("home.toml", &machine.home);
    let own = machine.users.get(user).map(|user| Layer::of_home("users.toml", &user.home));
    std::iter::once(shared).chain(own).filter(|layer| !layer.table.is_empty()).collect()
}

/// All layers as one home.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Merged {
    /// As home.toml has it, without `without` and `inherit`.
    pub table: toml::Table,
    /// Where every key and every item of a list comes from.
    pub origins: Origins,
    /// What `without` names and no earlier layer gives.
    pub unmatched: Vec<Unmatched>,
}

impl Merged {
    /// Where findings about `path` should point.
    #[must_use]
    pub fn place<'key>(&self, path: impl IntoIterator<Item = &'key str>) -> Option<Place> {
        self.origins.nearest(path).last().and_then(|origin| origin.place.clone())
    }

    /// What it is as a layer: for whatever builds on it.
    #[must_use]
    pub fn to_home(&self) -> Home {
        let mut settings = self.table.clone();
        let requests = match settings.remove("packages") {
            Some(toml::Value::Array(list)) => list,
            _ => Vec::new(),
        };
        let texts = requests.iter().filter_map(toml::Value::as_str);
        let packages = texts.filter_map(|text| crate::config::Request::parse(text, None).ok()).collect();
        Home { packages, settings, ..Home::default() }
    }
}

/// Merges `layers`, the most general first. One that says `inherit = false` drops all before it.
#[must_use]
pub fn merge(layers: &[Layer]) -> Merged {
    let first = layers.iter().rposition(|layer| !layer.inherits()).unwrap_or(0);
    let mut merged = Merged::default();
    for (index, layer) in layers.iter().enumerate().skip(first) {
        // The first layer has nothing to take out of.
        if index > first {
            without::take_out(&mut merged, layer);
        }
        let mut table = layer.table.clone();
        table.remove("without");
        table.remove("inherit");
        let source = Source { file: layer.file.as_str().into(), places: Some(&layer.places) };
        merge_table(&mut merged.table, &mut merged.origins, table, &source, &mut Vec::new());
    }
    merged
}

/// Where what is being merged comes from.
struct Source<'a> {
    file: std::sync::Arc<str>,
    /// Of the current path; `None` where nothing is known of it.
    places: Option<&'a Places>,
}

impl<'a> Source<'a> {
    fn below(&self, key: &str) -> Source<'a> {
        Source { file: self.file.clone(), places: self.places.and_then(|places| places.below(key)) }
    }

    fn origin(&self) -> Origin {
        Origin { file: self.file.clone(), place: self.places.and_then(|places| places.get([])).cloned() }
    }
}

fn merge_table(
    target: &mut toml::Table,
    origins: &mut Origins,
    table: toml::Table,
    source: &Source<'_>,
    path: &mut Vec<String>,
) {
    let rivals = exclusive(path);
    if table.keys().any(|key| rivals.contains(&key.as_str())) {
        for rival in rivals.iter().filter(|rival| !table.contains_key(**rival)) {
            target.remove(*rival);
            origins.inner.remove(*rival);
        }
    }
    for (key, value) in table {
        let source = source.below(&key);
        path.push(key.clone());
        let below = origins.inner.entry(key.clone()).or_default();
        match target.get_mut(&key) {
            Some(existing) => merge_value(existing, below, value, &source, path),
            None => {
                target.insert(key, fresh(value, below, &source, path));
            }
        }
        path.pop();
    }
}

/// A value that no earlier layer has. Tables are merged into empty ones, so that there is one way for all.
fn fresh(value: toml::Value, origins: &mut Origins, source: &Source<'_>, path: &mut Vec<String>) -> toml::Value {
    *origins = Origins::of(source.origin());
    match value {
        toml::Value::Table(table) if path.len() < DEEPEST => {
            let mut target = toml::Table::new();
            merge_table(&mut target, origins, table, source, path);
            toml::Value::Table(target)
        }
        toml::Value::Array(values) => {
            let mut target = Vec::new();
            append(&mut target, origins, values, source, rule(path) == Rule::Unite);
            toml::Value::Array(target)
        }
        scalar => scalar,
    }
}

fn merge_value(
    target: &mut toml::Value,
    origins: &mut Origins,
    value: toml::Value,
    source: &Source<'_>,
    path: &mut Vec<String>,
) {
    match (&mut *target, value) {
        (toml::Value::Table(target), toml::Value::Table(table)) if path.len() < DEEPEST => {
            origins.own.push(source.origin());
            merge_table(target, origins, table, source, path);
        }
        (toml::Value::Array(target), toml::Value::Array(values)) if rule(path) != Rule::Replace => {
            origins.own.push(source.origin());
            append(target, origins, values, source, rule(path) == Rule::Unite);
        }
        (toml::Value::String(target), toml::Value::String(text)) if rule(path) == Rule::Lines => {
            origins.own.push(source.origin());
            if !target.is_empty() && !target.ends_with('\n') {
                target.push('\n');
            }
            target.push_str(&text);
        }
        (_, value) => *target = fresh(value, origins, source, path),
    }
}

/// Appends `values`; with `unite`, those that are not there yet.
fn append(
    target: &mut Vec<toml::Value>,
    origins: &mut Origins,
    values: Vec<toml::Value>,
    source: &Source<'_>,
    unite: bool,
) {
    for (index, value) in values.into_iter().enumerate() {
        if unite && target.contains(&value) {
            continue;
        }
        let origin = source.below(&index.to_string()).origin();
        origins.inner.insert(target.len().to_string(), Origins::of(origin));
        target.push(value);
    }
}

/// Keeps those items of a list that `keep` wants, and their origins.
fn retain(list: &mut Vec<toml::Value>, origins: &mut Origins, keep: impl Fn(&toml::Value) -> bool) -> bool {
    let before = list.len();
    let mut kept = BTreeMap::new();
    let mut values = Vec::new();
    for (index, value) in std::mem::take(list).into_iter().enumerate() {
        if keep(&value) {
            if let Some(origin) = origins.inner.remove(&index.to_string()) {
                kept.insert(values.len().to_string(), origin);
            }
            values.push(value);
        }
    }
    *list = values;
    origins.inner = kept;
    list.len() < before
}

#[cfg(test)]
mod tests;
