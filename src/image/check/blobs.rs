//! Looks at every file of an archive or layout once.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use walkdir::WalkDir;

use crate::image::DiffId;
use crate::image::invert::{FoundPath, find_store_paths};
use crate::image::untar::{TarKind, TarReader};
use crate::nix::{Hasher, Sha256};

use super::{Blobs, Peeked};

/// Documents are kept in memory up to this size; a larger file is no document.
const LARGEST_DOCUMENT: u64 = 8 << 20;

/// All documents of an image together, and all of its files: far more than any image has, and few enough to keep.
const MOST_DOCUMENT_BYTES: usize = 64 << 20;
const MOST_FILES: usize = 100_000;

/// A file, looked at.
#[derive(Debug)]
pub struct Blob {
    /// Digest of its bytes.
    pub digest: Sha256,
    /// Bytes.
    pub size: u64,
    /// What it says, where it is small and no layer.
    pub content: Vec<u8>,
    /// What it holds, where it is a layer.
    pub layer: Option<LayerFacts>,
}

/// A layer, looked at.
#[derive(Debug)]
pub struct LayerFacts {
    /// Digest of its uncompressed tar.
    pub diff_id: DiffId,
    /// Store paths in it, in order.
    pub store_paths: Vec<FoundPath>,
    /// Why its entries can't be a store path's, where they can't.
    pub fault: Option<String>,
}

pub(super) fn read_archive(path: &Path) -> io::Result<Blobs> {
    let mut blobs = Blobs::default();
    let input = Peeked::new(BufReader::with_capacity(1 << 18, File::open(path)?))?;
    let mut archive = TarReader::new(BufReader::with_capacity(1 << 18, input.decoded()?));
    while let Some(entry) = archive.next_entry()? {
        let name = String::from_utf8_lossy(entry.path.strip_prefix(b"./").unwrap_or(&entry.path)).into_owned();
        if let TarKind::File(size) = entry.kind {
            let blob = look_at(&mut archive, size)?;
            keep(&mut blobs, name, blob)?;
        }
    }
    Ok(blobs)
}

pub(super) fn read_directory(folder: &Path) -> io::Result<Blobs> {
    let mut blobs = Blobs::default();
    for entry in WalkDir::new(folder).sort_by_file_name() {
        let entry = entry?;
        if entry.file_type().is_file() {
            let name = entry.path().strip_prefix(folder).map_err(io::Error::other)?.to_string_lossy().into_owned();
            let size = entry.metadata()?.len();
            let blob = look_at(&mut BufReader::with_capacity(1 << 18, File::open(entry.path())?), size)?;
            keep(&mut blobs, name, blob)?;
        }
    }
    Ok(blobs)
}

pub(super) fn keep(blobs: &mut Blobs, name: String, blob: Blob) -> io::Result<()> {
    blobs.document_bytes += blob.content.len();
    blobs.files.insert(name, blob);
    if blobs.document_bytes > MOST_DOCUMENT_BYTES || blobs.files.len() > MOST_FILES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "more files than any image has"));
    }
    Ok(())
}

pub(super) fn look_at(file: &mut (dyn Read + Send), size: u64) -> io::Result<Blob> {
    let mut hashed = Hashed { input: file, hasher: Hasher::new() };
    let mut content = Vec::new();
    let peeked = Peeked::new(&mut hashed)?;
    let layer = if peeked.is_layer() {
        Some(look_at_layer(peeked)?)
    } else {
        let mut peeked = peeked;
        (&mut peeked).take(LARGEST_DOCUMENT).read_to_end(&mut content)?;
        io::copy(&mut peeked, &mut io::sink())?;
        None
    };
    io::copy(&mut hashed, &mut io::sink())?;
    if hashed.hasher.length() != size {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Blob { size, digest: hashed.hasher.finish(), content, layer })
}

fn look_at_layer(blob: Peeked<impl Read + Send>) -> io::Result<LayerFacts> {
    let mut tar = Hashed { input: BufReader::with_capacity(1 << 18, blob.decoded()?), hasher: Hasher::new() };
    let mut store_paths = Vec::new();
    let fault = find_store_paths(&mut tar, |_, _| Ok(()), |path| store_paths.push(path)).err();
    io::copy(&mut tar, &mut io::sink())?;
    let fault = fault.map(|error| error.to_string());
    Ok(LayerFacts { diff_id: DiffId(tar.hasher.finish()), store_paths, fault })
}

/// Hashes what is read.
struct Hashed<R> {
    input: R,
    hasher: Hasher,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::image::tar::{Kind, TAIL, write_header};
    use crate::image::tree::Metadata;

    #[test]
    fn an_image_of_nothing_but_documents_is_refused() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        for number in 0..9 {
            let mut header = Vec::new();
            let name = format!("document{number}");
            write_header(&mut header, name.as_bytes(), Kind::File(LARGEST_DOCUMENT), Metadata::root(0o644));
            file.write_all(&header).unwrap();
            file.write_all(&vec![b' '; usize::try_from(LARGEST_DOCUMENT).unwrap()]).unwrap();
        }
        file.write_all(&TAIL).unwrap();
        assert!(read_archive(file.path()).unwrap_err().to_string().contains("more files than any image has"));
    }
}
