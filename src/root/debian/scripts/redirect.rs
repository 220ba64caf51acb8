//! Reads redirections and here-documents.

use super::parse::{Parser, SyntaxError};
use super::syntax::{Piece, Redirect, Target, Word};
use super::words::Context;

/// A here-document whose text follows behind the line.
pub(super) struct Pending {
    document: usize,
    end: String,
    is_quoted: bool,
    strips_tabs: bool,
}

impl Parser<'_> {
    pub(super) fn document(&mut self, pending: &Pending) -> Result<(), SyntaxError> {
        let start = self.line;
        let mut text = Vec::new();
        while self.peek().is_some() {
            let mut line = Vec::new();
            while let Some(next) = self.bump().filter(|next| *next != '\n') {
                line.push(next);
            }
            let kept = line.iter().position(|next| !(pending.strips_tabs && *next == '\t')).unwrap_or(line.len());
            let line = line.split_off(kept);
            if line.iter().copied().eq(pending.end.chars()) {
                break;
            }
            text.extend(line);
            text.push('\n');
        }
        let word = if pending.is_quoted {
            Word(vec![Piece::Quoted(text.into_iter().collect())])
        } else {
            self.expanded_document(&text, start)?
        };
        if let Some(place) = self.documents.get_mut(pending.document) {
            *place = word;
        }
        Ok(())
    }

    fn expanded_document(&mut self, text: &[char], line: usize) -> Result<Word, SyntaxError> {
        self.deeper()?;
        let documents = std::mem::take(&mut self.documents);
        let mut parser = Parser { text, at: 0, line, depth: self.depth, pending: Vec::new(), documents };
        let word = parser.word(Context::Document)?;
        self.documents = parser.documents;
        self.depth -= 1;
        Ok(word)
    }

    /// A redirection, if one begins here.
    pub(super) fn redirect(&mut self) -> Result<Option<Redirect>, SyntaxError> {
        let digits = (0..4).take_while(|&at| self.peek_at(at).is_some_and(|next| next.is_ascii_digit())).count();
        let Some(sign) = self.peek_at(digits).filter(|next| matches!(next, '<' | '>')) else {
            if self.peek() == Some('&') && self.peek_at(1) == Some('>') {
                self.at += 2;
                self.blanks();
                let target = Target::Both(self.word(Context::Word)?);
                return Ok(Some(Redirect { descriptor: None, target }));
            }
            return Ok(None);
        };
        let number = self.text[self.at..self.at + digits].iter().collect::<String>();
        self.at += digits + 1;
        let target = self.redirect_target(sign)?;
        Ok(Some(Redirect { descriptor: number.parse().ok(), target }))
    }

    fn redirect_target(&mut self, sign: char) -> Result<Target, SyntaxError> {
        let following = [self.peek(), self.peek_at(1)];
        let (length, make): (usize, fn(Word) -> Target) = match (sign, following) {
            ('<', [Some('<'), Some('<')]) => (2, Target::Text),
            ('<', [Some('<'), _]) => return self.document_start(),
            ('>', [Some('>'), _]) => (1, Target::Append),
            (_, [Some('&'), _]) => (1, Target::Duplicate),
            ('>', [Some('|'), _]) => (1, Target::Write),
            ('<', [Some('>'), _]) => (1, Target::Read),
            ('>', _) => (0, Target::Write),
            _ => (0, Target::Read),
        };
        self.at += length;
        self.blanks();
        let word = self.word(Context::Word)?;
        if word.0.is_empty() { Err(self.fault("a redirection leads nowhere")) } else { Ok(make(word)) }
    }

    fn document_start(&mut self) -> Result<Target, SyntaxError> {
        self.bump();
        let strips_tabs = self.peek() == Some('-');
        if strips_tabs {
            self.bump();
        }
        self.blanks();
        let word = self.word(Context::Word)?;
        let is_quoted = word.0.iter().any(|piece| matches!(piece, Piece::Quoted(_)));
        let Some(end) = word.literal() else { return Err(self.fault("a here-document's end isn't plain text")) };
        let document = self.documents.len();
        self.documents.push(Word::default());
        self.pending.push(Pending { document, end, is_quoted, strips_tabs });
        Ok(Target::Document(document))
    }
}
