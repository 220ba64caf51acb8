//! Bars on a terminal: one of the stage, above it one of each thing that the stage does at the same time.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Characters of an item's name that are shown.
const LONGEST_NAME: usize = 32;

/// A stage's bars, drawn until they are cleared.
pub(super) struct Bar {
    all: MultiProgress,
    stage: ProgressBar,
    items: Mutex<Items>,
}

#[derive(Default)]
struct Items {
    last: u64,
    bars: BTreeMap<u64, ProgressBar>,
}

/// A bar for a stage of `total` bytes, drawn at once.
#[expect(clippy::unnecessary_wraps, reason = "where no bars are drawn there is none")]
pub(super) fn bar(stage: &str, total: Option<u64>) -> Option<Bar> {
    let template = match total {
        Some(_) => "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
        None => "{spinner} {msg} {bytes}",
    };
    let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10));
    let bar = all.add(made(total, template, stage));
    bar.tick();
    Some(Bar { all, stage: bar, items: Mutex::default() })
}

fn made(total: Option<u64>, template: &str, message: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden()).with_style(style);
    bar.set_message(message.to_owned());
    bar
}

impl Bar {
    pub(super) fn inc(&self, bytes: u64) {
        self.stage.inc(bytes);
    }

    pub(super) fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.all.suspend(print)
    }

    /// Clears all of them.
    pub(super) fn finish_and_clear(&self) {
        for bar in std::mem::take(&mut self.items().bars).into_values() {
            bar.finish_and_clear();
        }
        self.stage.finish_and_clear();
    }

    /// A bar of its own for something of `size` bytes.
    pub(super) fn item(&self, name: &str, size: u64) -> u64 {
        let name = name.chars().take(LONGEST_NAME).collect::<String>();
        let bar = made(Some(size), "  {msg:32} {wide_bar} {bytes}/{total_bytes}", &name);
        let bar = self.all.insert_before(&self.stage, bar);
        let mut items = self.items();
        items.last += 1;
        let last = items.last;
        items.bars.insert(last, bar);
        last
    }

    /// `bytes` more of an item, and of the stage.
    pub(super) fn inc_item(&self, item: u64, bytes: u64) {
        if let Some(bar) = self.items().bars.get(&item) {
            bar.inc(bytes);
        }
        self.stage.inc(bytes);
    }

    /// Takes an item's bar away.
    pub(super) fn end_item(&self, item: u64) {
        if let Some(bar) = self.items().bars.remove(&item) {
            bar.finish_and_clear();
            self.all.remove(&bar);
        }
    }

    fn items(&self) -> MutexGuard<'_, Items> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn position(&self) -> u64 {
        self.stage.position()
    }
}
