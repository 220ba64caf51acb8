//! HTTP addresses: parsed strictly, joined as RFC 3986 says, shown without their credentials.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

#[cfg(feature = "build")]
use percent_encoding::utf8_percent_encode;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};

/// What is encoded in an address: all but what RFC 3986 leaves unreserved.
pub(crate) const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An `http` or `https` address. Displays without user and password, so that no message can leak them.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Url(Arc<Parts>);

#[derive(Clone, PartialEq, Eq, Hash)]
struct Parts {
    secure: bool,
    /// `user:password` as written before the `@`, percent-encoded.
    userinfo: Option<String>,
    host: String,
    port: Option<u16>,
    /// Begins with `/`; dot segments removed.
    path: String,
    /// Without the `?`.
    query: Option<String>,
}

/// The text is no address that can be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an address that can be fetched: {reason}")]
pub struct ParseUrlError {
    /// What was to be parsed, without credentials and shortened.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Url {
    /// Whether the connection is encrypted.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.0.secure
    }

    /// The host's name or address, in lower case.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.0.host
    }

    /// The port, also where it is the scheme's own.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.0.port.unwrap_or(if self.0.secure { 443 } else { 80 })
    }

    /// The path, beginning with `/`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// What follows the `?`.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.0.query.as_deref()
    }

    /// User and password that stand in the address, decoded.
    #[must_use]
    pub fn credentials(&self) -> Option<(String, String)> {
        let (user, password) = self.0.userinfo.as_ref().map(|text| text.split_once(':').unwrap_or((text, "")))?;
        Some((percent_decode(user), percent_decode(password)))
    }

    /// Whether `other` is the same scheme, host and port: what credentials are good for.
    #[must_use]
    pub fn same_origin(&self, other: &Self) -> bool {
        self.0.secure == other.0.secure && self.0.host == other.0.host && self.port() == other.port()
    }

    /// The address as a folder: with a slash at its end and no query.
    #[must_use]
    pub fn as_directory(&self) -> Self {
        let slash = if self.0.path.ends_with('/') { "" } else { "/" };
        self.with(format!("{}{slash}", self.0.path), None)
    }

    /// The same place's `path` and `query`.
    fn with(&self, path: String, query: Option<String>) -> Self {
        Self(Arc::new(Parts { path, query, ..Parts::clone(&self.0) }))
    }

    /// Resolves `reference`, as found in a document at this address.
    ///
    /// Keeps the credentials where the origin stays the same.
    pub fn join(&self, reference: &str) -> Result<Self, ParseUrlError> {
        if has_scheme(reference) {
            let url: Self = reference.parse()?;
            if url.0.userinfo.is_some() || !url.same_origin(self) {
                return Ok(url);
            }
            let parts = Parts { userinfo: self.0.userinfo.clone(), ..Parts::clone(&url.0) };
            return Ok(Self(Arc::new(parts)));
        }
        if let Some(rest) = reference.strip_prefix("//") {
            return self.join(&format!("{}://{rest}", self.scheme()));
        }
        check_characters(reference)?;
        let reference = reference.split_once('#').map_or(reference, |(before, _)| before);
        let (path, query) = split_query(reference);
        let folder = &self.0.path[..=self.0.path.rfind('/').unwrap_or(0)];
        let path = match path {
            "" => self.0.path.clone(),
            absolute if absolute.starts_with('/') => remove_dot_segments(absolute),
            relative => remove_dot_segments(&format!("{folder}{relative}")),
        };
        Ok(self.with(path, query))
    }

    /// What goes over the wire: no credentials.
    #[must_use]
    pub fn request_text(&self) -> String {
        self.to_string()
    }

    fn scheme(&self) -> &'static str {
        if self.0.secure { "https" } else { "http" }
    }
}

/// Whether `text` begins with a scheme and `://`.
#[must_use]
pub fn has_scheme(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    })
}

/// `text` without what may be a user and password in it, shortened: fit for messages.
#[must_use]
pub fn redact(text: &str) -> String {
    let shown = match text.split_once("://") {
        Some((scheme, rest)) => {
            let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            let (authority, path) = rest.split_at(end);
            let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            format!("{scheme}://{host}{path}")
        }
        None => text.to_owned(),
    };
    shown.chars().take(300).flat_map(char::escape_debug).collect()
}

/// `text` as one part of a path, or one value of a query: percent-encoded but for what RFC 3986 leaves unreserved.
#[cfg(feature = "build")]
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

fn split_query(text: &str) -> (&str, Option<String>) {
    text.split_once('?').map_or((text, None), |(path, query)| (path, Some(query.to_owned())))
}

fn check_characters(text: &str) -> Result<(), ParseUrlError> {
    let refused = |reason| ParseUrlError { text: redact(text), reason };
    if text.len() > 8192 {
        return Err(refused("it is longer than 8192 characters"));
    }
    let forbidden = |byte: u8| byte <= b' ' || byte >= 0x7f || b"\"<>\\^`{|}".contains(&byte);
    if text.bytes().any(forbidden) {
        return Err(refused("it has a character that must be percent-encoded"));
    }
    Ok(())
}

/// RFC 3986, 5.2.4. `path` begins with `/`; so does the result, which never leaves the root.
fn remove_dot_segments(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path[1..].split('/').peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if last {
                    kept.push("");
                }
            }
            _ => kept.push(segment),
        }
    }
    format!("/{}", kept.join("/"))
}

/// Decodes `%XX`; what is no UTF-8 then is replaced.
fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let hex = |index: usize| tail.get(index).and_then(|&byte| char::from(byte).to_digit(16));
        if let (b'%', Some(high), Some(low)) = (first, hex(0), hex(1)) {
            bytes.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
            rest = &tail[2..];
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl FromStr for Url {
    type Err = ParseUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = |reason| ParseUrlError { text: redact(text), reason };
        check_characters(text)?;
        let (scheme, rest) = text.split_once("://").ok_or_else(|| refused("it has no scheme"))?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(refused("its scheme is neither `http` nor `https`")),
        };
        let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
        let (authority, tail) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (userinfo, host_and_port) =
            authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user.to_owned()), host));
        let (host, port) = split_port(host_and_port).ok_or_else(|| refused("its port is no number"))?;
        if !valid_host(host) {
            return Err(refused("its host is missing or has characters that no host has"));
        }
        let (path, query) = split_query(tail);
        let path = if path.is_empty() { "/".to_owned() } else { remove_dot_segments(path) };
        let host = host.to_ascii_lowercase();
        Ok(Self(Arc::new(Parts { secure, userinfo, host, port, path, query })))
    }
}

/// Host and port; an IPv6 address keeps its brackets.
fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    let after_address = text.rfind(']').map_or(0, |bracket| bracket + 1);
    match text[after_address..].rfind(':') {
        None => Some((text, None)),
        Some(colon) => {
            let (host, port) = text.split_at(after_address + colon);
            if port == ":" { Some((host, None)) } else { Some((host, Some(port[1..].parse().ok()?))) }
        }
    }
}

fn valid_host(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match address {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)),
    }
}

impl fmt::Display for Url {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}", self.scheme(), self.0.host)?;
        if let Some(port) = self.0.port {
            write!(formatter, ":{port}")?;
        }
        formatter.write_str(&self.0.path)?;
        self.0.query.as_ref().map_or(Ok(()), |query| write!(formatter, "?{query}"))
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().expect("a good address")
    }

    #[test]
    fn shows_no_credentials() {
        let url = url("https://alice:s%40crt@Example.org:8443/cache?x=1#frag");
        assert_eq!(url.to_string(), "https://example.org:8443/cache?x=1");
        assert_eq!(format!("{url:?}"), url.to_string());
        assert_eq!(url.credentials(), Some(("alice".into(), "s@crt".into())));
        let fault = "https://alice:secret@exa mple.org/".parse::<Url>().expect_err("a space");
        assert!(!fault.to_string().contains("secret"), "{fault}");
    }

    #[test]
    fn joins_as_browsers_do() {
        let base = url("https://user:pw@example.org/cache/").as_directory();
        for (reference, expected) in [
            ("nar/x.nar.xz?hash=a/b", "https://example.org/cache/nar/x.nar.xz?hash=a/b"),
            ("/x", "https://example.org/x"),
            ("../../../x", "https://example.org/x"),
            ("a/./b/../c/", "https://example.org/cache/a/c/"),
            ("//other.org/x", "https://other.org/x"),
            ("http://other.org", "http://other.org/"),
            ("?q", "https://example.org/cache/?q"),
        ] {
            assert_eq!(base.join(reference).expect(reference).to_string(), expected);
        }
        assert!(base.join("x").expect("relative").credentials().is_some());
        assert!(base.join("https://example.org/y").expect("same origin").credentials().is_some());
        assert!(base.join("http://example.org/y").expect("another scheme").credentials().is_none());
        assert!(base.join("https://other.org/y").expect("another host").credentials().is_none());
        assert!(base.join("file:///etc/passwd").is_err());
    }

    #[cfg(feature = "build")]
    #[test]
    fn encodes_what_is_reserved() {
        assert_eq!(encoded("a&b=c/é +~-._0"), "a%26b%3Dc%2F%C3%A9%20%2B~-._0");
    }

    #[test]
    fn refuses_what_could_split_a_request() {
        for text in
            ["https://", "https://a b/", "https://a/\r\nHost: b", "https://a:port/", "ftp://a/", "https://[::1/", "a"]
        {
            assert!(text.parse::<Url>().is_err(), "{text}");
        }
        assert_eq!(url("http://[::1]:8080/x").port(), 8080);
        assert_eq!(url("http://[::1]:8080/x").host(), "[::1]");
    }

    proptest::proptest! {
        #[test]
        fn what_is_shown_is_the_same_address(text in "https?://[a-z.]{1,9}(:[0-9]{1,4})?(/[a-z.%/?&=#]{0,30})?") {
            if let Ok(parsed) = text.parse::<Url>() {
                proptest::prop_assert_eq!(parsed.to_string().parse::<Url>(), Ok(parsed));
            }
        }

        #[test]
        fn joined_paths_are_normalised(reference in "[a-z./?#]{0,30}") {
            let base = url("https://example.org/cache/");
            if let Ok(joined) = base.join(&reference) {
                proptest::prop_assert!(!joined.path().split('/').any(|part| part == ".." || part == "."));
                proptest::prop_assert!(joined.path().starts_with('/'));
            }
        }
    }
}
