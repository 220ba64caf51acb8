//! Proves fragments of a store that others can write to: everything they claim is derived anew from their bytes.

use std::io::{self, BufReader, PipeReader, Write};

use crate::image::invert::{FoundPath, find_store_paths, split};
use crate::image::tar::{Kind, TAIL};
use crate::image::untar::{TarEntry, TarKind};
use crate::image::{BlobDigest, DiffId};
use crate::nix::{Hasher, Sha256, StorePath};

use super::listing::append_record;
use super::write::encode_whole;
use super::{Error, Fragment, Store};

/// What a fragment's tar holds.
struct Contents {
    found: Vec<FoundPath>,
    listing: Sha256,
}

impl Store {
    /// Whether `fragment` holds `path` with this NAR hash, and its record and listing tell the truth. One that doesn't is removed.
    pub fn prove(&self, fragment: &Fragment, path: &StorePath, nar_hash: &Sha256, head: &[u8]) -> Result<(), Error> {
        if self.derives(fragment, path, nar_hash, head).unwrap_or(false) {
            return Ok(());
        }
        self.remove_fragment(fragment.key)?;
        Err(Error::Forged { path: path.clone() })
    }

    fn derives(&self, fragment: &Fragment, path: &StorePath, nar_hash: &Sha256, head: &[u8]) -> Result<bool, Error> {
        let (mut tar, mut blob) = (Hasher::new(), Hasher::new());
        tar.update(head);
        blob.update(&encode_whole(fragment.codec, head)?);
        let contents = std::thread::scope(|scope| -> Result<Contents, Error> {
            let (reader, mut writer) = io::pipe()?;
            // Where the reader gives up, writing fails: the pipe is closed.
            let reader = scope.spawn(move || read_contents(reader));
            let mut decoder = fragment.codec.decoder()?;
            let mut both = Tee(&mut tar, &mut writer);
            let copied = self.read_fragment(fragment)?.copy_both(&mut decoder, &mut blob, &mut both);
            let ended = copied.and_then(|()| Ok(writer.write_all(&TAIL)?));
            drop(writer);
            let contents = reader.join().map_err(|_| io::Error::other("a thread of the proof panicked"))??;
            ended.map(|()| contents)
        })?;
        tar.update(&TAIL);
        blob.update(&encode_whole(fragment.codec, &TAIL)?);
        let alone = fragment.alone();
        Ok(alone.head == Sha256::of(head)
            && alone.blob_size == blob.length()
            && alone.diff_id == DiffId(tar.finish())
            && alone.blob == BlobDigest(blob.finish())
            && contents.listing == fragment.record.listing
            && matches!(&contents.found[..], [one] if one.path == *path && one.nar_hash == *nar_hash))
    }
}

fn read_contents(tar: PipeReader) -> io::Result<Contents> {
    let (mut found, mut listing, mut record) = (Vec::new(), Hasher::new(), Vec::new());
    let seen = |entry: &TarEntry, offset: u64| {
        record.clear();
        let kind = match &entry.kind {
            TarKind::Directory => Kind::Directory,
            TarKind::File(size) => Kind::File(*size),
            TarKind::Symlink(target) => Kind::Symlink(target),
            TarKind::HardLink(_) | TarKind::Special(_) => return Err(io::ErrorKind::InvalidData.into()),
        };
        let (_, path) = split(&entry.path).ok_or(io::ErrorKind::InvalidData)?;
        append_record(&mut record, path, kind, entry.metadata, offset)?;
        listing.update(&record);
        Ok(())
    };
    find_store_paths(BufReader::new(tar), seen, |path| found.push(path))?;
    Ok(Contents { found, listing: listing.finish() })
}

/// Writes everything twice.
struct Tee<'a, A, B>(&'a mut A, &'a mut B);

impl<A: Write, B: Write> Write for Tee<'_, A, B> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(bytes)?;
        self.1.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
