//! Runs conditions and loops; where a condition isn't known, both ways.

use super::run::{Flow, Runner};
use super::syntax::{Block, Word};
use super::ways::Way;

/// A loop whose end isn't known by then has none.
const MOST_ROUNDS: usize = 1000;

impl Runner<'_> {
    pub(super) fn arms(&mut self, arms: &[(Block, Block)], otherwise: &Block) -> Flow {
        let line = self.line;
        for (index, (condition, body)) in arms.iter().enumerate() {
            let flow = self.block(condition);
            if flow != Flow::Next {
                return flow;
            }
            self.line = line;
            match self.status {
                Some(true) => return self.block(body),
                Some(false) => {}
                None => {
                    let rest = arms.get(index + 1..).unwrap_or_default();
                    return self.ways(vec![Way::Block(body), Way::Arms(rest, otherwise)]);
                }
            }
        }
        self.block(otherwise)
    }

    pub(super) fn case(&mut self, subject: &Word, arms: &[(Vec<Word>, Block)]) -> Flow {
        let subject = self.single(subject);
        let (mut possible, mut is_complete) = (Vec::new(), false);
        for (patterns, body) in arms {
            let mut fits = Some(false);
            for word in patterns {
                let pattern = self.pattern(word);
                fits = match (fits, self.fits(pattern.as_deref(), subject.as_deref())) {
                    (Some(true), _) | (_, Some(true)) => Some(true),
                    (Some(false), Some(false)) => Some(false),
                    _ => None,
                };
            }
            if fits != Some(false) {
                possible.push(Way::Block(body));
            }
            if fits == Some(true) {
                is_complete = true;
                break;
            }
        }
        if !is_complete && !possible.is_empty() {
            possible.push(Way::Nothing(true));
        }
        self.status = Some(true);
        if possible.is_empty() { Flow::Next } else { self.ways(possible) }
    }

    /// Whether a pattern fits; `*` fits whatever isn't known.
    pub(super) fn fits(&mut self, pattern: Option<&str>, text: Option<&str>) -> Option<bool> {
        if pattern == Some("*") {
            return Some(true);
        }
        let (pattern, text) = (pattern?, text?);
        self.spend(pattern.len() * text.len() / 256);
        if self.is_spent() {
            return None;
        }
        Some(super::pattern::matches(&super::pattern::characters(pattern), &super::pattern::characters(text)))
    }

    pub(super) fn iterate(&mut self, name: &str, items: Option<&[Word]>, body: &Block) -> Flow {
        let mut values = Vec::new();
        match items {
            Some(words) => words.iter().for_each(|word| values.extend(self.fields(word))),
            None => values.clone_from(&self.state.arguments),
        }
        self.status = Some(true);
        for value in values {
            let is_known = value.is_some();
            self.state.set(name, value);
            // How often, if at all, isn't known: what it does may be done.
            let flow = if is_known { self.block(body) } else { self.ways(vec![Way::Block(body), Way::Nothing(true)]) };
            if let Some(flow) = leaves_loop(flow) {
                return flow;
            }
            if matches!(flow, Flow::Break(_)) || self.is_spent() {
                break;
            }
        }
        Flow::Next
    }

    pub(super) fn repeat(&mut self, condition: &Block, body: &Block, until: bool) -> Flow {
        for _ in 0..MOST_ROUNDS {
            let flow = self.block(condition);
            if flow != Flow::Next {
                return flow;
            }
            let flow = match self.status {
                Some(success) if success == until => break,
                Some(_) => self.block(body),
                None => {
                    let flow = self.ways(vec![Way::Block(body), Way::Nothing(true)]);
                    return leaves_loop(flow).unwrap_or(Flow::Next);
                }
            };
            if let Some(flow) = leaves_loop(flow) {
                return flow;
            }
            if matches!(flow, Flow::Break(_)) || self.is_spent() {
                break;
            }
        }
        self.status = Some(true);
        Flow::Next
    }
}

/// What ends the loop and goes on outside; `None`: the loop goes on, or ends here.
fn leaves_loop(flow: Flow) -> Option<Flow> {
    match flow {
        Flow::Next | Flow::Break(1) | Flow::Continue(1) => None,
        Flow::Break(levels) => Some(Flow::Break(levels - 1)),
        Flow::Continue(levels) => Some(Flow::Continue(levels - 1)),
        other => Some(other),
    }
}
