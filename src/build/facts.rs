//! What generation asks of packages, and what they answer. Kept in the image, so that whoever builds the next one without these
//! packages at hand can ask the image instead.
//!
//! Only what was asked is in here, whoever answered: the same image has the same facts, whether its packages lay in the store or
//! an earlier image's facts stood for them.

mod debs;
mod document;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::image::ImagePath;
use crate::image::listing::ListingKind;
use crate::image::tree::{Metadata, Node, Tree};
use crate::nix::Sha256;
use crate::store::FragmentKey;

pub(super) use debs::DebFacts;
pub use document::FactsError;

/// Where an image keeps its facts.
pub(super) const FACTS_PATH: &str = "usr/share/dumbc/facts";

/// The largest document that is read. A hundred of Nix's packages take some ten thousand bytes, of Debian's some million.
pub(super) const LARGEST: u64 = 16 << 20;

/// Longer answers to a question for bytes are not kept.
const LONGEST_BYTES: usize = 1 << 20;

/// A file of a package.
pub(super) type FileOf = (FragmentKey, ImagePath);

/// A question for bytes: which file, from where on, how many.
pub(super) type Piece = (ImagePath, u64, u64);

/// Questions with their answers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Facts {
    packages: BTreeMap<FragmentKey, Answers>,
    /// Of files that were compared with others: so are they with those of packages that come later.
    digests: BTreeMap<FileOf, Sha256>,
    /// Of Debian packages, what is asked of all of them.
    debs: BTreeMap<FragmentKey, Arc<DebFacts>>,
    /// Licences that a Debian package's copyright file names: such files take most of what an image's packages answer.
    licences: BTreeMap<FragmentKey, Vec<String>>,
}

/// What one package answered; paths are those below it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Answers {
    /// What stands at a path; `None`: nothing.
    kinds: BTreeMap<ImagePath, Option<ListingKind>>,
    /// What a folder holds, one level deep.
    names: BTreeMap<ImagePath, Vec<Vec<u8>>>,
    /// What stands at a path and below it.
    below: BTreeMap<ImagePath, Vec<(ImagePath, ListingKind)>>,
    /// Bytes of files.
    bytes: BTreeMap<Piece, Vec<u8>>,
}

impl Facts {
    /// What stands at a path; the outer `None`: nobody asked.
    #[expect(clippy::option_option, reason = "that nothing is there is an answer, too")]
    pub(super) fn kind(&self, package: FragmentKey, path: &ImagePath) -> Option<Option<&ListingKind>> {
        Some(self.packages.get(&package)?.kinds.get(path)?.as_ref())
    }

    /// What a folder holds, one level deep.
    pub(super) fn names(&self, package: FragmentKey, folder: &ImagePath) -> Option<&Vec<Vec<u8>>> {
        self.packages.get(&package)?.names.get(folder)
    }

    /// What stands at a path and below it.
    pub(super) fn below(&self, package: FragmentKey, path: &ImagePath) -> Option<&Vec<(ImagePath, ListingKind)>> {
        self.packages.get(&package)?.below.get(path)
    }

    /// Bytes of a file.
    pub(super) fn bytes(&self, package: FragmentKey, piece: &Piece) -> Option<&Vec<u8>> {
        self.packages.get(&package)?.bytes.get(piece)
    }

    /// The digest of a file.
    pub(super) fn digest(&self, file: &FileOf) -> Option<Sha256> {
        self.digests.get(file).copied()
    }

    /// What generation looks at of a Debian package.
    pub(super) fn deb(&self, package: FragmentKey) -> Option<&Arc<DebFacts>> {
        self.debs.get(&package)
    }

    /// What a Debian package's copyright file names.
    pub(super) fn licences(&self, package: FragmentKey) -> Option<&Vec<String>> {
        self.licences.get(&package)
    }

    pub(super) fn put_kind(&mut self, package: FragmentKey, path: &ImagePath, kind: Option<&ListingKind>) {
        let kinds = &mut self.packages.entry(package).or_default().kinds;
        if !kinds.contains_key(path) {
            kinds.insert(path.clone(), kind.cloned());
        }
    }

    pub(super) fn put_names(&mut self, package: FragmentKey, folder: &ImagePath, names: &[Vec<u8>]) {
        self.packages.entry(package).or_default().names.insert(folder.clone(), names.to_vec());
    }

    pub(super) fn put_below(&mut self, package: FragmentKey, path: &ImagePath, found: &[(ImagePath, ListingKind)]) {
        self.packages.entry(package).or_default().below.insert(path.clone(), found.to_vec());
    }

    /// Long answers are left out: an image shall not hold its files twice.
    pub(super) fn put_bytes(&mut self, package: FragmentKey, piece: Piece, bytes: &[u8]) {
        if bytes.len() <= LONGEST_BYTES {
            self.packages.entry(package).or_default().bytes.insert(piece, bytes.to_vec());
        }
    }

    pub(super) fn put_digest(&mut self, file: FileOf, digest: Sha256) {
        self.digests.insert(file, digest);
    }

    pub(super) fn put_deb(&mut self, package: FragmentKey, facts: &Arc<DebFacts>) {
        self.debs.insert(package, facts.clone());
    }

    pub(super) fn put_licences(&mut self, package: FragmentKey, licences: &[String]) {
        self.licences.insert(package, licences.to_vec());
    }

    /// The file that keeps them in an image; `None` where there is nothing to keep, or too much for anybody to read.
    pub(super) fn tree(&self) -> Option<Tree> {
        let bytes = self.to_bytes();
        let path = ImagePath::new(FACTS_PATH.as_bytes()).ok()?;
        let is_empty = self.packages.is_empty() && self.debs.is_empty();
        let is_read = bytes.len() as u64 <= LARGEST && document::fit(self.debs.values().map(|deb| &**deb));
        (!is_empty && is_read).then(|| Tree::from([(path, (Metadata::root(0o444), Node::File(bytes)))]))
    }
}
