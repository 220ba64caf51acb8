//! An index's bytes, from a file or over http, and whether they are the ones that were pinned.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::path::{Path, PathBuf};

#[cfg(feature = "build")]
use crate::cache;
use crate::cache::Http;
use crate::cache::http::{HttpError, Url, has_scheme, redact};
use crate::config::{Machine, Names};
use crate::nix::{Hasher, Sha256};

use super::super::error::Error;
use super::super::index::{Index, Limits};

/// Where an index lies.
enum Location {
    Http(Url),
    File(PathBuf),
    #[cfg(feature = "build")]
    Bucket(cache::Bucket),
}

/// Reads the index of a channel. Over plain http it must be the one that the files pin.
pub(super) fn load(channel: &str, machine: &Machine, http: &Http) -> Result<Index, Error> {
    let names = machine.channels.get(channel).map(|channel| &channel.names);
    let Some(Names::Index { location: text, hash: pinned }) = names else {
        return Err(Error::Channel { channel: channel.to_owned(), reason: "it has no `index`".to_owned() });
    };
    let location = parse(text, &machine.project)
        .map_err(|reason| Error::Channel { channel: channel.to_owned(), reason: format!("`index`: {reason}") })?;
    let open_fault = |source| Error::OpenIndex { channel: channel.to_owned(), location: redact(text), source };
    let mut file = if let Location::File(path) = &location {
        File::open(path).map_err(open_fault)?
    } else {
        let mut file = tempfile::tempfile().map_err(open_fault)?;
        fetch(&location, http, &mut file)
            .map_err(|source| Error::FetchIndex { channel: channel.to_owned(), source: Box::new(source) })?;
        file.rewind().map_err(open_fault)?;
        file
    };
    let plain = match &location {
        Location::Http(url) => !url.is_secure(),
        #[cfg(feature = "build")]
        Location::Bucket(object) => !object.is_secure(),
        Location::File(_) => false,
    };
    // Before it is read: of a wrong index nothing else is worth saying.
    if plain || pinned.is_some() {
        let found = hash(&mut file).map_err(open_fault)?;
        check(channel, *pinned, found)?;
    }
    Index::read(file, Limits::default()).map_err(|source| Error::Index {
        channel: channel.to_owned(),
        location: redact(text),
        source,
    })
}

fn fetch(location: &Location, http: &Http, file: &mut File) -> Result<u64, HttpError> {
    let limit = Limits::default().size;
    match location {
        Location::Http(url) => http.fetch_to(url, limit, file),
        #[cfg(feature = "build")]
        Location::Bucket(object) => cache::fetch_object(http, object, limit, file),
        Location::File(_) => Ok(0),
    }
}

fn parse(text: &str, project: &Path) -> Result<Location, String> {
    if !has_scheme(text) {
        return Ok(Location::File(project.join(text)));
    }
    let lower = text.to_ascii_lowercase();
    if lower.starts_with("https://") || lower.starts_with("http://") {
        return text.parse().map(Location::Http).map_err(|error: crate::cache::http::ParseUrlError| error.to_string());
    }
    #[cfg(feature = "build")]
    if ["s3://", "gs://", "azblob://"].iter().any(|start| lower.starts_with(start)) {
        return match cache::Location::parse(text, project) {
            Ok(cache::Location::Bucket(object)) => Ok(Location::Bucket(object)),
            Ok(_) => Err("it is no object of a bucket".to_owned()),
            Err(error) => Err(error.to_string()),
        };
    }
    match text.split_once("://") {
        Some((scheme, path)) if scheme.eq_ignore_ascii_case("file") && path.starts_with('/') => {
            Ok(Location::File(PathBuf::from(path)))
        }
        _ => Err(format!("`{}` is neither an http address nor a file", redact(text))),
    }
}

fn hash(file: &mut File) -> io::Result<Sha256> {
    let mut hasher = Hasher::new();
    io::copy(&mut file.take(Limits::default().size + 1), &mut hasher)?;
    file.rewind()?;
    Ok(hasher.finish())
}

fn check(channel: &str, pinned: Option<Sha256>, found: Sha256) -> Result<(), Error> {
    let channel = channel.to_owned();
    match pinned {
        None => Err(Error::UnpinnedIndex { channel, found }),
        Some(expected) if expected != found => Err(Error::IndexHash { channel, expected, found }),
        Some(_) => Ok(()),
    }
}
