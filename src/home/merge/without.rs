//! `without`: what a layer takes out of those before it.

use super::{DEEPEST, Layer, Merged, Origin, Origins, retain};

/// A name in `without` that nothing has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmatched {
    /// As written.
    pub name: String,
    /// Where.
    pub origin: Origin,
}

/// Takes packages, daemons and programs' plugins of these names out.
pub(super) fn take_out(merged: &mut Merged, layer: &Layer) {
    let names = layer.table.get("without").and_then(toml::Value::as_array);
    for (index, name) in names.into_iter().flatten().enumerate() {
        let Some(name) = name.as_str() else { continue };
        let Merged { table, origins, .. } = &mut *merged;
        let mut found = take_item(table, origins, "packages", name);
        found |= take_key(table, origins, "daemons", name);
        if let (Some(toml::Value::Table(programs)), Some(origins)) =
            (table.get_mut("programs"), origins.inner.get_mut("programs"))
        {
            found |= take_plugins(programs, origins, name, 0);
        }
        if !found {
            let index = index.to_string();
            let place = layer.places.get(["without", index.as_str()]).cloned();
            let origin = Origin { file: layer.file.as_str().into(), place };
            merged.unmatched.push(Unmatched { name: name.to_owned(), origin });
        }
    }
}

fn take_item(table: &mut toml::Table, origins: &mut Origins, key: &str, name: &str) -> bool {
    match (table.get_mut(key), origins.inner.get_mut(key)) {
        (Some(toml::Value::Array(list)), Some(origins)) => retain(list, origins, |value| !is_called(value, name)),
        _ => false,
    }
}

fn take_key(table: &mut toml::Table, origins: &mut Origins, key: &str, name: &str) -> bool {
    match (table.get_mut(key), origins.inner.get_mut(key)) {
        (Some(toml::Value::Table(table)), Some(origins)) => {
            origins.inner.remove(name);
            table.remove(name).is_some()
        }
        _ => false,
    }
}

/// `plugins` of programs, as deep as they stand; what is in `settings` is the program's own affair.
fn take_plugins(table: &mut toml::Table, origins: &mut Origins, name: &str, depth: usize) -> bool {
    let mut found = take_item(table, origins, "plugins", name);
    if depth >= DEEPEST {
        return found;
    }
    for (key, value) in table.iter_mut().filter(|(key, _)| *key != "settings") {
        if let (toml::Value::Table(inner), Some(origins)) = (value, origins.inner.get_mut(key)) {
            found |= take_plugins(inner, origins, name, depth + 1);
        }
    }
    found
}

/// A name itself, or a plugin with more said about it.
fn is_called(value: &toml::Value, name: &str) -> bool {
    let plugin = value.get("plugin").or_else(|| value.get("name"));
    value.as_str() == Some(name) || plugin.and_then(toml::Value::as_str) == Some(name)
}
