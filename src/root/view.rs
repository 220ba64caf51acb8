//! The image's file system as it will be, without its bytes: trees and listings seen as one.
//!
//! Links are followed as the kernel would follow them inside the running machine, across store paths.

use std::collections::BTreeMap;
use std::io;

use crate::image::ImagePath;
use crate::image::listing::{Listing, ListingKind};
use crate::image::tree::{Node, Tree};
use crate::nix::StorePath;

use super::debian::aliases::{alias_target, below_usr};
use super::debian::{Merged, Placed};

/// Most links that one path may lead through, as in Linux.
const MAX_LINKS: usize = 40;

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind<'a> {
    /// A folder, or something's parent.
    Directory,
    /// A regular file.
    File {
        /// Whether its owner may execute it.
        executable: bool,
        /// Bytes.
        size: u64,
    },
    /// A symbolic link.
    Symlink(&'a [u8]),
}

impl<'a> From<&'a ListingKind> for Kind<'a> {
    fn from(kind: &'a ListingKind) -> Self {
        match kind {
            ListingKind::Directory => Self::Directory,
            ListingKind::File { executable, size } => Self::File { executable: *executable, size: *size },
            ListingKind::Symlink { target } => Self::Symlink(target),
        }
    }
}

/// Everything that the image will hold.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// Generated and local units, paths from the image's root.
    pub trees: &'a [&'a Tree],
    /// Store paths, by their listings; those whose trees are at hand, too.
    pub packages: &'a BTreeMap<StorePath, Listing>,
    /// Debian packages' files; `None` where there are none.
    pub debian: Option<&'a Merged>,
}

/// Bytes of a file in a package: path in the image, offset, and how many, fewer only where the file ends; `None` where
/// they are not at hand.
pub type ReadContent<'a> = dyn Fn(&ImagePath, u64, usize) -> io::Result<Option<Vec<u8>>> + 'a;

/// Where a path's file lies, all links followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content<'a> {
    /// In a tree.
    Node(&'a Node),
    /// In a package, whose bytes the caller may have.
    Package,
}

impl<'a> View<'a> {
    /// What stands at `path` itself, no link followed.
    #[must_use]
    pub fn get(&self, path: &ImagePath) -> Option<Kind<'a>> {
        if let Some((store_path, inner)) = split_store_path(path)
            && let Some(listing) = self.packages.get(&store_path)
        {
            return listing.get(&inner).map(Kind::from);
        }
        let nodes = self.trees.iter().filter_map(|tree| tree.get(path));
        let found = nodes.map(|(metadata, node)| match node {
            Node::Directory => Kind::Directory,
            Node::File(content) => Kind::File { executable: metadata.mode & 0o100 != 0, size: content.len() as u64 },
            Node::LocalFile { size, .. } => Kind::File { executable: metadata.mode & 0o100 != 0, size: *size },
            Node::Symlink(target) => Kind::Symlink(target),
        });
        let found = found.max_by_key(|kind| *kind != Kind::Directory);
        // A folder of a tree may stand for what a package says better.
        if let Some(kind) = found.filter(|kind| *kind != Kind::Directory) {
            return Some(kind);
        }
        self.of_debian(path).or(found).or_else(|| self.is_parent(path).then_some(Kind::Directory))
    }

    /// What the Debian packages have at `path`; the links to `/usr` too, which stand in no package.
    fn of_debian(&self, path: &ImagePath) -> Option<Kind<'a>> {
        let merged = self.debian?;
        let alias = || {
            let target = alias_target(path).filter(|_| below(merged, &below_usr(path)))?;
            Some(Kind::Symlink(target))
        };
        merged.get(path).map(|placed| Kind::from(&placed.kind)).or_else(alias)
    }

    /// Where `path` leads, all links followed; `None` where that is nowhere, or a circle.
    #[must_use]
    pub fn resolve(&self, path: &ImagePath) -> Option<(ImagePath, Kind<'a>)> {
        // Components still to walk, the next one last.
        let mut ahead: Vec<Vec<u8>> = components(path.as_bytes()).rev().map(<[u8]>::to_vec).collect();
        let mut reached = ImagePath::default();
        let mut links = 0;
        while let Some(name) = ahead.pop() {
            if name == b".." {
                reached = reached.parent().unwrap_or_default();
                continue;
            }
            let next = reached.join(&name).ok()?;
            match self.get(&next)? {
                Kind::Symlink(target) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return None;
                    }
                    if target.starts_with(b"/") {
                        reached = ImagePath::default();
                    }
                    ahead.extend(components(target).rev().map(<[u8]>::to_vec));
                }
                Kind::File { .. } if !ahead.is_empty() => return None,
                _ => reached = next,
            }
        }
        let kind = self.get(&reached)?;
        Some((reached, kind))
    }

    /// Where the bytes of the file at `path` are; `path` leads through no links any more.
    #[must_use]
    pub fn content(&self, path: &ImagePath) -> Option<Content<'a>> {
        let mut nodes = self.trees.iter().filter_map(|tree| tree.get(path)).map(|(_, node)| node);
        if let Some(node) = nodes.rfind(|node| **node != Node::Directory) {
            return Some(Content::Node(node));
        }
        let in_store = split_store_path(path).is_some_and(|(store_path, _)| self.packages.contains_key(&store_path));
        let is_file = |placed: &Placed| matches!(placed.kind, ListingKind::File { .. });
        let in_debian = || self.debian.and_then(|merged| merged.get(path)).is_some_and(is_file);
        (in_store || in_debian()).then_some(Content::Package)
    }

    fn is_parent(&self, path: &ImagePath) -> bool {
        let store = [b"".as_slice(), b"nix", b"nix/store"];
        (!self.packages.is_empty() && store.contains(&path.as_bytes()))
            || self.trees.iter().any(|tree| below(tree, path))
            || self.debian.is_some_and(|merged| below(merged, path))
    }
}

/// Whether something stands at `path` or below.
fn below<T>(tree: &BTreeMap<ImagePath, T>, path: &ImagePath) -> bool {
    tree.range(path..).next().is_some_and(|(first, _)| first.starts_with(path))
}

/// `/nix/store/<hash>-<name>/inner` as its two halves.
#[must_use]
pub fn split_store_path(path: &ImagePath) -> Option<(StorePath, ImagePath)> {
    let below = path.as_bytes().strip_prefix(b"nix/store/")?;
    let (base_name, inner) = match below.iter().position(|&byte| byte == b'/') {
        Some(slash) => (&below[..slash], &below[slash + 1..]),
        None => (below, &b""[..]),
    };
    let store_path = StorePath::from_base_name(std::str::from_utf8(base_name).ok()?).ok()?;
    Some((store_path, ImagePath::new(inner).ok()?))
}

fn components(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.split(|&byte| byte == b'/').filter(|component| !matches!(*component, b"" | b"."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::sample;

    fn path(text: &str) -> ImagePath {
        ImagePath::new(text.as_bytes()).unwrap()
    }

    #[test]
    fn links_lead_across_trees_and_packages() {
        let (git, listing) = sample::package("git", &[("bin/git", "x"), ("lib64", "-> lib"), ("lib/so", "f")]);
        let packages = BTreeMap::from([(git.clone(), listing)]);
        let generated =
            sample::tree(&[("bin", &format!("-> {git}/bin")), ("a/loop", "-> ../a/loop"), ("etc/f", "text")]);
        let trees = [&generated];
        let view = View { trees: &trees, packages: &packages, debian: None };
        let resolved = |text: &str| view.resolve(&path(text)).map(|(path, kind)| (path.to_string(), kind));
        let executable = Kind::File { executable: true, size: 1 };
        assert_eq!(resolved("bin/git"), Some((format!("{git}/bin/git"), executable)));
        let library = format!("{git}/lib/so");
        assert_eq!(resolved(&library.replace("/lib/", "/lib64/")).unwrap().0, library);
        assert_eq!(resolved("a/loop"), None);
        assert_eq!(resolved("etc/f/x"), None);
        assert_eq!(resolved("etc").unwrap().1, Kind::Directory);
        assert_eq!(resolved("nix/store").unwrap().1, Kind::Directory);
        assert_eq!(resolved("absent"), None);
        assert_eq!(view.content(&path("etc/f")), Some(Content::Node(&Node::File(b"text".to_vec()))));
        assert_eq!(view.content(&path(&library)), Some(Content::Package));
    }

    #[test]
    fn debian_packages_are_seen_below_trees() {
        let merged = sample::merged(&[
            ("usr/bin/sh", "-> /bin/dash"),
            ("usr/bin/dash", "x"),
            ("etc/f", "old"),
            ("run", "-> /etc"),
        ]);
        let declared = sample::tree(&[("etc/f", "text"), ("run/x", "text")]);
        let (trees, packages) = ([&declared], BTreeMap::new());
        let view = View { trees: &trees, packages: &packages, debian: Some(&merged) };
        assert_eq!(view.resolve(&path("bin/sh")).map(|(path, _)| path), Some(path("usr/bin/dash")));
        assert_eq!(view.get(&path("bin")), Some(Kind::Symlink(b"usr/bin")));
        assert_eq!(view.get(&path("lib64")), None);
        assert_eq!(view.get(&path("usr")), Some(Kind::Directory));
        assert_eq!(view.get(&path("run")), Some(Kind::Symlink(b"/etc")));
        assert_eq!(view.get(&path("etc/f")), Some(Kind::File { executable: false, size: 4 }));
        assert_eq!(view.content(&path("etc/f")), Some(Content::Node(&Node::File(b"text".to_vec()))));
        assert_eq!(view.content(&path("usr/bin/dash")), Some(Content::Package));
        assert_eq!(view.content(&path("usr/bin/sh")), None);
    }

    #[test]
    fn dot_dot_stops_at_the_root() {
        let generated = sample::tree(&[("etc/up", "-> ../../../../etc/./f"), ("etc/f", "text")]);
        let trees = [&generated];
        let view = View { trees: &trees, packages: &BTreeMap::new(), debian: None };
        assert_eq!(view.resolve(&path("etc/up")).unwrap().0, path("etc/f"));
    }
}
