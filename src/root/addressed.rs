//! Trees that are store paths of their own, named by their content.

use crate::failure::{Class, Classified};
use crate::image::ImagePath;
use crate::image::listing::{Listing, ListingError};
use crate::image::nar::{Scanned, TreeNarError, scan};
use crate::image::tree::{Metadata, Node, Tree, rooted};
use crate::nix::{ContentAddress, ParseStorePathError, Sha256, StorePath};

/// A tree with the store path that follows from it. Nothing is signed: whoever has the content can check the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addressed {
    /// Where it lies.
    pub path: StorePath,
    /// What lies there, from the image's root.
    pub tree: Tree,
    /// Digest of its NAR.
    pub nar_hash: Sha256,
    /// Bytes of its NAR.
    pub nar_size: u64,
    /// Store paths that it refers to, sorted; never itself.
    pub references: Vec<StorePath>,
    /// What its path follows from.
    pub content_address: ContentAddress,
}

/// Why a tree is no store path.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// The name can't be that of a store path.
    #[error(transparent)]
    Name(#[from] ParseStorePathError),
    /// The tree could not be read, or a NAR can't hold it.
    #[error(transparent)]
    Nar(#[from] TreeNarError),
}

impl Classified for AddressError {
    fn class(&self) -> Class {
        Class::Other
    }
}

impl Addressed {
    /// `tree`, whose root is the empty path, as a store path called `name`; `candidates` are all store paths that it
    /// may refer to.
    pub fn of(name: &str, tree: Tree, candidates: &[StorePath]) -> Result<Self, AddressError> {
        let Scanned { nar_hash, nar_size, references } = scan(&tree, &ImagePath::default(), candidates)?;
        let content_address = ContentAddress::Nar(nar_hash);
        let path = content_address.store_path(name, &references)?;
        let tree = rooted(read_only(tree), &ImagePath::from(&path));
        Ok(Self { path, tree, nar_hash, nar_size, references, content_address })
    }

    /// Where it lies, as a path of the image.
    #[must_use]
    pub fn root(&self) -> ImagePath {
        ImagePath::from(&self.path)
    }

    /// Its listing, as a package has one.
    pub fn listing(&self) -> Result<Listing, ListingError> {
        Listing::of_tree(&self.tree, &self.root())
    }
}

/// Owners and modes that everything in a store has: a NAR knows of the executable bit alone.
fn read_only(mut tree: Tree) -> Tree {
    for (metadata, node) in tree.values_mut() {
        *metadata = Metadata::root(match node {
            Node::Symlink(_) => 0o777,
            Node::Directory => 0o555,
            _ if metadata.mode & 0o100 != 0 => 0o555,
            _ => 0o444,
        });
    }
    tree
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::sample;

    #[test]
    fn a_tree_gets_the_path_that_nix_gives_it() {
        // `nix-store --add` says the same of a folder `sample` with an executable `bin/run` of `#!/bin/sh` and a link.
        let tree = sample::tree(&[("bin/run", "#!/bin/sh"), ("run", "-> bin/run")]);
        let unit = Addressed::of("sample", tree, &[]).unwrap();
        assert_eq!(unit.path.to_string(), "/nix/store/r4hl6bqn8frvca1vcf48nf5yqkcg7xli-sample");
        assert_eq!(unit.listing().unwrap().entries().len(), 4);
        let modes: Vec<u32> = unit.tree.values().map(|(metadata, _)| metadata.mode).collect();
        assert_eq!(modes, [0o555, 0o555, 0o555, 0o777]);
    }

    #[test]
    fn a_name_that_no_store_path_has_is_refused() {
        assert!(matches!(Addressed::of("a b", sample::tree(&[("", "f")]), &[]), Err(AddressError::Name(_))));
    }
}
