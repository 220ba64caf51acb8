//! What is noted on the way: how long steps take, and what goes wrong without ending it.

use std::fmt::Display;
use std::time::Instant;

use crate::machine::prepared::{Step, Warning};

/// Notes, told as they come.
pub(super) struct Journal<'teller> {
    /// Steps that ended.
    pub(super) steps: Vec<Step>,
    /// All that was told.
    pub(super) warnings: Vec<Warning>,
    teller: &'teller mut dyn FnMut(&Warning),
}

impl<'teller> Journal<'teller> {
    /// `teller` hears of each warning at once.
    pub(super) fn new(teller: &'teller mut dyn FnMut(&Warning)) -> Self {
        Self { steps: Vec::new(), warnings: Vec::new(), teller }
    }

    /// Does a step and takes its time.
    pub(super) fn step<T>(&mut self, name: &'static str, deed: impl FnOnce(&mut Self) -> T) -> T {
        let started = Instant::now();
        let yielded = deed(self);
        let microseconds = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        tracing::debug!(target: "dumbc::boot", step = name, microseconds, "done");
        self.steps.push(Step { name: name.to_owned(), microseconds });
        yielded
    }

    /// Something went wrong that the machine can do without.
    pub(super) fn warn(&mut self, message: impl Into<String>) {
        self.note(message.into(), None);
    }

    /// As [`Self::warn`], with what to do about it.
    pub(super) fn advise(&mut self, message: impl Into<String>, help: impl Into<String>) {
        self.note(message.into(), Some(help.into()));
    }

    /// What came of an attempt, its failure told: `can't WHAT: why`.
    pub(super) fn attempt<T>(&mut self, what: impl Display, outcome: std::io::Result<T>) -> Option<T> {
        outcome.map_err(|error| self.warn(format!("can't {what}: {error}"))).ok()
    }

    fn note(&mut self, message: String, help: Option<String>) {
        let warning = Warning { message, help };
        (self.teller)(&warning);
        self.warnings.push(warning);
    }
}
