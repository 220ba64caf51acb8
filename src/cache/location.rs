//! Where a cache lies.

use std::fmt;
use std::path::{Path, PathBuf};

use super::http::{ParseUrlError, Url, has_scheme, redact};

/// Where a cache lies. Displays without credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// `https://` or `http://`; a folder, so it ends in a slash.
    Http(Url),
    /// A folder of this machine; absolute.
    Directory(PathBuf),
}

/// The text names no place that a cache can be read from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseLocationError {
    /// A scheme of Nix's that is not spoken here.
    #[error("caches at `{scheme}://` can't be read (in `{text}`)")]
    Scheme {
        /// `s3`, `ssh-ng`, …
        scheme: String,
        /// What was to be parsed.
        text: String,
    },
    /// Settings of Nix's store addresses.
    #[error("`{text}` has settings after `?`, which are not read here")]
    Settings {
        /// What was to be parsed.
        text: String,
    },
    /// A `file://` address with a host, or none with a path.
    #[error("`{text}` names no folder of this machine (expected `file:///folder`)")]
    File {
        /// What was to be parsed.
        text: String,
    },
    /// No text.
    #[error("the address of the cache is empty")]
    Empty,
    /// No HTTP address.
    #[error(transparent)]
    Url(#[from] ParseUrlError),
}

impl ParseLocationError {
    /// What the user can do about it.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Scheme { scheme, .. } if scheme == "s3" => {
                Some("name the bucket's https:// address, or copy it with `dumbc cache mirror`".to_owned())
            }
            Self::Scheme { .. } => Some("serve it over https://, or name a folder".to_owned()),
            Self::Settings { .. } => Some("leave them out; a cache's own priority decides the order".to_owned()),
            Self::File { .. } => Some("a plain path does as well, relative to the project".to_owned()),
            Self::Empty | Self::Url(_) => None,
        }
    }
}

impl Location {
    /// Parses `https://…`, `http://…`, `file:///…` or a plain path, which is relative to `project`.
    pub fn parse(text: &str, project: &Path) -> Result<Self, ParseLocationError> {
        if text.is_empty() {
            return Err(ParseLocationError::Empty);
        }
        if !has_scheme(text) {
            return Ok(Self::Directory(project.join(text)));
        }
        let settings = || ParseLocationError::Settings { text: redact(text) };
        match text.split_once("://").map(|(scheme, rest)| (scheme.to_ascii_lowercase(), rest)) {
            Some((scheme, _)) if scheme == "https" || scheme == "http" => {
                let url: Url = text.parse()?;
                if url.query().is_some() { Err(settings()) } else { Ok(Self::Http(url.as_directory())) }
            }
            Some((scheme, path)) if scheme == "file" => match path {
                _ if path.contains('?') => Err(settings()),
                _ if path.starts_with('/') => Ok(Self::Directory(PathBuf::from(path))),
                _ => Err(ParseLocationError::File { text: redact(text) }),
            },
            Some((scheme, _)) => Err(ParseLocationError::Scheme { scheme, text: redact(text) }),
            None => Ok(Self::Directory(project.join(text))),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(url) => fmt::Display::fmt(url, formatter),
            Self::Directory(path) => write!(formatter, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, String> {
        Location::parse(text, Path::new("/project"))
            .map(|location| location.to_string())
            .map_err(|fault| fault.to_string())
    }

    #[test]
    fn places_of_every_kind() {
        assert_eq!(parse("https://cache.example.org"), Ok("https://cache.example.org/".into()));
        assert_eq!(parse("http://u:p@host/x/"), Ok("http://host/x/".into()));
        assert_eq!(parse("file:///srv/cache"), Ok("/srv/cache".into()));
        assert_eq!(parse("../cache"), Ok("/project/../cache".into()));
        assert_eq!(parse("/srv/cache"), Ok("/srv/cache".into()));
    }

    #[test]
    fn other_schemes_are_named() {
        assert!(parse("s3://bucket?region=eu").expect_err("s3").contains("`s3://`"));
        assert!(parse("ssh-ng://host").expect_err("ssh").contains("`ssh-ng://`"));
        assert!(parse("https://host/?priority=1").expect_err("settings").contains("settings"));
        assert!(parse("file://relative").is_err());
        assert!(parse("").is_err());
        let fault = Location::parse("s3://key:secret@bucket", Path::new("/")).expect_err("s3");
        assert!(!fault.to_string().contains("secret") && fault.help().is_some());
    }
}
