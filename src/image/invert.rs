//! From tar back to NARs: the proof that an image holds what caches signed.
//!
//! Fragments keep NAR order and all that a NAR knows, so the archive comes back bit for bit.

use std::io::{self, Read};

use crate::nix::nar::NarWriter;
use crate::nix::{Hasher, Sha256, StorePath};

use super::untar::{TarEntry, TarKind, TarReader};

/// A store path as found in a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundPath {
    /// Which.
    pub path: StorePath,
    /// Digest of the NAR that its entries make.
    pub nar_hash: Sha256,
    /// Bytes of that NAR.
    pub nar_size: u64,
}

const STORE: &[u8] = b"nix/store/";

/// Reads a layer to its end and hands every store path to `found`, in the order of the layer; and every entry to `seen`,
/// with the offset of its contents.
///
/// # Errors
/// Entries that no NAR can have made: wrong order, modes beyond the executable bit, owners, devices.
pub fn find_store_paths(
    layer: impl Read,
    mut seen: impl FnMut(&TarEntry, u64) -> io::Result<()>,
    mut found: impl FnMut(FoundPath),
) -> io::Result<()> {
    let mut reader = TarReader::new(layer);
    let mut open: Option<(StorePath, NarWriter<Hasher>)> = None;
    while let Some(entry) = reader.next_entry()? {
        seen(&entry, reader.offset())?;
        let Some((base_name, inner)) = split(&entry.path) else { continue };
        if open.as_ref().is_none_or(|(path, _)| path.base_name().as_bytes() != base_name) {
            close(open.take(), &mut found)?;
            let name = std::str::from_utf8(base_name).map_err(|_| odd(&entry, "is no store path"))?;
            let path = StorePath::from_base_name(name).map_err(|_| odd(&entry, "is no store path"))?;
            open = Some((path, NarWriter::new(Hasher::new())));
        }
        if let Some((_, nar)) = &mut open {
            append(nar, &entry, inner, &mut reader)?;
        }
    }
    close(open, &mut found)
}

/// The base name and the path below it, of an entry in the store.
pub(crate) fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = path.strip_prefix(b"/").unwrap_or(path).strip_prefix(STORE)?;
    let end = rest.iter().position(|&byte| byte == b'/').unwrap_or(rest.len());
    Some((&rest[..end], rest[end..].strip_prefix(b"/").unwrap_or_default()))
}

fn append(nar: &mut NarWriter<Hasher>, entry: &TarEntry, inner: &[u8], contents: &mut dyn Read) -> io::Result<()> {
    if (entry.metadata.uid, entry.metadata.gid) != (0, 0) {
        return Err(odd(entry, "does not belong to root"));
    }
    match (&entry.kind, entry.metadata.mode) {
        (TarKind::Directory, 0o555) => nar.directory(inner),
        (TarKind::File(size), mode @ (0o444 | 0o555)) => nar.regular(inner, mode == 0o555, *size, contents),
        (TarKind::Symlink(target), _) => nar.symlink(inner, target),
        _ => Err(odd(entry, "has a type or mode that no store path has")),
    }
}

fn close(open: Option<(StorePath, NarWriter<Hasher>)>, found: &mut impl FnMut(FoundPath)) -> io::Result<()> {
    let Some((path, nar)) = open else { return Ok(()) };
    let hasher = nar.finish()?;
    found(FoundPath { path, nar_size: hasher.length(), nar_hash: hasher.finish() });
    Ok(())
}

fn odd(entry: &TarEntry, what: &str) -> io::Error {
    let path = String::from_utf8_lossy(&entry.path).escape_debug().to_string();
    io::Error::new(io::ErrorKind::InvalidData, format!("`{path}` {what}"))
}
