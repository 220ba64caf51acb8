//! What a layer holds: names and digests of files, store paths, and the few documents that tell of packages.

use std::collections::BTreeMap;
use std::io::{self, Read};

use serde::Serialize;

use crate::image::invert::split;
use crate::image::untar::{TarEntry, TarKind, TarReader};
use crate::nix::{Hasher, Sha256, StorePath};

/// Where an image that boots lists its store paths.
pub(super) const REGISTRATION: &str = "etc/dumbc/registration";

/// Where it says what it does when it starts.
pub(super) const BOOT_PLAN: &str = "etc/dumbc/boot.json";

/// Where Debian's packages are listed, and where distroless images list them, a file each.
pub(super) const DPKG_STATUS: &str = "var/lib/dpkg/status";
pub(super) const DPKG_STATUS_FOLDER: &str = "var/lib/dpkg/status.d/";

/// Documents of one layer are kept up to these sizes.
const LARGEST_DOCUMENT: u64 = 32 << 20;
const MOST_DOCUMENT_BYTES: u64 = 64 << 20;

/// More files than this are not listed, and longer names are cut.
const MOST_FILES: usize = 100_000;
const LONGEST_NAME: usize = 1024;

/// Store paths of one layer.
const MOST_STORE_PATHS: usize = 100_000;

/// A layer, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LayerContents {
    /// What stands outside of the Nix store, by path; of what was deleted, that.
    pub files: BTreeMap<String, FileEntry>,
    /// Store paths, with the bytes of their files.
    pub store_paths: BTreeMap<StorePath, u64>,
    /// Documents that tell of packages, by path.
    pub documents: BTreeMap<String, Vec<u8>>,
    /// Whether there was more than is listed.
    pub is_cut: bool,
}

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileEntry {
    /// What it is.
    #[serde(flatten)]
    pub kind: FileKind,
    /// Permissions.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// Kinds of what stands at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum FileKind {
    /// A folder.
    Directory,
    /// A file.
    File {
        /// Bytes.
        size: u64,
        /// Of its content.
        digest: Sha256,
    },
    /// A symbolic link.
    Link {
        /// As it stands.
        target: String,
    },
    /// Another name of a file.
    HardLink {
        /// That file.
        target: String,
    },
    /// A device or the like.
    Special,
    /// What a lower layer has is gone.
    Deleted,
}

impl LayerContents {
    /// Reads a layer's tar to its end.
    pub fn read(mut tar: impl Read) -> io::Result<Self> {
        let mut contents = Self::default();
        let mut kept = 0;
        let mut reader = TarReader::new(&mut tar);
        while let Some(entry) = reader.next_entry()? {
            if let Some((base_name, _)) = split(plain(&entry.path)) {
                contents.store(base_name, &entry.kind);
                continue;
            }
            let path = String::from_utf8_lossy(plain(&entry.path)).into_owned();
            let document = document_size(&path, &entry.kind).filter(|size| kept + size <= MOST_DOCUMENT_BYTES);
            kept += document.unwrap_or_default();
            let (digest, content) = read_file(&mut reader, document.is_some())?;
            if document.is_some() {
                contents.documents.insert(path.clone(), content);
            }
            contents.file(path, &entry, digest);
        }
        drop(reader);
        // What checks the digest does so at the end.
        io::copy(&mut tar, &mut io::sink())?;
        Ok(contents)
    }

    fn store(&mut self, base_name: &[u8], kind: &TarKind) {
        let path = std::str::from_utf8(base_name).ok().and_then(|name| StorePath::from_base_name(name).ok());
        let Some(path) = path else { return };
        if self.store_paths.len() >= MOST_STORE_PATHS && !self.store_paths.contains_key(&path) {
            self.is_cut = true;
            return;
        }
        let size = self.store_paths.entry(path).or_default();
        *size = size.saturating_add(if let TarKind::File(size) = kind { *size } else { 0 });
    }

    fn file(&mut self, path: String, entry: &TarEntry, digest: Sha256) {
        if path.is_empty() || path.len() > LONGEST_NAME || self.files.len() >= MOST_FILES {
            self.is_cut |= !path.is_empty();
            return;
        }
        let text = |target: &[u8]| String::from_utf8_lossy(target.get(..LONGEST_NAME).unwrap_or(target)).into_owned();
        let (folder, name) = path.rsplit_once('/').map_or(("", path.as_str()), |(folder, name)| (folder, name));
        let (path, kind) = match (name.strip_prefix(".wh."), &entry.kind) {
            // An opaque folder hides what is not named.
            (Some(deleted), _) if deleted.starts_with(".wh.") => return,
            (Some(deleted), _) => (format!("{folder}/{deleted}").trim_start_matches('/').to_owned(), FileKind::Deleted),
            (None, TarKind::Directory) => (path, FileKind::Directory),
            (None, TarKind::File(size)) => (path, FileKind::File { size: *size, digest }),
            (None, TarKind::Symlink(target)) => (path, FileKind::Link { target: text(target) }),
            (None, TarKind::HardLink(target)) => (path, FileKind::HardLink { target: text(plain(target)) }),
            (None, TarKind::Special(_)) => (path, FileKind::Special),
        };
        let metadata = entry.metadata;
        self.files.insert(path, FileEntry { kind, mode: metadata.mode, uid: metadata.uid, gid: metadata.gid });
    }
}

/// The size of what is kept whole.
fn document_size(path: &str, kind: &TarKind) -> Option<u64> {
    let TarKind::File(size) = kind else { return None };
    let is_status = path.strip_prefix(DPKG_STATUS_FOLDER).is_some_and(|name| !name.ends_with(".md5sums"));
    let is_wanted = is_status || [REGISTRATION, BOOT_PLAN, DPKG_STATUS].contains(&path);
    (is_wanted && *size <= LARGEST_DOCUMENT).then_some(*size)
}

fn read_file(file: &mut impl Read, keep: bool) -> io::Result<(Sha256, Vec<u8>)> {
    let (mut hasher, mut content, mut buffer) = (Hasher::new(), Vec::new(), [0; 1 << 14]);
    loop {
        let read = file.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
            return Ok((hasher.finish(), content));
        };
        hasher.update(bytes);
        if keep {
            content.extend_from_slice(bytes);
        }
    }
}

fn plain(path: &[u8]) -> &[u8] {
    let path = path.strip_prefix(b".").filter(|rest| rest.starts_with(b"/")).unwrap_or(path);
    let path = path.strip_prefix(b"/").unwrap_or(path);
    if path == b"." { b"" } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::tar::{Kind, TAIL, padding, write_header};
    use crate::image::tree::Metadata;

    #[test]
    fn a_layer_is_files_store_paths_and_documents() {
        let mut tar = Vec::new();
        let store = "nix/store/b0w421q3zff7bm8z9hg4cyddfl33913x-git-2.39.5";
        for (name, kind, content) in [
            ("./", Kind::Directory, &b""[..]),
            ("./etc/motd", Kind::File(2), b"hi"),
            ("etc/.wh.passwd", Kind::File(0), b""),
            ("etc/.wh..wh..opq", Kind::File(0), b""),
            ("./nix/store", Kind::Directory, b""),
            (store, Kind::Directory, b""),
            (&format!("{store}/git"), Kind::File(3), b"git"),
            ("/var/lib/dpkg/status", Kind::File(5), b"stat\n"),
            ("link", Kind::Symlink(b"etc"), b""),
        ] {
            write_header(&mut tar, name.as_bytes(), kind, Metadata { mode: 0o640, uid: 1, gid: 2 });
            tar.extend_from_slice(content);
            tar.extend_from_slice(padding(content.len() as u64));
        }
        tar.extend_from_slice(&TAIL);
        let contents = LayerContents::read(&tar[..]).unwrap();
        let paths = contents.files.keys().map(String::as_str).collect::<Vec<_>>();
        assert_eq!(paths, ["etc/motd", "etc/passwd", "link", "nix/store", "var/lib/dpkg/status"]);
        assert_eq!(contents.files["etc/motd"].kind, FileKind::File { size: 2, digest: Sha256::of(b"hi") });
        assert_eq!((contents.files["etc/motd"].mode, contents.files["etc/motd"].uid), (0o640, 1));
        assert_eq!(contents.files["etc/passwd"].kind, FileKind::Deleted);
        assert_eq!(contents.documents[DPKG_STATUS], b"stat\n");
        assert_eq!(
            contents.store_paths.iter().map(|(path, size)| (path.name(), *size)).next(),
            Some(("git-2.39.5", 3))
        );
        assert!(LayerContents::read(&tar[..700]).is_err());
    }
}
