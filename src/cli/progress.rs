//! Narration: bars on a terminal, plain lines elsewhere, warnings always.

use std::sync::{Arc, Mutex, PoisonError};

use annotate_snippets::Level;

use crate::config::Diagnostic;
use crate::progress::{Item, Progress};

use super::bars::{Bar, bar};
use super::figures::bytes;
use super::report::{self, Report};

/// Tells on stderr what happens. Clones tell the same story.
#[derive(Clone)]
pub(super) struct Narrator {
    quiet: bool,
    bars: bool,
    report: Report,
    current: Arc<Mutex<Option<Bar>>>,
}

impl Narrator {
    /// `bars`: stderr is a terminal that can move its cursor.
    pub(super) fn new(quiet: bool, bars: bool, colour: bool) -> Self {
        Self { quiet, bars: bars && !quiet, report: Report::new(colour), current: Arc::default() }
    }

    /// Does something that prints, with the bar out of the way.
    pub(super) fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        match &*self.bar() {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Draws a finding.
    pub(super) fn diagnostic(&self, diagnostic: &Diagnostic) {
        self.print(&(self.report.diagnostic(diagnostic) + "\n"));
    }

    fn print(&self, text: &str) {
        self.suspend(|| report::to_stderr(text));
    }

    fn bar(&self) -> std::sync::MutexGuard<'_, Option<Bar>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Narrator {
    fn begin(&self, stage: &str, total: Option<u64>) {
        if self.quiet {
            return;
        }
        let mut current = self.bar();
        if let Some(previous) = current.take() {
            previous.finish_and_clear();
        }
        *current = if self.bars { bar(stage, total) } else { None };
        if current.is_none() {
            report::to_stderr(&format!("{stage}\n"));
        }
    }

    fn advance(&self, bytes: u64) {
        if self.bars
            && let Some(bar) = &*self.bar()
        {
            bar.inc(bytes);
        }
    }

    fn note(&self, message: &str) {
        if !self.quiet {
            self.print(&format!("{message}\n"));
        }
    }

    fn item(&self, name: &str, size: u64) -> Item {
        if self.bars
            && let Some(bar) = &*self.bar()
        {
            return Item(bar.item(name, size));
        }
        if !self.quiet {
            self.print(&format!("  {name} ({})\n", bytes(size)));
        }
        Item(0)
    }

    fn advance_item(&self, item: Item, bytes: u64) {
        if self.bars
            && let Some(bar) = &*self.bar()
        {
            bar.inc_item(item.0, bytes);
        }
    }

    fn end_item(&self, item: Item) {
        if self.bars
            && let Some(bar) = &*self.bar()
        {
            bar.end_item(item.0);
        }
    }

    fn warn(&self, message: &str) {
        self.print(&self.report.line(Level::WARNING, message));
    }
}

impl Drop for Narrator {
    fn drop(&mut self) {
        // The last clone takes the bar away, so that errors are drawn below clean lines.
        if Arc::strong_count(&self.current) == 1
            && let Some(bar) = self.bar().take()
        {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
#[cfg(feature = "build")]
mod tests {
    use super::*;

    #[test]
    fn threads_advance_while_others_print() {
        let narrator = Narrator::new(false, true, false);
        narrator.begin("fetching", Some(400));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..100).for_each(|_| narrator.advance(1)));
            }
            for _ in 0..100 {
                narrator.suspend(|| ());
            }
        });
        assert_eq!(narrator.bar().as_ref().map(Bar::position), Some(400));
        narrator.begin("writing", None);
        let told = narrator.clone();
        drop(narrator);
        assert_eq!(told.bar().as_ref().map(Bar::position), Some(0), "a clone keeps the bar");
    }

    #[test]
    fn items_count_for_their_stage() {
        let narrator = Narrator::new(false, true, false);
        narrator.begin("pushing", Some(400));
        let items = ["one", "two"].map(|name| narrator.item(name, 200));
        assert_ne!(items[0], items[1]);
        std::thread::scope(|scope| {
            for item in items {
                let narrator = &narrator;
                scope.spawn(move || (0..100).for_each(|_| narrator.advance_item(item, 2)));
            }
        });
        for item in items {
            narrator.end_item(item);
        }
        narrator.advance_item(items[0], 1);
        assert_eq!(narrator.bar().as_ref().map(Bar::position), Some(401), "even what comes late");
    }

    #[test]
    fn quiet_draws_no_bar() {
        let narrator = Narrator::new(true, true, false);
        narrator.begin("fetching", Some(400));
        narrator.advance(1);
        assert!(narrator.bar().is_none());
    }
}
