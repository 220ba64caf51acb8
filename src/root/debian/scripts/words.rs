//! Reads words: quotes, parameters, substitutions.

use std::sync::Arc;

use super::parse::{Parser, SyntaxError};
use super::syntax::{Operation, Piece, Word};

/// What ends a word, and whether quotes mean anything in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    /// An ordinary word: blanks and operators end it.
    Word,
    /// The part of `${x:-…}` behind the operator: `}` ends it.
    Braces,
    /// The same inside of double quotes: blanks and single quotes are text.
    QuotedBraces,
    /// The text of a here-document: the end of input ends it.
    Document,
}

impl Parser<'_> {
    /// Reads a word; empty where none begins here.
    pub(super) fn word(&mut self, context: Context) -> Result<Word, SyntaxError> {
        let mut pieces = Vec::new();
        while let Some(next) = self.peek() {
            let quoted = matches!(context, Context::QuotedBraces | Context::Document);
            match next {
                '}' if matches!(context, Context::Braces | Context::QuotedBraces) => break,
                ' ' | '\t' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')' if context == Context::Word => break,
                '\'' if !quoted => pieces.push(self.single_quotes()?),
                '"' if context != Context::Document => self.double_quotes(&mut pieces)?,
                '\\' => self.escape(quoted, &mut pieces),
                '$' => pieces.push(self.dollar(quoted)?),
                '`' => pieces.push(self.backticks(quoted)?),
                _ => {
                    self.bump();
                    push(&mut pieces, next, quoted);
                }
            }
        }
        Ok(Word(pieces))
    }

    fn single_quotes(&mut self) -> Result<Piece, SyntaxError> {
        self.bump();
        let mut text = String::new();
        loop {
            match self.bump() {
                Some('\'') => return Ok(Piece::Quoted(text)),
                Some(other) => text.push(other),
                None => return Err(self.fault("a quote isn't closed")),
            }
        }
    }

    fn double_quotes(&mut self, pieces: &mut Vec<Piece>) -> Result<(), SyntaxError> {
        self.bump();
        // An empty pair of quotes is a field, too.
        pieces.push(Piece::Quoted(String::new()));
        loop {
            match self.peek() {
                Some('"') => {
                    self.bump();
                    return Ok(());
                }
                Some('\\') => self.escape(true, pieces),
                Some('$') => pieces.push(self.dollar(true)?),
                Some('`') => pieces.push(self.backticks(true)?),
                Some(other) => {
                    self.bump();
                    push(pieces, other, true);
                }
                None => return Err(self.fault("a quote isn't closed")),
            }
        }
    }

    fn escape(&mut self, quoted: bool, pieces: &mut Vec<Piece>) {
        self.bump();
        match self.bump() {
            Some('\n') => {}
            Some(special) if !quoted || matches!(special, '$' | '`' | '"' | '\\') => push(pieces, special, true),
            Some(other) => {
                push(pieces, '\\', true);
                push(pieces, other, true);
            }
            None => push(pieces, '\\', true),
        }
    }

    /// What begins with `$`.
    fn dollar(&mut self, quoted: bool) -> Result<Piece, SyntaxError> {
        self.bump();
        let plain = |name: String| Piece::Parameter { name, operation: Operation::Plain, quoted };
        match self.peek() {
            Some('{') => self.braces(quoted),
            Some('(') if self.peek_at(1) == Some('(') => self.arithmetic(),
            Some('(') => {
                self.bump();
                let block = self.block(&[")"])?;
                self.expect(')')?;
                Ok(Piece::Substitution { block: Arc::new(block), quoted })
            }
            Some('\'') if !quoted => self.single_quotes(),
            Some(letter) if letter.is_ascii_alphabetic() || letter == '_' => Ok(plain(self.name())),
            Some(special) if special.is_ascii_digit() || "@*#?-$!".contains(special) => {
                self.bump();
                Ok(plain(special.to_string()))
            }
            _ => Ok(Piece::Quoted("$".to_owned())),
        }
    }

    fn braces(&mut self, quoted: bool) -> Result<Piece, SyntaxError> {
        self.bump();
        let length = self.peek() == Some('#') && self.peek_at(1) != Some('}');
        if length {
            self.bump();
        }
        let name = self.parameter_name();
        let operation = if length { Operation::Length } else { self.operation(quoted)? };
        if name.is_empty() || self.peek() != Some('}') {
            self.rest_of_braces()?;
            return Ok(Piece::Opaque);
        }
        self.bump();
        Ok(Piece::Parameter { name, operation, quoted })
    }

    fn parameter_name(&mut self) -> String {
        match self.peek() {
            Some(digit) if digit.is_ascii_digit() => {
                let mut name = String::new();
                while let Some(digit) = self.peek().filter(char::is_ascii_digit) {
                    self.bump();
                    name.push(digit);
                }
                name
            }
            Some(special) if "@*#?-$!".contains(special) => {
                self.bump();
                special.to_string()
            }
            _ => self.name(),
        }
    }

    fn operation(&mut self, quoted: bool) -> Result<Operation, SyntaxError> {
        let colon = self.peek() == Some(':');
        let Some(sign) = self.peek_at(usize::from(colon)) else { return Err(self.fault("`${` isn't closed")) };
        if sign == '}' && !colon {
            return Ok(Operation::Plain);
        }
        let doubled = matches!(sign, '#' | '%') && self.peek_at(1) == Some(sign);
        if !"-=+?#%".contains(sign) || (colon && matches!(sign, '#' | '%')) {
            return Ok(Operation::Other);
        }
        for _ in 0..1 + usize::from(colon) + usize::from(doubled) {
            self.bump();
        }
        self.deeper()?;
        let is_trim = matches!(sign, '#' | '%');
        let word = self.word(if quoted && !is_trim { Context::QuotedBraces } else { Context::Braces })?;
        self.depth -= 1;
        Ok(match sign {
            '-' => Operation::Default { colon, word },
            '=' => Operation::Assign { colon, word },
            '+' => Operation::Alternative { colon, word },
            '#' => Operation::TrimStart { longest: doubled, pattern: word },
            '%' => Operation::TrimEnd { longest: doubled, pattern: word },
            _ => Operation::Required,
        })
    }

    /// Passes over what a `${` has that isn't understood, up to its end.
    fn rest_of_braces(&mut self) -> Result<(), SyntaxError> {
        let mut open = 1_usize;
        loop {
            match self.bump() {
                Some('{') => open += 1,
                Some('}') => open -= 1,
                Some(_) => {}
                None => return Err(self.fault("`${` isn't closed")),
            }
            if open == 0 {
                return Ok(());
            }
        }
    }

    fn arithmetic(&mut self) -> Result<Piece, SyntaxError> {
        let mut open = 0_usize;
        loop {
            match self.bump() {
                Some('(') => open += 1,
                Some(')') => open -= 1,
                Some(_) => {}
                None => return Err(self.fault("`$((` isn't closed")),
            }
            if open == 0 {
                return Ok(Piece::Opaque);
            }
        }
    }

    fn backticks(&mut self, quoted: bool) -> Result<Piece, SyntaxError> {
        let line = self.line;
        self.bump();
        let mut text = Vec::new();
        loop {
            match self.bump() {
                Some('`') => break,
                Some('\\') => match self.bump() {
                    Some(special) if matches!(special, '`' | '\\' | '$') || (quoted && special == '"') => {
                        text.push(special);
                    }
                    Some(other) => text.extend(['\\', other]),
                    None => {}
                },
                Some(other) => text.push(other),
                None => return Err(self.fault("a backtick isn't closed")),
            }
        }
        let block = self.inner(&text, line)?;
        Ok(Piece::Substitution { block: Arc::new(block), quoted })
    }

    /// A name of a variable; empty where none stands.
    pub(super) fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(next) = self.peek().filter(|next| next.is_ascii_alphanumeric() || *next == '_') {
            if name.is_empty() && next.is_ascii_digit() {
                break;
            }
            self.bump();
            name.push(next);
        }
        name
    }
}

/// Adds a character of text to the last piece, if that is of the same kind.
fn push(pieces: &mut Vec<Piece>, character: char, quoted: bool) {
    match pieces.last_mut() {
        Some(Piece::Quoted(text)) if quoted => text.push(character),
        Some(Piece::Plain(text)) if !quoted => text.push(character),
        _ if quoted => pieces.push(Piece::Quoted(character.to_string())),
        _ => pieces.push(Piece::Plain(character.to_string())),
    }
}
