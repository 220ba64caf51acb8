//! Where a value stands in a file, and where findings go.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Deref, Range};
use std::path::PathBuf;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};
use serde_spanned::Spanned;

use super::{Diagnostic, Place};

/// A value with the bytes of the file that it came from. Compares as its value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct At<T>(Spanned<T>);

impl<T> At<T> {
    /// Where it stands.
    pub(super) fn span(&self) -> Range<usize> {
        self.0.span()
    }
}

impl<T> Deref for At<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.get_ref()
    }
}

impl<T: fmt::Display> fmt::Display for At<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.get_ref().fmt(formatter)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::deserialize(deserializer).map(Self)
    }
}

impl<T: JsonSchema> JsonSchema for At<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A file's name and text.
#[derive(Debug, Clone)]
pub(super) struct Source {
    file: Arc<PathBuf>,
    pub(super) text: Arc<str>,
}

impl Source {
    pub(super) fn new(file: &str, text: &str) -> Self {
        Self { file: Arc::new(PathBuf::from(file)), text: text.into() }
    }

    /// A place in it.
    pub(super) fn place(&self, span: Range<usize>) -> Place {
        Place { file: self.file.clone(), source: self.text.clone(), span }
    }
}

/// More findings help nobody, and drawing them takes time.
const MOST_FINDINGS: usize = 100;

/// What was found so far. Shared by everything that checks.
#[derive(Debug, Default)]
pub(super) struct Findings {
    diagnostics: RefCell<Vec<Diagnostic>>,
    inactive: RefCell<BTreeMap<&'static str, Diagnostic>>,
}

impl Findings {
    /// Takes a finding; what it quotes of the files stays on one line.
    pub(super) fn push(&self, diagnostic: Diagnostic) {
        let message = one_line(&diagnostic.message);
        let help = diagnostic.help.as_deref().map(one_line);
        self.diagnostics.borrow_mut().push(Diagnostic { message, help, ..diagnostic });
    }

    /// Notes a key that the image does not honour yet; the first place of each key counts.
    pub(super) fn inactive(&self, key: &'static str, diagnostic: Diagnostic) {
        self.inactive.borrow_mut().entry(key).or_insert(diagnostic);
    }

    /// All findings, then the inactive keys; both in the order of `files` and of their lines.
    pub(super) fn finish(self, files: &[&str]) -> (Vec<Diagnostic>, Vec<Diagnostic>) {
        let order = |diagnostic: &Diagnostic| {
            let place = diagnostic.place.as_ref();
            let file = place.and_then(|place| files.iter().position(|file| place.file.as_os_str() == *file));
            (file, place.map(|place| (place.span.start, place.span.end)))
        };
        let mut diagnostics = self.diagnostics.into_inner();
        let more = diagnostics.len().saturating_sub(MOST_FINDINGS);
        if more > 0 {
            // Errors first, in case warnings alone would fill the list.
            diagnostics.sort_by_key(|finding| (std::cmp::Reverse(finding.severity), order(finding)));
            diagnostics.truncate(MOST_FINDINGS);
        }
        diagnostics.sort_by_key(order);
        diagnostics.dedup();
        if more > 0 {
            diagnostics.push(Diagnostic::warning(format!("{more} more findings are not shown"), None));
        }
        let mut inactive: Vec<_> = self.inactive.into_inner().into_values().collect();
        inactive.sort_by_key(order);
        (diagnostics, inactive)
    }
}

fn one_line(text: &str) -> String {
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escape).collect()
}
