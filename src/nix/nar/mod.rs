//! NAR, the archive format whose hash names a store path's content.
//!
//! [`NarReader`] streams, with bounded memory, and refuses every archive that Nix itself would not have written;
//! [`NarWriter`] writes what Nix writes. What the reader accepts the writer reproduces byte for byte.

mod error;
mod input;
mod reader;
mod words;

pub use error::{NarError, NarFault};
pub use reader::{NarEntry, NarKind, NarReader};

/// Longest name of a file, in bytes.
pub const MAX_NAME: usize = 255;
/// Longest target of a symbolic link, in bytes.
pub const MAX_TARGET: usize = 4095;
/// Most components that a path may have.
pub const MAX_DEPTH: usize = 64;

/// Bytes of zeros that follow `length` bytes, so that the next word begins at a multiple of eight.
fn padding(length: u64) -> usize {
    [0, 7, 6, 5, 4, 3, 2, 1][(length % 8) as usize]
}

fn check_name(name: &[u8]) -> Result<(), NarFault> {
    let allowed = !matches!(name, b"" | b"." | b"..") && !name.iter().any(|byte| matches!(byte, 0 | b'/'));
    if allowed { Ok(()) } else { Err(NarFault::Name(name.to_vec())) }
}

fn check_order(previous: &[u8], name: &[u8]) -> Result<(), NarFault> {
    match previous.cmp(name) {
        std::cmp::Ordering::Less => Ok(()),
        std::cmp::Ordering::Equal => Err(NarFault::Duplicate(name.to_vec())),
        std::cmp::Ordering::Greater => Err(NarFault::Unsorted { previous: previous.to_vec(), name: name.to_vec() }),
    }
}

fn check_target(target: &[u8]) -> Result<(), NarFault> {
    if target.is_empty() || target.contains(&0) { Err(NarFault::Target(target.to_vec())) } else { Ok(()) }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests;
