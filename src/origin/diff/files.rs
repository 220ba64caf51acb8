//! What changed among files that no package tells of.

use std::collections::{BTreeMap, BTreeSet};

use super::FileChange;
use crate::channel::Kind;
use crate::origin::contents::{FileEntry, FileKind, LayerContents};

/// Where Debian's packages have their files, which their versions tell of.
const PACKAGED: [&str; 8] = ["usr/", "bin/", "sbin/", "lib/", "lib32/", "lib64/", "libx32/", "var/lib/dpkg/"];

/// What changes whenever a package does.
const DERIVED: [&str; 4] = ["nix/", "etc/dumbc/registration", "etc/ld.so.cache", "etc/profiles/"];

/// What layers, the topmost first, leave to see outside of packages.
pub(super) fn merged<'l>(layers: &[&'l LayerContents], has_debian: bool) -> BTreeMap<&'l str, &'l FileEntry> {
    let is_packaged = |path: &str| {
        let of_debian = has_debian && !path.starts_with("usr/local/");
        DERIVED.iter().any(|prefix| path.starts_with(prefix) || *prefix == format!("{path}/"))
            || (of_debian && PACKAGED.iter().any(|prefix| path.starts_with(prefix)))
    };
    let mut files = BTreeMap::new();
    for (path, entry) in layers.iter().flat_map(|layer| &layer.files) {
        if !is_packaged(path) {
            files.entry(path.as_str()).or_insert(entry);
        }
    }
    files
}

/// What changed between what two images leave to see.
pub(super) fn files(before: &BTreeMap<&str, &FileEntry>, after: &BTreeMap<&str, &FileEntry>) -> Vec<FileChange> {
    let paths: BTreeSet<_> = before.keys().chain(after.keys()).copied().collect();
    let there =
        |entry: Option<&&FileEntry>| entry.map(|entry| (*entry).clone()).filter(|it| it.kind != FileKind::Deleted);
    let change = |path: &str| {
        let (old, new) = (before.get(path), after.get(path));
        let is_folder = |entry: &&FileEntry| entry.kind == FileKind::Directory;
        let (old_there, new_there) = (there(old), there(new));
        let kind = match (&old_there, &new_there) {
            (Some(old), Some(new)) if old == new => return None,
            (Some(_), Some(_)) => Kind::Updated,
            // Layers repeat the folders that they put something into.
            (None, Some(entry)) | (Some(entry), None) if is_folder(&entry) => return None,
            (None, Some(_)) => Kind::Added,
            (None, None) if old.is_some() || new.is_none() => return None,
            _ => Kind::Removed,
        };
        Some(FileChange { path: path.to_owned(), kind, before: old_there, after: new_there })
    };
    paths.into_iter().filter_map(change).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nix::Sha256;

    fn entry(kind: FileKind, mode: u32) -> FileEntry {
        FileEntry { kind, mode, uid: 0, gid: 0 }
    }

    #[test]
    fn files_change_by_content_mode_and_deletion() {
        let file = |content: &[u8]| FileKind::File { size: content.len() as u64, digest: Sha256::of(content) };
        let mut old = LayerContents::default();
        let mut new = LayerContents::default();
        for (path, before, after) in [
            ("etc/same", Some(entry(file(b"1"), 0o644)), Some(entry(file(b"1"), 0o644))),
            ("etc/content", Some(entry(file(b"1"), 0o644)), Some(entry(file(b"2"), 0o644))),
            ("etc/mode", Some(entry(file(b"1"), 0o644)), Some(entry(file(b"1"), 0o600))),
            ("etc/new", None, Some(entry(file(b"1"), 0o644))),
            ("etc/old", Some(entry(file(b"1"), 0o644)), None),
            ("etc/folder", None, Some(entry(FileKind::Directory, 0o755))),
            ("etc/hidden", None, Some(entry(FileKind::Deleted, 0))),
            ("nix/var/db", None, Some(entry(file(b"1"), 0o644))),
            ("usr/bin/tool", None, Some(entry(file(b"1"), 0o644))),
        ] {
            old.files.extend(before.map(|entry| (path.to_owned(), entry)));
            new.files.extend(after.map(|entry| (path.to_owned(), entry)));
        }
        let changes = files(&merged(&[&old], true), &merged(&[&new], true));
        let told: Vec<_> = changes.iter().map(|change| (change.path.as_str(), change.kind)).collect();
        assert_eq!(
            told,
            [
                ("etc/content", Kind::Updated),
                ("etc/hidden", Kind::Removed),
                ("etc/mode", Kind::Updated),
                ("etc/new", Kind::Added),
                ("etc/old", Kind::Removed)
            ]
        );
        assert_eq!(files(&merged(&[&old], false), &merged(&[&new], false)).len(), 6);
    }
}
