//! NAR, the archive format whose hash names a store path's content.
//!
//! [`NarReader`] streams, with bounded memory, and refuses every archive that Nix itself would not have written, and some
//! that it would: names in one directory that are the same text in Unicode. [`NarWriter`] writes what Nix writes. What the
//! reader accepts the writer reproduces byte for byte, and what the reader refuses it refuses.

mod error;
mod input;
mod reader;
mod spelling;
mod walk;
mod words;
mod writer;

pub use error::{NarError, NarFault};
pub use reader::{NarEntry, NarKind, NarReader};
pub use writer::NarWriter;

/// Longest name of a file, in bytes.
pub const MAX_NAME: usize = 255;
/// Longest target of a symbolic link, in bytes.
pub const MAX_TARGET: usize = 4095;
/// Most nodes around each other, the root and the innermost counted: a path has at most one component less. As in Nix.
pub const MAX_DEPTH: usize = 64;

/// Bytes of zeros that follow `length` bytes, so that the next word begins at a multiple of eight.
fn padding(length: u64) -> usize {
    [0, 7, 6, 5, 4, 3, 2, 1][(length % 8) as usize]
}

fn check_target(target: &[u8]) -> Result<(), NarFault> {
    if target.len() > MAX_TARGET {
        return Err(NarFault::TooLong { what: "a link target", length: target.len() as u64, limit: MAX_TARGET });
    }
    if target.is_empty() || target.contains(&0) { Err(NarFault::Target(target.to_vec())) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
