//! Nix files with literals: attribute sets of text, numbers, lists and packages' names.
//!
//! Nothing is evaluated. What is no literal (functions, `let`, conditions, most interpolations) is left over with its line, to
//! stand as a comment beside what was converted.

mod convert;
mod guard;
mod home;
mod leaf;
mod read;
mod system;
#[cfg(test)]
mod tests;
mod toml_text;
mod users;
mod value;

pub use convert::{Converted, Role, convert};

use super::error::ImportError;
use value::File;

/// Bytes of the longest Nix file that is read.
pub const LONGEST: usize = 256 << 10;

/// Of the thread that parses: its depth is bounded by [`guard`], so this is never used up.
const STACK: usize = 256 << 20;

/// Reads a file. The parser goes as deep as the text: it gets a stack of its own.
///
/// # Errors
/// The text is no Nix, is too long or too deep, or is no attribute set.
fn read(text: &str, origin: &str) -> Result<File, ImportError> {
    let fault = |line, reason: &str| ImportError::Nix { origin: origin.to_owned(), line, reason: reason.to_owned() };
    if text.len() > LONGEST {
        return Err(fault(1, "it is longer than 256 KiB"));
    }
    guard::check(text).map_err(|(offset, reason)| fault(value::line(text, offset), reason))?;
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || read::file(text));
        let thread = thread.map_err(|_| fault(1, "there is no memory for it"))?;
        let file = thread.join().map_err(|_| fault(1, "it can't be parsed"))?;
        file.map_err(|(offset, reason)| fault(value::line(text, offset), &reason))
    })
}
