//! system.toml with what was imported in it: a channel and requests, comments and order kept.

use std::str::FromStr as _;

use toml_edit::{Array, DocumentMut, Item, Table, TableLike, Value};

use super::error::ImportError;
use crate::config::{PackageList, add};

/// A channel to declare.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewChannel {
    /// Its name.
    pub name: String,
    /// Its index, a path relative to the project; `None`: caches and keys only.
    pub index: Option<String>,
    /// Binary caches.
    pub caches: Vec<String>,
    /// Their public keys.
    pub keys: Vec<String>,
    /// What it was made of, for the comment above it.
    pub origin: String,
}

/// A file that was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Its new text.
    pub text: String,
    /// The requests as they stand in it, in the order given.
    pub requests: Vec<String>,
    /// Those of them that were not there.
    pub added: Vec<String>,
}

/// Puts requests, and the channel that answers them, into the text of a system.toml.
///
/// Plain names go on meaning what they meant: where the files had one source of names, it becomes the default channel by
/// name, and requests name the new one.
///
/// # Errors
/// The text is no TOML, or it has another channel of that name.
pub fn take_over(text: &str, channel: Option<&NewChannel>, requests: &[String]) -> Result<Taken, ImportError> {
    let mut document = DocumentMut::from_str(text).map_err(|error| ImportError::Edit(error.to_string()))?;
    let mut prefix = String::new();
    if let Some(channel) = channel {
        let default = default_channel(&document, channel);
        declare(&mut document, channel)?;
        if channel.index.is_some() && default.as_deref() != Some(&channel.name) {
            prefix = format!("{}#", channel.name);
        }
        if let Some(default) = default.filter(|_| channel.index.is_some() && document.get("channel").is_none()) {
            document.insert("channel", Item::Value(default.into()));
        }
    }
    let requests: Vec<String> = requests.iter().map(|request| format!("{prefix}{request}")).collect();
    let list = PackageList { tables: &[], default_channel: document.get("channel").and_then(Item::as_str) };
    let edited = add(&document.to_string(), list, &requests).map_err(|error| ImportError::Edit(error.to_string()))?;
    Ok(Taken { text: edited.text, requests, added: edited.added })
}

/// Whether a channel of these files has binary caches.
#[must_use]
pub fn has_caches(text: &str) -> bool {
    let Ok(document) = DocumentMut::from_str(text) else { return false };
    let with_caches = |table: &dyn TableLike| {
        table.contains_key("release")
            || table.get("caches").and_then(Item::as_array).is_some_and(|caches| !caches.is_empty())
    };
    channels(&document).any(|(_, table)| with_caches(table))
}

fn channels(document: &DocumentMut) -> impl Iterator<Item = (&str, &dyn TableLike)> {
    let tables = document.get("channels").and_then(Item::as_table_like);
    let items = tables.into_iter().flat_map(TableLike::iter);
    items.filter_map(|(name, item)| Some((name, item.as_table_like()?)))
}

/// Where plain names come from once the new channel is there. `None`: nowhere, as before.
fn default_channel(document: &DocumentMut, new: &NewChannel) -> Option<String> {
    if let Some(named) = document.get("channel").and_then(Item::as_str) {
        return Some(named.to_owned());
    }
    let has_names = |table: &dyn TableLike| ["release", "index", "suite"].iter().any(|key| table.contains_key(key));
    let mut named = channels(document).filter(|(_, table)| has_names(*table)).map(|(name, _)| name);
    match (named.next(), named.next()) {
        (None, _) => Some(new.name.clone()),
        (Some(only), None) => Some(only.to_owned()),
        (Some(_), Some(_)) => None,
    }
}

/// Adds the channel's table. One that has the same index is as it was: its lines were renewed.
fn declare(document: &mut DocumentMut, channel: &NewChannel) -> Result<(), ImportError> {
    let mut all = Table::new();
    all.set_implicit(true);
    let all = document.entry("channels").or_insert(Item::Table(all));
    let all = all.as_table_like_mut().ok_or_else(|| ImportError::Edit("`channels` is no table".to_owned()))?;
    if let Some(known) = all.get(&channel.name) {
        let index = known.as_table_like().and_then(|table| table.get("index")).and_then(Item::as_str);
        return if index.is_some() && index == channel.index.as_deref() {
            Ok(())
        } else {
            Err(ImportError::ChannelTaken(channel.name.clone()))
        };
    }
    let mut table = Table::new();
    table.decor_mut().set_prefix(format!("\n# Taken over from {}\n", comment(&channel.origin)));
    if let Some(index) = &channel.index {
        table.insert("index", Item::Value(index.into()));
    }
    for (key, values) in [("caches", &channel.caches), ("keys", &channel.keys)] {
        if !values.is_empty() {
            table.insert(key, Item::Value(Value::Array(values.iter().collect::<Array>())));
        }
    }
    all.insert(&channel.name, Item::Table(table));
    Ok(())
}

/// Text that can stand in a comment.
fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel() -> NewChannel {
        NewChannel {
            name: "devbox".to_owned(),
            index: Some("devbox.jsonl".to_owned()),
            caches: vec!["https://cache.example.org".to_owned()],
            keys: vec!["k:AA".to_owned()],
            origin: "a\ndevbox.lock".to_owned(),
        }
    }

    fn taken(text: &str) -> Taken {
        take_over(text, Some(&channel()), &["fd".to_owned(), "git@2".to_owned()]).unwrap()
    }

    #[test]
    fn a_first_channel_is_the_default_one() {
        insta::assert_snapshot!(taken("# mine\n[image]\nname = \"x\" # short\n").text, @r#"
        channel = "devbox"
        packages = ["fd", "git@2"]
        # mine
        [image]
        name = "x" # short

        # Taken over from a devbox.lock
        [channels.devbox]
        index = "devbox.jsonl"
        caches = ["https://cache.example.org"]
        keys = ["k:AA"]
        "#);
    }

    #[test]
    fn plain_names_go_on_meaning_what_they_meant() {
        let before = "packages = [\n  \"bash\", # a shell\n]\n\n[channels.debian]\nsuite = \"sid\"\n";
        let first = taken(before);
        assert_eq!(first.added, ["devbox#fd", "devbox#git@2"]);
        assert!(first.text.contains("channel = \"debian\"") && first.text.contains("\"bash\", # a shell\n"));
        let again = taken(&first.text);
        assert_eq!((again.text, again.added), (first.text, Vec::new()), "the same once more changes nothing");
        let several = taken(&format!("{before}[channels.b]\nindex = \"b\"\n"));
        assert!(!several.text.contains("channel = "), "which one was meant, nobody said");
    }

    #[test]
    fn another_channel_of_that_name_stays() {
        let text = "[channels.devbox]\nindex = \"mine.jsonl\"\n";
        let refused = take_over(text, Some(&channel()), &[]).unwrap_err();
        assert!(matches!(refused, ImportError::ChannelTaken(_)), "{refused}");
        for broken in ["packages = [", "packages = 3\n", "channels = 3\n"] {
            assert!(take_over(broken, Some(&channel()), &["fd".to_owned()]).is_err(), "{broken}");
        }
    }

    #[test]
    fn caches_are_those_of_any_channel() {
        assert!(has_caches("[channels.a]\nrelease = \"nixos-26.05\"\n"));
        assert!(has_caches("[channels.a]\nindex = \"i\"\n[channels.b]\ncaches = [\"/c\"]\n"));
        for without in ["", "[channels.a]\nsuite = \"sid\"\ncaches = []\n", "["] {
            assert!(!has_caches(without), "{without}");
        }
    }
}
