//! What a store path holds, without contents: names, kinds, sizes, link targets.
//!
//! Every fragment leaves its listing behind, so what is generated from packages never needs their bytes again.

use super::ImagePath;
use super::tree::{Metadata, Node, Tree};

/// What stands at a path of a [`Listing`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListingKind {
    /// A folder.
    Directory,
    /// A regular file.
    File {
        /// The executable bit, all that a NAR knows of modes.
        executable: bool,
        /// Bytes.
        size: u64,
    },
    /// A symbolic link.
    Symlink {
        /// As it stands, relative or absolute.
        target: Vec<u8>,
    },
}

/// One path of a [`Listing`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListingEntry {
    /// Below the store path; empty for the store path itself.
    pub path: ImagePath,
    /// What stands there.
    pub kind: ListingKind,
    /// Mode and ownership.
    pub metadata: Metadata,
}

/// The entries are no tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a listing is damaged: {reason} at `{path}`")]
pub struct ListingError {
    /// Where.
    pub path: ImagePath,
    /// What is wrong.
    pub reason: &'static str,
}

/// A store path's entries, in NAR order: the root first, every folder before what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    entries: Vec<ListingEntry>,
}

impl Listing {
    /// Takes `entries` that come in NAR order, and checks that they are one whole tree.
    pub fn new(entries: Vec<ListingEntry>) -> Result<Self, ListingError> {
        let refused = |path: &ImagePath, reason| Err(ListingError { path: path.clone(), reason });
        let mut folders: Vec<&ImagePath> = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            let path = &entry.path;
            match index.checked_sub(1) {
                None if !path.is_root() => return refused(path, "the root is missing"),
                Some(before) if entries[before].path >= *path => return refused(path, "the order is wrong"),
                _ => {}
            }
            let parent = path.parent();
            while folders.last().is_some_and(|folder| Some(*folder) != parent.as_ref()) {
                folders.pop();
            }
            if parent.is_some() && folders.is_empty() {
                return refused(path, "the folder is missing");
            }
            if entry.kind == ListingKind::Directory {
                folders.push(path);
            }
        }
        if entries.is_empty() {
            return refused(&ImagePath::default(), "the root is missing");
        }
        Ok(Self { entries })
    }

    /// The listing of what stands in `tree` at `root` and below.
    pub fn of_tree(tree: &Tree, root: &ImagePath) -> Result<Self, ListingError> {
        let entries = super::tree::below(tree, root).map(|(path, (metadata, node))| {
            let kind = match node {
                Node::Directory => ListingKind::Directory,
                Node::File(content) => {
                    ListingKind::File { executable: metadata.mode & 0o100 != 0, size: content.len() as u64 }
                }
                Node::LocalFile { size, .. } => {
                    ListingKind::File { executable: metadata.mode & 0o100 != 0, size: *size }
                }
                Node::Symlink(target) => ListingKind::Symlink { target: target.clone() },
            };
            ListingEntry { path, kind, metadata: *metadata }
        });
        Self::new(entries.collect())
    }

    /// All entries, in NAR order.
    #[must_use]
    pub fn entries(&self) -> &[ListingEntry] {
        &self.entries
    }

    /// What stands at `path`; `None` where nothing does.
    #[must_use]
    pub fn get(&self, path: &ImagePath) -> Option<&ListingKind> {
        let index = self.entries.binary_search_by(|entry| entry.path.cmp(path)).ok()?;
        Some(&self.entries[index].kind)
    }

    /// What the folder `path` holds, one level deep, in byte order of names.
    pub fn children<'a>(&'a self, path: &'a ImagePath) -> impl Iterator<Item = &'a ListingEntry> {
        let start = self.entries.partition_point(|entry| entry.path <= *path);
        let mut rest = &self.entries[start..];
        std::iter::from_fn(move || {
            let child = rest.first().filter(|entry| entry.path.starts_with(path))?;
            // The child's own subtree follows it; the next sibling stands where that ends.
            rest = &rest[rest.partition_point(|entry| entry.path.starts_with(&child.path))..];
            Some(child)
        })
    }

    /// The names of what the folder `path` holds, one level deep, in byte order.
    #[must_use]
    pub fn names(&self, path: &ImagePath) -> Vec<Vec<u8>> {
        self.children(path).map(|child| child.path.name().to_vec()).collect()
    }

    /// What stands at `path` and below it, in NAR order.
    #[must_use]
    pub fn below(&self, path: &ImagePath) -> Vec<(ImagePath, ListingKind)> {
        let start = self.entries.partition_point(|entry| entry.path < *path);
        let below = self.entries[start..].iter().take_while(|entry| entry.path.starts_with(path));
        below.map(|entry| (entry.path.clone(), entry.kind.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> ImagePath {
        ImagePath::new(text.as_bytes()).unwrap()
    }

    fn entry(text: &str, kind: ListingKind) -> ListingEntry {
        ListingEntry { path: path(text), kind, metadata: Metadata::root(0o755) }
    }

    fn file() -> ListingKind {
        ListingKind::File { executable: false, size: 1 }
    }

    #[test]
    fn children_are_one_level_deep() {
        use ListingKind::Directory;
        let entries = [("", Directory), ("a", Directory), ("a/b", Directory), ("a/b/c", file()), ("a/d", file())];
        let more = [("a-b", file()), ("e", file())];
        let listing =
            Listing::new(entries.into_iter().chain(more).map(|(path, kind)| entry(path, kind)).collect()).unwrap();
        let names = |text: &str| -> Vec<_> {
            let path = path(text);
            listing.children(&path).map(|entry| entry.path.to_string()).collect()
        };
        assert_eq!(names(""), ["/a", "/a-b", "/e"]);
        assert_eq!(names("a"), ["/a/b", "/a/d"]);
        assert_eq!(names("a/d"), Vec::<String>::new());
        assert_eq!(names("absent"), Vec::<String>::new());
        assert_eq!(listing.get(&path("a/b/c")), Some(&file()));
        assert_eq!(listing.get(&path("a/b/d")), None);
    }

    #[test]
    fn entries_that_are_no_tree_are_refused() {
        use ListingKind::Directory;
        let reason = |entries: Vec<ListingEntry>| Listing::new(entries).unwrap_err().reason;
        assert_eq!(reason(vec![]), "the root is missing");
        assert_eq!(reason(vec![entry("a", file())]), "the root is missing");
        assert_eq!(reason(vec![entry("", file()), entry("a", file())]), "the folder is missing");
        assert_eq!(reason(vec![entry("", Directory), entry("a/b", file())]), "the folder is missing");
        let backwards = vec![entry("", Directory), entry("b", file()), entry("a", file())];
        assert_eq!(reason(backwards), "the order is wrong");
        let after_sibling =
            vec![entry("", Directory), entry("a", Directory), entry("b", Directory), entry("c/d", file())];
        assert_eq!(reason(after_sibling), "the folder is missing");
    }

    #[test]
    fn a_tree_lists_as_the_store_path_that_it_becomes() {
        let mut tree = Tree::new();
        let mut put = |text: &str, mode, node| tree.insert(path(text), (Metadata::root(mode), node));
        put("nix/store/x", 0o755, Node::Directory);
        put("nix/store/x/run", 0o755, Node::File(b"#!".to_vec()));
        put("nix/store/x/up", 0o777, Node::Symlink(b"..".to_vec()));
        put("nix/store/y", 0o755, Node::Directory);
        let listing = Listing::of_tree(&tree, &path("nix/store/x")).unwrap();
        assert_eq!(listing.entries().len(), 3);
        assert_eq!(listing.get(&path("run")), Some(&ListingKind::File { executable: true, size: 2 }));
    }
}
