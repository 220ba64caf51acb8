//! An index's bytes, from a file or over http, and whether they are the ones that were pinned.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::path::{Path, PathBuf};

use crate::cache::Http;
use crate::cache::http::{Url, has_scheme, redact};
use crate::config::{Machine, Names};
use crate::nix::{Hasher, Sha256};

use super::super::error::Error;
use super::super::index::{Index, Limits};

/// Where an index lies.
enum Location {
    Http(Url),
    File(PathBuf),
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
    let mut file = match &location {
        Location::File(path) => File::open(path).map_err(open_fault)?,
        Location::Http(url) => {
            let mut file = tempfile::tempfile().map_err(open_fault)?;
            http.fetch_to(url, Limits::default().size, &mut file)
                .map_err(|source| Error::FetchIndex { channel: channel.to_owned(), source: Box::new(source) })?;
            file.rewind().map_err(open_fault)?;
            file
        }
    };
    let plain = matches!(&location, Location::Http(url) if !url.is_secure());
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

fn parse(text: &str, project: &Path) -> Result<Location, String> {
    if !has_scheme(text) {
        return Ok(Location::File(project.join(text)));
    }
    let lower = text.to_ascii_lowercase();
    if lower.starts_with("https://") || lower.starts_with("http://") {
        return text.parse().map(Location::Http).map_err(|error: crate::cache::http::ParseUrlError| error.to_string());
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
