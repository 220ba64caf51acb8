//! Layers and documents of other people's images, as they came: a folder of blobs by digest.
//!
//! A layer is kept when its digests hold, the one of the blob and the one of the tar in it. Beside it stands what was learnt of it;
//! beside several, the root that they make together.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::image::codec::Packing;
use crate::image::layered::{Layered, LayeredError};
use crate::image::{BlobDigest, DiffId};
use crate::nix::{Hasher, Sha256};

use super::{Context as _, Error, Pool, Store};

/// Names the exact way from layers to a root.
const ROOT_VERSION: &[u8] = b"dumbc root 1\n";

/// A blob may decode to so much, beside what any compression of its size could hold.
const SLACK: u64 = 1 << 30;

/// The most that a byte of gzip stands for.
const RATIO: u64 = 1032;

/// The widest window that a zstd frame may ask for, as a power of two.
const WIDEST_WINDOW: u32 = 27;

/// A root's listing beyond this is none.
const LARGEST_ROOT: u64 = 512 << 20;

/// A layer of somebody else's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignBlob {
    /// Digest of the blob.
    pub digest: BlobDigest,
    /// Bytes of the blob.
    pub size: u64,
    /// Digest of the tar in it.
    pub diff_id: DiffId,
    /// How it is compressed.
    pub packing: Packing,
}

/// Why a blob is not kept.
#[derive(Debug, thiserror::Error)]
#[error("the layer {digest} is refused: {reason}")]
pub struct BlobFault {
    /// Which.
    pub digest: BlobDigest,
    /// What is wrong with it.
    pub reason: String,
}

/// What is remembered of a layer.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Record {
    diff_id: DiffId,
    tar_size: u64,
}

impl Store {
    /// Bytes of a layer's tar, where the layer is here. In a store that others can write to, both digests are derived anew.
    pub fn foreign_tar_size(&self, blob: &ForeignBlob) -> Result<Option<u64>, Error> {
        let path = self.foreign_path(&blob.digest.0);
        if !fs::metadata(&path).is_ok_and(|there| there.is_file() && there.len() == blob.size) {
            return Ok(None);
        }
        let record = if self.untrusted { None } else { self.foreign_record(blob) };
        let tar_size = match record {
            Some(record) => record.tar_size,
            None => match self.check_blob(blob).and_then(|()| self.learn(blob)) {
                Err(Error::DamagedBlob(_) | Error::Blob(_)) => {
                    self.forget_blob(&blob.digest.0)?;
                    return Ok(None);
                }
                learnt => learnt?,
            },
        };
        self.mark_used(&blob.digest.0);
        Ok(Some(tar_size))
    }

    /// Keeps a layer that is read from `input`, if it is what it should be. Bytes of its tar.
    pub fn keep_foreign(&self, blob: &ForeignBlob, input: &mut dyn Read) -> Result<u64, Error> {
        let mut file = self.temporary()?;
        let mut hashed = Hashed { input: input.take(blob.size.saturating_add(1)), hasher: Hasher::new() };
        let size = io::copy(&mut hashed, &mut file)?;
        if size != blob.size || hashed.hasher.finish() != blob.digest.0 {
            return Err(fault(blob, "it is not what its digest and size say"));
        }
        let record = Record { diff_id: blob.diff_id, tar_size: tar_size(blob, file.reopen()?)? };
        Self::keep(file, &self.foreign_path(&blob.digest.0))?;
        self.write_record(blob, record)?;
        Ok(record.tar_size)
    }

    /// Keeps a small document under its digest.
    pub fn keep_document(&self, content: &[u8]) -> Result<Sha256, Error> {
        let digest = Sha256::of(content);
        let mut file = self.temporary()?;
        file.write_all(content)?;
        Self::keep(file, &self.foreign_path(&digest))?;
        Ok(digest)
    }

    /// A document of at most `limit` bytes, where it is here and whole.
    pub fn document(&self, digest: &Sha256, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        let path = self.foreign_path(digest);
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.context("open", &path)?,
        };
        let mut content = Vec::new();
        file.take(limit.saturating_add(1)).read_to_end(&mut content).context("read", &path)?;
        if Sha256::of(&content) != *digest {
            self.forget_blob(digest)?;
            return Ok(None);
        }
        self.mark_used(digest);
        Ok(Some(content))
    }

    /// The root that `layers` make, the lowest first; all of them are here.
    pub fn foreign_root(&self, layers: &[ForeignBlob]) -> Result<Layered, Error> {
        let key = layers.iter().fold(Hasher::new(), |mut hasher, layer| {
            hasher.update(layer.diff_id.0.as_bytes());
            hasher
        });
        let path = self.root.join("blobs/roots").join(key.finish().hex());
        if let Some(root) = self.remembered_root(&path) {
            return Ok(root);
        }
        let mut root = Layered::default();
        for blob in layers {
            let mut tar = Hashed { input: self.foreign_tar(blob)?, hasher: Hasher::new() };
            root.apply(&mut tar).map_err(|source| self.blame(blob, source))?;
        }
        self.remember_root(&path, &root)?;
        Ok(root)
    }

    /// The tar of a layer that is here.
    pub fn foreign_tar(&self, blob: &ForeignBlob) -> Result<Box<dyn Read + Send>, Error> {
        Ok(unpacked(blob, self.open_foreign(&blob.digest)?)?)
    }

    /// A layer that is here, as it came.
    pub fn open_foreign(&self, digest: &BlobDigest) -> Result<File, Error> {
        let path = self.foreign_path(&digest.0);
        match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::DamagedBlob(*digest)),
            file => file.context("open", &path),
        }
    }

    /// Checks layers against their digests, on all cores.
    pub fn check_foreign<'a>(&self, pool: &Pool, blobs: impl Iterator<Item = &'a ForeignBlob>) -> Result<(), Error> {
        pool.map(&blobs.collect::<Vec<_>>(), |blob| self.check_blob(blob)).map(drop)
    }

    fn check_blob(&self, blob: &ForeignBlob) -> Result<(), Error> {
        let mut hasher = Hasher::new();
        let size = io::copy(&mut self.open_foreign(&blob.digest)?, &mut hasher)?;
        if (size, hasher.finish()) == (blob.size, blob.digest.0) {
            return Ok(());
        }
        self.forget_blob(&blob.digest.0)?;
        Err(Error::DamagedBlob(blob.digest))
    }

    fn learn(&self, blob: &ForeignBlob) -> Result<u64, Error> {
        let tar_size = tar_size(blob, self.open_foreign(&blob.digest)?)?;
        self.write_record(blob, Record { diff_id: blob.diff_id, tar_size })?;
        Ok(tar_size)
    }

    fn foreign_record(&self, blob: &ForeignBlob) -> Option<Record> {
        let text = fs::read(self.foreign_record_path(&blob.digest.0)).ok()?;
        serde_json::from_slice::<Record>(&text).ok().filter(|record| record.diff_id == blob.diff_id)
    }

    fn write_record(&self, blob: &ForeignBlob, record: Record) -> Result<(), Error> {
        let mut file = self.temporary()?;
        file.write_all(&serde_json::to_vec(&record).map_err(io::Error::from)?)?;
        Self::keep(file, &self.foreign_record_path(&blob.digest.0))
    }

    fn remembered_root(&self, path: &Path) -> Option<Layered> {
        if self.untrusted {
            return None;
        }
        let file = File::open(path).ok()?;
        let mut bytes = Vec::new();
        zstd::Decoder::new(&file).ok()?.take(LARGEST_ROOT).read_to_end(&mut bytes).ok()?;
        let (digest, listing) = bytes.strip_prefix(ROOT_VERSION)?.split_first_chunk::<32>()?;
        let root = Layered::parse(listing).filter(|_| Sha256::of(listing).as_bytes() == digest)?;
        touch(path);
        Some(root)
    }

    fn remember_root(&self, path: &Path, root: &Layered) -> Result<(), Error> {
        let listing = root.print()?;
        let mut file = self.temporary()?;
        let mut encoder = zstd::Encoder::new(&mut file, 3)?;
        for piece in [ROOT_VERSION, Sha256::of(&listing).as_bytes(), &listing] {
            encoder.write_all(piece)?;
        }
        encoder.finish()?;
        Self::keep(file, path)
    }

    /// What broke while a root was made: the blob, if it is not what it was any more; else what it says.
    fn blame(&self, blob: &ForeignBlob, source: LayeredError) -> Error {
        self.check_blob(blob).err().unwrap_or(Error::Root { digest: blob.digest, source })
    }

    fn forget_blob(&self, digest: &Sha256) -> Result<(), Error> {
        for path in [self.foreign_record_path(digest), self.foreign_path(digest)] {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error).context("remove", &path),
                _ => {}
            }
        }
        Ok(())
    }

    /// Collection goes by this; a store on a read-only disk only loses its order of use.
    fn mark_used(&self, digest: &Sha256) {
        for path in [self.foreign_record_path(digest), self.foreign_path(digest)] {
            touch(&path);
        }
    }

    fn foreign_path(&self, digest: &Sha256) -> PathBuf {
        self.root.join("blobs/sha256").join(digest.hex())
    }

    fn foreign_record_path(&self, digest: &Sha256) -> PathBuf {
        self.root.join("blobs/facts").join(digest.hex())
    }
}

fn touch(path: &Path) {
    let _ = File::options().append(true).open(path).and_then(|file| file.set_modified(SystemTime::now()));
}

fn fault(blob: &ForeignBlob, reason: impl Into<String>) -> Error {
    BlobFault { digest: blob.digest, reason: reason.into() }.into()
}

/// Bytes of the tar in a blob, whose digest must be the one that its image says.
fn tar_size(blob: &ForeignBlob, file: File) -> Result<u64, Error> {
    let limit = blob.size.saturating_mul(RATIO).saturating_add(SLACK);
    let mut hasher = Hasher::new();
    let decoded = unpacked(blob, file).and_then(|tar| io::copy(&mut tar.take(limit.saturating_add(1)), &mut hasher));
    let size = decoded.map_err(|error| fault(blob, format!("it can't be decompressed: {error}")))?;
    if size > limit {
        return Err(fault(blob, "it decompresses to far more than its size"));
    }
    if hasher.finish() != blob.diff_id.0 {
        return Err(fault(blob, format!("what it decompresses to does not have the diff ID {}", blob.diff_id)));
    }
    Ok(size)
}

/// Undoes a blob's compression, in the memory of one decoder.
fn unpacked(blob: &ForeignBlob, file: File) -> io::Result<Box<dyn Read + Send>> {
    let input = BufReader::with_capacity(1 << 18, file);
    Ok(match blob.packing {
        Packing::Plain => Box::new(input),
        Packing::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(input)),
        Packing::Zstd => {
            let mut decoder = zstd::Decoder::with_buffer(input)?;
            decoder.window_log_max(WIDEST_WINDOW)?;
            Box::new(decoder)
        }
    })
}

/// Hashes what is read.
struct Hashed<R> {
    input: R,
    hasher: Hasher,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.hasher.update(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}
