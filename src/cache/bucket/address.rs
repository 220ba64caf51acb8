//! What addresses of buckets have in common: a name, a folder, and perhaps a server of one's own.

use super::super::http::Url;

/// What `bucket/folder` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Folder {
    /// The bucket's.
    pub(super) name: String,
    /// Without slashes at its ends; empty for the whole bucket.
    pub(super) path: String,
}

/// A server of one's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) secure: bool,
    /// `host[:port]`, in small letters.
    pub(super) host: String,
}

impl Folder {
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let (name, path) = text.split_once('/').unwrap_or((text, ""));
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if name.is_empty() || name.len() > 255 || !name.bytes().all(plain) || !name.bytes().any(|byte| byte != b'.') {
            return Err("a bucket's name has letters, digits, `.`, `_` and `-`");
        }
        Ok(Self { name: name.to_owned(), path: path.trim_matches('/').to_owned() })
    }

    /// The folder's address behind `root`, which is scheme, host, and what paths of the bucket begin with, up to a slash.
    pub(super) fn url(&self, root: &str) -> Result<Url, &'static str> {
        let wrong = |_| "its folder or endpoint can't stand in an address";
        let bucket = root.parse::<Url>().map_err(wrong)?;
        let url = format!("{root}{}", self.path).parse::<Url>().map_err(wrong)?.as_directory();
        let depth = |path: &str| path.split('/').filter(|part| !part.is_empty()).count();
        let folders = if self.path.is_empty() { 0 } else { self.path.split('/').count() };
        if depth(url.path()) != depth(bucket.path()) + folders || url.path().contains("//") {
            return Err("its folder has `.`, `..` or nothing between slashes");
        }
        Ok(url)
    }

    /// `bucket/folder`
    pub(super) fn shown(&self) -> String {
        if self.path.is_empty() { self.name.clone() } else { format!("{}/{}", self.name, self.path) }
    }
}

impl Endpoint {
    /// Parses `host[:port]`, with or without `http://` or `https://`; without, it is encrypted.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let (secure, host) = match text.split_once("://") {
            Some(("http", host)) => (false, host),
            Some(("https", host)) => (true, host),
            Some(_) => return Err("its endpoint is neither http:// nor https://"),
            None => (true, text),
        };
        let host = host.trim_end_matches('/');
        if host.is_empty() || host.contains(['/', '@', '?', '#']) {
            return Err("its endpoint is no host");
        }
        Ok(Self { secure, host: host.to_ascii_lowercase() })
    }

    /// The one that a setting names.
    pub(super) fn find(settings: &[(&str, &str)]) -> Result<Option<Self>, &'static str> {
        settings.iter().find(|(name, _)| *name == "endpoint").map(|(_, text)| Self::parse(text)).transpose()
    }

    /// `https://host[:port]`
    pub(super) fn origin(&self) -> String {
        format!("{}://{}", if self.secure { "https" } else { "http" }, self.host)
    }
}

/// Whether tokens may be shown to where `url` lies, since they are worth something to whoever sees them: to a cloud's own hosts, whose names
/// end in one of these, and to the server that the user's environment names, never to one that only a project's files name.
pub(super) fn is_trusted(url: &Url, hosts: &[&str], environment: Option<String>) -> bool {
    let own =
        |host: &&str| url.host() == *host || url.host().strip_suffix(host).is_some_and(|rest| rest.ends_with('.'));
    if url.is_secure() && hosts.iter().any(own) {
        return true;
    }
    environment.and_then(|text| text.parse::<Url>().ok()).is_some_and(|named| named.same_origin(url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_stay_with_the_cloud_and_the_user() {
        let trusted = |url: &str, environment: Option<&str>| {
            is_trusted(&url.parse().expect("an address"), &["googleapis.com"], environment.map(str::to_owned))
        };
        assert!(trusted("https://storage.googleapis.com/b/", None));
        assert!(!trusted("http://storage.googleapis.com/b/", None), "in the clear");
        assert!(!trusted("https://googleapis.com.evil.org/b/", None));
        assert!(!trusted("https://evilgoogleapis.com/b/", None));
        assert!(trusted("http://127.0.0.1:9/b/", Some("http://127.0.0.1:9")));
        assert!(!trusted("http://127.0.0.1:8/b/", Some("http://127.0.0.1:9")));
        assert!(!trusted("http://127.0.0.1:9/b/", Some("https://127.0.0.1:9")));
    }
}
