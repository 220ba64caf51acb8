//! Units' output: whole lines, marked with their unit, kept for a while, and written without holding anybody up.

mod kept;
mod lines;
mod look;
mod ring;
mod writer;

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::boot::PlanLogs;

pub use lines::{LONGEST, Lines};
pub use look::Look;
pub use ring::{Record, Ring};
pub use writer::Writer;

use kept::Kept;

/// Where a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error, and what the machine says of the unit.
    Stderr,
}

/// All output of the machine.
pub struct Output {
    look: Look,
    writer: Writer,
    rings: BTreeMap<String, Ring>,
    kept: Option<Kept>,
}

impl Output {
    /// Output that looks as `logs` wants it; with `logs.persist`, kept in `folder`, too.
    #[must_use]
    pub fn new(logs: PlanLogs, folder: PathBuf, writer: Writer) -> Self {
        let kept = logs.persist.then(|| Kept::new(folder));
        Self { look: Look::new(logs.json, writer.terminals()), writer, rings: BTreeMap::new(), kept }
    }

    /// Makes room for the names of these units.
    pub fn widen<'name>(&mut self, names: impl Iterator<Item = &'name str>) {
        self.look.widen(names);
    }

    /// A line of a unit's.
    pub fn line(&mut self, unit: &str, stream: Stream, message: &[u8]) {
        let text = self.look.line(unit, stream, message, look::wall_clock().as_deref());
        self.writer.write(stream, text);
        if let Some(kept) = &mut self.kept {
            kept.write(unit, message);
        }
        self.rings.entry(unit.to_owned()).or_default().push(Record { stream, message: message.to_vec() });
    }

    /// What is kept of a unit.
    #[must_use]
    pub fn ring(&self, unit: &str) -> Option<&Ring> {
        self.rings.get(unit)
    }

    /// Forgets what a unit said.
    pub fn forget(&mut self, unit: &str) {
        self.rings.remove(unit);
        if let Some(kept) = &mut self.kept {
            kept.close(unit);
        }
    }

    /// Whether units should not be read for now: their lines are waiting for a reader that is only slow.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.writer.is_busy()
    }

    /// Says how many lines were lost, once there is room again.
    pub fn tell_lost(&mut self) {
        let lost = self.writer.take_lost();
        if lost > 0 {
            self.line("dumbc", Stream::Stderr, format!("{lost} lines lost: nobody read them").as_bytes());
        }
    }

    /// Waits until all is written, but no longer than the writer's patience.
    pub fn finish(self) {
        self.writer.finish();
    }
}
