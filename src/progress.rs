//! How the library tells what it does, without printing.

/// Receives progress. Implementations draw bars, write lines, or drop it ([`Silent`]).
///
/// Calls come from several threads at once.
pub trait Progress: Send + Sync {
    /// A stage begins; `total` is its size in bytes where that is known.
    fn begin(&self, stage: &str, total: Option<u64>);

    /// `bytes` more of the current stage are done.
    fn advance(&self, bytes: u64);

    /// Something a user should know that is not wrong: "locked 12 new packages".
    fn note(&self, message: &str);

    /// Something that may be wrong but does not stop the work: "cache X failed, trying Y".
    fn warn(&self, message: &str);

    /// One of several things of `size` bytes that the current stage does at the same time begins: a layer that is sent.
    fn item(&self, _name: &str, _size: u64) -> Item {
        Item(0)
    }

    /// `bytes` more of an item are done; they count for the stage, too.
    fn advance_item(&self, _item: Item, bytes: u64) {
        self.advance(bytes);
    }

    /// An item has ended, whole or not.
    fn end_item(&self, _item: Item) {}
}

/// Names an item of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item(pub u64);

/// Drops everything: for tests and for callers without a terminal.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _stage: &str, _total: Option<u64>) {}
    fn advance(&self, _bytes: u64) {}
    fn note(&self, _message: &str) {}
    fn warn(&self, _message: &str) {}
}
