//! What a word becomes: parameters, substitutions, fields, names of files.

use super::pattern::{self, characters, is_special};
use super::run::Runner;
use super::state::Value;
use super::syntax::{Operation, Piece, Word};

/// A word becomes at most so many fields.
const MOST_FIELDS: usize = 4096;

/// What a piece of a word became.
struct Part {
    /// Several where `$@` was.
    values: Vec<Value>,
    quoted: bool,
    /// It stood in the script: blanks in it were escaped.
    written: bool,
}

impl Part {
    fn new(value: Value, quoted: bool) -> Self {
        Self { values: vec![value], quoted, written: false }
    }
}

/// A field under construction.
#[derive(Default)]
struct Field {
    text: Value,
    /// The same, with a backslash before what was quoted.
    pattern: String,
    has_pattern: bool,
    exists: bool,
}

impl Field {
    fn new() -> Self {
        Self { text: Some(String::new()), ..Self::default() }
    }

    fn push(&mut self, value: &Value, quoted: bool) {
        self.exists = true;
        let (Some(text), Some(value)) = (&mut self.text, value) else {
            self.text = None;
            return;
        };
        text.push_str(value);
        self.has_pattern |= !quoted && value.contains(is_special);
        push_pattern(&mut self.pattern, value, quoted);
    }
}

fn push_pattern(pattern: &mut String, text: &str, quoted: bool) {
    for character in text.chars() {
        if quoted && is_special(character) {
            pattern.push('\\');
        }
        pattern.push(character);
    }
}

impl Runner<'_> {
    /// A word that stays one: an assignment's value, a redirection's target.
    pub(super) fn single(&mut self, word: &Word) -> Value {
        let parts = self.parts(word);
        let mut whole = String::new();
        for part in parts {
            for (index, value) in part.values.iter().enumerate() {
                if index > 0 {
                    whole.push(' ');
                }
                whole.push_str(value.as_deref()?);
            }
        }
        self.spend(whole.len() / 1024);
        Some(whole)
    }

    /// A word as a pattern: what was quoted means itself.
    pub(super) fn pattern(&mut self, word: &Word) -> Value {
        let parts = self.parts(word);
        let mut pattern = String::new();
        for part in parts {
            for value in &part.values {
                push_pattern(&mut pattern, value.as_deref()?, part.quoted);
            }
        }
        Some(pattern)
    }

    /// A word's fields: split at blanks, names of files filled in.
    pub(super) fn fields(&mut self, word: &Word) -> Vec<Value> {
        let parts = self.parts(word);
        let separators = self.separators();
        let mut fields = Vec::new();
        let mut field = Field::new();
        for part in &parts {
            for (index, value) in part.values.iter().enumerate() {
                if index > 0 {
                    self.finish(&mut field, &mut fields);
                }
                match value {
                    Some(text) if !part.quoted && !part.written => {
                        self.split(text, &separators, &mut field, &mut fields);
                    }
                    _ => field.push(value, part.quoted),
                }
            }
        }
        self.finish(&mut field, &mut fields);
        self.spend(fields.len() / 16);
        fields
    }

    fn separators(&self) -> String {
        if self.state.is_set("IFS") { self.state.get("IFS").unwrap_or_default() } else { " \t\n".to_owned() }
    }

    fn split(&mut self, text: &str, separators: &str, field: &mut Field, fields: &mut Vec<Value>) {
        let mut rest = text;
        while let Some((start, separator)) = rest.char_indices().find(|(_, c)| separators.contains(*c)) {
            if start > 0 {
                field.push(&Some(rest[..start].to_owned()), false);
            }
            self.finish(field, fields);
            rest = &rest[start + separator.len_utf8()..];
        }
        if !rest.is_empty() {
            field.push(&Some(rest.to_owned()), false);
        }
    }

    fn finish(&mut self, field: &mut Field, fields: &mut Vec<Value>) {
        let field = std::mem::replace(field, Field::new());
        if !field.exists || fields.len() >= MOST_FIELDS {
            return;
        }
        let found = match &field.text {
            Some(text) if field.has_pattern => self.files_like(text, &field.pattern),
            _ => Vec::new(),
        };
        if found.is_empty() { fields.push(field.text) } else { fields.extend(found.into_iter().map(Some)) }
    }

    /// The package's own files that a pattern names.
    fn files_like(&mut self, text: &str, pattern: &str) -> Vec<String> {
        let Some(path) = self.absolute(text) else { return Vec::new() };
        let depth = path.matches('/').count();
        let entries = self.package.listing.entries();
        self.spend(entries.len() / 16);
        let folder = path.split(is_special).next().unwrap_or_default();
        let pattern = characters(&super::paths::canonical(pattern));
        let candidates = entries.iter().filter_map(|entry| std::str::from_utf8(entry.path.as_bytes()).ok());
        let candidates = candidates.map(|path| format!("/{path}"));
        let is_like = |path: &String| {
            path.starts_with(folder)
                && path.matches('/').count() == depth
                && !path.rsplit('/').next().unwrap_or_default().starts_with('.')
                && pattern::matches(&pattern, &characters(path))
        };
        candidates.filter(is_like).take(MOST_FIELDS).collect()
    }

    fn parts(&mut self, word: &Word) -> Vec<Part> {
        word.0.iter().map(|piece| self.part(piece)).collect()
    }

    fn part(&mut self, piece: &Piece) -> Part {
        match piece {
            Piece::Plain(text) => Part { values: vec![Some(text.clone())], quoted: false, written: true },
            Piece::Quoted(text) => Part::new(Some(text.clone()), true),
            Piece::Opaque => Part::new(None, true),
            Piece::Substitution { block, quoted } => {
                let output = self.captured(|runner| runner.block(block));
                Part::new(output.map(|text| text.trim_end_matches('\n').to_owned()), *quoted)
            }
            Piece::Parameter { name, operation, quoted } => match (name.as_str(), operation) {
                ("@" | "*", Operation::Plain) if name == "@" || !quoted => {
                    let values = self.state.arguments.clone();
                    // Outside of quotes the arguments are split, too; they hardly ever have blanks.
                    Part { values, quoted: *quoted, written: false }
                }
                _ => Part::new(self.parameter(name, operation), *quoted),
            },
        }
    }

    fn parameter(&mut self, name: &str, operation: &Operation) -> Value {
        let value = self.variable(name);
        let is_set = self.has_variable(name);
        // Nothing for `${x-…}` is a variable that isn't there; for `${x:-…}` an empty one, too.
        let is_there = |colon: bool| match &value {
            Some(text) => Some(if colon { !text.is_empty() } else { is_set }),
            None if colon => None,
            None => Some(is_set),
        };
        match operation {
            Operation::Plain | Operation::Required => value,
            Operation::Length => value.map(|text| text.chars().count().to_string()),
            Operation::Default { colon, word } => {
                if is_there(*colon)? {
                    value
                } else {
                    self.single(word)
                }
            }
            Operation::Assign { colon, word } => {
                if is_there(*colon)? {
                    return value;
                }
                let new = self.single(word);
                self.state.set(name, new.clone());
                new
            }
            Operation::Alternative { colon, word } => {
                if is_there(*colon)? {
                    self.single(word)
                } else {
                    Some(String::new())
                }
            }
            Operation::TrimStart { longest, pattern } => self.trimmed(value, pattern, *longest, pattern::trim_start),
            Operation::TrimEnd { longest, pattern } => self.trimmed(value, pattern, *longest, pattern::trim_end),
            Operation::Other => None,
        }
    }

    fn trimmed(&mut self, value: Value, word: &Word, longest: bool, trim: fn(&str, &str, bool) -> String) -> Value {
        let pattern = self.pattern(word)?;
        let text = value?;
        // A hostile text costs the cube of its length.
        if text.len() > 1000 || pattern.len() > 100 {
            return None;
        }
        self.spend(text.len() * text.len() * pattern.len() / 512);
        Some(trim(&pattern, &text, longest))
    }

    /// A variable's value; what was never set is empty.
    pub(super) fn variable(&self, name: &str) -> Value {
        let arguments = &self.state.arguments;
        match name {
            "#" => Some(arguments.len().to_string()),
            "@" | "*" => arguments.iter().cloned().collect::<Option<Vec<_>>>().map(|all| all.join(" ")),
            "?" => self.status.map(|success| u8::from(!success).to_string()),
            "0" => Some(format!("/var/lib/dpkg/info/{}.{}", self.package.name, self.script)),
            "$" => Some("2".to_owned()),
            "!" => None,
            "-" => Some("e".to_owned()),
            _ => match name.parse::<usize>() {
                Ok(number) => {
                    let argument = number.checked_sub(1).and_then(|index| arguments.get(index));
                    argument.map_or(Some(String::new()), Clone::clone)
                }
                Err(_) => self.state.get(name),
            },
        }
    }

    fn has_variable(&self, name: &str) -> bool {
        match name.parse::<usize>() {
            Ok(number) => number <= self.state.arguments.len(),
            Err(_) => matches!(name, "#" | "@" | "*" | "?" | "$" | "!" | "-") || self.state.is_set(name),
        }
    }
}
