//! What may not lie over the image's store: whiteouts, opaque marks, and what a killed run left half-written.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use crate::machine::boot::journal::Journal;

/// An entry of the volume's store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// A character device: it would hide a path of the image for ever. No store path is one.
    Whiteout,
    /// A folder; the kernel may have marked it as hiding the image's of the same name.
    Folder,
    /// A file or a link.
    Leaf,
}

/// What is done to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    /// It goes.
    Remove,
    /// Only its mark goes, which an overlay would heed.
    Unmark,
}

/// What is done to the entry `name`, if anything. Where Nix keeps paths of its own, what is registered nowhere here is its business.
pub(super) fn decide(name: &str, entry: Entry, registered: &BTreeSet<String>, has_nix: bool) -> Option<Deed> {
    match entry {
        Entry::Whiteout => Some(Deed::Remove),
        _ if !has_nix && !registered.contains(name) => Some(Deed::Remove),
        Entry::Folder => Some(Deed::Unmark),
        Entry::Leaf => None,
    }
}

/// Cleans the volume's store; what can't be cleaned is told.
pub(super) fn clean(store: &Path, registered: &BTreeSet<String>, has_nix: bool, journal: &mut Journal<'_>) {
    let Some(entries) = journal.attempt("read the volume's store", fs::read_dir(store)) else { return };
    let mut may_unmark = true;
    for entry in entries.filter_map(Result::ok) {
        let Ok(kind) = entry.file_type().map(Entry::of) else { continue };
        let path = entry.path();
        let cleaned = match decide(&entry.file_name().to_string_lossy(), kind, registered, has_nix) {
            Some(Deed::Remove) if kind == Entry::Folder => fs::remove_dir_all(&path),
            Some(Deed::Remove) => fs::remove_file(&path),
            Some(Deed::Unmark) if may_unmark => unmark(&path).map(|may| may_unmark = may),
            _ => Ok(()),
        };
        journal.attempt(format_args!("clean {}", path.display()), cleaned);
    }
}

impl Entry {
    fn of(kind: fs::FileType) -> Self {
        match kind {
            kind if kind.is_char_device() => Self::Whiteout,
            kind if kind.is_dir() => Self::Folder,
            _ => Self::Leaf,
        }
    }
}

/// Takes the mark off; most folders have none. Says whether it may be seen at all: who may not can't mount an overlay either.
fn unmark(path: &Path) -> io::Result<bool> {
    use rustix::io::Errno;
    match rustix::fs::lremovexattr(path, "trusted.overlay.opaque") {
        Ok(()) | Err(Errno::NODATA) => Ok(true),
        Err(Errno::NOTSUP | Errno::PERM | Errno::ACCESS) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
