//! Other tools' files, taken over: locks of devbox and flox, evaluations, store paths, and Nix files with literals.
//!
//! Pure: text in, data out. What has no counterpart here is told with its place; nothing is dropped silently.
//! `dumbc import` writes what is made here.

mod devbox;
mod edit;
mod error;
mod evaluated;
mod flox;
mod kind;
pub mod nix;
mod package;
mod paths;
#[cfg(test)]
mod tests;

pub use edit::{NewChannel, Taken, has_caches, take_over};
pub use error::ImportError;
pub use kind::Kind;
pub use package::{Build, Imported, Package, Skipped};

/// Bytes of the longest file that is read: locks of hundreds of packages have less than one MiB.
pub const LONGEST: u64 = 64 << 20;

/// Reads a file of this kind; `origin` is its name as the user knows it.
///
/// # Errors
/// The text is of another kind. [`Kind::Nix`] is read by [`nix::read`].
pub fn read(kind: Kind, text: &str, origin: &str) -> Result<Imported, ImportError> {
    match kind {
        Kind::Devbox => devbox::read(text, origin),
        Kind::Flox => flox::read(text, origin),
        Kind::EvalJobs => Ok(evaluated::read(text)),
        Kind::Paths => Ok(paths::read(text)),
        Kind::Nix => Err(ImportError::UnknownKind { origin: origin.to_owned() }),
    }
}
