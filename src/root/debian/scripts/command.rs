//! Reads simple commands, and functions.

use std::sync::Arc;

use super::parse::{Parser, SyntaxError};
use super::syntax::{Command, Kind, Operation, Piece, Word};
use super::words::Context;

impl Parser<'_> {
    pub(super) fn simple(&mut self) -> Result<Command, SyntaxError> {
        let line = self.line;
        let (mut assignments, mut words, mut redirects) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            self.blanks();
            if let Some(redirect) = self.redirect()? {
                redirects.push(redirect);
                continue;
            }
            if words.is_empty()
                && let Some(assignment) = self.assignment()?
            {
                assignments.push(assignment);
                continue;
            }
            let word = self.word(Context::Word)?;
            if word.0.is_empty() {
                break;
            }
            if words.is_empty() && self.begins_parameters() {
                return self.function(&word, line);
            }
            words.push(word);
            if words.len() == 1 && words[0].literal().as_deref() == Some("[[") {
                self.double_brackets(&mut words)?;
            }
        }
        if assignments.is_empty() && words.is_empty() && redirects.is_empty() {
            return Err(self.fault("a command was expected"));
        }
        Ok(Command { line, kind: Kind::Simple { assignments, words }, redirects })
    }

    /// The assignment that begins here, if one does.
    fn assignment(&mut self) -> Result<Option<(String, Word)>, SyntaxError> {
        let Some((name, is_addition)) = self.assigned_name() else { return Ok(None) };
        let mut value = self.assigned()?;
        if is_addition {
            let (name, operation) = (name.clone(), Operation::Plain);
            value.0.insert(0, Piece::Parameter { name, operation, quoted: true });
        }
        Ok(Some((name, value)))
    }

    /// The name of an assignment that begins here, and whether it is `+=`, which is read.
    fn assigned_name(&mut self) -> Option<(String, bool)> {
        let start = self.at;
        let name = self.name();
        let is_addition = self.peek() == Some('+') && self.peek_at(1) == Some('=');
        if name.is_empty() || !(self.peek() == Some('=') || is_addition) {
            self.at = start;
            return None;
        }
        self.at += 1 + usize::from(is_addition);
        Some((name, is_addition))
    }

    fn assigned(&mut self) -> Result<Word, SyntaxError> {
        if self.peek() != Some('(') {
            return self.word(Context::Word);
        }
        self.bump();
        loop {
            self.line_breaks()?;
            if self.peek() == Some(')') {
                self.bump();
                return Ok(Word(vec![Piece::Opaque]));
            }
            if self.word(Context::Word)?.0.is_empty() {
                return Err(self.fault("an array isn't closed"));
            }
        }
    }

    /// What stands between `[[` and `]]`: operators are words there.
    fn double_brackets(&mut self, words: &mut Vec<Word>) -> Result<(), SyntaxError> {
        loop {
            self.line_breaks()?;
            let word = self.word(Context::Word)?;
            let is_end = word.literal().as_deref() == Some("]]");
            if !word.0.is_empty() {
                words.push(word);
            } else if let Some(sign) = self.bump() {
                let doubled = matches!(sign, '&' | '|') && self.peek() == Some(sign);
                let text = if doubled { self.bump().into_iter().chain([sign]).collect() } else { sign.to_string() };
                words.push(Word(vec![Piece::Plain(text)]));
            } else {
                return Err(self.fault("`[[` isn't closed"));
            }
            if is_end {
                return Ok(());
            }
        }
    }

    /// Whether `()` follows, which makes the word before it a function's name.
    fn begins_parameters(&self) -> bool {
        let blanks = (0..16).take_while(|&at| matches!(self.peek_at(at), Some(' ' | '\t'))).count();
        self.peek_at(blanks) == Some('(')
    }

    fn function(&mut self, name: &Word, line: usize) -> Result<Command, SyntaxError> {
        self.blanks();
        self.expect('(')?;
        self.blanks();
        self.expect(')')?;
        let Some(name) = name.literal() else { return Err(self.fault("a function's name was expected")) };
        self.function_body(name, line)
    }

    pub(super) fn function_body(&mut self, name: String, line: usize) -> Result<Command, SyntaxError> {
        self.deeper()?;
        self.line_breaks()?;
        let body = Arc::new(self.command()?);
        self.depth -= 1;
        Ok(Command { line, kind: Kind::Function { name, body }, redirects: Vec::new() })
    }
}
