//! Buckets of three clouds, and of servers that speak as they do: where they lie, who one is to them, how they are written, what their
//! refusals mean.
//!
//! What is read and written goes over [`super::http`]; this room signs it. What the clouds have in common stands here, what they differ in
//! below `s3`, `google` and `azure`.

mod address;
mod azure;
mod credentials;
mod google;
mod refusal;
mod s3;
mod signer;
mod upload;
mod world;

use std::fmt;
use std::io::Write;

use super::http::{Authorize, Http, HttpError, Named, Url};
use signer::Signer;

pub(super) use upload::{Source, Target};

/// A folder of a bucket. Displays without credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket(Place);

/// Where it lies, by whose cloud it is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// `s3://`: S3, or a server that speaks as S3 does.
    S3(s3::Place),
    /// `gs://`: Google Cloud Storage.
    Google(google::Place),
    /// `azblob://`: a container of Azure Blob Storage.
    Azure(azure::Place),
}

/// Schemes of buckets.
pub(super) const SCHEMES: [&str; 3] = ["s3", "gs", "azblob"];

impl Bucket {
    /// Whether an address with this scheme has this setting after its `?`.
    pub(super) fn has_setting(scheme: &str, name: &str) -> bool {
        let known: &[&str] = match scheme {
            "s3" => &["region", "profile", "endpoint", "scheme", "addressing-style"],
            "gs" => &["endpoint"],
            "azblob" => &["account", "endpoint", "addressing-style"],
            _ => &[],
        };
        known.contains(&name)
    }

    /// Parses what follows `scheme://`, and the settings; `Err` says what is wrong with them.
    pub(super) fn parse(scheme: &str, rest: &str, settings: &[(&str, &str)]) -> Result<Self, &'static str> {
        match scheme {
            "s3" => s3::Place::parse(rest, settings).map(Place::S3),
            "gs" => google::Place::parse(rest, settings).map(Place::Google),
            "azblob" => azure::Place::parse(rest, settings, &world::variable).map(Place::Azure),
            _ => Err("no cloud has this scheme"),
        }
        .map(Self)
    }

    /// `s3`, `gs` or `azblob`.
    #[must_use]
    pub const fn scheme(&self) -> &'static str {
        match &self.0 {
            Place::S3(_) => "s3",
            Place::Google(_) => "gs",
            Place::Azure(_) => "azblob",
        }
    }

    /// Whether connections to it are encrypted.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.url().is_secure()
    }

    /// The folder's address, which ends in a slash.
    pub(super) const fn url(&self) -> &Url {
        match &self.0 {
            Place::S3(place) => place.url(),
            Place::Google(place) => place.url(),
            Place::Azure(place) => place.url(),
        }
    }

    /// Who signs requests to it.
    pub(super) fn signer(&self) -> Box<dyn Authorize> {
        match &self.0 {
            Place::S3(place) => Box::new(Signer::new(s3::Cloud::new(place.clone()))),
            Place::Google(place) => Box::new(Signer::new(google::Cloud::new(place.clone()))),
            Place::Azure(place) => Box::new(Signer::new(azure::Cloud::new(place.clone()))),
        }
    }

    /// The header that makes a write hold only where the object is still `version`, or, for `None`, where there is no object.
    pub(super) fn condition<'a>(&self, version: Option<&'a str>) -> (&'static str, &'a str) {
        match (&self.0, version) {
            (Place::Google(_), version) => ("x-goog-if-generation-match", version.unwrap_or("0")),
            (Place::S3(_) | Place::Azure(_), Some(version)) => ("if-match", version),
            (Place::S3(_) | Place::Azure(_), None) => ("if-none-match", "*"),
        }
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::S3(place) => fmt::Display::fmt(place, formatter),
            Place::Google(place) => fmt::Display::fmt(place, formatter),
            Place::Azure(place) => fmt::Display::fmt(place, formatter),
        }
    }
}

/// Fetches the object of at most `limit` bytes that an address names, as if it were a folder, into `out`. Tells how many bytes were written.
pub fn fetch_object(http: &Http, object: &Bucket, limit: u64, out: &mut dyn Write) -> Result<u64, HttpError> {
    let signer = object.signer();
    let url = object.url().to_string().trim_end_matches('/').parse()?;
    http.fetch_named(&url, Named { signer: Some(&*signer), from: None }, limit, out)
}
