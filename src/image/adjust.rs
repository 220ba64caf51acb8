//! What is done to a package's files on their way into an image, beyond what the package says.

use std::collections::{BTreeMap, BTreeSet};

use super::ImagePath;
use super::tree::Metadata;
use crate::nix::{Hasher, Sha256};

/// Changes to one package's files, by their paths in the unchanged fragment. Part of the changed fragment's key.
///
/// A file may have several names (hard links). Metadata, capabilities and content are the file's: what is said of one of its names
/// holds for all. Omitting and renaming are each name's own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Adjustments {
    /// Files and links that another package replaces.
    pub omit: BTreeSet<ImagePath>,
    /// Files and links that stand elsewhere: diverted, or below a folder that another package has as a link.
    pub rename: BTreeMap<ImagePath, ImagePath>,
    /// Other owners and modes than the package's own: dpkg-statoverride.
    pub metadata: BTreeMap<ImagePath, Metadata>,
    /// File capabilities: the value of `security.capability`.
    pub capabilities: BTreeMap<ImagePath, Vec<u8>>,
    /// Small files with other content.
    pub content: BTreeMap<ImagePath, Vec<u8>>,
}

impl Adjustments {
    /// Whether nothing is changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Names the changes: equal ones have equal digests, whatever made them.
    #[must_use]
    pub fn digest(&self) -> Sha256 {
        let mut parts = Parts(Hasher::new());
        parts.table(b"omit", self.omit.iter().map(|path| (path, Vec::new())));
        parts.table(b"rename", self.rename.iter().map(|(path, to)| (path, to.as_bytes().to_vec())));
        let metadata = |of: &Metadata| [of.mode, of.uid, of.gid].map(u32::to_le_bytes).concat();
        parts.table(b"metadata", self.metadata.iter().map(|(path, of)| (path, metadata(of))));
        parts.table(b"capabilities", self.capabilities.iter().map(|(path, value)| (path, value.clone())));
        parts.table(b"content", self.content.iter().map(|(path, content)| (path, content.clone())));
        parts.0.finish()
    }

    /// Every path that something is said of, with what has to stand there.
    pub fn subjects(&self) -> impl Iterator<Item = (&ImagePath, Subject)> {
        let no_folders = self.omit.iter().chain(self.rename.keys()).map(|path| (path, Subject::FileOrLink));
        let files = self.capabilities.keys().chain(self.content.keys()).map(|path| (path, Subject::File));
        no_folders.chain(files).chain(self.metadata.keys().map(|path| (path, Subject::Anything)))
    }
}

/// What a change can be made to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// Files, folders, links.
    Anything,
    /// No folders.
    FileOrLink,
    /// Files alone.
    File,
}

/// Hashes tables so that no two read alike: every part behind its length, every table behind its own.
struct Parts(Hasher);

impl Parts {
    fn table<'a>(&mut self, name: &[u8], rows: impl Iterator<Item = (&'a ImagePath, Vec<u8>)>) {
        let rows = rows.collect::<Vec<_>>();
        self.part(name);
        self.0.update(&(rows.len() as u64).to_le_bytes());
        for (path, value) in rows {
            self.part(path.as_bytes());
            self.part(&value);
        }
    }

    fn part(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> ImagePath {
        ImagePath::new(text.as_bytes()).unwrap()
    }

    #[test]
    fn different_changes_have_different_digests() {
        let (a, b) = (path("a"), path("b"));
        let none = Adjustments::default;
        let all = [
            none(),
            Adjustments { omit: [a.clone()].into(), ..none() },
            Adjustments { omit: [b.clone()].into(), ..none() },
            Adjustments { omit: [a.clone(), b.clone()].into(), ..none() },
            Adjustments { rename: [(a.clone(), b.clone())].into(), ..none() },
            Adjustments { metadata: [(a.clone(), Metadata::root(0o4755))].into(), ..none() },
            Adjustments { metadata: [(a.clone(), Metadata::root(0o755))].into(), ..none() },
            Adjustments { capabilities: [(a.clone(), b"b".to_vec())].into(), ..none() },
            Adjustments { content: [(a.clone(), b"b".to_vec())].into(), ..none() },
            Adjustments { content: [(a, Vec::new())].into(), ..none() },
        ];
        let digests = all.iter().map(Adjustments::digest).collect::<BTreeSet<_>>();
        assert_eq!(digests.len(), all.len());
        assert!(all.iter().filter(|one| one.is_empty()).count() == 1 && all[1].clone().digest() == all[1].digest());
    }
}
