//! Looks into images with another reader than the program's own: the `tar` crate.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Cursor, Read};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use flate2::read::MultiGzDecoder;

/// Files of an archive or OCI layout, by name.
pub(crate) struct Archive {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

/// An entry of the image's root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) mode: u32,
    pub(crate) owner: (u64, u64),
    pub(crate) content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    Directory,
    File(Vec<u8>),
    Link(Vec<u8>),
    /// Another name of a file that stands before it.
    HardLink(Vec<u8>),
}

/// The image's root, by path without a leading slash.
pub(crate) type Root = BTreeMap<Vec<u8>, Entry>;

impl Archive {
    /// Reads a tar, gzipped or not, or a folder.
    pub(crate) fn read(path: &Path) -> Self {
        if path.is_dir() {
            return Self::read_folder(path);
        }
        let mut bytes = Vec::new();
        File::open(path).unwrap().read_to_end(&mut bytes).unwrap();
        Self::of(&bytes)
    }

    /// Reads a tar, gzipped or not.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let plain = decompressed(bytes);
        let mut files = BTreeMap::new();
        for entry in tar::Archive::new(Cursor::new(plain)).entries().unwrap() {
            let mut entry = entry.unwrap();
            let name = entry.path().unwrap().to_str().unwrap().to_owned();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            files.insert(name, content);
        }
        Self { files }
    }

    fn read_folder(folder: &Path) -> Self {
        let entries = walkdir::WalkDir::new(folder).into_iter().map(Result::unwrap);
        let files = entries.filter(|entry| entry.file_type().is_file()).map(|entry| {
            let name = entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read(entry.path()).unwrap())
        });
        Self { files: files.collect() }
    }

    pub(crate) fn json(&self, name: &str) -> serde_json::Value {
        let bytes = self.files.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", self.files.keys()));
        serde_json::from_slice(bytes).unwrap()
    }

    /// A blob by `sha256:…`.
    fn blob(digest: &serde_json::Value) -> String {
        format!("blobs/sha256/{}", digest.as_str().unwrap().strip_prefix("sha256:").unwrap())
    }

    /// The first manifest of the OCI index.
    pub(crate) fn oci_manifest(&self) -> serde_json::Value {
        self.json(&Self::blob(&self.json("index.json")["manifests"][0]["digest"]))
    }

    /// The configuration, as `manifest.json` names it, else as the OCI index does.
    pub(crate) fn configuration(&self) -> serde_json::Value {
        let name = if self.files.contains_key("manifest.json") {
            self.json("manifest.json")[0]["Config"].as_str().unwrap().to_owned()
        } else {
            Self::blob(&self.oci_manifest()["config"]["digest"])
        };
        self.json(&name)
    }

    /// The layers' bytes as they lie there, the lowest first.
    pub(crate) fn layers(&self) -> Vec<&[u8]> {
        let names: Vec<String> = if self.files.contains_key("manifest.json") {
            let manifest = self.json("manifest.json");
            manifest[0]["Layers"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
        } else {
            let manifest = self.oci_manifest();
            manifest["layers"].as_array().unwrap().iter().map(|layer| Self::blob(&layer["digest"])).collect()
        };
        names.iter().map(|name| &self.files[name][..]).collect()
    }

    /// A file's capability, as it stands in a layer's pax records.
    pub(crate) fn capability(&self, path: &str) -> Option<Vec<u8>> {
        let mut found = None;
        for layer in self.layers() {
            for entry in tar::Archive::new(Cursor::new(decompressed(layer))).entries().unwrap() {
                let mut entry = entry.unwrap();
                if entry.path_bytes().as_ref() == path.as_bytes()
                    && let Some(records) = entry.pax_extensions().unwrap()
                {
                    let mut records = records.map(Result::unwrap);
                    let record = records.find(|record| record.key() == Ok("SCHILY.xattr.security.capability"));
                    found = record.map(|record| record.value_bytes().to_vec());
                }
            }
        }
        found
    }

    /// What a container sees: all layers one over the other.
    pub(crate) fn root(&self) -> Root {
        let mut root = Root::new();
        for layer in self.layers() {
            let plain = decompressed(layer);
            for entry in tar::Archive::new(Cursor::new(plain)).entries().unwrap() {
                let (path, entry) = read_entry(entry.unwrap());
                if let Some(known) = root.insert(path.clone(), entry.clone()) {
                    // Only folders stand in several layers, and look the same in each.
                    assert_eq!((&known, &known.content), (&entry, &Content::Directory), "{path:?}");
                }
            }
        }
        root
    }
}

fn read_entry(mut entry: tar::Entry<'_, impl Read>) -> (Vec<u8>, Entry) {
    let path = entry.path_bytes().strip_suffix(b"/").map_or_else(|| entry.path_bytes().to_vec(), <[u8]>::to_vec);
    let header = entry.header();
    assert_eq!(header.mtime().unwrap(), 1, "{path:?}");
    let (mode, owner) = (header.mode().unwrap(), (header.uid().unwrap(), header.gid().unwrap()));
    let content = match header.entry_type() {
        tar::EntryType::Directory => Content::Directory,
        tar::EntryType::Symlink => Content::Link(entry.link_name_bytes().map(|name| name.to_vec()).unwrap_or_default()),
        tar::EntryType::Link => Content::HardLink(entry.link_name_bytes().unwrap().to_vec()),
        tar::EntryType::Regular => {
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            Content::File(content)
        }
        other => panic!("{path:?} is a {other:?}"),
    };
    (path, Entry { mode, owner, content })
}

/// What is gzipped or a zstd stream, as it was before.
pub(crate) fn decompressed(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match bytes {
        [0x1f, 0x8b, ..] => drop(MultiGzDecoder::new(bytes).read_to_end(&mut plain).unwrap()),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => plain = zstd::decode_all(bytes).unwrap(),
        _ => plain.extend_from_slice(bytes),
    }
    plain
}

/// The text of a file of the root.
pub(crate) fn text(root: &Root, path: &str) -> String {
    match &root[path.as_bytes()].content {
        Content::File(content) => String::from_utf8(content.clone()).unwrap(),
        other => panic!("{path} is {other:?}"),
    }
}

/// The files below a folder on the disk, as an image would have them: modes as in the store, root's.
pub(crate) fn on_disk(folder: &Path, prefix: &[u8]) -> Root {
    use std::os::unix::fs::PermissionsExt as _;
    let mut root = Root::new();
    for entry in walkdir::WalkDir::new(folder).follow_root_links(false) {
        let entry = entry.unwrap();
        let below = entry.path().strip_prefix(folder).unwrap().as_os_str().as_bytes();
        let path = if below.is_empty() { prefix.to_vec() } else { [prefix, below].join(&b'/') };
        let metadata = entry.path().symlink_metadata().unwrap();
        let (mode, content) = if metadata.is_dir() {
            (0o555, Content::Directory)
        } else if metadata.is_symlink() {
            (0o777, Content::Link(std::fs::read_link(entry.path()).unwrap().as_os_str().as_bytes().to_vec()))
        } else {
            let executable = metadata.permissions().mode() & 0o100 != 0;
            (if executable { 0o555 } else { 0o444 }, Content::File(std::fs::read(entry.path()).unwrap()))
        };
        root.insert(path, Entry { mode, owner: (0, 0), content });
    }
    root
}
