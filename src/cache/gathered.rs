//! All narinfos of a closure in one file, so that a closure is one question. Its name follows from the closure, and each narinfo is
//! verified as if it had come alone.
//!
//! The file is narinfos, sorted by path, each followed by an empty line; compressed with zstd.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader, Read as _, Write as _};
use std::sync::OnceLock;

use super::decode;
use crate::nix::{Hasher, NarInfo, StorePath};

/// The most that such a file has, packed. Nixpkgs as a whole has less.
pub(super) const LIMIT: u64 = 64 << 20;

/// The most that is decoded of one.
const DECODED: u64 = 512 << 20;

/// A closure that may be asked for as a whole.
pub(super) struct Gathered {
    /// The file's name, without what follows its last dots.
    pub(super) name: String,
    wanted: BTreeSet<String>,
    texts: OnceLock<BTreeMap<String, Vec<u8>>>,
}

impl Gathered {
    /// The closure of these paths.
    pub(super) fn new<'a>(paths: impl IntoIterator<Item = &'a StorePath>) -> Self {
        let paths: BTreeSet<&StorePath> = paths.into_iter().collect();
        let wanted = paths.iter().map(|path| path.hash_part().to_owned()).collect();
        Self { name: name(&paths), wanted, texts: OnceLock::new() }
    }

    /// Whether the closure holds the path.
    pub(super) fn covers(&self, path: &StorePath) -> bool {
        // One path is one question anyway.
        self.wanted.len() > 1 && self.wanted.contains(path.hash_part())
    }

    /// A path's narinfo, not verified yet. `fetch` gives the file, once.
    pub(super) fn narinfo(&self, path: &StorePath, fetch: impl FnOnce() -> Option<Vec<u8>>) -> Option<Vec<u8>> {
        let texts = self.texts.get_or_init(|| {
            let file = fetch().unwrap_or_default();
            read(&file, &self.wanted).unwrap_or_else(|fault| {
                tracing::debug!("{} can't be read: {fault}", self.name);
                BTreeMap::new()
            })
        });
        texts.get(path.hash_part()).cloned()
    }
}

/// `closure-` and 32 hexadecimal digits: the same for the same paths.
fn name(paths: &BTreeSet<&StorePath>) -> String {
    let mut hasher = Hasher::new();
    for path in paths {
        hasher.update(path.to_string().as_bytes());
        hasher.update(b"\n");
    }
    format!("closure-{:.32}", hasher.finish().hex())
}

/// The file of a closure.
pub(super) fn file_name(name: &str) -> String {
    format!("{name}.narinfos.zst")
}

/// Packs narinfos; the same ones always give the same bytes. Answers the file's name, too.
pub(super) fn pack(narinfos: &BTreeMap<StorePath, NarInfo>) -> io::Result<(String, Vec<u8>)> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 19)?;
    encoder.include_checksum(true)?;
    for narinfo in narinfos.values() {
        encoder.write_all(narinfo.print().as_bytes())?;
        encoder.write_all(b"\n")?;
    }
    Ok((file_name(&name(&narinfos.keys().collect())), encoder.finish()?))
}

/// The narinfos of a file that are wanted, by hash part.
fn read(file: &[u8], wanted: &BTreeSet<String>) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut texts = BTreeMap::new();
    if file.is_empty() {
        return Ok(texts);
    }
    let decoded = decode::content(Some("zstd"), Box::new(file), DECODED).map_err(io::Error::other)?;
    let mut lines = BufReader::new(decoded.take(DECODED));
    let mut text = Vec::new();
    loop {
        let before = text.len();
        let most = (NarInfo::MAX_SIZE - before) as u64 + 1;
        let count = lines.by_ref().take(most).read_until(b'\n', &mut text)?;
        if text.len() > NarInfo::MAX_SIZE {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        if text[before..] == *b"\n" || count == 0 {
            text.truncate(before);
            if let Some(hash_part) = hash_part(&text).filter(|hash_part| wanted.contains(hash_part)) {
                texts.insert(hash_part, text.clone());
            }
            text.clear();
        }
        if count == 0 {
            return Ok(texts);
        }
    }
}

/// The hash part of the path that a narinfo says it is of.
fn hash_part(text: &[u8]) -> Option<String> {
    let mut lines = text.split(|&byte| byte == b'\n');
    let path = lines.find_map(|line| line.strip_prefix(b"StorePath: "))?;
    let path: StorePath = std::str::from_utf8(path).ok()?.trim().parse().ok()?;
    Some(path.hash_part().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASHES: [&str; 3] =
        ["00000000000000000000000000000001", "00000000000000000000000000000002", "00000000000000000000000000000003"];

    fn path(index: usize) -> StorePath {
        format!("/nix/store/{}-x", HASHES[index]).parse().expect("a path")
    }

    fn narinfo(index: usize) -> NarInfo {
        let hash = "0".repeat(52);
        let text = format!(
            "StorePath: {}\nURL: nar/x.nar\nCompression: none\nNarHash: sha256:{hash}\nNarSize: 1\n",
            path(index)
        );
        NarInfo::parse(text.as_bytes()).expect("a narinfo")
    }

    #[test]
    fn what_is_packed_is_found_again() {
        let narinfos: BTreeMap<_, _> = (0..2).map(|index| (path(index), narinfo(index))).collect();
        let (file, bytes) = pack(&narinfos).expect("packed");
        assert_eq!(pack(&narinfos).expect("packed"), (file.clone(), bytes.clone()));
        let gathered = Gathered::new(narinfos.keys());
        assert_eq!(file_name(&gathered.name), file);
        assert_eq!(gathered.narinfo(&path(1), || Some(bytes)), Some(narinfo(1).print().into_bytes()));
        assert_eq!(gathered.narinfo(&path(2), || panic!("asked once")), None);
        assert!(gathered.covers(&path(0)) && !gathered.covers(&path(2)));
    }

    #[test]
    fn another_closure_has_another_name() {
        let [one, both] = [Gathered::new([&path(0)]), Gathered::new([&path(0), &path(1)])];
        assert_ne!(one.name, both.name);
        assert_eq!(Gathered::new([&path(1), &path(0)]).name, both.name);
        assert!(!one.covers(&path(0)));
    }

    #[test]
    fn what_is_no_such_file_says_nothing() {
        let gathered = Gathered::new([&path(0), &path(1)]);
        assert_eq!(gathered.narinfo(&path(0), || Some(b"<html>".to_vec())), None);
        let endless = zstd::encode_all(&vec![b'x'; NarInfo::MAX_SIZE + 2][..], 1).expect("packed");
        assert!(read(&endless, &gathered.wanted).is_err());
    }
}
