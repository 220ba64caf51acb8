//! Copies packages into a cache of one's own.

use std::collections::BTreeMap;
use std::io::{self, Read, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::pack::{Packed, Packer, Packing};
use super::{CacheWriter, WriteError};
use crate::cache::{CacheSet, NarSource, Wanted, gathered};
use crate::nix::nar::NarReader;
use crate::nix::{NarInfo, PathInfo, PublicKey, StorePath, TrustError, Unsigned, VerifiedPathInfo};
use crate::progress::Progress;

/// A package to copy.
#[derive(Debug, Clone)]
pub struct ToMirror {
    /// What is known of it, to be verified.
    pub info: PathInfo,
    /// The derivation that made it: base name.
    pub deriver: Option<String>,
    /// Where the NAR was: a hint.
    pub source: Option<NarSource>,
}

/// What a mirroring did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Mirrored {
    /// Packages copied.
    pub copied: usize,
    /// Packages that were there already.
    pub present: usize,
    /// Bytes of the copied NARs.
    pub nar_bytes: u64,
}

/// Copies `packages` from `from` to `to`, with its signatures, and last one file with all their narinfos. What `keys` don't vouch for is refused before
/// anything is copied.
///
/// Content is checked while it streams, and is packed anew. What `to` has with the same hash stays.
pub fn mirror(
    packages: &[ToMirror],
    keys: &[PublicKey],
    from: &CacheSet,
    to: &CacheWriter,
    packing: Packing,
    progress: &dyn Progress,
) -> Result<Mirrored, WriteError> {
    // Somebody named each path, so its content may vouch for it.
    let verify =
        |package: &ToMirror| package.info.clone().verify(keys, &package.info.path, Unsigned::AcceptContentAddressed);
    let packages = packages
        .iter()
        .map(|package| Ok((verify(package)?, package)))
        .collect::<Result<Vec<(VerifiedPathInfo, &ToMirror)>, TrustError>>()?;
    progress.begin("mirroring", Some(packages.iter().map(|(_, package)| package.info.nar_size).sum()));
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Mirrored::default());
    let work = || {
        while let Some((verified, package)) = packages.get(next.fetch_add(1, Ordering::Relaxed)) {
            let copied = copy(verified, package, from, to, packing, progress);
            let copied = copied.inspect_err(|_| next.store(packages.len(), Ordering::Relaxed))?;
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            if copied {
                done.copied += 1;
                done.nar_bytes += package.info.nar_size;
            } else {
                done.present += 1;
            }
        }
        Ok(())
    };
    let threads = thread::available_parallelism().map_or(2, usize::from).min(8);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let outcomes =
            workers.into_iter().map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        outcomes.collect::<Vec<_>>().into_iter().collect::<Result<Vec<()>, WriteError>>()
    })?;
    gather(&packages, to)?;
    Ok(done.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Writes the file that has all narinfos: of what `to` has itself, for that is where its NARs lie.
fn gather(packages: &[(VerifiedPathInfo, &ToMirror)], to: &CacheWriter) -> Result<(), WriteError> {
    let mut narinfos = BTreeMap::new();
    for (verified, _) in packages {
        let path = &verified.info().path;
        narinfos.extend(to.narinfo(path)?.map(|narinfo| (path.clone(), narinfo)));
    }
    if narinfos.len() < 2 {
        return Ok(());
    }
    let unwritable = |source| WriteError::Write { path: to.scratch().to_owned(), source };
    let (name, bytes) = gathered::pack(&narinfos).map_err(unwritable)?;
    to.place(&name, &bytes)
}

/// Copies one package; answers whether it was missing.
fn copy(
    verified: &VerifiedPathInfo,
    package: &ToMirror,
    from: &CacheSet,
    to: &CacheWriter,
    packing: Packing,
    progress: &dyn Progress,
) -> Result<bool, WriteError> {
    let info = verified.info();
    if to.narinfo(&info.path)?.is_some_and(|known| known.info.nar_hash == info.nar_hash) {
        return Ok(false);
    }
    let wanted = Wanted::new(verified, package.source.clone());
    let packed = from.fetch_nar(&wanted, progress, &mut |nar| pack(nar, to, packing))?;
    let narinfo = NarInfo {
        info: PathInfo { references: sorted(&info.references), ..info.clone() },
        compression: packed.compression(),
        file_hash: Some(packed.file_hash),
        file_size: Some(packed.file_size),
        deriver: package.deriver.as_deref().and_then(|name| StorePath::from_base_name(name).ok()),
        system: None,
        url: packed.publish(to)?,
    };
    to.publish_narinfo(&narinfo)?;
    Ok(true)
}

/// Packs a stream that must be a NAR.
fn pack(nar: &mut dyn Read, to: &CacheWriter, packing: Packing) -> io::Result<Packed> {
    let mut packer = Packer::new(to, packing, []).map_err(io::Error::other)?;
    let mut reader = NarReader::new(Copying { input: nar, packer: &mut packer });
    while reader.next_entry()?.is_some() {}
    packer.finish()
}

/// Hands on what it reads.
struct Copying<'a> {
    input: &'a mut dyn Read,
    packer: &'a mut Packer,
}

impl Read for Copying<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.packer.write_all(&buffer[..count])?;
        Ok(count)
    }
}

fn sorted(references: &[StorePath]) -> Vec<StorePath> {
    let mut sorted = references.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    sorted
}
