//! Ways of which only one is gone, where it isn't known which: all are followed, and what holds for all is kept.

use super::super::Action;
use super::run::{Flow, Runner};
use super::state::State;
use super::syntax::{Block, Pipeline};

/// One of several ways that a script may go.
pub(super) enum Way<'b> {
    Block(&'b Block),
    Pipeline(&'b Pipeline),
    Arms(&'b [(Block, Block)], &'b Block),
    /// Nothing happens, and the status is that.
    Nothing(bool),
}

impl Runner<'_> {
    /// Follows several ways of which only one is gone, and keeps what holds for all. Ways that end in failure aren't gone: a
    /// fresh installation succeeds.
    pub(super) fn ways(&mut self, ways: Vec<Way<'_>>) -> Flow {
        if let [way] = &ways[..] {
            return self.way(way);
        }
        let (line, start) = (self.line, self.actions.len());
        let before = self.state.clone();
        self.spend(before.weight());
        let mut ends: Vec<(State, Flow, Option<bool>)> = Vec::new();
        for way in ways {
            self.state = before.clone();
            let mark = self.actions.len();
            let flow = self.way(&way);
            if flow == Flow::Exit && self.status == Some(false) && !self.is_spent() {
                self.actions.truncate(mark);
            } else {
                ends.push((self.state.clone(), flow, self.status));
            }
        }
        if ends.len() > 1 {
            self.doubt(start, line);
        }
        self.join(ends, before)
    }

    fn way(&mut self, way: &Way<'_>) -> Flow {
        if !self.enter() {
            return Flow::Exit;
        }
        let flow = match way {
            Way::Block(block) => self.block(block),
            Way::Pipeline(pipeline) => self.pipeline(pipeline),
            Way::Arms(arms, otherwise) => self.arms(arms, otherwise),
            Way::Nothing(status) => {
                self.status = Some(*status);
                Flow::Next
            }
        };
        self.depth -= 1;
        flow
    }

    fn join(&mut self, mut ends: Vec<(State, Flow, Option<bool>)>, before: State) -> Flow {
        if ends.iter().any(|end| end.1 == Flow::Next) {
            ends.retain(|end| end.1 == Flow::Next);
        }
        let flow = ends.first().map_or(Flow::Next, |end| end.1);
        let status = ends.first().and_then(|end| end.2);
        self.status = status.filter(|_| ends.iter().all(|end| end.2 == status));
        self.state = ends.into_iter().map(|end| end.0).reduce(State::merge).unwrap_or(before);
        flow
    }

    /// Says that it isn't known whether the actions since `start` are done, if they matter.
    fn doubt(&mut self, start: usize, line: usize) {
        let done = self.actions.get(start..).unwrap_or_default();
        let matters = |action: &Action| !matches!(action, Action::Explained { .. } | Action::Unknown { .. });
        if done.iter().any(matters) {
            self.unknown_at(line);
        }
    }
}
