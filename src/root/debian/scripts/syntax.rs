//! The shell's grammar as data: as much of it as maintainer scripts use.

use std::sync::Arc;

/// Statements, one after the other.
pub(super) type Block = Vec<Statement>;

/// A script that was read.
#[derive(Debug, Default)]
pub(super) struct Script {
    pub(super) block: Block,
    /// Here-documents, in the order of their ends; [`Target::Document`] counts them.
    pub(super) documents: Vec<Word>,
}

/// Pipelines joined by `&&` and `||`.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) first: Pipeline,
    pub(super) rest: Vec<(Joint, Pipeline)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joint {
    And,
    Or,
}

/// Commands joined by `|`.
#[derive(Debug)]
pub(super) struct Pipeline {
    pub(super) negated: bool,
    pub(super) commands: Vec<Command>,
}

/// A command with its place and redirections.
#[derive(Debug)]
pub(super) struct Command {
    /// From 1.
    pub(super) line: usize,
    pub(super) kind: Kind,
    pub(super) redirects: Vec<Redirect>,
}

#[derive(Debug)]
pub(super) enum Kind {
    Simple {
        assignments: Vec<(String, Word)>,
        words: Vec<Word>,
    },
    If {
        arms: Vec<(Block, Block)>,
        otherwise: Block,
    },
    Case {
        subject: Word,
        arms: Vec<(Vec<Word>, Block)>,
    },
    /// Without `in`: the arguments.
    For {
        name: String,
        items: Option<Vec<Word>>,
        body: Block,
    },
    Loop {
        condition: Block,
        body: Block,
        until: bool,
    },
    Group(Block),
    Subshell(Block),
    Function {
        name: String,
        body: Arc<Command>,
    },
}

#[derive(Debug)]
pub(super) struct Redirect {
    /// The descriptor that is written before the sign; `None`: the sign's own.
    pub(super) descriptor: Option<u32>,
    pub(super) target: Target,
}

#[derive(Debug)]
pub(super) enum Target {
    /// `< word`
    Read(Word),
    /// `> word`, `>| word`
    Write(Word),
    /// `>> word`
    Append(Word),
    /// `>& word`, `<& word`
    Duplicate(Word),
    /// `&> word`: output and errors.
    Both(Word),
    /// `<< word`: a number in [`Script::documents`].
    Document(usize),
    /// `<<< word`
    Text(Word),
}

/// What becomes one field or many.
#[derive(Debug, Clone, Default)]
pub(super) struct Word(pub(super) Vec<Piece>);

#[derive(Debug, Clone)]
pub(super) enum Piece {
    /// Text outside of quotes: `*` and `?` mean something.
    Plain(String),
    /// Text in quotes.
    Quoted(String),
    Parameter {
        name: String,
        operation: Operation,
        quoted: bool,
    },
    Substitution {
        block: Arc<Block>,
        quoted: bool,
    },
    /// Arithmetic, arrays: whatever nobody computes here.
    Opaque,
}

#[derive(Debug, Clone)]
pub(super) enum Operation {
    /// `$x`
    Plain,
    /// `${#x}`
    Length,
    /// `${x:-word}` and `${x-word}`; `colon`: an empty value is like none.
    Default { colon: bool, word: Word },
    /// `${x:=word}`
    Assign { colon: bool, word: Word },
    /// `${x:+word}`
    Alternative { colon: bool, word: Word },
    /// `${x:?word}`
    Required,
    /// `${x#pattern}`, `${x##pattern}`
    TrimStart { longest: bool, pattern: Word },
    /// `${x%pattern}`, `${x%%pattern}`
    TrimEnd { longest: bool, pattern: Word },
    /// bash's others.
    Other,
}

impl Word {
    /// The text of a word that is written out, quoted or not.
    pub(super) fn literal(&self) -> Option<String> {
        let text = |piece: &Piece| match piece {
            Piece::Plain(text) | Piece::Quoted(text) => Some(text.clone()),
            _ => None,
        };
        self.0.iter().map(text).collect()
    }
}
