//! `gs://bucket/folder?endpoint=…`, as Google's tools write it.

use std::fmt;

use super::super::super::http::Url;
use super::super::address::{Endpoint, Folder};

/// Where all buckets are; the interface is the one that is like S3's.
const HOST: &str = "https://storage.googleapis.com";

/// A folder of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cache::bucket) struct Place {
    folder: Folder,
    endpoint: Option<Endpoint>,
    root: Url,
    url: Url,
}

impl Place {
    /// Parses what follows `gs://`, and the settings.
    pub(in crate::cache::bucket) fn parse(rest: &str, settings: &[(&str, &str)]) -> Result<Self, &'static str> {
        let folder = Folder::parse(rest)?;
        let endpoint = Endpoint::find(settings)?;
        let origin = endpoint.as_ref().map_or_else(|| HOST.to_owned(), Endpoint::origin);
        let root = format!("{origin}/{}/", folder.name);
        let url = folder.url(&root)?;
        let root = root.parse().map_err(|_| "its endpoint can't stand in an address")?;
        Ok(Self { folder, endpoint, root, url })
    }

    /// The folder's address, which ends in a slash.
    pub(in crate::cache::bucket) const fn url(&self) -> &Url {
        &self.url
    }

    /// Whether an address is one of the bucket's.
    pub(super) fn holds(&self, url: &Url) -> bool {
        self.root.same_origin(url) && url.path().starts_with(self.root.path())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "gs://{}", self.folder.shown())?;
        self.endpoint.as_ref().map_or(Ok(()), |endpoint| write!(formatter, "?endpoint={}", endpoint.origin()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(rest: &str, settings: &[(&str, &str)]) -> Result<String, &'static str> {
        Place::parse(rest, settings).map(|place| place.url().to_string())
    }

    #[test]
    fn buckets_lie_at_one_host() {
        assert_eq!(url("our-cache", &[]), Ok("https://storage.googleapis.com/our-cache/".to_owned()));
        assert_eq!(url("our.cache/team/a/", &[]), Ok("https://storage.googleapis.com/our.cache/team/a/".to_owned()));
        let emulator = [("endpoint", "http://127.0.0.1:4443/")];
        assert_eq!(url("c", &emulator), Ok("http://127.0.0.1:4443/c/".to_owned()));
        assert_eq!(
            Place::parse("c/d", &emulator).expect("a bucket").to_string(),
            "gs://c/d?endpoint=http://127.0.0.1:4443"
        );
    }

    #[test]
    fn what_could_lead_elsewhere_is_refused() {
        for (rest, endpoint) in
            [("", "h"), ("a@b", "h"), ("a/../b", "h"), ("a/b//c", "h"), ("a", "u:p@h"), ("a", "ftp://h")]
        {
            assert!(url(rest, &[("endpoint", endpoint)]).is_err(), "{rest} {endpoint}");
        }
        let place = Place::parse("ours", &[]).expect("a bucket");
        let holds = |url: &str| place.holds(&url.parse().expect("an address"));
        assert!(holds("https://storage.googleapis.com/ours/x"));
        assert!(!holds("https://storage.googleapis.com/theirs/x") && !holds("http://storage.googleapis.com/ours/x"));
    }
}
