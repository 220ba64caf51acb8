//! What `nix-store --load-db` reads: every store path of the image.

use std::fmt::Write as _;

use crate::nix::StorePath;

use super::super::database::ValidPath;

/// A path after the other, in their order: path, NAR hash in base 16, size, deriver or an empty line, how many references, references.
#[must_use]
pub fn registration(paths: &[ValidPath]) -> String {
    let mut text = String::new();
    for ValidPath { path, nar_hash, nar_size, references, deriver, .. } in paths {
        // No signature covers the deriver; what is malformed is nobody's.
        let deriver = deriver.as_deref().and_then(|base_name| StorePath::from_base_name(base_name).ok());
        let deriver = deriver.map(|path| path.to_string()).unwrap_or_default();
        let count = references.len();
        // Writing into a string can't fail.
        let _ = writeln!(text, "{path}\n{}\n{nar_size}\n{deriver}\n{count}", nar_hash.hex());
        for reference in references {
            let _ = writeln!(text, "{reference}");
        }
    }
    text
}
