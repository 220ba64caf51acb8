//! Packages' files: streamed, and held to what the lock says of them.

use std::io::{self, Read};

use super::error::ArchiveError;
use super::place::Place;
use crate::cache::http::HttpError;
use crate::channel::lock::LockedDeb;
use crate::deb::{PackageName, is_pool_path};
use crate::nix::Hasher;
use crate::progress::Progress;

/// Tries the places in turn; the first fault counts if none has the file whole.
pub(super) fn fetch<T>(
    places: &[&Place],
    name: &PackageName,
    deb: &LockedDeb,
    progress: &dyn Progress,
    work: &mut dyn FnMut(&mut dyn Read) -> io::Result<T>,
) -> Result<T, ArchiveError> {
    let mut first = None;
    for place in places.iter().filter(|_| is_pool_path(&deb.file)) {
        match fetch_from(place, name, deb, progress, work) {
            Ok(Some(made)) => return Ok(made),
            Ok(None) => {}
            Err(fault @ ArchiveError::Consumer { .. }) => return Err(fault),
            Err(fault) => {
                tracing::debug!("{name} from {place}: {fault}");
                first = first.or(Some(fault));
            }
        }
    }
    Err(first.unwrap_or_else(|| ArchiveError::Gone { package: name.clone(), file: deb.file.clone() }))
}

fn fetch_from<T>(
    place: &Place,
    name: &PackageName,
    deb: &LockedDeb,
    progress: &dyn Progress,
    work: &mut dyn FnMut(&mut dyn Read) -> io::Result<T>,
) -> Result<Option<T>, ArchiveError> {
    let Some(input) = place.open(&deb.file)? else { return Ok(None) };
    let mut guard = Guard { input, hasher: Hasher::new(), size: deb.size, progress, fault: None };
    let made = work(&mut guard);
    // What work did not read is a part of the file, too; and of a wrong file that is the nearer cause than work's error.
    if guard.fault.is_none() {
        let _ = io::copy(&mut guard, &mut io::sink());
    }
    guard.check(place, name, deb)?;
    made.map(Some).map_err(|source| ArchiveError::Consumer { package: name.clone(), source })
}

/// Passes a file on, of at most so many bytes, and keeps why that ended.
struct Guard<'a> {
    input: Box<dyn Read + 'a>,
    hasher: Hasher,
    size: u64,
    progress: &'a dyn Progress,
    fault: Option<Fault>,
}

enum Fault {
    Http(HttpError),
    Read(io::Error),
    TooLong,
}

impl Guard<'_> {
    fn check(self, place: &Place, name: &PackageName, deb: &LockedDeb) -> Result<(), ArchiveError> {
        let differs = |expected: String, found: String| {
            let file = format!("{} of package `{name}`", deb.file);
            Err(ArchiveError::Content { file, place: place.to_string(), expected, found })
        };
        match self.fault {
            Some(Fault::Http(fault)) => return Err(fault.into()),
            Some(Fault::Read(source)) => return Err(ArchiveError::File { path: (&*deb.file).into(), source }),
            Some(Fault::TooLong) => return differs(format!("{} bytes", deb.size), "more".to_owned()),
            None => {}
        }
        if self.hasher.length() != deb.size {
            return differs(format!("{} bytes", deb.size), format!("{} bytes", self.hasher.length()));
        }
        let found = self.hasher.finish();
        if found == deb.sha256 { Ok(()) } else { differs(deb.sha256.oci(), found.oci()) }
    }
}

impl Read for Guard<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.fault.is_some() {
            return Err(io::Error::other("the file is not whole"));
        }
        match self.input.read(buffer) {
            Ok(count) if self.hasher.length() + count as u64 > self.size => {
                self.fault = Some(Fault::TooLong);
                Err(io::Error::new(io::ErrorKind::InvalidData, "the file is longer than it must be"))
            }
            Ok(count) => {
                self.hasher.update(&buffer[..count]);
                self.progress.advance(count as u64);
                Ok(count)
            }
            Err(fault) if fault.kind() == io::ErrorKind::Interrupted => Err(fault),
            Err(fault) => {
                let said = fault.to_string();
                self.fault = Some(match fault.downcast::<HttpError>() {
                    Ok(fault) => Fault::Http(fault),
                    Err(fault) => Fault::Read(fault),
                });
                Err(io::Error::other(said))
            }
        }
    }
}
