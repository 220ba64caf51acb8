//! A root as bytes, to be kept.
//!
//! Records one after the other: a kind byte (`D`, `F`, `K` for a file whose contents follow, `L`, `S`); mode, user and group as
//! 32-bit little-endian numbers; a file's size as a 64-bit one; then the path, and a link's target or a file's contents, each behind
//! its 32-bit length.

use std::io;

use super::{ImagePath, Layered, LayeredEntry, LayeredKind};
use crate::image::tree::Metadata;

impl Layered {
    /// All of it; [`Layered::parse`] reads it.
    pub fn print(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        for (path, entry) in &self.entries {
            print(&mut bytes, path, entry)?;
        }
        Ok(bytes)
    }

    /// What [`Layered::print`] wrote; `None` where it is something else.
    #[must_use]
    pub fn parse(mut bytes: &[u8]) -> Option<Self> {
        let mut root = Self::default();
        while !bytes.is_empty() {
            let (path, entry) = parse(&mut bytes)?;
            root.insert(path, entry).ok()?;
        }
        // Every folder stands before what it holds.
        let is_held = |path: &ImagePath| {
            let parent = path.parent().unwrap_or_default();
            parent.is_root() || root.get(&parent).is_some_and(|entry| entry.kind == LayeredKind::Directory)
        };
        root.entries.keys().all(is_held).then_some(root)
    }
}

fn print(bytes: &mut Vec<u8>, path: &ImagePath, entry: &LayeredEntry) -> io::Result<()> {
    let (kind, size, text) = match (&entry.kind, &entry.content) {
        (LayeredKind::Directory, _) => (b'D', None, None),
        (LayeredKind::File(size), None) => (b'F', Some(*size), None),
        (LayeredKind::File(size), Some(content)) => (b'K', Some(*size), Some(&content[..])),
        (LayeredKind::Symlink(target), _) => (b'L', None, Some(&target[..])),
        (LayeredKind::Special, _) => (b'S', None, None),
    };
    bytes.push(kind);
    for number in [entry.metadata.mode, entry.metadata.uid, entry.metadata.gid] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.extend(size.iter().flat_map(|size| size.to_le_bytes()));
    for text in std::iter::once(path.as_bytes()).chain(text) {
        bytes.extend_from_slice(&u32::try_from(text.len()).map_err(io::Error::other)?.to_le_bytes());
        bytes.extend_from_slice(text);
    }
    Ok(())
}

fn parse(bytes: &mut &[u8]) -> Option<(ImagePath, LayeredEntry)> {
    let (&kind, rest) = bytes.split_first()?;
    *bytes = rest;
    let mut small = || Some(u32::from_le_bytes(number(bytes)?));
    let metadata = Metadata { mode: small()?, uid: small()?, gid: small()? };
    let size = if matches!(kind, b'F' | b'K') { u64::from_le_bytes(number(bytes)?) } else { 0 };
    let path = ImagePath::new(text(bytes)?).ok().filter(|path| !path.is_root())?;
    let (kind, content) = match kind {
        b'D' => (LayeredKind::Directory, None),
        b'F' => (LayeredKind::File(size), None),
        b'K' => (LayeredKind::File(size), Some(text(bytes)?.into())),
        b'L' => (LayeredKind::Symlink(text(bytes)?.to_vec()), None),
        b'S' => (LayeredKind::Special, None),
        _ => return None,
    };
    Some((path, LayeredEntry { kind, metadata, content, layer: 0 }))
}

fn number<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (digits, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*digits)
}

fn text<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(u32::from_le_bytes(number(bytes)?)).ok()?;
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(text)
}
