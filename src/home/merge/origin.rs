//! Where values come from.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::config::Place;

/// The file that says something, and where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// `home.toml`
    pub file: Arc<str>,
    /// Where in the file; `None` where that is not known, as in an image's own layers.
    pub place: Option<Place>,
}

impl Origin {
    /// The line, from 1.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.place.as_ref().map(|place| place.line_column().0)
    }
}

impl fmt::Display for Origin {
    /// `home.toml:12`
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line() {
            Some(line) => write!(formatter, "{}:{line}", self.file),
            None => formatter.write_str(&self.file),
        }
    }
}

/// Origins of a value and of what lies in it, by key; items of a list by their index.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origins {
    /// Who said something of this very key, the earliest first. Of a scalar that was replaced there is the last one only.
    pub own: Vec<Origin>,
    /// What lies in it.
    pub inner: BTreeMap<String, Origins>,
}

impl Origins {
    pub(super) fn of(origin: Origin) -> Self {
        Self { own: vec![origin], inner: BTreeMap::new() }
    }

    /// The origins of `path` itself.
    #[must_use]
    pub fn get<'key>(&self, path: impl IntoIterator<Item = &'key str>) -> Option<&Self> {
        path.into_iter().try_fold(self, |at, key| at.inner.get(key))
    }

    /// The origins of `path`, or of the nearest key around it that has some; empty where nothing does.
    #[must_use]
    pub fn nearest<'key>(&self, path: impl IntoIterator<Item = &'key str>) -> &[Origin] {
        let (mut at, mut nearest) = (self, self.own.as_slice());
        for key in path {
            let Some(inner) = at.inner.get(key) else { break };
            at = inner;
            if !at.own.is_empty() {
                nearest = &at.own;
            }
        }
        nearest
    }
}
