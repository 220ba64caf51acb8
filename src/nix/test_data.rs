//! Where tests find real data.

use std::path::PathBuf;

/// Where the real test data lies, or `None`, said aloud, where it is absent.
pub(super) fn shared(below: &str) -> Option<PathBuf> {
    let root = std::env::var_os("DUMBC_SHARED")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared")), PathBuf::from);
    let path = root.join(below);
    let there = path.exists();
    if !there {
        #[expect(clippy::print_stderr, reason = "a skipped test says so")]
        {
            eprintln!("skipped: {} is absent", path.display());
        }
    }
    there.then_some(path)
}
