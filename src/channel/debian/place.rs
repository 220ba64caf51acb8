//! Where an archive lies: a folder of this machine or an address, with `dists` and `pool` below it.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::ArchiveError;
use crate::cache::http::{Answer, Conditions, Http, HttpError, ParseUrlError, Url};
use crate::cache::{Location, ParseLocationError};

/// An archive's root. Displays without credentials.
#[derive(Clone)]
pub(super) struct Place {
    site: Site,
    http: Arc<Http>,
}

/// Where archives lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Site {
    /// `http` and `https`; a folder.
    Http(Url),
    /// A folder of this machine.
    Directory(PathBuf),
}

impl Place {
    /// Parses a URL of http, https or file, or a path relative to `project`. `Err` says what is wrong with it.
    pub(super) fn parse(text: &str, project: &Path, http: &Arc<Http>) -> Result<Self, String> {
        match Location::parse(text, project) {
            Ok(Location::Http(url)) => Ok(Self::new(Site::Http(url), Arc::clone(http))),
            Ok(Location::Directory(folder)) => Ok(Self::new(Site::Directory(folder), Arc::clone(http))),
            Ok(Location::Bucket(bucket)) => Err(format!("`{}://` is not spoken here", bucket.scheme())),
            Err(ParseLocationError::Scheme { scheme, .. }) => Err(format!("`{scheme}://` is not spoken here")),
            Err(ParseLocationError::Empty) => Err("it is empty".to_owned()),
            Err(fault) => Err(fault.to_string()),
        }
    }

    /// The place of a site.
    pub(super) fn new(site: Site, http: Arc<Http>) -> Self {
        Self { site, http }
    }

    /// A small file's bytes; `None` if there is no such file.
    pub(super) fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, ArchiveError> {
        match &self.site {
            Site::Http(url) => {
                let url = url.join(&quoted(path)).map_err(invalid)?;
                match self.http.fetch_bytes(&url, limit, Conditions::default())? {
                    Answer::Body(document) => Ok(Some(document.bytes)),
                    Answer::Absent { .. } | Answer::NotModified => Ok(None),
                }
            }
            Site::Directory(folder) => {
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
        match &self.site {
            Site::Http(url) => match self.http.open(&url.join(&quoted(path)).map_err(invalid)?) {
                Ok(download) => Ok(Some(Box::new(download))),
                Err(HttpError::Absent { .. }) => Ok(None),
                Err(fault) => Err(fault.into()),
            },
            Site::Directory(folder) => {
                let file = open(&folder.join(path))?;
                Ok(file.map(|file| Box::new(file) as Box<dyn Read>))
            }
        }
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.site == other.site
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.site {
            Site::Http(url) => fmt::Display::fmt(url, formatter),
            Site::Directory(folder) => write!(formatter, "{}", folder.display()),
        }
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
