//! Where blobs come from: the one thing in which registries, archives and layouts differ.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::archive::Archive;
use super::documents::LARGEST_DOCUMENT;
use super::{Error, Location};
use crate::nix::Sha256;
use crate::registry::{Identifier, ManifestBytes, Reference, Registry, Repository};

/// A place, open.
pub(super) enum Place<'a> {
    Registry(Box<Reference>, Repository<'a>),
    Archive(PathBuf, Archive),
    Layout(PathBuf),
}

impl<'a> Place<'a> {
    pub(super) fn open(location: &Location, registry: &'a Registry) -> Result<Self, Error> {
        match location {
            Location::Registry(reference) => {
                Ok(Self::Registry(Box::new(reference.clone()), registry.repository(reference)))
            }
            Location::Archive(path) => Self::archive(path),
            Location::Layout(path) => Ok(Self::Layout(path.clone())),
        }
    }

    pub(super) fn archive(path: &Path) -> Result<Self, Error> {
        let archive = Archive::open(path).map_err(|source| read_error(path, source))?;
        Ok(Self::Archive(path.to_owned(), archive))
    }

    /// As errors name it.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Registry(reference, _) => reference.to_string(),
            Self::Archive(path, _) | Self::Layout(path) => path.display().to_string(),
        }
    }

    /// What the reference of a registry leads to.
    pub(super) fn named(&self) -> Result<Option<ManifestBytes>, Error> {
        let Self::Registry(reference, repository) = self else { return Ok(None) };
        let id = match (&reference.digest, &reference.tag) {
            (Some(digest), _) => Identifier::Digest(*digest),
            (None, tag) => Identifier::Tag(tag.clone().unwrap_or_else(|| "latest".to_owned())),
        };
        let manifest = repository.manifest(&id)?.ok_or_else(|| Error::Absent(reference.clone()))?;
        match reference.digest {
            Some(expected) if expected != manifest.digest => Err(self.digest_error("it", expected, manifest.digest)),
            _ => Ok(Some(manifest)),
        }
    }

    /// An index or manifest by its digest, checked; `None`: it isn't there.
    pub(super) fn manifest(&self, digest: &Sha256, size: u64) -> Result<Option<Vec<u8>>, Error> {
        match self {
            Self::Registry(_, repository) => {
                let manifest = repository.manifest(&Identifier::Digest(*digest))?;
                manifest.map(|manifest| self.checked(&digest.oci(), digest, manifest.bytes)).transpose()
            }
            _ => self.blob_file(digest)?.map(|file| self.small(&digest.oci(), Some((digest, size)), file)).transpose(),
        }
    }

    /// A configuration, checked.
    pub(super) fn config(&self, digest: &Sha256, size: u64) -> Result<Vec<u8>, Error> {
        let bytes = match self {
            Self::Registry(_, repository) => repository.blob(digest, LARGEST_DOCUMENT)?,
            _ => {
                let file = self.blob_file(digest)?.ok_or_else(|| self.incomplete(digest.oci()))?;
                return self.small(&digest.oci(), Some((digest, size)), file);
            }
        };
        self.checked(&digest.oci(), digest, bytes)
    }

    /// A file of an archive or layout by its name there, such as `index.json`; nothing holds it against a digest.
    pub(super) fn file(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let file = match self {
            Self::Registry(..) => None,
            Self::Archive(_, archive) => archive.find(name).map(|span| (span.size, boxed(archive.read(span)))),
            Self::Layout(folder) => self.disk_file(&folder.join(name))?,
        };
        file.map(|file| self.small(name, None, file)).transpose()
    }

    /// A blob as it lies there. From a registry it is checked while it is read.
    pub(super) fn blob(&self, digest: &Sha256, size: u64) -> Result<Box<dyn Read + Send + '_>, Error> {
        if let Self::Registry(_, repository) = self {
            return Ok(boxed(BufReader::with_capacity(1 << 18, repository.open_blob(digest, size)?)));
        }
        let (found, file) = self.blob_file(digest)?.ok_or_else(|| self.incomplete(digest.oci()))?;
        if found != size {
            return Err(self.size_error(digest.oci(), size, found));
        }
        Ok(file)
    }

    fn blob_file(&self, digest: &Sha256) -> Result<Option<Sized<'_>>, Error> {
        let name = format!("blobs/sha256/{}", digest.hex());
        match self {
            Self::Registry(..) => Ok(None),
            Self::Archive(_, archive) => Ok(archive.find(&name).map(|span| (span.size, boxed(archive.read(span))))),
            Self::Layout(folder) => self.disk_file(&folder.join(name)),
        }
    }

    fn disk_file(&self, path: &Path) -> Result<Option<Sized<'_>>, Error> {
        // Neither a pipe nor a terminal that somebody left there makes us wait.
        let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
        let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(read_error(path, error)),
        };
        let metadata = file.metadata().map_err(|source| read_error(path, source))?;
        Ok(metadata.is_file().then(|| (metadata.len(), boxed(BufReader::<File>::with_capacity(1 << 18, file)))))
    }

    /// A document's bytes, held against digest and size where they are known.
    fn small(&self, name: &str, expected: Option<(&Sha256, u64)>, (size, file): Sized<'_>) -> Result<Vec<u8>, Error> {
        if size > LARGEST_DOCUMENT {
            let what = format!("a document of more than {} MiB ({name})", LARGEST_DOCUMENT >> 20);
            return Err(Error::TooMuch { place: self.name(), what });
        }
        let mut bytes = Vec::new();
        let read = file.take(LARGEST_DOCUMENT).read_to_end(&mut bytes);
        read.map_err(|source| Error::Read { place: format!("{name} in {}", self.name()), source })?;
        match expected {
            Some((_, expected)) if expected != size => Err(self.size_error(name.to_owned(), expected, size)),
            Some((digest, _)) => self.checked(name, digest, bytes),
            None => Ok(bytes),
        }
    }

    fn checked(&self, name: &str, expected: &Sha256, bytes: Vec<u8>) -> Result<Vec<u8>, Error> {
        let found = Sha256::of(&bytes);
        if found == *expected { Ok(bytes) } else { Err(self.digest_error(name, *expected, found)) }
    }

    fn digest_error(&self, name: &str, expected: Sha256, found: Sha256) -> Error {
        Error::Digest { place: self.name(), name: name.to_owned(), expected, found }
    }

    fn size_error(&self, name: String, expected: u64, found: u64) -> Error {
        Error::Size { place: self.name(), name, expected, found }
    }

    fn incomplete(&self, name: String) -> Error {
        Error::Incomplete { place: self.name(), name }
    }
}

/// Bytes, and how many.
type Sized<'a> = (u64, Box<dyn Read + Send + 'a>);

fn boxed<'a>(reader: impl Read + Send + 'a) -> Box<dyn Read + Send + 'a> {
    Box::new(reader)
}

fn read_error(path: &Path, source: io::Error) -> Error {
    match source.kind() {
        io::ErrorKind::NotFound => Error::Missing(path.to_owned()),
        _ => Error::Read { place: path.display().to_string(), source },
    }
}
