//! What programs say to shells: quoting, variables, aliases, and pieces of start files in their order.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

use super::options::wrong;
use super::{Context, OptionError};

/// Where a piece stands that names no order.
pub const DEFAULT_ORDER: u32 = 1000;

/// Pieces for fish from here on run in every fish, at the very end of its configuration, and not in interactive ones only.
pub const FISH_LAST: u32 = 10_000;

/// Text of a start file: one, or pieces with places of their own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "a text, or a list of texts and of `{ order = 1200, text = \"…\" }`")]
pub enum Lines {
    /// `"echo hello"`
    One(String),
    /// `["echo hello", { order = 1200, text = "…" }]`
    Many(Vec<Piece>),
}

/// A piece of a start file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "a text or `{ order = 1200, text = \"…\" }`")]
pub enum Piece {
    /// At [`DEFAULT_ORDER`].
    Text(String),
    /// At a place of its own.
    Ordered(OrderedPiece),
}

/// A piece with its place.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderedPiece {
    /// Less is earlier.
    pub order: u32,
    /// What stands there.
    pub text: String,
}

impl Default for Lines {
    fn default() -> Self {
        Self::One(String::new())
    }
}

impl Lines {
    /// The pieces with their places, as written; empty ones left out.
    #[must_use]
    pub fn pieces(&self) -> Vec<(u32, String)> {
        let mut pieces: Vec<(u32, String)> = match self {
            Self::One(text) => vec![(DEFAULT_ORDER, text.clone())],
            Self::Many(pieces) => pieces.iter().map(Piece::placed).collect(),
        };
        pieces.retain(|(_, text)| !text.trim().is_empty());
        pieces
    }

    /// One piece more.
    pub fn push(&mut self, order: u32, text: String) {
        let mut pieces = match std::mem::take(self) {
            Self::One(text) => vec![Piece::Text(text)],
            Self::Many(pieces) => pieces,
        };
        pieces.push(Piece::Ordered(OrderedPiece { order, text }));
        *self = Self::Many(pieces);
    }
}

impl Piece {
    fn placed(&self) -> (u32, String) {
        match self {
            Self::Text(text) => (DEFAULT_ORDER, text.clone()),
            Self::Ordered(piece) => (piece.order, piece.text.clone()),
        }
    }
}

/// The pieces in their order, each on lines of its own; those of one place as they came.
#[must_use]
pub fn in_order(mut pieces: Vec<(u32, String)>) -> String {
    pieces.sort_by_key(|(order, _)| *order);
    blocks(pieces.iter().map(|(_, text)| text.as_str()))
}

/// The texts with an empty line between two, ending in a line's end; empty ones left out.
#[must_use]
pub fn blocks<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut whole = String::new();
    for text in texts {
        let text = text.trim_end_matches('\n');
        if text.trim().is_empty() {
            continue;
        }
        if !whole.is_empty() {
            whole.push('\n');
        }
        whole += text;
        whole.push('\n');
    }
    whole
}

/// Each on a line of its own.
#[must_use]
pub fn lines(lines: impl IntoIterator<Item = String>) -> String {
    let mut text = String::new();
    for line in lines {
        text += &line;
        text.push('\n');
    }
    text
}

/// `text` as one word for sh, bash and zsh; as it is where nothing in it means anything.
#[must_use]
pub fn quote(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// Nothing in it means anything to a shell.
pub(super) fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || ",._+:@%/-".contains(c))
}

/// `alias -- name=command` for each, as bash and zsh read it.
#[must_use]
pub fn aliases(aliases: &BTreeMap<String, String>, flags: &str) -> String {
    let mut text = String::new();
    for (name, command) in aliases {
        _ = writeln!(text, "alias {flags}-- {}={}", quote(name), quote(command));
    }
    text
}

/// Whether `name` can name a variable.
#[must_use]
pub fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Findings for the names below `option` that can't name a variable.
pub fn check_variables<'a>(
    program: &str,
    option: &str,
    names: impl IntoIterator<Item = &'a String>,
) -> Vec<OptionError> {
    names
        .into_iter()
        .filter(|name| !is_variable(name))
        .map(|name| wrong(program, &[option, name], "a variable's name has letters, digits and `_` only"))
        .collect()
}

/// The folder that `source` stands for: what answered it as a request, or itself where it is absolute.
#[must_use]
pub fn folder(context: &Context<'_>, source: &str) -> Option<String> {
    match (context.package)(source) {
        Some(path) => Some(path.to_string()),
        None => source.starts_with('/').then(|| source.to_owned()),
    }
}

/// Whether a plugin's `src` has to be asked for: a path of the file system is there as it is.
#[must_use]
pub fn is_request(source: &str) -> bool {
    !source.starts_with('/') && !source.is_empty()
}

/// Nothing answered `request`.
#[must_use]
pub fn unanswered(program: &str, path: &[&str], request: &str) -> OptionError {
    let mut error = wrong(program, path, &format!("nothing answers `{request}`"));
    error.help = Some("write a package, `channel#package`, or an absolute path that the machine has".to_owned());
    error
}

/// Whether the name can be a file's: no `/`, no NUL, not empty, no dots only.
#[must_use]
pub fn is_file_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(['/', '\0']) && name != "." && name != ".."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_only_what_means_something() {
        assert_eq!(quote("git-status"), "git-status");
        assert_eq!(quote("ls -l"), "'ls -l'");
        assert_eq!(quote("it's"), r"'it'\''s'");
        assert_eq!(quote(""), "''");
    }

    #[test]
    fn pieces_stand_in_their_order_and_then_as_written() {
        let lines = Lines::Many(vec![
            Piece::Text("b".into()),
            Piece::Ordered(OrderedPiece { order: 500, text: "a\n".into() }),
            Piece::Text("c".into()),
            Piece::Text(" \n".into()),
        ]);
        assert_eq!(in_order(lines.pieces()), "a\n\nb\n\nc\n");
    }
}
