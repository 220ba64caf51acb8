//! The image's file system as it will be, without its bytes: trees and listings seen as one.
//!
//! Links are followed as the kernel would follow them inside the running machine, across store paths.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};

use crate::image::ImagePath;
use crate::image::listing::{Listing, ListingKind};
use crate::image::tree::{Node, Tree};
use crate::nix::StorePath;

use super::aliases::{alias_target, below_usr};
use super::links::{Met, components, follow};
use super::merged::Merged;

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

/// What stands in store paths: listings, or whatever else can answer.
pub trait Packages {
    /// Every store path there is, in order.
    fn paths(&self) -> Box<dyn Iterator<Item = &StorePath> + '_>;

    /// Whether `package` is one of them.
    fn contains(&self, package: &StorePath) -> bool;

    /// What stands at a path below `package`; `None` where nothing does.
    fn get(&self, package: &StorePath, path: &ImagePath) -> Option<&ListingKind>;

    /// What a folder of `package` holds, one level deep, in byte order of names.
    fn names(&self, package: &StorePath, folder: &ImagePath) -> Vec<Vec<u8>>;

    /// What stands at a path of `package` and below it, in NAR order; paths are those below `package`.
    fn below(&self, package: &StorePath, path: &ImagePath) -> Vec<(ImagePath, ListingKind)>;
}

impl Packages for BTreeMap<StorePath, Listing> {
    fn paths(&self) -> Box<dyn Iterator<Item = &StorePath> + '_> {
        Box::new(self.keys())
    }

    fn contains(&self, package: &StorePath) -> bool {
        self.contains_key(package)
    }

    fn get(&self, package: &StorePath, path: &ImagePath) -> Option<&ListingKind> {
        BTreeMap::get(self, package)?.get(path)
    }

    fn names(&self, package: &StorePath, folder: &ImagePath) -> Vec<Vec<u8>> {
        BTreeMap::get(self, package).map(|listing| listing.names(folder)).unwrap_or_default()
    }

    fn below(&self, package: &StorePath, path: &ImagePath) -> Vec<(ImagePath, ListingKind)> {
        BTreeMap::get(self, package).map(|listing| listing.below(path)).unwrap_or_default()
    }
}

/// Everything that the image will hold.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// Generated and local units, paths from the image's root.
    pub trees: &'a [&'a Tree],
    /// Store paths; those whose trees are at hand, too.
    pub packages: &'a dyn Packages,
    /// Debian packages, all of them as one tree; trees stand over it.
    pub merged: &'a Merged,
}

/// The tree of no Debian packages.
pub static NO_PACKAGES: Merged = Merged::new();

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
            && self.packages.contains(&store_path)
        {
            return self.packages.get(&store_path, &inner).map(Kind::from);
        }
        let nodes = self.trees.iter().filter_map(|tree| tree.get(path));
        let found = nodes.map(|(metadata, node)| match node {
            Node::Directory => Kind::Directory,
            Node::File(content) => Kind::File { executable: metadata.mode & 0o100 != 0, size: content.len() as u64 },
            Node::LocalFile { size, .. } => Kind::File { executable: metadata.mode & 0o100 != 0, size: *size },
            Node::Symlink(target) => Kind::Symlink(target),
        });
        let merged = self.merged.get(path).map(|placed| Kind::from(&placed.kind)).or_else(|| self.alias(path));
        let found = merged.into_iter().chain(found);
        found.max_by_key(|kind| *kind != Kind::Directory).or_else(|| self.is_parent(path).then_some(Kind::Directory))
    }

    /// The links to `/usr` that come with Debian packages, and stand in none of them.
    fn alias(&self, path: &ImagePath) -> Option<Kind<'a>> {
        alias_target(path).filter(|_| self.merged.contains_key(&below_usr(path))).map(Kind::Symlink)
    }

    /// Where `path` leads, all links followed; `None` where that is nowhere, or a circle.
    #[must_use]
    pub fn resolve(&self, path: &ImagePath) -> Option<(ImagePath, Kind<'a>)> {
        self.follow(path.as_bytes())
    }

    /// The same for a path as somebody wrote it: with `//`, `.` and `..`.
    #[must_use]
    pub fn follow(&self, written: &[u8]) -> Option<(ImagePath, Kind<'a>)> {
        let reached = follow(written, |path| match self.get(path) {
            None => Met::Nothing,
            Some(Kind::Symlink(target)) => Met::Link(target),
            Some(Kind::File { .. }) => Met::End,
            Some(Kind::Directory) => Met::Place,
        })?;
        let kind = self.get(&reached)?;
        Some((reached, kind))
    }

    /// Where a command without a slash stands in the first of `folders` that has it; its links are not followed.
    #[must_use]
    pub fn find_command(&self, folders: &[ImagePath], name: &str) -> Option<ImagePath> {
        let mut places = folders.iter().filter_map(|folder| folder.join(name.as_bytes()).ok());
        places.find(|place| matches!(self.resolve(place), Some((_, Kind::File { executable: true, .. }))))
    }

    /// Where the bytes of the file at `path` are; `path` leads through no links any more.
    #[must_use]
    pub fn content(&self, path: &ImagePath) -> Option<Content<'a>> {
        let mut nodes = self.trees.iter().filter_map(|tree| tree.get(path)).map(|(_, node)| node);
        if let Some(node) = nodes.rfind(|node| **node != Node::Directory) {
            return Some(Content::Node(node));
        }
        if let Some(placed) = self.merged.get(path) {
            return matches!(placed.kind, ListingKind::File { .. }).then_some(Content::Package);
        }
        let (store_path, _) = split_store_path(path)?;
        self.packages.contains(&store_path).then_some(Content::Package)
    }

    /// Up to `length` bytes from `offset` of the file at `path`, which leads through no links any more; `None` where they
    /// are not at hand.
    pub fn read(
        &self,
        path: &ImagePath,
        offset: u64,
        length: usize,
        read: &ReadContent<'_>,
    ) -> io::Result<Option<Vec<u8>>> {
        match self.content(path) {
            Some(Content::Node(Node::File(content))) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(content.len());
                Ok(Some(content[start..start.saturating_add(length).min(content.len())].to_vec()))
            }
            Some(Content::Node(Node::LocalFile { path, .. })) => {
                let mut file = File::open(path)?;
                file.seek(SeekFrom::Start(offset))?;
                let mut bytes = Vec::new();
                file.take(length as u64).read_to_end(&mut bytes)?;
                Ok(Some(bytes))
            }
            Some(Content::Package) => read(path, offset, length),
            Some(Content::Node(Node::Directory | Node::Symlink(_))) | None => Ok(None),
        }
    }

    /// What the folder `path` holds, one level deep, in byte order; no link is followed.
    #[must_use]
    pub fn names(&self, path: &ImagePath) -> BTreeSet<Vec<u8>> {
        if let Some((store_path, inner)) = split_store_path(path)
            && self.packages.contains(&store_path)
        {
            return self.packages.names(&store_path, &inner).into_iter().collect();
        }
        let mut names = first_components(self.merged, path);
        for tree in self.trees {
            names.append(&mut first_components(tree, path));
        }
        names
    }

    fn is_parent(&self, path: &ImagePath) -> bool {
        let store = [b"".as_slice(), b"nix", b"nix/store"];
        let below = |tree: &&Tree| tree.range(path.clone()..).next().is_some_and(|(first, _)| first.starts_with(path));
        let merged = || self.merged.range(path.clone()..).next().is_some_and(|(first, _)| first.starts_with(path));
        (store.contains(&path.as_bytes()) && self.packages.paths().next().is_some())
            || self.trees.iter().any(below)
            || merged()
    }
}

/// The components that follow `folder` in paths below it.
fn first_components<T>(paths: &BTreeMap<ImagePath, T>, folder: &ImagePath) -> BTreeSet<Vec<u8>> {
    let below = paths.range(folder.clone()..).map_while(|(path, _)| path.strip_prefix(folder));
    let first = |path: ImagePath| components(path.as_bytes()).next().map(<[u8]>::to_vec);
    below.filter_map(first).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::tree::Metadata;
    use crate::root::debian::Placed;
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
        let view = View { trees: &trees, packages: &packages, merged: &NO_PACKAGES };
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
        let view = View { trees: &trees, packages: &packages, merged: &merged };
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
        let view = View { trees: &trees, packages: &BTreeMap::new(), merged: &NO_PACKAGES };
        assert_eq!(view.resolve(&path("etc/up")).unwrap().0, path("etc/f"));
    }

    #[test]
    fn trees_stand_over_debian_packages() {
        let (git, listing) = sample::package("git", &[("bin/git", "x")]);
        let packages = BTreeMap::from([(git.clone(), listing)]);
        let placed = |kind| Placed { package: 0, origin: path("any"), metadata: Metadata::root(0o755), kind };
        let file = |size| placed(ListingKind::File { executable: true, size });
        let merged = BTreeMap::from([
            (path("usr"), placed(ListingKind::Directory)),
            (path("usr/bin"), placed(ListingKind::Directory)),
            (path("usr/bin/a"), file(1)),
            (path("usr/bin/b"), file(2)),
            (path("usr/bin/a-link"), placed(ListingKind::Symlink { target: b"a".to_vec() })),
        ]);
        let generated = sample::tree(&[("usr/bin/b", "text"), ("usr/bin/c/d", "x"), ("bin", "-> usr/bin")]);
        let trees = [&generated];
        let view = View { trees: &trees, packages: &packages, merged: &merged };
        assert_eq!(
            view.follow(b"//bin/./a-link").unwrap(),
            (path("usr/bin/a"), Kind::File { executable: true, size: 1 })
        );
        assert_eq!(view.get(&path("usr/bin/b")), Some(Kind::File { executable: false, size: 4 }));
        assert_eq!(view.get(&path("usr/bin")), Some(Kind::Directory));
        let names = |text: &str| -> Vec<String> {
            view.names(&path(text)).into_iter().map(|name| String::from_utf8(name).unwrap()).collect()
        };
        assert_eq!(names("usr/bin"), ["a", "a-link", "b", "c"]);
        assert_eq!(names(&git.to_string()), ["bin"]);
        let read = |text: &str, offset| {
            let bytes = |path: &ImagePath, _, _| Ok(Some(path.as_bytes().to_vec()));
            view.read(&path(text), offset, 2, &bytes).unwrap().map(|bytes| String::from_utf8(bytes).unwrap())
        };
        assert_eq!(read("usr/bin/a", 0).as_deref(), Some("usr/bin/a"));
        assert_eq!(read("usr/bin/b", 1).as_deref(), Some("ex"));
        assert_eq!(read("usr/bin/b", u64::MAX).as_deref(), Some(""));
        assert_eq!(read("usr/bin", 0), None);
    }
}
