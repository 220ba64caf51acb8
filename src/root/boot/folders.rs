//! Folders that packages have where a machine may mount something when it starts.

use std::collections::BTreeMap;

use crate::boot::PlanPath;
use crate::image::ImagePath;
use crate::image::listing::ListingKind;
use crate::image::tree::{Metadata, Node, Tree};

use super::super::debian::Merged;

/// Where runtimes mount file systems of their own, which hide what the image has there.
const MOUNTED: [&str; 3] = ["run/", "tmp/", "var/tmp/"];

/// The folders of `trees` and of Debian's packages that a mounted file system would hide.
#[must_use]
pub fn folders(trees: &[&Tree], merged: &Merged) -> Vec<PlanPath> {
    let is_hidden = |path: &ImagePath| MOUNTED.iter().any(|folder| path.as_bytes().starts_with(folder.as_bytes()));
    let of_debian = merged.iter().filter(|(_, placed)| placed.kind == ListingKind::Directory);
    let of_debian = of_debian.map(|(path, placed)| (path, placed.metadata));
    let nodes = trees.iter().flat_map(|tree| tree.iter()).filter(|(_, (_, node))| *node == Node::Directory);
    let of_trees = nodes.map(|(path, (metadata, _))| (path, *metadata));
    let all: BTreeMap<&ImagePath, Metadata> = of_debian.chain(of_trees).filter(|(path, _)| is_hidden(path)).collect();
    let folder = |(path, metadata): (&ImagePath, Metadata)| PlanPath {
        path: format!("/{}", String::from_utf8_lossy(path.as_bytes())),
        uid: metadata.uid,
        gid: metadata.gid,
        mode: metadata.mode,
    };
    all.into_iter().map(folder).collect()
}
