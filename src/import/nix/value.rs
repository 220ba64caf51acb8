//! What a Nix file says, as far as it says it literally.

use std::ops::Range;

/// A file as data.
#[derive(Debug, Default)]
pub(super) struct File {
    /// Its attributes, in order.
    pub(super) entries: Vec<Entry>,
    /// What is no literal.
    pub(super) leftovers: Vec<Leftover>,
    /// Comments that stand outside of leftovers.
    pub(super) comments: Vec<Range<usize>>,
}

/// `path = value;`
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) path: Vec<String>,
    pub(super) value: Value,
    /// Bytes of the whole entry.
    pub(super) span: Range<usize>,
}

/// A literal.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// Text in which `${pkgs.NAME}` stands for a package, and a path of the project.
    Text(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
    Null,
    /// A package, as a request names it: `python3Packages.requests`, `openssl^dev`.
    Package(String),
    List(Vec<Value>),
    Set(Vec<Entry>),
    /// No literal; why, and where.
    Opaque(&'static str, Range<usize>),
}

/// What is not converted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leftover {
    /// Bytes of the file.
    pub(super) span: Range<usize>,
    /// Why, in a few words.
    pub(super) why: String,
}

/// The line of a byte, from 1.
pub(super) fn line(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}
