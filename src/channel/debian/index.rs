//! Package indices: fetched, held to what the Release file promises, and kept under their digest.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek as _, Write as _};
use std::path::Path;

use super::Candidate;
use super::candidate::{Context, candidate};
use super::error::ArchiveError;
use super::release::Verified;
use crate::cache::DecoderBudget;
use crate::cache::decode::decoder;
use crate::cache::http::HttpError;
use crate::deb::{ControlError, Paragraphs, ReleaseFile};
use crate::nix::{Compression, Hasher, Sha256};
use crate::progress::Progress;

/// The largest of Debian's indices is a tenth of it.
const LARGEST: u64 = 1 << 30;

/// What an index's name may end in, the smallest first.
const PACKED: [(&str, Compression); 5] = [
    (".xz", Compression::Xz),
    (".zst", Compression::Zstd),
    (".bz2", Compression::Bzip2),
    (".gz", Compression::Gzip),
    ("", Compression::None),
];

static BUDGET: DecoderBudget = DecoderBudget::new(DecoderBudget::DEFAULT);

/// An index that a Release file lists.
pub(super) struct Index<'a> {
    from: &'a Verified<'a>,
    component: &'a str,
    architecture: &'a str,
    /// Below the suite's folder.
    path: String,
    compression: Compression,
    file: ReleaseFile,
    /// The same, uncompressed, where the Release file lists that, too.
    plain: Option<ReleaseFile>,
}

impl<'a> Index<'a> {
    /// Finds the smallest form of an index that can be read.
    pub(super) fn find(
        from: &'a Verified<'a>,
        component: &'a str,
        architecture: &'a str,
    ) -> Result<Self, ArchiveError> {
        let release = &from.release;
        let names: Vec<&str> = release.component_names().collect();
        check_known(from, "component", component, &names)?;
        let known: Vec<&str> = release.architectures.iter().map(String::as_str).collect();
        check_known(from, "architecture", architecture, &known)?;
        // Security archives call their components `updates/main`, and list `main` all the same; not all do.
        let whole = release.components.iter().zip(&names).find(|(_, name)| **name == component);
        let folders = [component].into_iter().chain(whole.map(|(whole, _)| whole.as_str()));
        let bases = folders.map(|folder| format!("{folder}/binary-{architecture}/Packages"));
        for base in bases {
            for (ending, compression) in PACKED {
                let path = format!("{base}{ending}");
                if let Some(&file) = release.files.get(&path) {
                    let plain = release.files.get(&base).copied();
                    return Ok(Self { from, component, architecture, path, compression, file, plain });
                }
            }
        }
        let index = format!("{component}/binary-{architecture}/Packages");
        Err(ArchiveError::NoIndex { suite: from.site.suite.clone(), index })
    }

    /// `bookworm/main/amd64`
    pub(super) fn name(&self) -> String {
        format!("{}/{}/{}", self.from.site.suite, self.component, self.architecture)
    }

    /// Digest of the file that is fetched.
    pub(super) fn digest(&self) -> Sha256 {
        Sha256::from_bytes(self.file.sha256)
    }

    /// Bytes to fetch.
    pub(super) fn size(&self) -> u64 {
        self.file.size
    }

    /// Reads every package into `add`; the digest of the uncompressed index.
    ///
    /// Packages come before the digest is known: after an error they are to be dropped. The file that they are read from has
    /// been verified, so that this is about the Release file's word on the uncompressed one.
    pub(super) fn read(
        &self,
        channel: &str,
        state: &Path,
        progress: &dyn Progress,
        add: &mut dyn FnMut(Candidate),
    ) -> Result<Sha256, ArchiveError> {
        let file = self.file(&state.join("indices"), progress)?;
        let refused = |reason: String| ArchiveError::Index { index: self.name(), reason };
        let limit = self.plain.map_or(LARGEST, |plain| plain.size.min(LARGEST));
        let input =
            decoder(self.compression, Box::new(file), limit, &BUDGET).map_err(|fault| refused(fault.to_string()))?;
        let mut input = Hashed { input, hasher: Hasher::new(), limit };
        let context = Context { suite: &self.from.site.suite, channel, architecture: self.architecture };
        let mut paragraphs = Paragraphs::new(BufReader::with_capacity(1 << 17, &mut input));
        loop {
            match paragraphs.next_paragraph() {
                Ok(Some(paragraph)) => add(candidate(paragraph, &context).map_err(refused)?),
                Ok(None) => break,
                Err(ControlError::Io(fault)) => return Err(refused(fault.to_string())),
                Err(fault) => return Err(refused(fault.to_string())),
            }
        }
        drop(paragraphs);
        let found = input.hasher.finish();
        match self.plain.map(|plain| Sha256::from_bytes(plain.sha256)) {
            Some(expected) if expected != found => Err(self.differs(&expected, &found)),
            _ => Ok(found),
        }
    }

    /// The verified file, from where it is kept, else from the archive.
    fn file(&self, folder: &Path, progress: &dyn Progress) -> Result<File, ArchiveError> {
        let digest = Sha256::from_bytes(self.file.sha256);
        let kept = folder.join(digest.hex());
        if let Ok(mut file) = File::open(&kept)
            && hash(&mut file).is_ok_and(|found| found == digest)
        {
            progress.advance(self.file.size);
            return Ok(file);
        }
        let fault = |source| ArchiveError::File { path: kept.clone(), source };
        fs::create_dir_all(folder).map_err(fault)?;
        let mut made = tempfile::NamedTempFile::new_in(folder).map_err(fault)?;
        let mut hasher = Hasher::new();
        let mut input = self.open()?.take(self.file.size.saturating_add(1));
        let mut buffer = vec![0; 1 << 16];
        loop {
            match input.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    hasher.update(&buffer[..count]);
                    made.write_all(&buffer[..count]).map_err(fault)?;
                    progress.advance(count as u64);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.downcast::<HttpError>().map_or_else(fault, ArchiveError::from)),
            }
        }
        if hasher.length() != self.file.size {
            let (expected, found) = (self.file.size, hasher.length());
            let found = if found > expected { "more".to_owned() } else { format!("{found} bytes") };
            return Err(self.content(format!("{expected} bytes"), found));
        }
        let found = hasher.finish();
        if found != digest {
            return Err(self.differs(&digest, &found));
        }
        let mut file = made.persist(&kept).map_err(|error| fault(error.error))?;
        file.rewind().map_err(fault)?;
        Ok(file)
    }

    /// By digest where the archive has that, so that an update in between does no harm.
    fn open(&self) -> Result<Box<dyn Read + '_>, ArchiveError> {
        let site = self.from.site;
        let whole = format!("dists/{}/{}", site.path, self.path);
        let folder = whole.rsplit_once('/').map_or("", |(folder, _)| folder);
        let digest = Sha256::from_bytes(self.file.sha256).hex();
        if self.from.release.by_hash
            && let Some(input) = site.place.open(&format!("{folder}/by-hash/SHA256/{digest}"))?
        {
            return Ok(input);
        }
        let absent = || ArchiveError::Index { index: self.name(), reason: format!("{} has no {whole}", site.place) };
        site.place.open(&whole)?.ok_or_else(absent)
    }

    fn differs(&self, expected: &Sha256, found: &Sha256) -> ArchiveError {
        self.content(expected.oci(), found.oci())
    }

    fn content(&self, expected: String, found: String) -> ArchiveError {
        let file = format!("the index {}", self.name());
        ArchiveError::Content { file, place: self.from.site.place.to_string(), expected, found }
    }
}

fn check_known(from: &Verified<'_>, kind: &'static str, wanted: &str, known: &[&str]) -> Result<(), ArchiveError> {
    if known.contains(&wanted) {
        return Ok(());
    }
    let known = known.iter().map(|name| (*name).to_owned()).collect();
    Err(ArchiveError::NotInSuite { suite: from.site.suite.clone(), kind, wanted: wanted.to_owned(), known })
}

fn hash(file: &mut File) -> io::Result<Sha256> {
    let mut hasher = Hasher::new();
    io::copy(file, &mut hasher)?;
    file.rewind()?;
    Ok(hasher.finish())
}

/// Hashes what is read, and fails when it is more than there may be.
struct Hashed<R> {
    input: R,
    hasher: Hasher,
    limit: u64,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        if self.hasher.length() > self.limit {
            let reason = format!("it is larger than {} bytes", self.limit);
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        Ok(count)
    }
}
