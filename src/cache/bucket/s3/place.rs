//! `s3://bucket/folder?region=…&endpoint=…&profile=…&scheme=…`, as Nix writes it.

use std::fmt;

use super::super::super::http::Url;
use super::super::address::{Endpoint, Folder};

/// Where buckets lie that don't say so.
const REGION: &str = "us-east-1";

/// A folder of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cache::bucket) struct Place {
    address: Address,
    url: Url,
}

/// What an address says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Address {
    folder: Folder,
    region: String,
    /// The section of `~/.aws/credentials`.
    profile: Option<String>,
    /// `host[:port]` of a server of one's own.
    endpoint: Option<String>,
    secure: bool,
    /// The bucket is the path's first part, not the host's.
    in_path: bool,
}

impl Place {
    /// Parses what follows `s3://`, and the settings.
    pub(in crate::cache::bucket) fn parse(rest: &str, settings: &[(&str, &str)]) -> Result<Self, &'static str> {
        let address = Address::parse(rest, settings)?;
        let url = address.folder.url(&format!("{}{}", address.origin(&address.region), address.root()))?;
        Ok(Self { address, url })
    }

    /// The region that the address names.
    pub(super) fn region(&self) -> &str {
        &self.address.region
    }

    /// The profile that the address names.
    pub(super) fn profile(&self) -> Option<&str> {
        self.address.profile.as_deref()
    }

    /// Scheme and host where the bucket lies if it is in `region`.
    pub(super) fn origin(&self, region: &str) -> String {
        self.address.origin(region)
    }

    /// What paths of the bucket begin with.
    pub(super) fn root(&self) -> String {
        self.address.root()
    }

    /// The folder's address, which ends in a slash.
    pub(in crate::cache::bucket) const fn url(&self) -> &Url {
        &self.url
    }
}

impl Address {
    fn parse(rest: &str, settings: &[(&str, &str)]) -> Result<Self, &'static str> {
        let folder = Folder::parse(rest)?;
        let name = &folder.name;
        let no_host =
            name.contains(['.', '_']) || name.bytes().any(|byte| byte.is_ascii_uppercase()) || name.len() > 63;
        let mut address =
            Self { folder, region: REGION.to_owned(), profile: None, endpoint: None, secure: true, in_path: no_host };
        // The endpoint decides what `scheme` and `addressing-style` mean, wherever it stands.
        if let Some(Endpoint { secure, host }) = Endpoint::find(settings)? {
            (address.endpoint, address.secure, address.in_path) = (Some(host), secure, true);
        }
        for (name, value) in settings {
            address.set(name, value)?;
        }
        Ok(address)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), &'static str> {
        match (name, value) {
            ("region", region) if is_region(region) => region.clone_into(&mut self.region),
            ("region", _) => return Err("a region has small letters, digits and `-`"),
            ("profile", "") => return Err("its profile has no name"),
            ("profile", profile) => self.profile = Some(profile.to_owned()),
            ("scheme", "https") => self.secure = true,
            ("scheme", "http") => self.secure = false,
            ("scheme", _) => return Err("its scheme is neither `http` nor `https`"),
            ("addressing-style", "path") => self.in_path = true,
            ("addressing-style", "virtual") => self.in_path = false,
            ("addressing-style", "auto") | ("endpoint", _) => {}
            _ => return Err("its addressing-style is none of `auto`, `path` and `virtual`"),
        }
        Ok(())
    }

    /// Scheme and host where the bucket lies if it is in `region`.
    fn origin(&self, region: &str) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        let china = if region.starts_with("cn-") { ".cn" } else { "" };
        let host = self.endpoint.clone().unwrap_or_else(|| format!("s3.{region}.amazonaws.com{china}"));
        if self.in_path { format!("{scheme}://{host}") } else { format!("{scheme}://{}.{host}", self.folder.name) }
    }

    /// What paths of the bucket begin with.
    fn root(&self) -> String {
        if self.in_path { format!("/{}/", self.folder.name) } else { "/".to_owned() }
    }
}

/// Whether this can be a region's name: part of a host's name is made of it.
pub(super) fn is_region(text: &str) -> bool {
    let fits = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    fits && !text.is_empty() && text.len() <= 64
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = &self.address;
        write!(formatter, "s3://{}?region={}", address.folder.shown(), address.region)?;
        if let Some(endpoint) = &address.endpoint {
            let scheme = if address.secure { "https" } else { "http" };
            write!(formatter, "&endpoint={scheme}://{endpoint}")?;
        }
        address.profile.as_ref().map_or(Ok(()), |profile| write!(formatter, "&profile={profile}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(rest: &str, settings: &[(&str, &str)]) -> Result<String, &'static str> {
        Place::parse(rest, settings).map(|place| place.url().to_string())
    }

    #[test]
    fn buckets_lie_where_nix_has_them() {
        assert_eq!(url("our-cache", &[]), Ok("https://our-cache.s3.us-east-1.amazonaws.com/".to_owned()));
        assert_eq!(
            url("our.cache/team/a/", &[("region", "cn-north-1")]),
            Ok("https://s3.cn-north-1.amazonaws.com.cn/our.cache/team/a/".to_owned())
        );
        assert_eq!(
            url("c", &[("scheme", "http"), ("endpoint", "minio.example.org:9000")]),
            Ok("http://minio.example.org:9000/c/".to_owned())
        );
        assert_eq!(url("c", &[("endpoint", "http://[::1]:9")]), Ok("http://[::1]:9/c/".to_owned()));
        assert_eq!(
            url("c", &[("endpoint", "storage.example.org"), ("addressing-style", "virtual")]),
            Ok("https://c.storage.example.org/".to_owned())
        );
    }

    #[test]
    fn what_could_lead_elsewhere_is_refused() {
        for (rest, setting) in [
            ("", ("scheme", "https")),
            ("a@b", ("scheme", "https")),
            ("a/../b", ("scheme", "https")),
            ("a/b//c", ("scheme", "https")),
            ("a", ("region", "x.evil.org/")),
            ("a", ("region", "")),
            ("a", ("endpoint", "user:password@host")),
            ("a", ("endpoint", "ftp://host")),
            ("a", ("scheme", "ftp")),
            ("a", ("addressing-style", "odd")),
            ("a", ("profile", "")),
        ] {
            assert!(url(rest, &[setting]).is_err(), "{rest} {setting:?}");
        }
    }
}
