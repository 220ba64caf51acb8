//! Reads a script into its [`syntax`](super::syntax), with bounds on depth and size.

use super::syntax::{Block, Command, Joint, Pipeline, Script, Statement, Word};

/// Nested deeper, a script is refused. The deepest of Debian's has a dozen levels.
const DEEPEST: usize = 64;

/// A script is none that this shell knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub(super) struct SyntaxError {
    /// From 1.
    pub(super) line: usize,
    pub(super) reason: &'static str,
}

/// Reads a whole script, which begins in `line` of another.
pub(super) fn parse(text: &str, line: usize) -> Result<Script, SyntaxError> {
    let characters = text.chars().collect::<Vec<_>>();
    let mut parser = Parser { text: &characters, at: 0, line, depth: 0, pending: Vec::new(), documents: Vec::new() };
    let block = parser.block(&[])?;
    if parser.pending.is_empty() {
        return Ok(Script { block, documents: parser.documents });
    }
    Err(parser.fault("a here-document has no text"))
}

pub(super) struct Parser<'a> {
    pub(super) text: &'a [char],
    pub(super) at: usize,
    pub(super) line: usize,
    pub(super) depth: usize,
    pub(super) pending: Vec<super::redirect::Pending>,
    pub(super) documents: Vec<Word>,
}

impl Parser<'_> {
    pub(super) fn peek(&self) -> Option<char> {
        self.peek_at(0)
    }

    pub(super) fn peek_at(&self, offset: usize) -> Option<char> {
        self.text.get(self.at + offset).copied()
    }

    pub(super) fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += 1;
        self.line += usize::from(next == '\n');
        Some(next)
    }

    pub(super) fn fault(&self, reason: &'static str) -> SyntaxError {
        SyntaxError { line: self.line, reason }
    }

    pub(super) fn expect(&mut self, character: char) -> Result<(), SyntaxError> {
        if self.bump() == Some(character) { Ok(()) } else { Err(self.fault("another sign was expected")) }
    }

    /// One level deeper; the caller takes it back.
    pub(super) fn deeper(&mut self) -> Result<(), SyntaxError> {
        self.depth += 1;
        if self.depth > DEEPEST { Err(self.fault("it is nested too deeply")) } else { Ok(()) }
    }

    /// Reads `text`, which stood between backticks.
    pub(super) fn inner(&mut self, text: &[char], line: usize) -> Result<Block, SyntaxError> {
        self.deeper()?;
        let documents = std::mem::take(&mut self.documents);
        let mut parser = Parser { text, at: 0, line, depth: self.depth, pending: Vec::new(), documents };
        let block = parser.block(&[])?;
        self.documents = parser.documents;
        self.depth -= 1;
        Ok(block)
    }

    /// Statements up to one of `ends`, which stays unread; up to the end of the text where there are none.
    pub(super) fn block(&mut self, ends: &[&str]) -> Result<Block, SyntaxError> {
        self.deeper()?;
        let mut block = Vec::new();
        loop {
            self.line_breaks()?;
            if ends.iter().any(|end| self.is_at(end)) {
                break;
            }
            if self.peek().is_none() {
                if ends.is_empty() {
                    break;
                }
                return Err(self.fault("the script ends within a command"));
            }
            block.push(self.statement()?);
            self.blanks();
            match self.peek() {
                Some(';') if self.peek_at(1) != Some(';') => _ = self.bump(),
                Some('&') => _ = self.bump(),
                Some('\n' | ')' | ';') | None => {}
                Some(_) => return Err(self.fault("a command doesn't end where it should")),
            }
        }
        self.depth -= 1;
        Ok(block)
    }

    fn statement(&mut self) -> Result<Statement, SyntaxError> {
        let first = self.pipeline()?;
        let mut rest = Vec::new();
        loop {
            self.blanks();
            let joint = match (self.peek(), self.peek_at(1)) {
                (Some('&'), Some('&')) => Joint::And,
                (Some('|'), Some('|')) => Joint::Or,
                _ => return Ok(Statement { first, rest }),
            };
            self.at += 2;
            self.line_breaks()?;
            rest.push((joint, self.pipeline()?));
        }
    }

    fn pipeline(&mut self) -> Result<Pipeline, SyntaxError> {
        let mut negated = false;
        while self.is_at("!") {
            self.bump();
            self.blanks();
            negated = !negated;
        }
        let mut commands = vec![self.command()?];
        loop {
            self.blanks();
            if self.peek() != Some('|') || self.peek_at(1) == Some('|') {
                return Ok(Pipeline { negated, commands });
            }
            self.bump();
            if self.peek() == Some('&') {
                self.bump();
            }
            self.line_breaks()?;
            commands.push(self.command()?);
        }
    }

    pub(super) fn command(&mut self) -> Result<Command, SyntaxError> {
        let line = self.line;
        let compound = self.compound()?;
        let Some(kind) = compound else { return self.simple() };
        let mut redirects = Vec::new();
        loop {
            self.blanks();
            match self.redirect()? {
                Some(redirect) => redirects.push(redirect),
                None => return Ok(Command { line, kind, redirects }),
            }
        }
    }

    /// Blanks, comments, and ends of lines that a backslash takes away.
    pub(super) fn blanks(&mut self) {
        loop {
            match self.peek() {
                Some(' ' | '\t' | '\r') => _ = self.bump(),
                Some('\\') if self.peek_at(1) == Some('\n') => {
                    self.bump();
                    self.bump();
                }
                Some('#') if self.begins_word() => {
                    while self.peek().is_some_and(|next| next != '\n') {
                        self.bump();
                    }
                }
                _ => return,
            }
        }
    }

    fn begins_word(&self) -> bool {
        let before = self.at.checked_sub(1).and_then(|before| self.text.get(before));
        before.is_none_or(|before| " \t\n;&|()<>\r`".contains(*before))
    }

    /// Blanks and ends of lines, with the here-documents behind those.
    pub(super) fn line_breaks(&mut self) -> Result<(), SyntaxError> {
        loop {
            self.blanks();
            if self.peek() != Some('\n') {
                return Ok(());
            }
            self.bump();
            for pending in std::mem::take(&mut self.pending) {
                self.document(&pending)?;
            }
        }
    }

    /// Whether `end` stands here: an operator, or a reserved word of its own.
    pub(super) fn is_at(&self, end: &str) -> bool {
        let length = end.chars().count();
        let here = self.text.get(self.at..self.at + length).unwrap_or_default();
        let is_operator = matches!(end, ")" | ";;");
        let after = self.peek_at(length);
        let ends = after.is_none_or(|after| " \t\r\n;&|()<>".contains(after));
        here.iter().copied().eq(end.chars()) && (is_operator || ends)
    }
}
