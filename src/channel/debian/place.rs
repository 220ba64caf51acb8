//! Where an archive lies: a folder of this machine or an address, with `dists` and `pool` below it.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use super::error::ArchiveError;
use crate::cache::http::{Answer, Conditions, Http, HttpError, ParseUrlError};
use crate::cache::{Location, ParseLocationError};

/// An archive's root. Displays without credentials.
#[derive(Clone)]
pub(super) struct Place {
    location: Location,
    http: Arc<Http>,
}

impl Place {
    /// Parses a URL of http, https or file, or a path relative to `project`. `Err` says what is wrong with it.
    pub(super) fn parse(text: &str, project: &Path, http: &Arc<Http>) -> Result<Self, String> {
        match Location::parse(text, project) {
            Ok(location) => Ok(Self { location, http: Arc::clone(http) }),
            Err(ParseLocationError::Scheme { scheme, .. }) => Err(format!("`{scheme}://` is not spoken here")),
            Err(ParseLocationError::Empty) => Err("it is empty".to_owned()),
            Err(fault) => Err(fault.to_string()),
        }
    }

    /// The place at a location.
    pub(super) fn new(location: Location, http: Arc<Http>) -> Self {
        Self { location, http }
    }

    /// A small file's bytes; `None` if there is no such file.
    pub(super) fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, ArchiveError> {
        match &self.location {
            Location::Http(url) => {
                let url = url.join(&quoted(path)).map_err(invalid)?;
                match self.http.fetch_bytes(&url, limit, Conditions::default())? {
                    Answer::Body(document) => Ok(Some(document.bytes)),
                    Answer::Absent { .. } | Answer::NotModified => Ok(None),
                }
            }
            Location::Directory(folder) => {
                let path = folder.join(path);
                let mut bytes = Vec::new();
                let read = match open(&path)? {
                    Some(file) => file.take(limit + 1).read_to_end(&mut bytes),
                    None => return Ok(None),
                };
                match read {
                    Ok(count) if count as u64 <= limit => Ok(Some(bytes)),
                    Ok(_) => Err(ArchiveError::File { path, source: io::ErrorKind::FileTooLarge.into() }),
                    Err(source) => Err(ArchiveError::File { path, source }),
                }
            }
        }
    }

    /// A file to read from its beginning, as it lies there; `None` if there is no such file. Faults of the network come as an
    /// [`io::Error`] that holds an [`HttpError`].
    pub(super) fn open(&self, path: &str) -> Result<Option<Box<dyn Read + '_>>, ArchiveError> {
        match &self.location {
            Location::Http(url) => match self.http.open(&url.join(&quoted(path)).map_err(invalid)?) {
                Ok(download) => Ok(Some(Box::new(download))),
                Err(HttpError::Absent { .. }) => Ok(None),
                Err(fault) => Err(fault.into()),
            },
            Location::Directory(folder) => {
                let file = open(&folder.join(path))?;
                Ok(file.map(|file| Box::new(file) as Box<dyn Read>))
            }
        }
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.location == other.location
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.location, formatter)
    }
}

fn open(path: &Path) -> Result<Option<File>, ArchiveError> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(fault) if matches!(fault.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(source) => Err(ArchiveError::File { path: path.to_owned(), source }),
    }
}

/// A file's name as it stands in an address: a percent sign in it is one.
fn quoted(path: &str) -> String {
    path.replace('%', "%25")
}

fn invalid(fault: ParseUrlError) -> ArchiveError {
    HttpError::Url(fault).into()
}
