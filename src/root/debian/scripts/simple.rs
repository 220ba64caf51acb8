//! Simple commands and redirections.

use std::sync::Arc;

use super::run::{Flow, Input, Runner};
use super::state::Value;
use super::syntax::{Command, Kind, Piece, Redirect, Target, Word};

/// Where a command's output goes.
enum Sink {
    Nowhere,
    File { path: Value, append: bool },
}

/// Builtins that take assignments for arguments.
const DECLARING: [&str; 5] = ["export", "readonly", "local", "declare", "typeset"];

impl Runner<'_> {
    pub(super) fn simple(&mut self, assignments: &[(String, Word)], words: &[Word]) -> Flow {
        self.status = Some(true);
        if words.is_empty() {
            for (name, word) in assignments {
                let value = self.single(word);
                self.state.set(name, value);
            }
            return Flow::Next;
        }
        let first = words.first().and_then(Word::literal).unwrap_or_default();
        if DECLARING.contains(&first.as_str()) {
            self.declare(&first, words.get(1..).unwrap_or_default());
            return Flow::Next;
        }
        let line = self.line;
        let mut fields = Vec::new();
        for word in words {
            let more = self.fields(word);
            fields.extend(more);
        }
        self.line = line;
        self.dispatch(&fields)
    }

    /// Runs the command that `fields` are.
    pub(super) fn dispatch(&mut self, fields: &[Value]) -> Flow {
        let Some((name, arguments)) = fields.split_first() else {
            self.status = Some(true);
            return Flow::Next;
        };
        let Some(name) = name.clone() else {
            self.unknown();
            return Flow::Next;
        };
        if let Some(body) = self.state.functions.get(&name).cloned() {
            return self.call(&body, arguments.to_vec());
        }
        self.run(&name, arguments)
    }

    fn declare(&mut self, builtin: &str, words: &[Word]) {
        for word in words {
            let mut pieces = word.0.clone();
            let head = match pieces.first_mut() {
                Some(Piece::Plain(text)) => std::mem::take(text),
                _ => continue,
            };
            let (name, rest) = head.split_once('=').map_or((head.as_str(), None), |(name, rest)| (name, Some(rest)));
            if name.is_empty() || name.starts_with('-') {
                continue;
            }
            let value = rest.map(|rest| {
                pieces.insert(1, Piece::Plain(rest.to_owned()));
                self.single(&Word(pieces))
            });
            if builtin == "local" {
                let old = self.state.is_set(name).then(|| self.state.get(name));
                self.locals.push((name.to_owned(), old));
                self.spend(1);
            }
            match value {
                Some(value) => self.state.set(name, value),
                None if builtin == "local" => self.state.set(name, Some(String::new())),
                None => {}
            }
        }
        self.status = Some(true);
    }

    /// Gives the variables that `local` hid back, from `mark` on.
    pub(super) fn forget_locals(&mut self, mark: usize) {
        while self.locals.len() > mark {
            match self.locals.pop() {
                Some((name, Some(value))) => self.state.set(&name, value),
                Some((name, None)) => self.state.unset(&name),
                None => {}
            }
        }
    }

    /// Runs a command with its redirections.
    pub(super) fn redirected(&mut self, command: &Command) -> Flow {
        if let Kind::Simple { words, .. } = &command.kind
            && let [word] = &words[..]
            && word.literal().as_deref() == Some("exec")
        {
            self.status = Some(true);
            return Flow::Next;
        }
        let before = self.input.clone();
        let mut sink = None;
        for redirect in &command.redirects {
            self.redirect(redirect, &mut sink);
        }
        let flow = match sink {
            None => self.bare(command),
            Some(sink) => {
                let mut flow = Flow::Next;
                self.was_explained = false;
                let output = self.captured(|runner| {
                    flow = runner.bare(command);
                    flow
                });
                self.line = command.line;
                if let Sink::File { path, append } = sink {
                    let status = self.status;
                    // What is lost with the command was said with it.
                    if output.is_some() || !self.was_explained {
                        self.write(path.as_deref(), output, append);
                    }
                    self.status = status;
                }
                flow
            }
        };
        self.input = before;
        flow
    }

    fn redirect(&mut self, redirect: &Redirect, sink: &mut Option<Sink>) {
        let is_output = matches!(redirect.descriptor, None | Some(1));
        match &redirect.target {
            Target::Write(word) | Target::Append(word) | Target::Both(word) => {
                let path = self.single(word);
                let append = matches!(redirect.target, Target::Append(_));
                if path.as_deref() == Some("/dev/null") || (is_output && path.as_deref() == Some("/dev/stderr")) {
                    if is_output {
                        *sink = Some(Sink::Nowhere);
                    }
                } else if is_output {
                    *sink = Some(Sink::File { path, append });
                }
            }
            Target::Duplicate(word) => {
                let to = self.single(word);
                if is_output && !matches!(to.as_deref(), Some("0" | "1")) {
                    *sink = Some(Sink::Nowhere);
                }
            }
            Target::Read(word) => {
                let path = self.single(word);
                let content = path.and_then(|path| self.content(&path));
                self.input = content.map_or(Input::Unknown, Input::Text);
            }
            Target::Document(number) => {
                let documents = Arc::clone(&self.documents);
                let text = documents.get(*number).and_then(|word| self.single(word));
                self.input = text.map_or(Input::Unknown, Input::Text);
            }
            Target::Text(word) => {
                let text = self.single(word);
                self.input = text.map_or(Input::Unknown, |text| Input::Text(text + "\n"));
            }
        }
    }
}
