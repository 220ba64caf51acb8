//! Which generation of a home is live, and what it says of itself.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use crate::boot::Layout;
use crate::home::manifest::{MANIFEST, Manifest};

/// The longest manifest.
const LONGEST: u64 = 8 << 20;

/// A user's live generation: its number, `None` for the image's, and its store path.
#[must_use]
pub fn generation(layout: &Layout, user: &str, of_image: &str) -> (Option<u64>, String) {
    let own = || {
        let number: u64 = fs::read_to_string(layout.current(user)).ok()?.trim().parse().ok()?;
        let path = fs::read_link(layout.generations(user).join(number.to_string())).ok()?;
        Some((number, path.to_str()?.to_owned()))
    };
    own().map_or_else(|| (None, of_image.to_owned()), |(number, path)| (Some(number), path))
}

/// What a generation says of itself; `None` where it can't be read, or says it in a newer way.
#[must_use]
pub fn read_manifest(generation: &str) -> Option<Manifest> {
    let file = File::open(Path::new(generation).join(MANIFEST)).ok()?;
    let mut text = Vec::new();
    file.take(LONGEST).read_to_end(&mut text).ok()?;
    let manifest: Manifest = serde_json::from_slice(&text).ok()?;
    (manifest.version == Manifest::VERSION).then_some(manifest)
}
