//! Reads compound commands.

use super::parse::{Parser, SyntaxError};
use super::syntax::{Block, Kind, Word};
use super::words::Context;

impl Parser<'_> {
    /// A compound command, if one begins here.
    pub(super) fn compound(&mut self) -> Result<Option<Kind>, SyntaxError> {
        const WORDS: [&str; 7] = ["if", "case", "for", "while", "until", "function", "{"];
        let Some(word) = WORDS.into_iter().find(|word| self.is_at(word)) else { return self.subshell() };
        for _ in word.chars() {
            self.bump();
        }
        self.deeper()?;
        let kind = match word {
            "if" => self.conditional()?,
            "case" => self.selection()?,
            "for" => self.iteration()?,
            "while" => self.repetition(false)?,
            "until" => self.repetition(true)?,
            "function" => self.bash_function()?,
            _ => Kind::Group(self.until("}")?),
        };
        self.depth -= 1;
        Ok(Some(kind))
    }

    fn subshell(&mut self) -> Result<Option<Kind>, SyntaxError> {
        if self.peek() != Some('(') {
            return Ok(None);
        }
        if self.peek_at(1) == Some('(') {
            return Err(self.fault("arithmetic isn't understood"));
        }
        self.bump();
        let block = self.block(&[")"])?;
        self.expect(')')?;
        Ok(Some(Kind::Subshell(block)))
    }

    /// Statements up to the reserved word `end`, and that.
    fn until(&mut self, end: &str) -> Result<Block, SyntaxError> {
        let block = self.block(&[end])?;
        self.pass(end)?;
        Ok(block)
    }

    fn pass(&mut self, word: &str) -> Result<(), SyntaxError> {
        if !self.is_at(word) {
            return Err(self.fault("another word was expected"));
        }
        for _ in word.chars() {
            self.bump();
        }
        Ok(())
    }

    fn conditional(&mut self) -> Result<Kind, SyntaxError> {
        let mut arms = Vec::new();
        loop {
            let condition = self.until("then")?;
            let body = self.block(&["elif", "else", "fi"])?;
            arms.push((condition, body));
            if !self.is_at("elif") {
                break;
            }
            self.pass("elif")?;
        }
        let otherwise = if self.is_at("else") {
            self.pass("else")?;
            self.block(&["fi"])?
        } else {
            Block::new()
        };
        self.pass("fi")?;
        Ok(Kind::If { arms, otherwise })
    }

    fn selection(&mut self) -> Result<Kind, SyntaxError> {
        self.blanks();
        let subject = self.word(Context::Word)?;
        self.line_breaks()?;
        self.pass("in")?;
        let mut arms = Vec::new();
        loop {
            self.line_breaks()?;
            if self.is_at("esac") {
                self.pass("esac")?;
                return Ok(Kind::Case { subject, arms });
            }
            let patterns = self.patterns()?;
            let body = self.block(&[";;", "esac"])?;
            if self.is_at(";;") {
                self.pass(";;")?;
            }
            arms.push((patterns, body));
        }
    }

    fn patterns(&mut self) -> Result<Vec<Word>, SyntaxError> {
        if self.peek() == Some('(') {
            self.bump();
        }
        let mut patterns = Vec::new();
        loop {
            self.blanks();
            let pattern = self.word(Context::Word)?;
            if pattern.0.is_empty() {
                return Err(self.fault("a pattern was expected"));
            }
            patterns.push(pattern);
            self.blanks();
            match self.bump() {
                Some('|') => {}
                Some(')') => return Ok(patterns),
                _ => return Err(self.fault("`)` was expected behind a pattern")),
            }
        }
    }

    fn iteration(&mut self) -> Result<Kind, SyntaxError> {
        self.blanks();
        let name = self.name();
        if name.is_empty() {
            return Err(self.fault("a variable's name was expected"));
        }
        self.line_breaks()?;
        let mut items = None;
        if self.is_at("in") {
            self.pass("in")?;
            let words = items.insert(Vec::new());
            loop {
                self.blanks();
                let word = self.word(Context::Word)?;
                if word.0.is_empty() {
                    break;
                }
                words.push(word);
            }
        }
        if self.peek() == Some(';') {
            self.bump();
        }
        self.line_breaks()?;
        self.pass("do")?;
        let body = self.until("done")?;
        Ok(Kind::For { name, items, body })
    }

    fn repetition(&mut self, until: bool) -> Result<Kind, SyntaxError> {
        let condition = self.until("do")?;
        let body = self.until("done")?;
        Ok(Kind::Loop { condition, body, until })
    }

    fn bash_function(&mut self) -> Result<Kind, SyntaxError> {
        self.blanks();
        let line = self.line;
        let Some(name) = self.word(Context::Word)?.literal() else {
            return Err(self.fault("a function's name was expected"));
        };
        self.blanks();
        if self.peek() == Some('(') {
            self.bump();
            self.blanks();
            self.expect(')')?;
        }
        Ok(self.function_body(name, line)?.kind)
    }
}
