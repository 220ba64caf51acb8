//! A fragment's listing on disk: what it holds, and where in its tar the contents lie.
//!
//! Written and read as a stream of records: a kind byte (`D`, `F`, `X` for an executable file, `L`); mode, user and group ID as
//! 32-bit little-endian numbers; size and tar offset as 64-bit ones for files; then the path and, for links, the target, each
//! behind its 32-bit length.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufWriter, Write};

use tempfile::NamedTempFile;

use crate::image::ImagePath;
use crate::image::listing::{Listing, ListingEntry, ListingKind};
use crate::image::tar::Kind;
use crate::image::tree::Metadata;
use crate::nix::{Hasher, Sha256};

use super::{Context as _, Error, Fragment, Store};

/// A file's place in a fragment's tar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Bytes from the fragment's beginning.
    pub offset: u64,
    /// Bytes of contents.
    pub size: u64,
}

/// Writes records as entries come.
pub(super) struct ListingWriter {
    file: BufWriter<NamedTempFile>,
    digest: Hasher,
    record: Vec<u8>,
}

impl ListingWriter {
    pub(super) fn new(file: NamedTempFile) -> Self {
        Self { file: BufWriter::new(file), digest: Hasher::new(), record: Vec::new() }
    }

    pub(super) fn entry(&mut self, path: &[u8], kind: Kind<'_>, metadata: Metadata, offset: u64) -> io::Result<()> {
        self.record.clear();
        append_record(&mut self.record, path, kind, metadata, offset)?;
        self.digest.update(&self.record);
        self.file.write_all(&self.record)
    }

    pub(super) fn finish(self) -> io::Result<(NamedTempFile, Sha256)> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok((file, self.digest.finish()))
    }
}

/// Appends the record of one entry.
pub(super) fn append_record(
    record: &mut Vec<u8>,
    path: &[u8],
    kind: Kind<'_>,
    metadata: Metadata,
    offset: u64,
) -> io::Result<()> {
    record.push(match kind {
        Kind::Directory => b'D',
        Kind::File(_) if metadata.mode & 0o100 == 0 => b'F',
        Kind::File(_) => b'X',
        Kind::Symlink(_) => b'L',
        // Listed as the file that it is another name of.
        Kind::HardLink(_) => return Err(io::ErrorKind::InvalidInput.into()),
    });
    for number in [metadata.mode, metadata.uid, metadata.gid] {
        record.extend_from_slice(&number.to_le_bytes());
    }
    if let Kind::File(size) = kind {
        record.extend_from_slice(&size.to_le_bytes());
        record.extend_from_slice(&offset.to_le_bytes());
    }
    let target = if let Kind::Symlink(target) = kind { Some(target) } else { None };
    for text in std::iter::once(path).chain(target) {
        record.extend_from_slice(&u32::try_from(text.len()).map_err(io::Error::other)?.to_le_bytes());
        record.extend_from_slice(text);
    }
    Ok(())
}

impl Store {
    /// What a fragment holds: paths below its store path, or below the image's root for other trees.
    pub fn listing(&self, fragment: &Fragment) -> Result<Listing, Error> {
        let mut entries = self.records(fragment)?.into_iter().map(|(entry, _)| entry).collect::<Vec<_>>();
        // Records come as entries went by; a package's don't go by in the order of names.
        entries.sort_by(|one, other| one.path.cmp(&other.path));
        Listing::new(entries).or_else(|_| self.damaged(fragment))
    }

    /// Where the contents of all files lie in a fragment's tar, by path.
    pub fn extents(&self, fragment: &Fragment) -> Result<BTreeMap<ImagePath, Extent>, Error> {
        let files = self.records(fragment)?.into_iter().filter_map(|(entry, extent)| Some((entry.path, extent?)));
        Ok(files.collect())
    }

    /// All entries in the order of the tar, and behind them those that are not in it.
    pub(super) fn records(&self, fragment: &Fragment) -> Result<Vec<(ListingEntry, Option<Extent>)>, Error> {
        let path = self.listing_path(fragment.key);
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return self.damaged(fragment),
            bytes => bytes.context("read", &path)?,
        };
        if Sha256::of(&bytes) != fragment.record.listing {
            return self.damaged(fragment);
        }
        parse(&bytes).map_or_else(|| self.damaged(fragment), Ok)
    }

    /// Removes a fragment that is not what its record says.
    pub(super) fn damaged<T>(&self, fragment: &Fragment) -> Result<T, Error> {
        self.remove_fragment(fragment.key)?;
        Err(Error::Damaged(fragment.key))
    }
}

fn parse(mut bytes: &[u8]) -> Option<Vec<(ListingEntry, Option<Extent>)>> {
    let mut records = Vec::new();
    while let Some((&kind, rest)) = bytes.split_first() {
        bytes = rest;
        let mut small = || u32::try_from(number::<4>(&mut bytes)?).ok();
        let metadata = Metadata { mode: small()?, uid: small()?, gid: small()? };
        let mut extent = None;
        if matches!(kind, b'F' | b'X') {
            let (size, offset) = (number::<8>(&mut bytes)?, number::<8>(&mut bytes)?);
            extent = Some(Extent { offset, size });
        }
        let path = ImagePath::new(text(&mut bytes)?).ok()?;
        let kind = match (kind, extent) {
            (b'D', _) => ListingKind::Directory,
            (b'L', _) => ListingKind::Symlink { target: text(&mut bytes)?.to_vec() },
            (b'F' | b'X', Some(extent)) => ListingKind::File { executable: kind == b'X', size: extent.size },
            _ => return None,
        };
        records.push((ListingEntry { path, kind, metadata }, extent));
    }
    Some(records)
}

fn number<const N: usize>(bytes: &mut &[u8]) -> Option<u64> {
    let (digits, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(digits.iter().rev().fold(0, |value, &digit| value << 8 | u64::from(digit)))
}

fn text<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(number::<4>(bytes)?).ok()?;
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(text)
}
