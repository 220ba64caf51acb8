//! Which generation of a home is live, and what it says of itself.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::boot::Layout;
use crate::home::manifest::{MANIFEST, Manifest};
use crate::machine::generations::Generations;

/// The longest manifest.
const LONGEST: u64 = 8 << 20;

/// A user's live generation: its number, `None` for the image's, and its store path.
#[must_use]
pub fn generation(layout: &Layout, user: &str, of_image: &str) -> (Option<u64>, String) {
    let generations = Generations::of(layout, user);
    let own = generations.current().zip(generations.live());
    own.map_or_else(|| (None, of_image.to_owned()), |(number, path)| (Some(number), path.to_string()))
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
