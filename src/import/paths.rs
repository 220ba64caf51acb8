//! Store paths, a line each: what `nix path-info`, `nix build --print-out-paths` and `nix-store -q` print.

use std::collections::BTreeSet;

use crate::nix::StorePath;

use super::package::{Imported, Skipped};

pub(super) fn read(text: &str) -> Imported {
    let (mut imported, mut seen) = (Imported::default(), BTreeSet::new());
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    for word in lines.flat_map(str::split_whitespace) {
        match word.parse::<StorePath>() {
            Ok(path) if path.name().strip_suffix(".drv").is_some() => {
                imported.skipped.push(Skipped::new(word, "it is a derivation: name the paths that it makes"));
            }
            Ok(path) if seen.insert(path.clone()) => imported.paths.push(path),
            Ok(_) => {}
            Err(error) => imported.skipped.push(Skipped::new(word, error.to_string())),
        }
    }
    imported
}
