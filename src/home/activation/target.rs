//! Where in a home a generation may have links.

use super::{LIVE, MAX_FILES, Manifest, PlanError};

/// Longest path below a home, in bytes, and most components of it.
const MAX_PATH: usize = 3_000;
pub(super) const MAX_DEPTH: usize = 48;

/// The folders that a path lies in, the outermost first.
pub(super) fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(slash, _)| &path[..slash])
}

pub(super) fn is_extension(extension: &str) -> bool {
    !extension.is_empty() && extension.len() < 64 && !extension.contains(['/', '\0'])
}

/// Whether a home may have a link at `path`.
pub fn is_target(path: &str) -> Result<(), &'static str> {
    let components = || path.split('/');
    let own = LIVE.rsplit_once('/').map_or(LIVE, |(folder, _)| folder);
    match () {
        () if path.is_empty() || path.len() > MAX_PATH || components().count() > MAX_DEPTH => {
            Err("it is empty, too long, or too deep")
        }
        () if path.contains('\0') => Err("it has a NUL character"),
        () if components().any(|component| matches!(component, "" | "." | "..") || component.len() > 255) => {
            Err("it is no plain path below the home")
        }
        () if path == own || path.starts_with(&format!("{own}/")) || own.starts_with(&format!("{path}/")) => {
            Err("dumbc keeps its own state there")
        }
        () => Ok(()),
    }
}

/// Refuses a manifest with paths that no home has, or one path below another.
pub(super) fn check(new: &Manifest) -> Result<(), PlanError> {
    if new.files.len() > MAX_FILES {
        return Err(PlanError::TooMany(new.files.len()));
    }
    for path in new.files.keys() {
        let refused = |reason| PlanError::Target { path: path.chars().take(300).collect(), reason };
        is_target(path).map_err(refused)?;
        if parents(path).any(|parent| new.files.contains_key(parent)) {
            return Err(refused("a folder of it is a file of the generation, too"));
        }
    }
    Ok(())
}
