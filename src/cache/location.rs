//! Where a cache lies.

use std::fmt;
use std::path::{Path, PathBuf};

#[cfg(feature = "build")]
use super::bucket::{Bucket, SCHEMES};
use super::http::{ParseUrlError, Url, has_scheme, redact};
use super::settings::{SettingError, StoreSettings};

/// Where a cache lies. Displays without credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// `https://` or `http://`; a folder, so it ends in a slash.
    Http(Url),
    /// A folder of this machine; absolute.
    Directory(PathBuf),
    /// A bucket of a cloud, or of a server that speaks as one does.
    #[cfg(feature = "build")]
    Bucket(Bucket),
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
    /// Settings where none can be.
    #[error("`{text}` has settings after `?`, which are not read here")]
    Settings {
        /// What was to be parsed.
        text: String,
    },
    /// A setting of Nix's store addresses that can't be had.
    #[error("`{text}`: {fault}")]
    Setting {
        /// What was to be parsed.
        text: String,
        /// Which one, and why.
        fault: SettingError,
    },
    /// An address whose bucket, folder or settings can't be.
    #[error("`{text}` names no bucket: {reason}")]
    Bucket {
        /// What was to be parsed.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
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
            Self::Scheme { scheme, .. } if matches!(scheme.as_str(), "s3" | "gs" | "azblob") => {
                Some("a running machine reads https:// and folders: give its bucket an https:// address".to_owned())
            }
            Self::Scheme { scheme, .. } if scheme == "ssh" || scheme == "ssh-ng" => Some(
                "that is a Nix daemon behind ssh, not a cache: serve its packages over https://, or copy them"
                    .to_owned(),
            ),
            Self::Scheme { .. } => Some("serve it over https://, or name a folder".to_owned()),
            Self::Settings { .. } => Some("leave them out".to_owned()),
            Self::Setting { fault, .. } => Some(fault.help().to_owned()),
            Self::Bucket { .. } => Some(
                "write it as `s3://bucket/folder?region=eu-west-1`, `gs://bucket/folder`, or \
                 `azblob://container/folder?account=ours`"
                    .to_owned(),
            ),
            Self::File { .. } => Some("a plain path does as well, relative to the project".to_owned()),
            Self::Empty | Self::Url(_) => None,
        }
    }
}

impl Location {
    /// Parses `https://…`, `http://…`, `file:///…`, `s3://…`, `gs://…`, `azblob://…` or a plain path, which is relative to `project`.
    pub fn parse(text: &str, project: &Path) -> Result<Self, ParseLocationError> {
        let (location, settings) = Self::parse_with_settings(text, project)?;
        let bare = settings == StoreSettings::default();
        if bare { Ok(location) } else { Err(ParseLocationError::Settings { text: redact(text) }) }
    }

    /// The same with what Nix's addresses may have after a `?`: what is harmless is read or passed over, the rest is refused by name.
    pub fn parse_with_settings(text: &str, project: &Path) -> Result<(Self, StoreSettings), ParseLocationError> {
        if text.is_empty() {
            return Err(ParseLocationError::Empty);
        }
        let Some((scheme, rest)) = text.split_once("://").filter(|_| has_scheme(text)) else {
            return Ok((Self::Directory(project.join(text)), StoreSettings::default()));
        };
        let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
        // What stands there by mistake may be a signature, which is as good as a password.
        let shown = || redact(text.split_once('?').map_or(text, |(before, _)| before));
        let mut settings = StoreSettings::default();
        #[cfg(feature = "build")]
        let mut bucket_settings = Vec::new();
        for (name, value) in query.into_iter().flat_map(pairs) {
            #[cfg(feature = "build")]
            if Bucket::has_setting(scheme, name) {
                bucket_settings.push((name, value));
                continue;
            }
            let wrong = |fault| ParseLocationError::Setting { text: shown(), fault };
            settings.set(name, value).map_err(wrong)?;
        }
        let location = match scheme.to_ascii_lowercase().as_str() {
            "https" | "http" => Self::Http(format!("{scheme}://{rest}").parse::<Url>()?.as_directory()),
            "file" if rest.starts_with('/') => Self::Directory(PathBuf::from(rest)),
            "file" => return Err(ParseLocationError::File { text: redact(text) }),
            #[cfg(feature = "build")]
            scheme if SCHEMES.contains(&scheme) => Self::Bucket(
                Bucket::parse(scheme, rest, &bucket_settings)
                    .map_err(|reason| ParseLocationError::Bucket { text: shown(), reason })?,
            ),
            scheme => return Err(ParseLocationError::Scheme { scheme: scheme.to_owned(), text: shown() }),
        };
        Ok((location, settings))
    }
}

/// `a=b&c=d`
fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(url) => fmt::Display::fmt(url, formatter),
            Self::Directory(path) => write!(formatter, "{}", path.display()),
            #[cfg(feature = "build")]
            Self::Bucket(bucket) => fmt::Display::fmt(bucket, formatter),
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
        assert_eq!(parse("https://host/?want-mass-query=true&trusted=false"), Ok("https://host/".into()));
        #[cfg(feature = "build")]
        assert_eq!(parse("s3://bucket?region=eu-west-1"), Ok("s3://bucket?region=eu-west-1".into()));
        #[cfg(feature = "build")]
        assert_eq!(parse("gs://bucket/a/"), Ok("gs://bucket/a".into()));
        #[cfg(feature = "build")]
        assert_eq!(parse("azblob://c/a?account=ours"), Ok("azblob://c/a?account=ours".into()));
    }

    #[test]
    fn a_signature_in_an_address_is_not_shown() {
        for text in ["azblob://c?account=ours&sv=2023&sig=s3cret", "az://c?sig=s3cret", "s3://b?X-Amz-Signature=s3cret"]
        {
            let fault = parse(text).expect_err("no setting");
            assert!(!fault.contains("s3cret"), "{fault}");
        }
    }

    #[test]
    fn other_schemes_are_named() {
        let fault = Location::parse("ssh-ng://key:secret@host", Path::new("/")).expect_err("ssh");
        assert!(fault.to_string().contains("`ssh-ng://`") && !fault.to_string().contains("secret"));
        assert!(fault.help().expect("a remedy").contains("daemon"));
        assert!(parse("https://host/?priority=1").expect_err("settings").contains("settings"));
        assert!(parse("https://host/?trusted=true").expect_err("settings").contains("`trusted`"));
        assert!(parse("file://relative").is_err());
        assert!(parse("").is_err());
    }

    #[test]
    fn a_priority_is_read() {
        let (location, settings) =
            Location::parse_with_settings("https://host/x?priority=7&want-mass-query=1", Path::new("/"))
                .expect("settings");
        assert_eq!((location.to_string().as_str(), settings.priority), ("https://host/x/", Some(7)));
        assert!(Location::parse_with_settings("https://host/x?priority=high", Path::new("/")).is_err());
    }
}
