//! The last mebibyte of what a unit said.

use std::collections::VecDeque;

use super::Stream;

/// Most bytes that a ring holds.
const SIZE: usize = 1 << 20;

/// What a line costs beside its bytes: empty ones are not free.
const OVERHEAD: usize = 48;

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Where it came from.
    pub stream: Stream,
    /// Its bytes, without the end.
    pub message: Vec<u8>,
}

/// Lines, the oldest first. The oldest go when there are too many bytes.
#[derive(Debug, Default)]
pub struct Ring {
    records: VecDeque<Record>,
    bytes: usize,
    /// The number of the first line that is still there.
    first: u64,
}

impl Ring {
    /// Adds a line.
    pub fn push(&mut self, record: Record) {
        self.bytes += record.message.len() + OVERHEAD;
        self.records.push_back(record);
        while self.bytes > SIZE
            && let Some(oldest) = self.records.pop_front()
        {
            self.bytes -= oldest.message.len() + OVERHEAD;
            self.first += 1;
        }
    }

    /// The number that the next line will have.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.first + self.records.len() as u64
    }

    /// Lines from number `from` on, each with its number; those that are gone are left out.
    pub fn since(&self, from: u64) -> impl Iterator<Item = (u64, &Record)> {
        let skip = usize::try_from(from.saturating_sub(self.first)).unwrap_or(usize::MAX);
        let first = self.first;
        (first..).zip(&self.records).skip(skip)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_holds_a_mebibyte() {
        let mut ring = Ring::default();
        for _ in 0..100_000 {
            ring.push(Record { stream: Stream::Stdout, message: vec![b'x'; 100] });
        }
        assert_eq!(ring.end(), 100_000);
        assert!(ring.bytes <= SIZE && ring.records.len() == SIZE / (100 + OVERHEAD));
        assert_eq!(ring.since(99_990).count(), 10);
        assert_eq!(ring.since(0).next().map(|(number, _)| number), Some(ring.first));
        assert_eq!(ring.since(u64::MAX).count(), 0);
    }
}
