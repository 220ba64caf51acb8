//! What a script knows at a moment: variables, functions, what it made. Cloned where two ways are followed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::syntax::Command;

/// A text that may not be known.
pub(super) type Value = Option<String>;

/// Longer values are given up: they are unknown.
const LONGEST_VALUE: usize = 64 << 10;

/// So many bytes of all values together.
const LARGEST_STATE: usize = 1 << 20;

#[derive(Debug, Clone, Default)]
pub(super) struct State {
    variables: BTreeMap<String, Value>,
    /// Bytes in the variables.
    size: usize,
    pub(super) functions: BTreeMap<String, Arc<Command>>,
    /// `$1` and so on.
    pub(super) arguments: Vec<Value>,
    /// Paths that were made (`true`) or taken away.
    pub(super) changed: BTreeMap<String, Option<bool>>,
    /// What was written into files.
    pub(super) contents: BTreeMap<String, Value>,
    pub(super) users: BTreeSet<String>,
    pub(super) groups: BTreeSet<String>,
    /// Where relative paths begin.
    pub(super) folder: Value,
    /// Bits that new files and folders don't get; `None`: as everywhere.
    pub(super) umask: Option<u32>,
}

impl State {
    pub(super) fn get(&self, name: &str) -> Value {
        self.variables.get(name).map_or(Some(String::new()), Clone::clone)
    }

    pub(super) fn is_set(&self, name: &str) -> bool {
        self.variables.contains_key(name)
    }

    pub(super) fn set(&mut self, name: &str, value: Value) {
        let old = self.variables.get(name).map_or(0, |old| length(old.as_ref()) + name.len());
        self.size -= old.min(self.size);
        let new = length(value.as_ref()) + name.len();
        let fits = length(value.as_ref()) <= LONGEST_VALUE && self.size + new <= LARGEST_STATE;
        let value = if fits { value } else { None };
        self.size += length(value.as_ref()) + name.len();
        self.variables.insert(name.to_owned(), value);
    }

    pub(super) fn unset(&mut self, name: &str) {
        if let Some(old) = self.variables.remove(name) {
            self.size -= (length(old.as_ref()) + name.len()).min(self.size);
        }
    }

    /// Forgets all variables and functions.
    pub(super) fn clear(&mut self) {
        self.variables.clear();
        self.functions.clear();
        self.arguments.clear();
        self.size = 0;
    }

    /// How much work a clone is, in kilobytes and things.
    pub(super) fn weight(&self) -> usize {
        let contents = self.contents.values().map(|value| length(value.as_ref())).sum::<usize>();
        (self.size + contents) / 1024 + self.variables.len() + self.changed.len() + self.functions.len()
    }

    /// What is known whichever of the two came about.
    pub(super) fn merge(mut self, other: Self) -> Self {
        merge(&mut self.variables, &other.variables, Some(&String::new()));
        for (name, body) in other.functions {
            self.functions.entry(name).or_insert(body);
        }
        merge(&mut self.changed, &other.changed, None);
        merge(&mut self.contents, &other.contents, None);
        self.users.extend(other.users);
        self.groups.extend(other.groups);
        if self.folder != other.folder {
            self.folder = None;
        }
        if self.umask != other.umask {
            self.umask = None;
        }
        if self.arguments != other.arguments {
            self.arguments = vec![None; self.arguments.len().max(other.arguments.len())];
        }
        self
    }
}

fn length(value: Option<&String>) -> usize {
    value.map_or(0, String::len)
}

/// Keeps what both maps have; `absent` stands for what one lacks.
fn merge<T: Clone + PartialEq>(
    map: &mut BTreeMap<String, Option<T>>,
    other: &BTreeMap<String, Option<T>>,
    absent: Option<&T>,
) {
    for (name, value) in map.iter_mut() {
        if other.get(name).map_or(absent, Option::as_ref) != value.as_ref() {
            *value = None;
        }
    }
    for (name, value) in other {
        let unknown = absent.filter(|absent| value.as_ref() == Some(*absent)).cloned();
        map.entry(name.clone()).or_insert(unknown);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merge_forgets_what_differs() {
        let (mut one, mut other) = (State::default(), State::default());
        for state in [&mut one, &mut other] {
            state.set("same", Some("x".into()));
        }
        one.set("differs", Some("1".into()));
        other.set("differs", Some("2".into()));
        other.set("more", Some("3".into()));
        other.set("empty", Some(String::new()));
        let merged = one.merge(other);
        assert_eq!(merged.get("same"), Some("x".into()));
        assert_eq!((merged.get("differs"), merged.get("more")), (None, None));
        assert_eq!(merged.get("empty"), Some(String::new()));
    }

    #[test]
    fn values_are_bounded() {
        let mut state = State::default();
        for number in 0..100 {
            state.set(&format!("v{number}"), Some("x".repeat(LONGEST_VALUE)));
        }
        assert!(state.weight() < 2000);
        assert_eq!(state.get("v99"), None);
        state.set("long", Some("x".repeat(LONGEST_VALUE + 1)));
        assert_eq!(state.get("long"), None);
    }
}
