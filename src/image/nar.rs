//! Trees as NARs: what generated and local store paths are named and recorded by.

use std::fs::File;
use std::io::{self, Write};

use crate::nix::nar::NarWriter;
use crate::nix::{Hasher, ReferenceScanner, Sha256, StorePath};

use super::ImagePath;
use super::tree::{Node, Tree, below};

/// A tree could not be written as a NAR.
#[derive(Debug, thiserror::Error)]
#[error("can't write {path} as a NAR{}", local(.source_file.as_deref()))]
pub struct TreeNarError {
    /// Where in the image.
    pub path: ImagePath,
    /// The file of the builder's disk that its content comes from.
    pub source_file: Option<std::path::PathBuf>,
    /// What went wrong; a file that changed its size since it was walked, for example.
    pub source: io::Error,
}

fn local(file: Option<&std::path::Path>) -> String {
    file.map(|file| format!(" from `{}`", file.display())).unwrap_or_default()
}

/// What a NAR is recorded by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scanned {
    /// Digest of the NAR.
    pub nar_hash: Sha256,
    /// Bytes of the NAR.
    pub nar_size: u64,
    /// Those of the candidates whose hash parts occur in it, sorted.
    pub references: Vec<StorePath>,
}

/// Writes what stands in `tree` at `root` and below to `output`; modes become the executable bit, owners vanish.
pub fn write_nar<W: Write>(tree: &Tree, root: &ImagePath, output: &mut NarWriter<W>) -> Result<(), TreeNarError> {
    for (relative, (metadata, node)) in below(tree, root) {
        let path = relative.as_bytes();
        let executable = metadata.mode & 0o100 != 0;
        let written = match node {
            Node::Directory => output.directory(path),
            Node::Symlink(target) => output.symlink(path, target),
            Node::File(content) => output.regular(path, executable, content.len() as u64, &mut content.as_slice()),
            Node::LocalFile { path: source, size } => {
                File::open(source).and_then(|mut file| output.regular(path, executable, *size, &mut file))
            }
        };
        written.map_err(|source| TreeNarError {
            path: root.append(&relative),
            source_file: source_of(node),
            source,
        })?;
    }
    Ok(())
}

/// Digest and size of the NAR of what stands in `tree` at `root`.
pub fn tree_nar_hash(tree: &Tree, root: &ImagePath) -> Result<(Sha256, u64), TreeNarError> {
    let hasher = write_to(tree, root, Hasher::new())?;
    let size = hasher.length();
    Ok((hasher.finish(), size))
}

/// Digest and size of that NAR, and which of `candidates` it refers to.
pub fn scan(tree: &Tree, root: &ImagePath, candidates: &[StorePath]) -> Result<Scanned, TreeNarError> {
    let both = Both { hasher: Hasher::new(), scanner: ReferenceScanner::new(candidates.iter().cloned()) };
    let Both { hasher, scanner } = write_to(tree, root, both)?;
    let nar_size = hasher.length();
    Ok(Scanned { nar_hash: hasher.finish(), nar_size, references: scanner.finish() })
}

fn write_to<W: Write>(tree: &Tree, root: &ImagePath, output: W) -> Result<W, TreeNarError> {
    let mut writer = NarWriter::new(output);
    write_nar(tree, root, &mut writer)?;
    writer.finish().map_err(|source| TreeNarError { path: root.clone(), source_file: None, source })
}

fn source_of(node: &Node) -> Option<std::path::PathBuf> {
    if let Node::LocalFile { path, .. } = node { Some(path.clone()) } else { None }
}

struct Both {
    hasher: Hasher,
    scanner: ReferenceScanner,
}

impl Write for Both {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hasher.update(bytes);
        self.scanner.scan(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;
    use crate::image::tree::Metadata;
    use crate::nix::nar::{NarKind, NarReader};

    fn path(text: &str) -> ImagePath {
        ImagePath::new(text.as_bytes()).unwrap()
    }

    fn sample(local: &std::path::Path) -> Tree {
        let mut tree = Tree::new();
        let mut put = |text: &str, mode, node| tree.insert(path(text), (Metadata { mode, uid: 7, gid: 7 }, node));
        put("etc", 0o755, Node::Directory);
        put("etc/a", 0o755, Node::Directory);
        put("etc/a/local", 0o4755, Node::LocalFile { path: local.to_owned(), size: 5 });
        put("etc/a-b", 0o644, Node::File(b"text".to_vec()));
        put("etc/link", 0o777, Node::Symlink(b"../gone".to_vec()));
        put("other", 0o644, Node::File(Vec::new()));
        tree
    }

    #[test]
    fn a_subtree_reads_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let local = folder.path().join("file");
        std::fs::write(&local, "local").unwrap();
        let mut writer = NarWriter::new(Vec::new());
        write_nar(&sample(&local), &path("etc"), &mut writer).unwrap();
        let nar = writer.finish().unwrap();
        let mut reader = NarReader::new(nar.as_slice());
        let mut seen = Vec::new();
        while let Some(entry) = reader.next_entry().unwrap() {
            let mut content = String::new();
            reader.read_to_string(&mut content).unwrap();
            seen.push((String::from_utf8(entry.path).unwrap(), entry.kind, content));
        }
        let file = |executable, content: &str| NarKind::Regular { executable, size: content.len() as u64 };
        let line = |path: &str, kind, content: &str| (path.to_owned(), kind, content.to_owned());
        assert_eq!(
            seen,
            [
                line("", NarKind::Directory, ""),
                line("a", NarKind::Directory, ""),
                line("a/local", file(true, "local"), "local"),
                line("a-b", file(false, "text"), "text"),
                line("link", NarKind::Symlink { target: b"../gone".to_vec() }, ""),
            ]
        );
        let (hash, size) = tree_nar_hash(&sample(&local), &path("etc")).unwrap();
        assert_eq!((hash, size), (Sha256::of(&nar), nar.len() as u64));
    }

    #[test]
    fn a_file_that_changed_its_size_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let local = folder.path().join("file");
        for content in ["short"[..4].to_owned(), "longer".to_owned()] {
            std::fs::write(&local, content).unwrap();
            let error = tree_nar_hash(&sample(&local), &path("etc")).unwrap_err();
            assert_eq!(error.source_file, Some(local.clone()));
            assert_eq!(error.path, path("etc/a/local"));
        }
    }

    #[test]
    fn references_are_found_in_contents_and_links() {
        let (one, two, absent) = (store("one"), store("two"), store("absent"));
        let mut tree = Tree::new();
        let mut put = |text: &str, node| tree.insert(path(text), (Metadata::root(0o755), node));
        put("d", Node::Directory);
        put("d/link", Node::Symlink(two.to_string().into_bytes()));
        put("d/script", Node::File(format!("#!{one}/bin/sh\n").into_bytes()));
        let scanned = scan(&tree, &path("d"), &[two.clone(), absent, one.clone()]).unwrap();
        let mut expected = vec![one, two];
        expected.sort();
        assert_eq!(scanned.references, expected);
        assert_eq!((scanned.nar_hash, scanned.nar_size), tree_nar_hash(&tree, &path("d")).unwrap());
    }

    fn store(name: &str) -> StorePath {
        let digest = Sha256::of(name.as_bytes());
        StorePath::from_parts(*digest.as_bytes().first_chunk().unwrap(), name).unwrap()
    }
}
