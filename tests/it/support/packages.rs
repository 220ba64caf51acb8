//! Packages made for tests, and the files of a cache that has them.

use std::collections::BTreeMap;

use dumbc::nix::nar::NarWriter;
use dumbc::nix::{Compression, ContentAddress, NarInfo, PathInfo, PublicKey, SecretKey, Sha256, StorePath};

/// The NAR of one plain file.
pub(crate) fn nar_of(content: &[u8]) -> Vec<u8> {
    let mut writer = NarWriter::new(Vec::new());
    writer.regular(b"", false, content.len() as u64, &mut &content[..]).unwrap();
    writer.finish().unwrap()
}

/// A key for tests.
pub(crate) fn key(name: &str) -> SecretKey {
    SecretKey::generate(name, *Sha256::of(name.as_bytes()).as_bytes()).unwrap()
}

/// Files of a cache, by path with a leading slash.
#[derive(Clone)]
pub(crate) struct Packages {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    key: SecretKey,
}

impl Packages {
    pub(crate) fn new(key_name: &str) -> Self {
        let info = b"StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 40\n".to_vec();
        Self { files: BTreeMap::from([("/nix-cache-info".to_owned(), info)]), key: key(key_name) }
    }

    pub(crate) fn public_key(&self) -> PublicKey {
        self.key.public_key()
    }

    /// A path whose hash is that of its name.
    pub(crate) fn path(name: &str) -> StorePath {
        let digest = Sha256::of(name.as_bytes());
        StorePath::from_parts(digest.as_bytes()[..20].try_into().unwrap(), name).unwrap()
    }

    /// Adds a signed package of one file.
    pub(crate) fn add(&mut self, name: &str, references: &[&StorePath], content: &[u8]) -> StorePath {
        let path = Self::path(name);
        self.add_as(path.clone(), references, content, None);
        path
    }

    /// Adds an unsigned package whose path follows from its content.
    pub(crate) fn add_addressed(&mut self, name: &str, references: &[&StorePath], content: &[u8]) -> StorePath {
        let references: Vec<StorePath> = references.iter().map(|&path| path.clone()).collect();
        let address = ContentAddress::Nar(Sha256::of(&nar_of(content)));
        let path = address.store_path(name, &references).unwrap();
        self.add_as(path.clone(), &references.iter().collect::<Vec<_>>(), content, Some(address));
        path
    }

    /// Adds an unsigned plain file whose path follows from its content, as fetchers make them.
    pub(crate) fn add_flat(&mut self, name: &str, claimed: &[u8], content: &[u8]) -> StorePath {
        let address = ContentAddress::Flat(Sha256::of(claimed));
        let path = address.store_path(name, &[]).unwrap();
        self.add_as(path.clone(), &[], content, Some(address));
        path
    }

    fn add_as(&mut self, path: StorePath, references: &[&StorePath], content: &[u8], address: Option<ContentAddress>) {
        let nar = nar_of(content);
        let packed = zstd::encode_all(&nar[..], 3).unwrap();
        let url = format!("nar/{}.nar.zst", path.hash_part());
        let mut info = PathInfo {
            path,
            nar_hash: Sha256::of(&nar),
            nar_size: nar.len() as u64,
            references: references.iter().map(|&path| path.clone()).collect(),
            signatures: Vec::new(),
            content_address: address.as_ref().map(ToString::to_string),
        };
        if address.is_none() {
            info.sign(&self.key);
        }
        let narinfo = NarInfo {
            url: url.clone(),
            compression: Compression::Zstd,
            file_hash: Some(Sha256::of(&packed)),
            file_size: Some(packed.len() as u64),
            deriver: None,
            system: None,
            info,
        };
        self.files.insert(format!("/{url}"), packed);
        self.files.insert(Self::narinfo(&narinfo.info.path), narinfo.print().into_bytes());
    }

    /// The file that describes a path.
    pub(crate) fn narinfo(path: &StorePath) -> String {
        format!("/{}.narinfo", path.hash_part())
    }

    /// The file that holds a path's content.
    pub(crate) fn nar(path: &StorePath) -> String {
        format!("/nar/{}.nar.zst", path.hash_part())
    }

    /// Changes the text of a file.
    pub(crate) fn edit(&mut self, file: &str, change: impl FnOnce(String) -> String) {
        let text = String::from_utf8(self.files.remove(file).unwrap()).unwrap();
        self.files.insert(file.to_owned(), change(text).into_bytes());
    }

    /// A server that has the files.
    pub(crate) fn serve(&self) -> super::server::Server {
        self.files
            .iter()
            .fold(super::server::Server::start(), |server, (path, content)| server.file(path, content.clone()))
    }

    /// Writes the files into a folder.
    pub(crate) fn write(&self, folder: &std::path::Path) {
        std::fs::create_dir_all(folder.join("nar")).unwrap();
        for (path, content) in &self.files {
            std::fs::write(folder.join(&path[1..]), content).unwrap();
        }
    }
}
