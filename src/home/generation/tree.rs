//! A generation as a tree.

use crate::image::ImagePath;
use crate::image::tree::{Metadata, Node, Tree};
use crate::nix::StorePath;

use super::super::manifest::{FILES, MANIFEST, Manifest, PROFILE, SESSION_VARIABLES};
use super::HomeError;
use super::files::{Entry, Placed};

/// A generation's name: users' names have nothing in them that a store path can't have.
pub(super) fn name(user: &str) -> String {
    format!("home-{user}")
}

/// The generation, its root at the empty path.
pub(super) fn tree(
    files: &[Placed],
    home_path: Option<&StorePath>,
    script: &str,
    manifest: &Manifest,
) -> Result<Tree, HomeError> {
    let mut tree = Tree::new();
    let folder = ImagePath::new(FILES.as_bytes())?;
    put(&mut tree, folder.clone(), Node::Directory, false);
    for file in files {
        let at = folder.append(&ImagePath::new(file.target.as_bytes())?);
        match &file.entry {
            Entry::File(content, executable) => put(&mut tree, at, Node::File(content.clone()), *executable),
            Entry::Link(target) => put(&mut tree, at, Node::Symlink(target.clone()), false),
            Entry::Tree(inner) => {
                for (path, (metadata, node)) in inner {
                    put(&mut tree, at.append(path), node.clone(), metadata.mode & 0o100 != 0);
                }
            }
        }
    }
    if let Some(path) = home_path {
        put(&mut tree, ImagePath::new(PROFILE.as_bytes())?, Node::Symlink(path.to_string().into_bytes()), false);
    }
    put(&mut tree, ImagePath::new(SESSION_VARIABLES.as_bytes())?, Node::File(script.as_bytes().to_vec()), false);
    let text = serde_json::to_string_pretty(manifest)? + "\n";
    put(&mut tree, ImagePath::new(MANIFEST.as_bytes())?, Node::File(text.into_bytes()), false);
    Ok(tree)
}

/// Puts a node with all its parents.
fn put(tree: &mut Tree, path: ImagePath, node: Node, executable: bool) {
    let mut parent = path.parent();
    while let Some(folder) = parent {
        parent = folder.parent();
        tree.entry(folder).or_insert((Metadata::root(0o755), Node::Directory));
    }
    let mode = if executable { 0o755 } else { 0o644 };
    tree.insert(path, (Metadata::root(mode), node));
}
